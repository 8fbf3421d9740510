//! Who is calling. [`EdgeCall`] is a call of our own edge, signed by it; [`OperatorCall`] one of the operator's own
//! systems. [`PartnerCall`] is a partner's call that the edge forwarded: the edge's signature and the partner's own, over
//! the same bytes, are both verified here, so that an edge in the wrong hands still cannot speak for a partner.
//!
//! A handler that takes one of them has an authentic caller; there is no other way to get one. Each carries the
//! [`Nonce`] that its use case must spend. A partner's call is verified on its way to the handler, by [`admit_partner`],
//! because its answer is signed on the way back.

use crate::app::App;
use crate::fault::{Failure, Fault};
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::{
    self, CONTENT_DIGEST, Nonce, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE,
    SIGNATURE_INPUT,
};
use onbill_domain::wire::edge::{
    PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER, SUBSCRIBER_HANDLE_HEADER,
};
use onbill_domain::wire::parse;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A call that the edge made itself.
pub struct EdgeCall {
    /// The body.
    pub body: Bytes,
    /// To be spent by the use case.
    pub nonce: Nonce,
}

/// A call of the operator's own systems.
pub struct OperatorCall {
    /// The body.
    pub body: Bytes,
    /// To be spent by the use case.
    pub nonce: Nonce,
}

/// A partner's call that the edge forwarded.
#[derive(Clone, Debug)]
pub struct PartnerCall {
    /// Who calls.
    pub partner: PartnerId,
    /// The body, as the partner signed it.
    pub body: Bytes,
    /// The partner's nonce, to be spent by the use case.
    pub nonce: Nonce,
    /// The subscriber's handle that the edge routed by, if it had one.
    pub subscriber: Option<String>,
}

impl OperatorCall {
    /// What the body says, where a call may also have none: then nothing is asked for beyond what the path says. 400
    /// `invalid-request` for a body that is no object.
    pub fn asked<T: DeserializeOwned + Default>(&self) -> Result<T, Reject> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        let members: serde_json::Map<String, serde_json::Value> = parse(&self.body)?;
        drop(members);
        parse(&self.body)
    }
}

impl FromRequest<Arc<App>> for EdgeCall {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let call = Received::read(request).await?;
        let nonce = call.verify_caller(app, KeyUse::EdgeToOrigin)?;
        Ok(Self { body: call.body, nonce })
    }
}

impl FromRequest<Arc<App>> for OperatorCall {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let call = Received::read(request).await?;
        let nonce = call.verify_caller(app, KeyUse::OperatorToOrigin)?;
        Ok(Self { body: call.body, nonce })
    }
}

impl FromRequestParts<Arc<App>> for PartnerCall {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        let admitted = parts.extensions.remove::<Self>();
        admitted.ok_or_else(|| Fault::Broken("a partner's call has come in by another door").into())
    }
}

/// The door for the partner's calls: what goes in is authentic, and a success that comes out is signed by this operator, so
/// that the edge in between can keep it back but not change it. Refusals are the edge's to give as well.
pub(super) async fn admit_partner(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let mut onward = Request::new(Body::empty());
    *onward.method_mut() = request.method().clone();
    *onward.uri_mut() = request.uri().clone();
    *onward.extensions_mut() = std::mem::take(request.extensions_mut());

    let received = Received::read(request).await?;
    let call = received.verify_partner(&app)?;
    let partner = call.partner.clone();
    onward.extensions_mut().insert(call);
    let response = next.run(onward).await;
    if response.status().is_success() {
        Ok(received.sign_answer(&app, &partner, response).await?)
    } else {
        Ok(response)
    }
}

/// A request, read whole and bounded.
struct Received {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    async fn read(request: Request<Body>) -> Result<Self, Reject> {
        let too_large = || Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB.");
        let (parts, body) = request.into_parts();
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
        // What has no body has no type either.
        if [Method::POST, Method::PUT].contains(&parts.method)
            && !body.is_empty()
            && !content_type(&parts.headers)
                .is_some_and(|found| found.eq_ignore_ascii_case("application/json"))
        {
            return Err(Reject::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."));
        }
        Ok(Self { method: parts.method, uri: parts.uri, headers: parts.headers, body })
    }

    /// Verifies both signatures of a partner's call: of the edge, and of the partner.
    fn verify_partner(&self, app: &App) -> Result<PartnerCall, Reject> {
        self.verify_caller(app, KeyUse::EdgeToOrigin)?;
        let presented = ReceivedSignature::from_headers_named(
            &self.headers,
            PARTNER_SIGNATURE_INPUT_HEADER,
            PARTNER_SIGNATURE_HEADER,
        );
        // The partner signed for the edge it called, which is ours by configuration, not by what the edge says.
        let (party, nonce) = self.verify(app, presented, KeyUse::PartnerCall, app.config.edge_authority())?;
        let partner = party.strip_prefix("partner:").and_then(PartnerId::parse);
        let partner = partner.ok_or_else(Reject::unauthorized)?;
        let subscriber = self
            .headers
            .get(SUBSCRIBER_HANDLE_HEADER)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(PartnerCall { partner, body: self.body.clone(), nonce, subscriber })
    }

    /// Signs the answer to this call for the partner.
    async fn sign_answer(
        &self,
        app: &App,
        partner: &PartnerId,
        response: Response,
    ) -> Result<Response, Fault> {
        let key = app.keys.signing_key(KeyUse::OriginToPartner, &format!("partner:{partner}"));
        let key = key.ok_or(Fault::Broken("there is no key to sign an answer with"))?;
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await;
        let body = body.map_err(|_| Fault::Broken("an answer is larger than a body may be"))?;
        let text = |headers: &HeaderMap, name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let signed = text(&parts.headers, CONTENT_TYPE.as_str()).and_then(|content_type| {
            let call = text(&self.headers, PARTNER_SIGNATURE_HEADER)?;
            let answer = ResponseComponents {
                status: parts.status.as_u16(),
                body: (&body, &content_type),
                call: &call,
            };
            signature::sign_response(&answer, key, app.now(), &app.random.nonce())
        });
        let signed = signed.ok_or(Fault::Broken("an answer cannot be signed"))?;
        for (name, value) in [
            (CONTENT_DIGEST, signed.content_digest.unwrap_or_default()),
            (SIGNATURE_INPUT, signed.signature_input),
            (SIGNATURE, signed.signature),
        ] {
            let value = HeaderValue::from_str(&value);
            parts.headers.insert(name, value.map_err(|_| Fault::Broken("a signature is no header"))?);
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    /// Verifies the signature of whoever sent this to us.
    fn verify_caller(&self, app: &App, key_use: KeyUse) -> Result<Nonce, Reject> {
        let host = match self.uri.authority() {
            Some(authority) => authority.as_str(),
            None => self
                .headers
                .get(HOST)
                .and_then(|value| value.to_str().ok())
                .ok_or_else(Reject::unauthorized)?,
        };
        let presented = ReceivedSignature::from_headers(&self.headers);
        self.verify(app, presented, key_use, host).map(|(_, nonce)| nonce)
    }

    /// Gives the party that signed, and its nonce.
    fn verify(
        &self,
        app: &App,
        presented: Option<ReceivedSignature<'_>>,
        key_use: KeyUse,
        authority: &str,
    ) -> Result<(String, Nonce), Reject> {
        let presented = presented.ok_or_else(Reject::unauthorized)?;
        let full_type =
            self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = RequestComponents {
            method: self.method.as_str(),
            authority,
            path: self.uri.path(),
            query: self.uri.query().unwrap_or_default(),
            body: (!self.body.is_empty()).then_some((&self.body[..], full_type)),
        };
        match signature::verify_request(&target, presented, &app.keys, key_use, app.now()) {
            Ok(verified) => Ok((verified.key.party.clone(), verified.nonce)),
            Err(refused) => {
                tracing::warn!(?refused, key_use = key_use.as_str(), "a signature was refused");
                Err(Reject::unauthorized())
            }
        }
    }
}

/// The media type without its parameters.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    Some(headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim())
}
