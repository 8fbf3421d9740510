//! Signing a request, and the answer to one.

use super::base::{Component, RequestComponents, ResponseComponents, serialize, signature_base, text};
use super::{CONTENT_DIGEST, LABEL, SIGNATURE, SIGNATURE_INPUT};
use crate::digest::{self, content_digest};
use crate::encoding::encode_base64;
use crate::key::{Key, KeyUse};
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use sfv::{BareItem, InnerList, KeyRef, Parameters};

/// The headers that sign a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `content-digest`, unless it is a request without a body.
    pub content_digest: Option<String>,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

/// Signs `target` with `key` at `created`. The nonce is the caller's fresh randomness: 16 to 64 visible characters.
/// `None` when the key's ring has no private half, or a value cannot stand in a structured field.
pub fn sign_components(
    target: &RequestComponents<'_>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    sign_with(target, target.body.map(|(body, _)| content_digest(body)), key, created, nonce)
}

fn sign_with(
    target: &RequestComponents<'_>,
    digest: Option<String>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    let components = target.components(digest.as_deref().unwrap_or_default())?;
    let (signature_input, signature) = sign_over(&components, &tag(key.key_use), key, created, nonce)?;
    Some(SignatureHeaders { content_digest: digest, signature_input, signature })
}

/// Signs an answer in the same way. `None` also when the call that it answers has no signature of the profile.
pub fn sign_response(
    answer: &ResponseComponents<'_>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    let digest = content_digest(answer.body.0);
    let components = answer.components(&digest)?;
    let (signature_input, signature) = sign_over(&components, RESPONSE_TAG, key, created, nonce)?;
    Some(SignatureHeaders { content_digest: Some(digest), signature_input, signature })
}

/// The values of `signature-input` and `signature` for these components.
fn sign_over(
    components: &[Component<'_>],
    tag: &str,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<(String, String)> {
    let mut params = Parameters::new();
    let mut put = |name: &'static str, value: BareItem| -> Option<()> {
        params.insert(KeyRef::from_str(name).ok()?.to_owned(), value);
        Some(())
    };
    put("created", BareItem::Integer(created.unix_seconds().try_into().ok()?))?;
    put("nonce", text(nonce)?)?;
    put("keyid", text(&key.id)?)?;
    put("tag", text(tag)?)?;
    let items = components.iter().map(|component| component.identifier.clone()).collect();
    let list = InnerList { items, params };
    let signature = key.sign(signature_base(components, &list)?.as_bytes())?;
    let input = format!("{LABEL}={}", serialize(&list)?);
    Some((input, format!("{LABEL}=:{}:", encode_base64(&signature))))
}

/// Signs a whole request in place. It must have an absolute URI; with a body it must have a `content-type`.
/// `None` when one of these is missing or [`sign_components`] says so; the request is then unchanged.
///
/// A `content-digest` that is there and true is kept as it is spelled: in a forwarded request it is part of what the
/// first signer signed.
pub fn sign_request(request: &mut Request<Bytes>, key: &Key, created: Timestamp, nonce: &str) -> Option<()> {
    let body = request.body().clone();
    let content_type = match request.headers().get(CONTENT_TYPE) {
        Some(value) => value.to_str().ok()?,
        None => "",
    };
    if !body.is_empty() && content_type.is_empty() {
        return None;
    }
    let authority = authority_of(request.uri())?;
    let target = RequestComponents {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!body.is_empty()).then_some((&body[..], content_type)),
    };
    let digest = target.body.map(|(body, _)| {
        let mut present = request.headers().get_all(CONTENT_DIGEST).iter();
        let first = present.next().and_then(|value| value.to_str().ok());
        let kept =
            first.filter(|first| present.next().is_none() && digest::matches_content_digest(first, body));
        kept.map_or_else(|| content_digest(body), str::to_owned)
    });
    let signed = sign_with(&target, digest, key, created, nonce)?;
    let value = |text: &str| HeaderValue::from_str(text).ok();
    let (input, signature) = (value(&signed.signature_input)?, value(&signed.signature)?);
    let digest = match &signed.content_digest {
        Some(digest) => Some(value(digest)?),
        None => None,
    };
    let headers = request.headers_mut();
    headers.insert(SIGNATURE_INPUT, input);
    headers.insert(SIGNATURE, signature);
    if let Some(digest) = digest {
        headers.insert(CONTENT_DIGEST, digest);
    }
    Some(())
}

/// The authority as it is signed: lower case, without the scheme's own port (RFC 9421 §2.2.3).
fn authority_of(uri: &http::Uri) -> Option<String> {
    let authority = uri.authority()?;
    let own_port = match uri.scheme_str()? {
        "https" => 443,
        _ => 80,
    };
    let host = authority.host().to_ascii_lowercase();
    Some(match authority.port_u16() {
        Some(port) if port != own_port => format!("{host}:{port}"),
        _ => host,
    })
}

/// What the signature of an answer is for. It is nothing that a call's could be for.
pub(super) const RESPONSE_TAG: &str = "onbill-answer";

/// The same of a call.
pub(super) fn tag(key_use: KeyUse) -> String {
    format!("onbill-{}", key_use.as_str())
}
