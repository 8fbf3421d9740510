//! The door of a party's API: a call comes in when it is signed as the profile says, for this door, in time, and for
//! the first time.

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

/// One use of keys at one address.
pub struct Gate {
    keys: Keyring,
    key_use: KeyUse,
    authority: String,
    spent: Mutex<Spent>,
}

/// Nonces seen, by key, with the moment from which they may be forgotten.
#[derive(Default)]
struct Spent {
    nonces: HashMap<(String, String), Timestamp>,
    /// When those that may be were last forgotten: once a second is enough, and many calls come in one.
    swept_at: Option<Timestamp>,
}

impl Gate {
    /// A door at `authority` (host and port) for callers who hold a key of this use.
    pub fn new(keys: Keyring, key_use: KeyUse, authority: String) -> Self {
        Self { keys, key_use, authority, spent: Mutex::default() }
    }

    /// Gives the body of a call that may come in.
    ///
    /// 1. A body over the limit → 413.
    /// 2. No valid signature, or one that was here before → 401, the same answer for every cause.
    /// 3. A body that is not JSON → 415.
    pub async fn admit(&self, request: Request, now: Timestamp) -> Result<Bytes, Reject> {
        self.admit_and_name(request, now).await.map(|(_, body)| body)
    }

    /// The same where several parties have a key of this use; gives the one that signed as well.
    pub async fn admit_and_name(&self, request: Request, now: Timestamp) -> Result<(Party, Bytes), Reject> {
        // 1. Size.
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
            .await
            .map_err(|_| Reject::new(ErrorCode::BodyTooLarge, "The body is larger than 16 KiB."))?;

        // 2. Signature and nonce. The authority is our own, whatever `host` says: a call signed for another door
        // does not open this one.
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
                tracing::info!(?refused, path = parts.uri.path(), "a call was not let in");
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

    /// Whether the nonce is new; it is not from now on.
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
