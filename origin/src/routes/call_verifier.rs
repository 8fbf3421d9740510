//! Verifies who signed a call, and signs responses to partners.

use super::received::Received;
use crate::ambient::{Clock, Random};
use crate::fault::Fault;
use crate::instruments::{Caller, Instruments, SignatureRefusal};
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::Reject;
use onbill_domain::signature::{
    self, CONTENT_DIGEST, Nonce, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE,
    SIGNATURE_INPUT, SignatureError,
};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use std::sync::Arc;

/// The callers that are no partner, in alarms.
const EDGE: &str = "edge";
const OPERATOR: &str = "operator";

/// Verifies the signatures of calls with the keys of the keyring.
pub struct CallVerifier {
    pub(crate) keys: Arc<Keyring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// The authority that partners sign for. It comes from our configuration, not from what the
    /// edge reports.
    pub(crate) edge_authority: String,
    pub(crate) instruments: Arc<Instruments>,
}

/// Who has signed a call.
pub(super) struct Signer {
    party: Party,
    /// The id of the key in the ring.
    pub(super) key: String,
    /// The use case must spend it.
    pub(super) nonce: Nonce,
    /// When it was signed, by the signer's clock.
    created: Timestamp,
}

/// The partner that has signed a call.
pub(super) struct VerifiedPartner {
    pub(super) partner: PartnerId,
    /// The partner's own, which the use case must spend.
    pub(super) nonce: Nonce,
    /// When it was signed, by the partner's clock.
    pub(super) created: Timestamp,
}

impl CallVerifier {
    /// Verifies the signature of the direct caller.
    pub(super) fn verify_caller(&self, call: &Received, key_use: KeyUse) -> Result<Signer, Reject> {
        let host = match call.uri.authority() {
            Some(authority) => authority.as_str(),
            None => call
                .headers
                .get(HOST)
                .and_then(|value| value.to_str().ok())
                .ok_or_else(Reject::unauthorized)?,
        };
        let presented = ReceivedSignature::from_headers(&call.headers);
        let authorities = signature::possible_authorities(host);
        self.verify(call, presented, key_use, &authorities)
    }

    /// Verifies both signatures on a partner's call, the edge's and the partner's.
    pub(super) fn verify_partner(&self, call: &Received) -> Result<VerifiedPartner, Reject> {
        self.verify_caller(call, KeyUse::EdgeToOrigin)?;
        let presented = ReceivedSignature::from_headers_named(
            &call.headers,
            PARTNER_SIGNATURE_INPUT_HEADER,
            PARTNER_SIGNATURE_HEADER,
        );
        let Signer { party, nonce, created, .. } =
            self.verify(call, presented, KeyUse::PartnerCall, std::slice::from_ref(&self.edge_authority))?;
        let partner = party.partner_id().ok_or_else(Reject::unauthorized)?;
        Ok(VerifiedPartner { partner, nonce, created })
    }

    /// Returns the signer. The signature is for one of these authorities.
    fn verify(
        &self,
        call: &Received,
        presented: Option<ReceivedSignature<'_>>,
        key_use: KeyUse,
        authorities: &[String],
    ) -> Result<Signer, Reject> {
        let (signals, refusals) = (&self.instruments.signals, &self.instruments.metrics.refusals);
        let Some(presented) = presented else {
            refusals.note_signature(Caller::of(key_use), SignatureRefusal::Missing);
            signals.note_refused(None);
            return Err(Reject::unauthorized());
        };
        let full_type =
            call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let verify_for = |authority: &String| {
            let target = RequestComponents {
                method: call.method.as_str(),
                authority,
                path: call.uri.path(),
                query: call.uri.query().unwrap_or_default(),
                body: (!call.body.is_empty()).then_some((&call.body[..], full_type)),
            };
            signature::verify_request(&target, presented, &self.keys, key_use, self.clock.now())
        };
        let mut refused = SignatureError::Malformed;
        for authority in authorities {
            match verify_for(authority) {
                Ok(verified) => {
                    let seconds_ahead = verified.created.seconds_since(self.clock.now());
                    refusals.note_clock(Caller::of(key_use), seconds_ahead);
                    self.note_clock(key_use, Some(&verified.key.party), seconds_ahead);
                    if let Some(signer) = signer_name(key_use, &verified.key.party) {
                        signals.note_verified(&signer);
                    }
                    let (party, key) = (verified.key.party.clone(), verified.key.id.clone());
                    return Ok(Signer { party, key, nonce: verified.nonce, created: verified.created });
                }
                Err(why) => refused = why,
            }
            if let SignatureError::Stale { seconds_off } = refused {
                self.note_clock(key_use, None, seconds_off);
                break;
            }
        }
        refusals.note_signature(Caller::of(key_use), refused.into());
        let named = signature::named_key(presented, &self.keys, key_use);
        let signer = named.and_then(|key| signer_name(key_use, &key.party));
        signals.note_refused(signer.as_deref());
        tracing::warn!(reason = refused.as_str(), key_use = key_use.as_str(), "a signature was refused");
        Err(Reject::unauthorized())
    }

    /// Notes by how many seconds the clock of a genuine signer is ahead of ours.
    fn note_clock(&self, key_use: KeyUse, signer: Option<&Party>, seconds_ahead: i64) {
        let signals = &self.instruments.signals;
        match key_use {
            KeyUse::EdgeToOrigin => signals.note_clock(EDGE, seconds_ahead),
            KeyUse::OperatorToOrigin => signals.note_clock(OPERATOR, seconds_ahead),
            _ => {
                if let Some(partner) = signer.and_then(Party::partner_id) {
                    signals.note_clock(partner.as_str(), seconds_ahead);
                }
            }
        }
    }

    /// Signs the response to this call for the partner.
    pub(super) async fn sign_response(
        &self,
        call: &Received,
        partner: &PartnerId,
        response: Response,
    ) -> Result<Response, Fault> {
        let key = self.keys.signing_key(KeyUse::OriginToPartner, Party::partner(partner));
        let key = key.ok_or(Fault::Broken("there is no key to sign a response with"))?;
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await;
        let body = body.map_err(|_| Fault::Broken("a response is larger than a body may be"))?;
        let text = |headers: &HeaderMap, name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        let signed = text(&parts.headers, CONTENT_TYPE.as_str()).and_then(|content_type| {
            let call = text(&call.headers, PARTNER_SIGNATURE_HEADER)?;
            let answer = ResponseComponents {
                status: parts.status.as_u16(),
                body: (&body, &content_type),
                request_signature: &call,
            };
            signature::sign_response(&answer, key, self.clock.now(), &self.random.nonce())
        });
        let signed = signed.ok_or(Fault::Broken("a response cannot be signed"))?;
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
}

/// Whose calls these are: a partner, or one of [`EDGE`] and [`OPERATOR`].
fn signer_name(key_use: KeyUse, party: &Party) -> Option<String> {
    match key_use {
        KeyUse::EdgeToOrigin => Some(EDGE.to_owned()),
        KeyUse::OperatorToOrigin => Some(OPERATOR.to_owned()),
        _ => party.partner_id().map(|partner| partner.as_str().to_owned()),
    }
}
