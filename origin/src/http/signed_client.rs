//! Signed calls to other parties, each with the newest key that we share with the receiver.

use super::peer::{Peer, Unreachable};
use crate::ambient::{Clock, Random};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::signature::sign_request;
use serde::Serialize;
use std::sync::Arc;

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

    /// Signs a request and sends it. A request that cannot be signed is not sent.
    pub(crate) async fn send(
        &self,
        key_use: KeyUse,
        party: &Party,
        mut request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        let key = self.keys.signing_key(key_use, party).ok_or(Unreachable)?;
        sign_request(&mut request, key, self.clock.now(), &self.random.nonce()).ok_or(Unreachable)?;
        self.peer.send(request).await
    }

    /// Posts a body as JSON.
    pub(crate) async fn post<T: Serialize>(
        &self,
        key_use: KeyUse,
        party: &Party,
        url: &str,
        body: &T,
    ) -> Result<Response<Bytes>, Unreachable> {
        let body = Bytes::from(serde_json::to_vec(body).map_err(|_| Unreachable)?);
        let request = Request::post(url).header(CONTENT_TYPE, "application/json").body(body);
        self.send(key_use, party, request.map_err(|_| Unreachable)?).await
    }
}
