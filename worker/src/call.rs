//! The context of one call: what every step of a handler may look at.
//!
//! Not here: calls to other parties, which are in `upstream/`.

use crate::config::{Config, ConfigFault};
use crate::correlation::Correlation;
use crate::fault::{Fault, HandlerError};
use crate::log_line::LogLine;
use crate::notes::CallNotes;
use crate::platform::Platform;
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use onbill_domain::reject::Reject;
use onbill_domain::site_origin::parse_site_origin;

/// A request as it came in, before it is known whether this deployment can serve it.
pub(crate) struct Incoming<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) config: Result<&'a Config, &'a ConfigFault>,
    pub(crate) correlation: &'a Correlation,
    pub(crate) notes: &'a CallNotes,
    pub(crate) request: &'a Request<Bytes>,
}

impl<'a, P: Platform> Incoming<'a, P> {
    /// The call, for a handler that needs the configuration → else 503; its `Host` is well formed →
    /// else 400.
    pub(crate) fn call(&self) -> Result<Call<'a, P>, HandlerError> {
        let config = self.config.map_err(|fault| Fault::Config(fault.clone()))?;
        let site_origin = find_site_origin(self.request)
            .ok_or_else(|| Reject::invalid_request("The Host header is missing or malformed."))?;
        let Self { platform, correlation, notes, request, .. } = *self;
        Ok(Call { platform, config, correlation, notes, site_origin, request })
    }
}

/// A call, with the deployment that serves it.
pub(crate) struct Call<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) config: &'a Config,
    pub(crate) correlation: &'a Correlation,
    pub(crate) notes: &'a CallNotes,
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
        let line = LogLine::new(self.platform.now_milliseconds(), "warn", what, Some(self.correlation));
        self.platform.log(&line.to_text());
    }

    /// Logs what a person has to correct although the call continues.
    pub(crate) fn alarm(&self, alarm: &str, fault: &str) {
        let now = self.platform.now_milliseconds();
        let mut line = LogLine::new(
            now,
            "error",
            "a call met a mistake that a person has to correct",
            Some(self.correlation),
        );
        line.add("alarm", alarm);
        line.add("fault", fault);
        self.platform.log(&line.to_text());
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
