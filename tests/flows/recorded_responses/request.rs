//! One scripted call: its caller, its contents, and whether its signature is valid.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};
use onbill_domain::key::{Key, KeyUse};
use onbill_domain::signature::sign_request;
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use onbill_test_harness::{EDGE, KeyHolder, TestSystem, keys};
use serde_json::Value;

/// Seconds after which no signature is valid.
const STALE_SECONDS: i64 = 600;

/// The caller. It decides the address and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallerKind {
    /// A browser, at the edge: nothing is signed.
    Browser,
    /// A partner, at the edge.
    Partner(&'static str),
    /// An operator's origin, at the edge.
    Origin(&'static str),
    /// The edge, at Acme's origin.
    Edge,
    /// The edge that forwards a call of Netflix's, at Acme's origin.
    EdgeForPartner,
    /// An operator's own systems, at its origin.
    Operator(&'static str),
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureKind {
    Good,
    Absent,
    Forged,
    Stale,
}

#[derive(Clone)]
pub(super) struct ScriptedCall {
    caller: CallerKind,
    pub(super) method: Method,
    pub(super) path: String,
    body: Bytes,
    headers: Vec<(&'static str, String)>,
    signing: SignatureKind,
}

impl ScriptedCall {
    /// A call with a JSON body; null stands for no body.
    pub(super) fn new(caller: CallerKind, method: Method, path: impl Into<String>, body: &Value) -> Self {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if caller == CallerKind::Browser && method == Method::POST {
            headers.push(("origin", format!("http://{EDGE}")));
        }
        Self { caller, method, path: path.into(), body, headers, signing: SignatureKind::Good }
    }

    pub(super) fn post(caller: CallerKind, path: impl Into<String>, body: &Value) -> Self {
        Self::new(caller, Method::POST, path, body)
    }

    pub(super) fn get(caller: CallerKind, path: impl Into<String>) -> Self {
        Self::new(caller, Method::GET, path, &Value::Null)
    }

    pub(super) fn with_signature(mut self, signing: SignatureKind) -> Self {
        self.signing = signing;
        self
    }

    /// Replaces a header, or removes it when the value is empty.
    pub(super) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        if !value.is_empty() {
            self.headers.push((name, value.to_owned()));
        }
        self
    }

    pub(super) fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    pub(super) fn caller(&self) -> CallerKind {
        self.caller
    }

    /// The request, signed at the present time of the test system's clock.
    pub(super) fn build_request(&self, system: &TestSystem) -> Request<Bytes> {
        let authority = match self.caller {
            CallerKind::Browser | CallerKind::Partner(_) | CallerKind::Origin(_) => EDGE,
            CallerKind::Operator("nova") => system.nova.origin_address,
            CallerKind::Edge | CallerKind::EdgeForPartner | CallerKind::Operator(_) => {
                system.acme.origin_address
            }
        };
        let mut request = self.build_unsigned(authority);
        match self.caller {
            CallerKind::Browser => {}
            CallerKind::EdgeForPartner => {
                let mut original = self.build_unsigned(EDGE);
                sign_call(system, &mut original, CallerKind::Partner("netflix"), self.signing);
                copy_signature(&original, &mut request);
                sign_call(system, &mut request, CallerKind::Edge, SignatureKind::Good);
            }
            caller => sign_call(system, &mut request, caller, self.signing),
        }
        request
    }

    fn build_unsigned(&self, authority: &str) -> Request<Bytes> {
        let url = format!("http://{authority}{}", self.path);
        let mut request = Request::builder().method(self.method.clone()).uri(url);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.body(self.body.clone()).expect("is a request")
    }
}

fn sign_call(system: &TestSystem, request: &mut Request<Bytes>, caller: CallerKind, signing: SignatureKind) {
    let signed_at = match signing {
        SignatureKind::Absent => return,
        SignatureKind::Stale => system.now().plus_seconds(-STALE_SECONDS),
        SignatureKind::Good | SignatureKind::Forged => system.now(),
    };
    // A body without a content type cannot be signed: the type is lost on the way.
    let is_untyped = !request.body().is_empty() && !request.headers().contains_key(CONTENT_TYPE);
    if is_untyped {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    sign_request(request, &key_of(caller), signed_at, &system.next_nonce()).expect("signs");
    if is_untyped {
        request.headers_mut().remove(CONTENT_TYPE);
    }
    if signing == SignatureKind::Forged {
        let headers = request.headers_mut();
        let mut forged = headers["signature"].to_str().expect("is text").to_owned();
        let at = forged.find(':').expect("is a byte sequence") + 1;
        let other = if forged[at..].starts_with('A') { "B" } else { "A" };
        forged.replace_range(at..=at, other);
        headers.insert("signature", HeaderValue::from_str(&forged).expect("is a header"));
    }
}

fn key_of(caller: CallerKind) -> Key {
    let (holder, key_use, party) = match caller {
        CallerKind::Partner(id) => (KeyHolder::Partner(id), KeyUse::PartnerCall, format!("partner:{id}")),
        CallerKind::Origin(id) => (KeyHolder::Origin(id), KeyUse::OriginToEdge, format!("operator:{id}")),
        CallerKind::Operator(id) => {
            (KeyHolder::Operator(id), KeyUse::OperatorToOrigin, format!("operator:{id}"))
        }
        CallerKind::Browser | CallerKind::Edge | CallerKind::EdgeForPartner => {
            (KeyHolder::Edge, KeyUse::EdgeToOrigin, "operator:acme".to_owned())
        }
    };
    keys::keyring(&holder).signing_key(key_use, &party).expect("is there").clone()
}

/// The edge forwards a partner's signature under other header names.
fn copy_signature(from: &Request<Bytes>, to: &mut Request<Bytes>) {
    for (name, kept) in
        [("signature-input", PARTNER_SIGNATURE_INPUT_HEADER), ("signature", PARTNER_SIGNATURE_HEADER)]
    {
        if let Some(value) = from.headers().get(name) {
            to.headers_mut().insert(HeaderName::from_static(kept), value.clone());
        }
    }
}
