//! The authentication of a party's API: a call is accepted when it is signed as the profile
//! requires, for this endpoint, in time, and for the first time.

use axum::extract::Request;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::{self, Nonce, ReceivedSignature, RequestComponents};
use onbill_domain::timestamp::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Accepts one key use at one address.
pub struct SignatureGate {
    keys: Keyring,
    key_use: KeyUse,
    authority: String,
    spent: Mutex<SpentNonces>,
}

/// Nonces seen, by key, with the time from which they may be deleted.
#[derive(Default)]
struct SpentNonces {
    nonces: HashMap<(String, String), Timestamp>,
    /// When expired nonces were last deleted: once a second is enough under load.
    swept_at: Option<Timestamp>,
}

impl SignatureGate {
    /// A gate at `authority` (host and port) for callers who hold a key of this use.
    pub fn new(keys: Keyring, key_use: KeyUse, authority: String) -> Self {
        Self { keys, key_use, authority, spent: Mutex::default() }
    }

    /// Returns the body of an accepted call.
    ///
    /// 1. A body over the limit → 413.
    /// 2. No valid signature, or a replayed one → 401, the same response for every cause.
    /// 3. A body that is not JSON → 415.
    pub async fn admit(&self, request: Request, now: Timestamp) -> Result<Bytes, Reject> {
        self.admit_and_name(request, now).await.map(|(_, body)| body)
    }

    /// For keys of this use that several parties hold: also returns the party that signed.
    pub async fn admit_and_name(&self, request: Request, now: Timestamp) -> Result<(Party, Bytes), Reject> {
        // 1. Size.
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
            .await
            .map_err(|_| Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB."))?;

        // 2. Signature and nonce. The authority is our own, whatever `host` says: a call signed for
        //    another endpoint is refused here.
        let content_type =
            parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let target = RequestComponents {
            method: parts.method.as_str(),
            authority: &self.authority,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body: (!body.is_empty()).then_some((&body[..], content_type)),
        };
        let presented = ReceivedSignature::from_headers(&parts.headers).ok_or_else(Reject::unauthorized)?;
        let verified = signature::verify_request(&target, presented, &self.keys, self.key_use, now).map_err(
            |refused| {
                tracing::info!(?refused, path = parts.uri.path(), "a call was refused");
                Reject::unauthorized()
            },
        )?;
        if !self.spend(&verified.nonce, now) {
            return Err(Reject::unauthorized());
        }

        // 3. Type.
        if !body.is_empty() && !super::answer::sent_json(&parts.headers) {
            return Err(Reject::new(ErrorCode::UnsupportedMediaType, "The body must be application/json."));
        }
        Ok((verified.key.party.clone(), body))
    }

    /// Returns whether the nonce is new, and records it.
    fn spend(&self, nonce: &Nonce, now: Timestamp) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.swept_at != Some(now) {
            spent.nonces.retain(|_, expires_at| now < *expires_at);
            spent.swept_at = Some(now);
        }
        let key = (nonce.key_id().to_owned(), nonce.value().to_owned());
        spent.nonces.insert(key, nonce.expires_at()).is_none()
    }
}
