//! The context of one call: what every step of a handler may look at, and the signed sending of
//! calls to other parties.
//!
//! Not here: what is sent. That is decided in `upstream/`, `ott/forward.rs` and the sign-up route.

use crate::config::{Config, ConfigFault};
use crate::fault::{Fault, HandlerError, Party};
use crate::platform::Platform;
use crate::upstream::UpstreamResponse;
use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{HeaderValue, Request};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::KeyUse;
use onbill_domain::reject::Reject;
use onbill_domain::signature::sign_request;
use onbill_domain::site_origin::parse_site_origin;
use serde_json::json;

/// A request as it came in, before it is known whether this deployment can serve it.
pub(crate) struct Incoming<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) config: Result<&'a Config, &'a ConfigFault>,
    pub(crate) correlator: &'a Correlator,
    pub(crate) request: &'a Request<Bytes>,
}

impl<'a, P: Platform> Incoming<'a, P> {
    /// The call, for a handler that needs the configuration → else 503; its `Host` is well formed →
    /// else 400.
    pub(crate) fn call(&self) -> Result<Call<'a, P>, HandlerError> {
        let config = self.config.map_err(|fault| Fault::Config(fault.clone()))?;
        let site_origin = find_site_origin(self.request)
            .ok_or_else(|| Reject::invalid_request("The Host header is missing or malformed."))?;
        let Self { platform, correlator, request, .. } = *self;
        Ok(Call { platform, config, correlator, site_origin, request })
    }
}

/// A call, with the deployment that serves it.
pub(crate) struct Call<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) config: &'a Config,
    pub(crate) correlator: &'a Correlator,
    /// Scheme, host and port under which the caller reached the edge, as a browser writes them.
    pub(crate) site_origin: String,
    pub(crate) request: &'a Request<Bytes>,
}

impl<P: Platform> Call<'_, P> {
    /// Host and port under which the caller reached the edge: the `@authority` of its signature.
    pub(crate) fn authority(&self) -> &str {
        self.site_origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// A header as text; `None` when it is absent, not text, or present more than once.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        let mut values = self.request.headers().get_all(name).iter();
        let first = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(first)
    }

    /// Logs what an engineer should see although the call continues.
    pub(crate) fn warn(&self, what: &str) {
        let line = json!({"level": "warn", "correlator": self.correlator.as_str(), "what": what});
        self.platform.log(&line.to_string());
    }

    /// Signs a request with the edge's key for `party` and sends it; a fault when there is no
    /// response.
    pub(crate) async fn send(
        &self,
        mut request: Request<Bytes>,
        party: Party,
    ) -> Result<UpstreamResponse, Fault> {
        let cannot_send = || Fault::CannotSend(party.clone());
        let correlator = HeaderValue::from_str(self.correlator.as_str()).map_err(|_| cannot_send())?;
        request.headers_mut().insert(correlator::HEADER, correlator);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        let key_use = match party {
            Party::Operator(_) => KeyUse::EdgeToOrigin,
            Party::Partner(_) => KeyUse::EdgeToPartner,
        };
        let key = self.config.keys().signing_key(key_use, party.to_string()).ok_or_else(cannot_send)?;
        let nonce = encode_base64url(&self.platform.random_bytes().ok_or(Fault::NoRandomness)?);
        sign_request(&mut request, key, self.platform.now(), &nonce).ok_or_else(cannot_send)?;
        match self.platform.send(request).await {
            Ok(response) => Ok(UpstreamResponse::new(party, response)),
            Err(why) => Err(Fault::Unreachable(party, why)),
        }
    }
}

/// Scheme, host and port that the caller used.
fn find_site_origin(request: &Request<Bytes>) -> Option<String> {
    if request.uri().authority().is_some() {
        return parse_site_origin(&format!(
            "{}://{}",
            request.uri().scheme_str()?,
            request.uri().authority()?
        ));
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() || host.contains(['/', '?', '#']) {
        return None;
    }
    parse_site_origin(&format!("http://{host}"))
}
