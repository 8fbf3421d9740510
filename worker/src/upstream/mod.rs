//! The parties that the edge calls: operators' origins and partners. Here is the signed sending of
//! a call; what comes back is read in `response.rs`. Passing a partner's call on is in
//! `ott/forward.rs`.

mod response;

pub(crate) use response::{OK_CREATED_OR_ACCEPTED, OK_OR_CREATED, UpstreamResponse, is_for_partner};

use crate::call::Call;
use crate::config::{Config, Operator, Partner};
use crate::fault::{Fault, HandlerError, Party};
use crate::platform::{Platform, Unreachable};
use crate::refusal_words::add_words;
use crate::response::JSON;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{Key, KeyUse};
use onbill_domain::signature::sign_request;
use response::is_for_widget;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Calls `operator`'s origin for the widget. A refusal that the widget has a sentence for is passed
/// on, with the sentence for the operator's own reason.
pub(crate) async fn query_for_widget<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    body: &impl Serialize,
) -> Result<T, HandlerError> {
    let response = post_to_origin(call, operator, path, body).await?;
    match response.read(&OK_OR_CREATED, is_for_widget) {
        Err(HandlerError::Reject(reject)) => Err(add_words(reject, call.request.body())?.into()),
        read => read,
    }
}

/// Whom the edge calls, with the key that it signs with.
#[derive(Clone, Copy)]
pub(crate) enum Recipient<'r> {
    Operator(&'r Operator),
    Partner(&'r Partner),
}

impl<'r> Recipient<'r> {
    fn party(self) -> Party {
        match self {
            Self::Operator(operator) => Party::Operator(operator.id.clone()),
            Self::Partner(partner) => Party::Partner(partner.id.clone()),
        }
    }

    fn signing_key(self, config: &'r Config) -> Option<&'r Key> {
        match self {
            Self::Operator(operator) => {
                operator.keys().signing_key(KeyUse::EdgeToOrigin, operator.key_party())
            }
            Self::Partner(partner) => {
                config.partner_keys().signing_key(KeyUse::EdgeToPartner, partner.key_party())
            }
        }
    }

    /// The fault when a request could not be built or signed.
    pub(crate) fn cannot_send(self) -> Fault {
        Fault::CannotSend(self.party())
    }
}

/// Calls `operator`'s origin with `body` as JSON.
pub(crate) async fn post_to_origin<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    body: &impl Serialize,
) -> Result<UpstreamResponse, Fault> {
    post_json(call, Recipient::Operator(operator), &format!("{}{path}", operator.origin), body).await
}

/// Calls a party with `body` as JSON.
pub(crate) async fn post_json<P: Platform>(
    call: &Call<'_, P>,
    recipient: Recipient<'_>,
    url: &str,
    body: &impl Serialize,
) -> Result<UpstreamResponse, Fault> {
    let build = || {
        let body = Bytes::from(serde_json::to_vec(body).ok()?);
        Request::builder().method(Method::POST).uri(url).header(CONTENT_TYPE, JSON).body(body).ok()
    };
    let request = build().ok_or_else(|| recipient.cannot_send())?;
    send_signed(call, request, recipient).await
}

/// Signs a request with the edge's key for the recipient and sends it; a fault when there is no
/// response.
pub(crate) async fn send_signed<P: Platform>(
    call: &Call<'_, P>,
    mut request: Request<Bytes>,
    recipient: Recipient<'_>,
) -> Result<UpstreamResponse, Fault> {
    let cannot_send = || recipient.cannot_send();
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    let key = recipient.signing_key(call.config).ok_or_else(cannot_send)?;
    let nonce = encode_base64url(&call.platform.random_bytes().ok_or(Fault::NoRandomness)?);
    call.correlation.write_headers(request.headers_mut(), &nonce);
    let party = recipient.party();
    // A caller that has not signed is not known.
    if matches!(party, Party::Operator(_)) && call.notes.partner().is_some() {
        call.correlation.write_state(request.headers_mut());
    }
    sign_request(&mut request, key, call.platform.now(), &nonce).ok_or_else(cannot_send)?;
    match send_noted(call, &party, request).await {
        Ok(response) => Ok(UpstreamResponse::new(party, response)),
        Err(why) => Err(Fault::Unreachable(party, why)),
    }
}

/// Sends a request, and notes whom it went to and how long it took.
async fn send_noted<P: Platform>(
    call: &Call<'_, P>,
    party: &Party,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Unreachable> {
    let operator = match party {
        Party::Operator(operator) => operator,
        Party::Partner(partner) => {
            call.notes.note_partner(partner);
            return call.platform.send(request).await;
        }
    };
    let _under_way = call.notes.begin_origin_call(operator, || call.platform.now_milliseconds());
    let result = call.platform.send(request).await;
    if result.as_ref().is_ok_and(|response| response.status().is_success()) {
        call.notes.note_answered(operator);
    }
    result
}
