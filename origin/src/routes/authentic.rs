//! Who is calling. [`EdgeCall`] is a call of our own edge, signed by it; [`OperatorCall`] one of the operator's own
//! systems. [`PartnerCall`] is a partner's call that the edge forwarded: the edge's signature and the partner's own, over
//! the same bytes, are both verified here, so that an edge in the wrong hands still cannot speak for a partner.
//!
//! A handler that takes one of them has an authentic caller; there is no other way to get one. Each carries the
//! [`Nonce`] that its use case must spend.

use crate::app::App;
use crate::fault::Failure;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Uri};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::signature::{self, Nonce, Presented, Target};
use onbill_domain::wire::edge::{PARTNER_SIGNATURE, PARTNER_SIGNATURE_INPUT, SUBSCRIBER};
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
        let nonce = call.verify_caller(app, KeyUse::BssToOrigin)?;
        Ok(Self { body: call.body, nonce })
    }
}

impl FromRequest<Arc<App>> for PartnerCall {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let call = Received::read(request).await?;
        call.verify_caller(app, KeyUse::EdgeToOrigin)?;
        let presented =
            Presented::from_headers_named(&call.headers, PARTNER_SIGNATURE_INPUT, PARTNER_SIGNATURE);
        // The partner signed for the edge it called, which is ours by configuration, not by what the edge says.
        let (party, nonce) = call.verify(app, presented, KeyUse::PartnerCall, app.config.edge_authority())?;
        let partner = party.strip_prefix("partner:").and_then(PartnerId::parse);
        let partner = partner.ok_or_else(Reject::unauthorized)?;
        let subscriber =
            call.headers.get(SUBSCRIBER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self { partner, body: call.body, nonce, subscriber })
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
        let too_large = || Reject::new(Code::BodyTooLarge, "The body is larger than 16 KiB.");
        let (parts, body) = request.into_parts();
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| too_large())?;
        if [Method::POST, Method::PUT].contains(&parts.method)
            && !content_type(&parts.headers)
                .is_some_and(|found| found.eq_ignore_ascii_case("application/json"))
        {
            return Err(Reject::new(Code::UnsupportedMediaType, "The body must be application/json."));
        }
        Ok(Self { method: parts.method, uri: parts.uri, headers: parts.headers, body })
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
        let presented = Presented::from_headers(&self.headers);
        self.verify(app, presented, key_use, host).map(|(_, nonce)| nonce)
    }

    /// Gives the party that signed, and its nonce.
    fn verify(
        &self,
        app: &App,
        presented: Option<Presented<'_>>,
        key_use: KeyUse,
        authority: &str,
    ) -> Result<(String, Nonce), Reject> {
        let presented = presented.ok_or_else(Reject::unauthorized)?;
        let full_type =
            self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = Target {
            method: self.method.as_str(),
            authority,
            path: self.uri.path(),
            query: self.uri.query().unwrap_or_default(),
            body: (!self.body.is_empty()).then_some((&self.body[..], full_type)),
        };
        match signature::verify(&target, presented, &app.keys, key_use, app.now()) {
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
