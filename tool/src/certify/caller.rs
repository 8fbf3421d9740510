//! Makes the calls of a kit, rightly or wrongly signed, and remembers what came back: what all
//! responses have in common is judged at the end (`conduct.rs`).

use super::answer::{Answer, NoAnswer, Seen};
use super::limits::{Limits, READ_BYTES_MAX};
use crate::ambient::{nonce, now, random_bytes};
use crate::client::address;
use crate::connection::{check_roots_file, explain, explain_later};
use anyhow::{Context as _, anyhow, bail};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderValue, Method, Request, Uri};
use onbill_domain::correlator;
use onbill_domain::key::Key;
use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::signature::{SIGNATURE, SIGNATURE_INPUT, sign_request};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::trace_context::{self, TraceParent};
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The address that a misdirected call is signed for (RFC 2606).
const OTHER_AUTHORITY: &str = "elsewhere.invalid";

/// How a call is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// As onbill does.
    Genuine,
    /// Not at all.
    Missing,
    /// With bytes that no key has made.
    Wrong,
    /// Longer ago than any clock is wrong.
    Late,
    /// For another host.
    OtherAddress,
    /// For another host, which the call names as its own.
    OtherHost,
    /// And then the body is changed.
    BodyChanged,
}

/// A call and its response, as far as all of them have to be alike.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    /// Method and path.
    pub(super) call: String,
    /// The id of the check that made it.
    pub(super) check: &'static str,
    /// How long the other side may take.
    pub(super) within: Duration,
    pub(super) took: Duration,
    pub(super) seen: Seen,
}

pub(super) struct Caller {
    http: reqwest::Client,
    base: String,
    pub(super) limits: Limits,
    exchanges: Mutex<Vec<Exchange>>,
    under_way: Mutex<UnderWay>,
}

/// The check under way.
#[derive(Clone, Copy)]
struct UnderWay {
    check: &'static str,
    /// The trace of its calls, once it has made one.
    trace: Option<TraceParent>,
}

impl Caller {
    /// Calls what is below `base`. Redirects are seen, and not followed.
    pub(super) fn new(base: &str, limits: Limits) -> anyhow::Result<Self> {
        check_roots_file()?;
        // A process has one TLS provider, so a second attempt to install the same one is not an error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(limits.kit_waits())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("start the HTTP client")?;
        let base = base.trim_end_matches('/').to_owned();
        let address: Uri = base
            .parse()
            .map_err(|_| anyhow!("--url must begin with http:// or https://, and name a host: {base}"))?;
        if !matches!(address.scheme_str(), Some("http" | "https")) || address.query().is_some() {
            bail!("--url must begin with http:// or https://, and have no query: {base}");
        }
        // The address is in every report, and a password in it would be too.
        if address.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            bail!("the address must name a host, without a user");
        }
        let under_way = Mutex::new(UnderWay { check: "start", trace: None });
        Ok(Self { http, base, limits, exchanges: Mutex::default(), under_way })
    }

    /// The calls from now on are of this check. Their `x-correlator` says so, for the log of the other
    /// side, and they have one trace.
    pub(super) fn begin(&self, check: &'static str) {
        *self.under_way() = UnderWay { check, trace: None };
    }

    fn check(&self) -> &'static str {
        self.under_way().check
    }

    /// The trace of the check under way, with a call of its own for each seed.
    fn trace(&self, seed: &str) -> anyhow::Result<TraceParent> {
        let mut under_way = self.under_way();
        let trace = match under_way.trace {
            Some(trace) => trace,
            None => *under_way.trace.insert(TraceParent::begin(random_bytes()?)),
        };
        Ok(trace.child(seed.as_bytes()))
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails unless something answers at the address, whatever it says.
    pub(super) async fn reach(&self) -> anyhow::Result<()> {
        let reached = self.http.get(&self.base).send().await;
        reached.map(|_| ()).map_err(|error| anyhow!("{}: {}", self.base, explain(&error)))
    }

    /// The path of a call, as it is signed.
    pub(super) fn path(&self, below: &str) -> String {
        let base: Option<Uri> = self.base.parse().ok();
        format!(
            "{}{below}",
            base.map(|base| base.path().trim_end_matches('/').to_owned()).unwrap_or_default()
        )
    }

    /// The authority that calls are signed for.
    pub(super) fn authority(&self) -> String {
        let address = address(&self.base, "/").ok();
        address.and_then(|address| Some(address.authority()?.to_string())).unwrap_or_default()
    }

    /// A signed call with a JSON body, or without one if it is null.
    pub(super) fn request(
        &self,
        method: &Method,
        path: &str,
        body: &Value,
        key: &Key,
        signing: Signing,
    ) -> anyhow::Result<Request<Bytes>> {
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(serde_json::to_vec(body)?) };
        self.raw_request(method, path, bytes, key, signing)
    }

    /// A signed call with any body.
    pub(super) fn raw_request(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        key: &Key,
        signing: Signing,
    ) -> anyhow::Result<Request<Bytes>> {
        let (correlator, nonce) = (format!("certify:{}", self.check()), nonce()?);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header(correlator::HEADER, correlator);
        request = request.header(trace_context::HEADER, self.trace(&nonce)?.to_string());
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let mut request = request.body(body).context("build the request")?;
        let address = request.uri().clone();
        let mut created = now();
        match signing {
            Signing::Missing => return Ok(request),
            Signing::Late => {
                // Twice as far as it may be: the clocks of both sides can differ.
                let seconds = created.unix_seconds() - 2 * SIGNATURE_SKEW_SECONDS;
                created = Timestamp::from_unix_seconds(seconds);
            }
            Signing::OtherAddress | Signing::OtherHost => *request.uri_mut() = other_address(&address)?,
            Signing::Genuine | Signing::Wrong | Signing::BodyChanged => {}
        }
        sign_request(&mut request, key, created, &nonce).context("this request cannot be signed")?;
        *request.uri_mut() = address;
        match signing {
            Signing::Wrong => {
                let forged = format!("sig1=:{}:", onbill_domain::encoding::encode_base64(&[0; 32]));
                request.headers_mut().insert(SIGNATURE, HeaderValue::from_str(&forged)?);
            }
            Signing::OtherHost => {
                request.headers_mut().insert(HOST, HeaderValue::from_static(OTHER_AUTHORITY));
            }
            Signing::BodyChanged => {
                // A space more: still the same JSON.
                let changed: Vec<u8> = request.body().iter().copied().chain(*b" ").collect();
                *request.body_mut() = Bytes::from(changed);
            }
            _ => {}
        }
        Ok(request)
    }

    /// Makes a call, which the other side has to answer in this time.
    pub(super) async fn send(&self, request: anyhow::Result<Request<Bytes>>, within: Duration) -> Seen {
        let request = request.map_err(|error| NoAnswer::NotSent(format!("{error:#}")))?;
        let call = format!("{} {}", request.method(), path_below(&self.base, request.uri()));
        let begun = Instant::now();
        let seen = self.exchange(request).await;
        let (check, took) = (self.check(), begun.elapsed());
        let exchange = Exchange { call, check, within, took, seen: seen.clone() };
        self.locked().push(exchange);
        seen
    }

    /// Makes a call, and drops the connection after so long.
    pub(super) async fn send_and_drop(&self, request: anyhow::Result<Request<Bytes>>, after: Duration) {
        if let Ok(request) = request {
            let _ = timeout(after, self.exchange(request)).await;
        }
    }

    async fn exchange(&self, request: Request<Bytes>) -> Seen {
        let waits = self.limits.kit_waits();
        let none = |error: reqwest::Error| {
            if error.is_timeout() { NoAnswer::Late(waits) } else { NoAnswer::Broken(explain_later(&error)) }
        };
        let request = reqwest::Request::try_from(request).map_err(none)?;
        let mut response = self.http.execute(request).await.map_err(none)?;
        let text =
            |name| response.headers().get(name).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let (content_type, location) = (text(CONTENT_TYPE).unwrap_or_default(), text(LOCATION));
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(none)? {
            if body.len() + chunk.len() > READ_BYTES_MAX {
                return Err(NoAnswer::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, content_type, location, body: body.freeze() })
    }

    /// All calls so far.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Exchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same call again, with the same signature: a replay.
pub(super) fn replay(request: &anyhow::Result<Request<Bytes>>) -> anyhow::Result<Request<Bytes>> {
    match request {
        Ok(request) if request.headers().contains_key(SIGNATURE_INPUT) => Ok(request.clone()),
        Ok(_) => bail!("the call is not signed"),
        Err(error) => bail!("{error:#}"),
    }
}

/// The address with another host.
fn other_address(address: &Uri) -> anyhow::Result<Uri> {
    let path = address.path_and_query().map_or("/", |path| path.as_str());
    let scheme = address.scheme_str().unwrap_or("https");
    format!("{scheme}://{OTHER_AUTHORITY}{path}").parse().context("build an address")
}

/// The path of a call below the base, which is in the head of the report.
fn path_below<'u>(base: &str, uri: &'u Uri) -> &'u str {
    let prefix = base.parse::<Uri>().map(|base| base.path().trim_end_matches('/').len()).unwrap_or_default();
    uri.path().get(prefix..).unwrap_or_else(|| uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_of_a_host_and_has_no_password() {
        for address in ["https://bss.acme.example/csp", "http://127.0.0.1:8790/"] {
            assert!(Caller::new(address, Limits::default()).is_ok(), "{address}");
        }
        for address in
            ["bss.acme.example", "ftp://a.example", "https://u:p@a.example", "https://a.example?b=c", "/csp"]
        {
            assert!(Caller::new(address, Limits::default()).is_err(), "{address}");
        }
    }

    #[test]
    fn path_in_a_report_is_below_the_base() {
        for (base, uri, path) in [
            ("https://a.example/csp", "https://a.example/csp/transaction/1", "/transaction/1"),
            ("https://a.example", "https://a.example/transaction/1", "/transaction/1"),
        ] {
            assert_eq!(path_below(base, &uri.parse().expect("is an address")), path);
        }
    }
}
