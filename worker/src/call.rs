//! One call on its way through: what every step of it may look at, and how it speaks to other parties.
//!
//! Not here: what is sent. That is up to `origin.rs`, `ott/forward.rs` and the sign-up route.

use crate::config::Config;
use crate::fault::{Fault, Party};
use crate::platform::Platform;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderValue, Request, Response};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::encoding::base64url;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use serde_json::json;

/// A call and everything around it.
pub(crate) struct Call<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) config: &'a Config,
    pub(crate) correlator: &'a Correlator,
    /// Scheme, host and port under which the caller reached us, as a browser writes them.
    pub(crate) own_origin: String,
    pub(crate) request: &'a Request<Bytes>,
}

impl<P: Platform> Call<'_, P> {
    /// Host and port under which the caller reached us: the `@authority` of its signature.
    pub(crate) fn authority(&self) -> &str {
        self.own_origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// One header as text; `None` when it is absent, not text, or there more than once.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let mut values = self.request.headers().get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }

    /// Logs something that an engineer should see although the call goes on.
    pub(crate) fn warn(&self, what: &str) {
        let line = json!({"level": "warn", "correlator": self.correlator.as_str(), "what": what});
        self.platform.log(&line.to_string());
    }

    /// Signs a request with our newest key for `party` and sends it; a fault when there is no answer.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        party: Party,
    ) -> Result<Response<Bytes>, Fault> {
        let cannot_send = || Fault::CannotSend(party.clone());
        let correlator = HeaderValue::from_str(self.correlator.as_str()).map_err(|_| cannot_send())?;
        request.headers_mut().insert(correlator::HEADER, correlator);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let key_use = match party {
            Party::Operator(_) => KeyUse::EdgeToOrigin,
            Party::Partner(_) => KeyUse::EdgeToPartner,
        };
        let key = self.config.keys().newest(key_use, &party.to_string()).ok_or_else(cannot_send)?;
        let nonce = base64url(&self.platform.random().ok_or(Fault::NoRandomness)?);
        sign_request(&mut request, key, self.platform.now(), &nonce).ok_or_else(cannot_send)?;
        self.platform.send(request).await.map_err(|why| Fault::Unreachable(party, why))
    }
}
