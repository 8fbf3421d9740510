//! The signature base (RFC 9421 §2.5): the exact text that is signed.

use super::components::Component;
use super::input::serialize_input;
use sfv::{InnerList, ItemSerializer};

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
