//! Authenticates callers. [`EdgeCall`] is a call that our own edge makes and signs;
//! [`OperatorCall`] comes from the operator's own systems. [`PartnerCall`] is a partner's call that
//! the edge forwarded: the edge's signature and the partner's own, over the same bytes, are both
//! verified here, so that a compromised edge still cannot speak for a partner.
//!
//! A handler that takes one of them has an authentic caller; there is no other way to get one. Each
//! carries the [`Nonce`] that its use case must spend. A partner's call is verified on its way to
//! the handler, by [`admit_partner`], because its response is signed on the way out.

use super::call_verifier::{CallVerifier, Signer, VerifiedPartner};
use super::received::Received;
use crate::fault::{Failure, Fault};
use axum::body::Body;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::reject::Reject;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::edge::SUBSCRIBER_HANDLE_HEADER;
use onbill_domain::wire::parse;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A call that the edge makes on its own behalf.
pub struct EdgeCall {
    pub body: Bytes,
    /// The use case must spend it.
    pub nonce: Nonce,
}

/// A call from the operator's own systems.
pub struct OperatorCall {
    pub body: Bytes,
    /// The id of the key that signed, which distinguishes the operator's systems in the audit.
    pub key: String,
    /// The use case must spend it.
    pub nonce: Nonce,
}

/// A partner's call that the edge forwarded.
#[derive(Clone, Debug)]
pub struct PartnerCall {
    pub partner: PartnerId,
    /// The body, as the partner signed it.
    pub body: Bytes,
    /// The partner's nonce, which the use case must spend.
    pub nonce: Nonce,
    /// When the partner has signed it, by the partner's clock.
    pub created: Timestamp,
    /// The subscriber's handle that the edge routed by, if there was one.
    pub subscriber: Option<String>,
}

impl OperatorCall {
    /// Parses a body that the caller may omit: an empty body is the default, so the path alone says
    /// what is requested. 400 `invalid-request` for a body that is not what it should be.
    pub fn parse_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Reject> {
        if self.body.is_empty() {
            return Ok(T::default());
        }
        parse(&self.body)
    }
}

impl<S: Send + Sync> FromRequest<S> for EdgeCall
where
    Arc<CallVerifier>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (body, signer) = verify_own(request, &Arc::from_ref(state), KeyUse::EdgeToOrigin).await?;
        Ok(Self { body, nonce: signer.nonce })
    }
}

impl<S: Send + Sync> FromRequest<S> for OperatorCall
where
    Arc<CallVerifier>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let (body, signer) = verify_own(request, &Arc::from_ref(state), KeyUse::OperatorToOrigin).await?;
        Ok(Self { body, key: signer.key, nonce: signer.nonce })
    }
}

/// Returns the body of a call that its direct sender has signed, and who that is.
async fn verify_own(
    request: Request,
    verifier: &CallVerifier,
    key_use: KeyUse,
) -> Result<(Bytes, Signer), Reject> {
    let call = Received::read(request).await?;
    let signer = verifier.verify_caller(&call, key_use)?;
    Ok((call.body, signer))
}

impl<S: Send + Sync> FromRequestParts<S> for PartnerCall {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let admitted = parts.extensions.remove::<Self>();
        admitted.ok_or_else(|| Fault::Broken("a partner's call has come in by another door").into())
    }
}

/// The middleware of the partner's calls: a call that enters is authentic, and a success response
/// is signed by this operator, so that the edge in between can withhold it but not change it.
/// Refusals stay unsigned, as the edge may issue them as well.
pub(super) async fn admit_partner(
    State(verifier): State<Arc<CallVerifier>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let mut onward = Request::new(Body::empty());
    *onward.method_mut() = request.method().clone();
    *onward.uri_mut() = request.uri().clone();
    *onward.extensions_mut() = std::mem::take(request.extensions_mut());

    let received = Received::read(request).await?;
    let VerifiedPartner { partner, nonce, created } = verifier.verify_partner(&received)?;
    tracing::Span::current().record("partner", partner.as_str());
    let subscriber = received.headers.get(SUBSCRIBER_HANDLE_HEADER);
    let subscriber = subscriber.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = received.body.clone();
    let call = PartnerCall { partner: partner.clone(), body, nonce, created, subscriber };
    onward.extensions_mut().insert(call);
    let response = next.run(onward).await;
    if response.status().is_success() {
        Ok(verifier.sign_response(&received, &partner, response).await?)
    } else {
        Ok(response)
    }
}
