//! The signature base (RFC 9421 §2.5): the exact text that is signed.

use super::verify::only_signature;
use crate::encoding::encode_base64;
use sfv::{BareItem, InnerList, Item, ItemSerializer, KeyRef, ListSerializer, StringRef};
use std::borrow::Cow;

/// A part of a message that is signed, and what it is in this one.
pub(super) struct Component<'a> {
    pub(super) identifier: Item,
    value: Cow<'a, str>,
}

impl<'a> Component<'a> {
    fn new(name: &str, value: impl Into<Cow<'a, str>>) -> Option<Self> {
        Some(Self { identifier: Item::new(text(name)?), value: value.into() })
    }
}

/// The parts of a request that are signed.
#[derive(Clone, Copy, Debug)]
pub struct RequestComponents<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// Host and, unless it is the scheme's own, port; lower case (RFC 9421 §2.2.3).
    pub authority: &'a str,
    /// The path, `/` when empty (§2.2.6).
    pub path: &'a str,
    /// The query without its `?`; empty when there is none (§2.2.7).
    pub query: &'a str,
    /// The body and its content type, when there is a body.
    pub body: Option<(&'a [u8], &'a str)>,
}

impl<'a> RequestComponents<'a> {
    /// What the profile signs of this request, in its order, given the header value of the digest.
    pub(super) fn components(&self, content_digest: &'a str) -> Option<Vec<Component<'a>>> {
        let mut components = vec![
            Component::new("@method", self.method)?,
            Component::new("@authority", self.authority.to_ascii_lowercase())?,
            Component::new("@path", if self.path.is_empty() { "/" } else { self.path })?,
            Component::new("@query", format!("?{}", self.query))?,
        ];
        if let Some((_, content_type)) = self.body {
            components.extend(of_body(content_digest, content_type)?);
        }
        Some(components)
    }
}

/// The parts of an answer that are signed. It is bound to the call by the call's own signature, and so to all that is
/// signed there: an answer cannot be passed off as that to another call.
#[derive(Clone, Copy, Debug)]
pub struct ResponseComponents<'a> {
    /// Its status.
    pub status: u16,
    /// Its body and content type.
    pub body: (&'a [u8], &'a str),
    /// The header `signature` of the call that it answers.
    pub call: &'a str,
}

impl<'a> ResponseComponents<'a> {
    /// The same of this answer.
    pub(super) fn components(&self, content_digest: &'a str) -> Option<Vec<Component<'a>>> {
        let mut components = vec![Component::new("@status", self.status.to_string())?];
        components.extend(of_body(content_digest, self.body.1)?);
        let call = encode_base64(&only_signature(self.call).ok()?);
        let mut call = Component::new(super::SIGNATURE, format!(":{call}:"))?;
        let params = &mut call.identifier.params;
        params.insert(KeyRef::from_str("req").ok()?.to_owned(), BareItem::Boolean(true));
        params.insert(KeyRef::from_str("key").ok()?.to_owned(), text(super::LABEL)?);
        components.push(call);
        Some(components)
    }
}

fn of_body<'a>(content_digest: &'a str, content_type: &'a str) -> Option<[Component<'a>; 2]> {
    Some([
        Component::new(super::CONTENT_DIGEST, content_digest.trim())?,
        Component::new("content-type", content_type.trim())?,
    ])
}

/// The signature base of these components, which are listed with their parameters in `params`.
pub(super) fn signature_base(components: &[Component<'_>], params: &InnerList) -> Option<String> {
    let mut base = String::with_capacity(512);
    for Component { identifier, value } in components {
        let item = ItemSerializer::with_buffer(&mut base).bare_item(&identifier.bare_item);
        let _ = item.parameters(&identifier.params).finish();
        base.push_str(": ");
        base.push_str(value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&serialize(params)?);
    Some(base)
}

/// The strict serialization of the components and parameters, as they stand in `Signature-Input`.
pub(super) fn serialize(params: &InnerList) -> Option<String> {
    let mut list = ListSerializer::new();
    let mut inner = list.inner_list();
    for item in &params.items {
        inner.bare_item(&item.bare_item).parameters(&item.params);
    }
    inner.finish().parameters(&params.params);
    list.finish()
}

/// A string of a structured field, if it can be one.
pub(super) fn text(value: &str) -> Option<BareItem> {
    Some(BareItem::String(StringRef::from_str(value).ok()?.to_owned()))
}
