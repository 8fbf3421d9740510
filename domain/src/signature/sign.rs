//! Signing a request, and the response to one.

use super::authority::signed_authority;
use super::base::signature_base;
use super::components::{Component, RequestComponents, ResponseComponents, string_item};
use super::input::serialize_input;
use super::profile::{CONTENT_DIGEST, LABEL, RESPONSE_TAG, SIGNATURE, SIGNATURE_INPUT, request_tag};
use crate::digest::{self, content_digest};
use crate::encoding::encode_base64;
use crate::key::Key;
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request};
use sfv::{BareItem, InnerList, KeyRef, Parameters};

/// The values of the header fields that sign a request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// The value of `content-digest`; absent for a request without a body.
    pub content_digest: Option<String>,
    /// The value of `signature-input`.
    pub signature_input: String,
    /// The value of `signature`.
    pub signature: String,
}

/// Signs the parts of a request. The nonce is fresh randomness of the caller, of 16 to 64 visible
/// characters. `None` when the key ring has no private half of the key, or a value cannot be in a
/// structured field.
pub fn sign_components(
    request: &RequestComponents<'_>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    let digest = request.body.map(|(body, _)| content_digest(body));
    sign_with_digest(request, digest, key, created, nonce)
}

fn sign_with_digest(
    request: &RequestComponents<'_>,
    digest: Option<String>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    let components = request.covered(digest.as_deref().unwrap_or_default())?;
    let (signature_input, signature) =
        make_signature(&components, &request_tag(key.key_use), key, created, nonce)?;
    Some(SignatureHeaders { content_digest: digest, signature_input, signature })
}

/// Signs the parts of a response. `None` also when its request has no signature of the profile.
pub fn sign_response(
    response: &ResponseComponents<'_>,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<SignatureHeaders> {
    let digest = content_digest(response.body.0);
    let components = response.covered(&digest)?;
    let (signature_input, signature) = make_signature(&components, RESPONSE_TAG, key, created, nonce)?;
    Some(SignatureHeaders { content_digest: Some(digest), signature_input, signature })
}

/// The values of `signature-input` and `signature` for these components.
fn make_signature(
    components: &[Component<'_>],
    tag: &str,
    key: &Key,
    created: Timestamp,
    nonce: &str,
) -> Option<(String, String)> {
    let mut params = Parameters::new();
    let mut insert = |name: &'static str, value: BareItem| -> Option<()> {
        params.insert(KeyRef::from_str(name).ok()?.to_owned(), value);
        Some(())
    };
    insert("created", BareItem::Integer(created.unix_seconds().try_into().ok()?))?;
    insert("nonce", string_item(nonce)?)?;
    insert("keyid", string_item(&key.id)?)?;
    insert("tag", string_item(tag)?)?;
    let items = components.iter().map(|component| component.identifier.clone()).collect();
    let input = InnerList { items, params };
    let signature = key.sign(signature_base(components, &input)?.as_bytes())?;
    let signature_input = format!("{LABEL}={}", serialize_input(&input)?);
    Some((signature_input, format!("{LABEL}=:{}:", encode_base64(&signature))))
}

/// Signs a request in place. It must have an absolute URI and, with a body, a `content-type`.
/// `None` when one of these is missing or as for [`sign_components`]; the request is then
/// unchanged.
///
/// A `content-digest` that matches the body is kept as it is spelled: in a forwarded request, its
/// first signer has signed that spelling.
pub fn sign_request(request: &mut Request<Bytes>, key: &Key, created: Timestamp, nonce: &str) -> Option<()> {
    let body = request.body().clone();
    let content_type = match request.headers().get(CONTENT_TYPE) {
        Some(value) => value.to_str().ok()?,
        None => "",
    };
    if !body.is_empty() && content_type.is_empty() {
        return None;
    }
    let authority = signed_authority(request.uri())?;
    let components = RequestComponents {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!body.is_empty()).then_some((&body[..], content_type)),
    };
    let digest = components.body.map(|(body, _)| {
        matching_digest(request.headers(), body).map_or_else(|| content_digest(body), str::to_owned)
    });
    let signed = sign_with_digest(&components, digest, key, created, nonce)?;
    insert_headers(request.headers_mut(), &signed)
}

/// The one `content-digest` of these headers, if it matches the body.
fn matching_digest<'h>(headers: &'h HeaderMap, body: &[u8]) -> Option<&'h str> {
    let mut values = headers.get_all(CONTENT_DIGEST).iter();
    let first = values.next()?.to_str().ok()?;
    (values.next().is_none() && digest::matches_content_digest(first, body)).then_some(first)
}

fn insert_headers(headers: &mut HeaderMap, signed: &SignatureHeaders) -> Option<()> {
    let input = HeaderValue::from_str(&signed.signature_input).ok()?;
    let signature = HeaderValue::from_str(&signed.signature).ok()?;
    let digest = match &signed.content_digest {
        Some(digest) => Some(HeaderValue::from_str(digest).ok()?),
        None => None,
    };
    headers.insert(SIGNATURE_INPUT, input);
    headers.insert(SIGNATURE, signature);
    if let Some(digest) = digest {
        headers.insert(CONTENT_DIGEST, digest);
    }
    Some(())
}
