//! The covered components of a request and of a response (RFC 9421 §2).

use super::profile::{CONTENT_DIGEST, LABEL, SIGNATURE};
use super::received::parse_signature;
use crate::encoding::encode_base64;
use sfv::{BareItem, Item, KeyRef, StringRef};
use std::borrow::Cow;

/// A covered component: its identifier, and its value in one message.
pub(super) struct Component<'a> {
    pub(super) identifier: Item,
    pub(super) value: Cow<'a, str>,
}

impl<'a> Component<'a> {
    fn new(name: &str, value: impl Into<Cow<'a, str>>) -> Option<Self> {
        Some(Self { identifier: Item::new(string_item(name)?), value: value.into() })
    }
}

/// The signed parts of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestComponents<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The host and, unless it is the scheme's default, the port; in lower case (§2.2.3).
    pub authority: &'a str,
    /// The path, `/` when empty (§2.2.6).
    pub path: &'a str,
    /// The query without its `?`; empty when there is none (§2.2.7).
    pub query: &'a str,
    /// The body and its content type, if there is a body.
    pub body: Option<(&'a [u8], &'a str)>,
}

impl<'a> RequestComponents<'a> {
    /// The covered components in the order of the profile, with this value of `content-digest`.
    pub(super) fn covered(&self, content_digest: &'a str) -> Option<Vec<Component<'a>>> {
        let mut components = vec![
            Component::new("@method", self.method)?,
            Component::new("@authority", self.authority.to_ascii_lowercase())?,
            Component::new("@path", if self.path.is_empty() { "/" } else { self.path })?,
            Component::new("@query", format!("?{}", self.query))?,
        ];
        if let Some((_, content_type)) = self.body {
            components.extend(body_components(content_digest, content_type)?);
        }
        Some(components)
    }
}

/// The signed parts of a response. It covers the signature of its request, and by it all that is
/// signed there, so that it cannot be passed off as the response to another request.
#[derive(Clone, Copy, Debug)]
pub struct ResponseComponents<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body and its content type.
    pub body: (&'a [u8], &'a str),
    /// The `signature` header field of the request.
    pub request_signature: &'a str,
}

impl<'a> ResponseComponents<'a> {
    /// The covered components in the order of the profile, with this value of `content-digest`.
    pub(super) fn covered(&self, content_digest: &'a str) -> Option<Vec<Component<'a>>> {
        let mut components = vec![Component::new("@status", self.status.to_string())?];
        components.extend(body_components(content_digest, self.body.1)?);
        components.push(self.request_signature_component()?);
        Some(components)
    }

    /// `"signature";req;key="sig1"` (§2.4), in one spelling of its value.
    fn request_signature_component(&self) -> Option<Component<'a>> {
        let signature = encode_base64(&parse_signature(self.request_signature).ok()?);
        let mut component = Component::new(SIGNATURE, format!(":{signature}:"))?;
        let params = &mut component.identifier.params;
        params.insert(KeyRef::from_str("req").ok()?.to_owned(), BareItem::Boolean(true));
        params.insert(KeyRef::from_str("key").ok()?.to_owned(), string_item(LABEL)?);
        Some(component)
    }
}

fn body_components<'a>(content_digest: &'a str, content_type: &'a str) -> Option<[Component<'a>; 2]> {
    Some([
        Component::new(CONTENT_DIGEST, content_digest.trim())?,
        Component::new("content-type", content_type.trim())?,
    ])
}

/// The text as a structured-field string (RFC 9651 §3.3.3); `None` when it is not printable ASCII.
pub(super) fn string_item(text: &str) -> Option<BareItem> {
    Some(BareItem::String(StringRef::from_str(text).ok()?.to_owned()))
}
