//! The signature base (RFC 9421 §2.5): the exact text that is signed.

use sfv::{InnerList, ListSerializer};

/// The parts of a request that are signed.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
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

impl Target<'_> {
    /// Names of the components that the profile signs for this request, in its order.
    pub(super) fn components(&self) -> &'static [&'static str] {
        const ALL: [&str; 6] = ["@method", "@authority", "@path", "@query", "content-digest", "content-type"];
        if self.body.is_some() { &ALL } else { &ALL[..4] }
    }

    /// The signature base, given the header value of the digest and the components with their parameters.
    pub(super) fn signature_base(&self, content_digest: &str, params: &InnerList) -> Option<String> {
        let mut base = String::with_capacity(512);
        for name in self.components() {
            base.push('"');
            base.push_str(name);
            base.push_str("\": ");
            match *name {
                "@method" => base.push_str(self.method),
                "@authority" => base.push_str(&self.authority.to_ascii_lowercase()),
                "@path" => base.push_str(if self.path.is_empty() { "/" } else { self.path }),
                "@query" => {
                    base.push('?');
                    base.push_str(self.query);
                }
                "content-digest" => base.push_str(content_digest.trim()),
                _ => base.push_str(self.body?.1.trim()),
            }
            base.push('\n');
        }
        base.push_str("\"@signature-params\": ");
        base.push_str(&serialize(params)?);
        Some(base)
    }
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
