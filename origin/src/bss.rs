//! The operator's own systems, over the CSP API: account standing, the bill, text messages. Every call is signed.
//!
//! Nothing here decides what an odd answer means for a charge: it says [`Unclear`], and the outbox asks again.

use crate::ambient::{Clock, Random};
use crate::peer::Peer;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::signature;
use onbill_domain::wire::csp::{
    AccountValidateAnswer, AccountValidateRequest, ChargeAnswer, ChargeRequest, NotificationRequest,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// No answer, or one that does not say what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclear;

/// The CSP API of one operator.
pub struct BillingSystem {
    url: String,
    party: String,
    keys: Arc<Keyring>,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl BillingSystem {
    /// Talks to `url` as the onbill of `operator`.
    pub fn new(
        url: &str,
        operator: &str,
        keys: Arc<Keyring>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { url, party: format!("operator:{operator}"), keys, peer, clock, random }
    }

    /// What the operator knows of an account; `None` when there is none.
    pub async fn account(&self, msisdn: &Msisdn) -> Result<Option<AccountValidateAnswer>, Unclear> {
        let request = AccountValidateRequest { msisdn: msisdn.clone() };
        match self.call(Method::POST, "/account/validate", Some(&request)).await? {
            (StatusCode::OK, body) => read(&body).map(Some),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            _ => Err(Unclear),
        }
    }

    /// Puts a line on the bill, once per transaction id.
    pub async fn charge(&self, charge: &ChargeRequest) -> Result<ChargeAnswer, Unclear> {
        match self.call(Method::POST, "/transaction", Some(charge)).await? {
            (StatusCode::OK | StatusCode::CREATED, body) => read(&body),
            _ => Err(Unclear),
        }
    }

    /// What became of a transaction id; `None` when billing has never seen it.
    pub async fn look_up_charge(&self, transaction_id: &str) -> Result<Option<ChargeAnswer>, Unclear> {
        let path = format!("/transaction/{transaction_id}");
        match self.call::<()>(Method::GET, &path, None).await? {
            (StatusCode::OK, body) => read(&body).map(Some),
            (StatusCode::NOT_FOUND, _) => Ok(None),
            _ => Err(Unclear),
        }
    }

    /// Sends a text message to a subscriber.
    pub async fn notify(&self, msisdn: &Msisdn, text: &str) -> Result<(), Unclear> {
        let request = NotificationRequest { msisdn: msisdn.clone(), text: text.to_owned() };
        match self.call(Method::POST, "/notification", Some(&request)).await? {
            (status, _) if status.is_success() => Ok(()),
            _ => Err(Unclear),
        }
    }

    async fn call<T: Serialize>(
        &self,
        method: Method,
        path: &str,
        body: Option<&T>,
    ) -> Result<(StatusCode, Bytes), Unclear> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(body).map_err(|_| Unclear)?)
            }
            None => Bytes::new(),
        };
        let mut request = request.body(body).map_err(|_| Unclear)?;
        let key = self.keys.newest(KeyUse::OriginToBss, &self.party).ok_or(Unclear)?;
        signature::sign_request(&mut request, key, self.clock.now(), &self.random.nonce()).ok_or(Unclear)?;
        let answer = self.peer.send(request).await.map_err(|_| Unclear)?;
        Ok((answer.status(), answer.into_body()))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unclear> {
    serde_json::from_slice(body).map_err(|_| Unclear)
}
