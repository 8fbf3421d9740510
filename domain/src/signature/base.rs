//! The signature base (RFC 9421 §2.5): the exact text that is signed.

use super::components::Component;
use sfv::{InnerList, ItemSerializer, ListSerializer};

/// The signature base of these components. `input` lists them, with the signature parameters.
pub(super) fn signature_base(components: &[Component<'_>], input: &InnerList) -> Option<String> {
    let mut base = String::with_capacity(512);
    for Component { identifier, value } in components {
        let item = ItemSerializer::with_buffer(&mut base).bare_item(&identifier.bare_item);
        let _ = item.parameters(&identifier.params).finish();
        base.push_str(": ");
        base.push_str(value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&serialize_input(input)?);
    Some(base)
}

/// The strict serialization of components and parameters, as they are in `signature-input`.
pub(super) fn serialize_input(input: &InnerList) -> Option<String> {
    let mut list = ListSerializer::new();
    let mut inner = list.inner_list();
    for item in &input.items {
        inner.bare_item(&item.bare_item).parameters(&item.params);
    }
    inner.finish().parameters(&input.params);
    list.finish()
}
