//! Signed calls to other parties, each with the newest key that we share with the receiver.
//!
//! What may be sent twice is sent once more, on a fresh connection and with a signature of its own,
//! when a kept connection was dropped.

use super::call_span::{call_span, record_answer};
use super::peer::{Connection, HttpPeer, NoResponse, Peer, Unreachable};
use crate::ambient::{Clock, Random};
use crate::call_trace::CallTrace;
use crate::last_answer::LastAnswer;
use bytes::Bytes;
use futures_util::future::select_ok;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::signature::sign_request;
use serde::Serialize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tracing::{Instrument as _, Span};

/// Whether a call may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repetition {
    /// It only reads.
    Read,
    /// The receiver acts once on what it gets twice.
    Idempotent,
}

/// Signs calls and sends them.
#[derive(Clone)]
pub struct SignedClient {
    keys: Arc<Keyring>,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl SignedClient {
    pub fn new(
        keys: Arc<Keyring>,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { keys, peer, clock, random }
    }

    /// Signs a request and sends it once, with the trace of the work that it belongs to. A request that
    /// cannot be signed is not sent.
    pub(crate) async fn send(
        &self,
        key_use: KeyUse,
        party: &Party,
        connection: Connection,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, NoResponse> {
        let key = self.keys.signing_key(key_use, party).ok_or(NoResponse::Unreachable)?;
        let nonce = self.random.nonce();
        let span = match CallTrace::current() {
            Some(trace) => {
                trace.write_headers(request.headers_mut(), &nonce);
                if key_use == KeyUse::OriginToOperator {
                    trace.write_state(request.headers_mut());
                }
                call_span(&trace.call_ids(&nonce), key_use, party, &request)
            }
            None => Span::none(),
        };
        let signed = sign_request(&mut request, key, self.clock.now(), &nonce);
        signed.ok_or(NoResponse::Unreachable)?;
        let answer = async {
            match self.peer.connections() {
                Some(http) => http.send_on(connection, request).await,
                None => self.peer.send(request).await.map_err(|Unreachable| NoResponse::Unreachable),
            }
        };
        let answer = answer.instrument(span.clone()).await;
        record_answer(&span, &answer);
        answer.as_ref().map_or_else(|_| LastAnswer::none(), LastAnswer::of_http).note();
        answer
    }

    /// Signs a request and sends it, once more on a fresh connection if its connection was dropped.
    /// A read is asked on a fresh connection also when the first one stays silent, and the first
    /// response counts.
    pub(crate) async fn send_repeatable(
        &self,
        key_use: KeyUse,
        party: &Party,
        repetition: Repetition,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        let send = |connection| self.send(key_use, party, connection, request.clone());
        let mut first = pin!(send(Connection::Kept));
        let patience = self.peer.connections().map(HttpPeer::fresh_after);
        let answer = match (repetition, patience) {
            (Repetition::Read, Some(patience)) => {
                if let Ok(answer) = tokio::time::timeout(patience, &mut first).await {
                    answer
                } else {
                    let second = pin!(send(Connection::Fresh));
                    return select_ok([first as Pin<&mut _>, second])
                        .await
                        .map(|(answer, _)| answer)
                        .map_err(|_| Unreachable);
                }
            }
            (Repetition::Read | Repetition::Idempotent, _) => first.await,
        };
        match answer {
            Err(NoResponse::Dropped) => send(Connection::Fresh).await.map_err(|_| Unreachable),
            answer => answer.map_err(|_| Unreachable),
        }
    }

    /// Posts a body as JSON to a party that acts once on what it gets twice.
    pub(crate) async fn post<T: Serialize>(
        &self,
        key_use: KeyUse,
        party: &Party,
        url: &str,
        body: &T,
    ) -> Result<Response<Bytes>, Unreachable> {
        let body = Bytes::from(serde_json::to_vec(body).map_err(|_| Unreachable)?);
        let request = Request::post(url).header(CONTENT_TYPE, "application/json").body(body);
        let request = request.map_err(|_| Unreachable)?;
        self.send_repeatable(key_use, party, Repetition::Idempotent, request).await
    }
}
