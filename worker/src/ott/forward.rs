//! Passing a partner's call on to an origin: the same method, path, query and bytes, with the partner's own signature
//! beside ours. It is sent to an origin once: the origin spends its nonce.

use crate::answer::json_bytes;
use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, Party, Stop};
use crate::origin::{read_answer_of, read_refusal, unexpected};
use crate::platform::Platform;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use onbill_domain::reject::ErrorCode;
use onbill_domain::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT};
use onbill_domain::wire::edge::{
    PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER, SUBSCRIBER_HANDLE_HEADER,
};
use serde::de::DeserializeOwned;

/// What is kept of the partner's headers, and under which name. Nothing else of them reaches an origin.
const KEPT: [(&str, &str); 4] = [
    ("content-type", "content-type"),
    (CONTENT_DIGEST, CONTENT_DIGEST),
    (SIGNATURE_INPUT, PARTNER_SIGNATURE_INPUT_HEADER),
    (SIGNATURE, PARTNER_SIGNATURE_HEADER),
];

/// What partners are answered when all is well.
const SUCCESSES: [StatusCode; 3] = [StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED];

/// Sends the call to `operator`'s origin, with the subscriber's handle when the store had one.
pub(crate) async fn forward<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    subscriber: Option<&str>,
) -> Result<Response<Bytes>, Fault> {
    let party = Party::Operator(operator.id.clone());
    let request = copy(call, operator, subscriber).ok_or_else(|| Fault::CannotSend(party.clone()))?;
    call.send(request, party).await
}

fn copy<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    subscriber: Option<&str>,
) -> Option<Request<Bytes>> {
    let path = call.request.uri().path_and_query()?;
    let mut request = Request::builder()
        .method(call.request.method())
        .uri(format!("{}{path}", operator.origin))
        .body(call.request.body().clone())
        .ok()?;
    let headers = request.headers_mut();
    for (from, to) in KEPT {
        if let Some(value) = call.request.headers().get(from) {
            headers.insert(HeaderName::from_static(to), value.clone());
        }
    }
    // A handle that cannot stand in a header was not written by an origin: the call goes on as if there were none.
    if let Some(handle) = subscriber.and_then(|handle| HeaderValue::from_str(handle).ok()) {
        headers.insert(HeaderName::from_static(SUBSCRIBER_HANDLE_HEADER), handle);
    }
    Some(request)
}

/// What is kept of an answer's headers: the origin has signed it for the partner.
const ANSWER_KEPT: [HeaderName; 3] = [
    HeaderName::from_static(CONTENT_DIGEST),
    HeaderName::from_static(SIGNATURE_INPUT),
    HeaderName::from_static(SIGNATURE),
];

/// The origin's answer for the partner: a success of type `A` byte for byte, with the origin's signature, or a refusal that
/// partners know. Whatever else it is, the partner gets 503 and asks again with the same identifiers.
pub(crate) fn relay<A: DeserializeOwned>(
    operator: &Operator,
    response: &Response<Bytes>,
) -> Result<Response<Bytes>, Stop> {
    let party = Party::Operator(operator.id.clone());
    if response.status().is_success() {
        read_answer_of::<A>(response, &party, &SUCCESSES)?;
        let mut relayed = json_bytes(response.status(), response.body().clone());
        for name in &ANSWER_KEPT {
            if let Some(value) = response.headers().get(name) {
                relayed.headers_mut().insert(name, value.clone());
            }
        }
        return Ok(relayed);
    }
    match read_refusal(response) {
        Some(reject) if is_for_partner(reject.code) => Err(reject.into()),
        other => Err(unexpected(party, response, other.map(|reject| reject.code)).into()),
    }
}

/// The contract's codes but those that can only mean that edge and origin do not fit together, and the widget's own.
fn is_for_partner(code: ErrorCode) -> bool {
    !matches!(
        code,
        ErrorCode::BodyTooLarge
            | ErrorCode::UnsupportedMediaType
            | ErrorCode::NotFound
            | ErrorCode::MethodNotAllowed
            | ErrorCode::AlreadyOnBill
            | ErrorCode::PartnerUnavailable
    )
}
