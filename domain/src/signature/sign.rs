//! Signing a request.

use super::base::{Target, serialize};
use super::{CONTENT_DIGEST, LABEL, SIGNATURE, SIGNATURE_INPUT};
use crate::digest::{self, content_digest};
use crate::encoding::base64_standard;
use crate::key::Key;
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use sfv::{BareItem, InnerList, Item, KeyRef, Parameters, StringRef};

/// The headers that sign a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders {
    /// `content-digest`, for a request with a body.
    pub content_digest: Option<String>,
    /// `signature-input`.
    pub signature_input: String,
    /// `signature`.
    pub signature: String,
}

/// Signs `target` with `key` at `created`. The nonce is the caller's fresh randomness: 16 to 64 visible characters.
/// `None` when the key's ring has no private half, or a value cannot stand in a structured field.
pub fn sign(target: &Target<'_>, key: &Key, created: Timestamp, nonce: &str) -> Option<SignedHeaders> {
    sign_over(target, target.body.map(|(body, _)| content_digest(body)), key, created, nonce)
}

fn sign_over(
    target: &Target<'_>,
    digest: Option<String>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignedHeaders> {
    let mut params = Parameters::new();
    let mut put = |name: &'static str, value: BareItem| -> Option<()> {
        params.insert(KeyRef::from_str(name).ok()?.to_owned(), value);
        Some(())
    };
    let text = |value: &str| Some(BareItem::String(StringRef::from_str(value).ok()?.to_owned()));
    put("created", BareItem::Integer(created.unix_seconds().try_into().ok()?))?;
    put("nonce", text(nonce)?)?;
    put("keyid", text(&key.id)?)?;
    put("tag", text(&tag(key))?)?;
    let components = target.components().iter().map(|name| Some(Item::new(text(name)?)));
    let list = InnerList { items: components.collect::<Option<Vec<_>>>()?, params };

    let base = target.signature_base(digest.as_deref().unwrap_or_default(), &list)?;
    let signature = key.sign(base.as_bytes())?;
    Some(SignedHeaders {
        content_digest: digest,
        signature_input: format!("{LABEL}={}", serialize(&list)?),
        signature: format!("{LABEL}=:{}:", base64_standard(&signature)),
    })
}

/// Signs a whole request in place. It must have an absolute URI; with a body it must have a `content-type`.
/// `None` when one of these is missing or [`sign`] says so; the request is then unchanged.
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
    let target = Target {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!body.is_empty()).then_some((&body[..], content_type)),
    };
    let digest = target.body.map(|(body, _)| {
        let mut present = request.headers().get_all(CONTENT_DIGEST).iter();
        let first = present.next().and_then(|value| value.to_str().ok());
        let kept = first.filter(|first| present.next().is_none() && digest::matches(first, body));
        kept.map_or_else(|| content_digest(body), str::to_owned)
    });
    let signed = sign_over(&target, digest, key, created, nonce)?;
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

pub(super) fn tag(key: &Key) -> String {
    format!("onbill-{}", key.key_use.as_str())
}
