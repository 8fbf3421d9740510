//! The text of `signature-input`, which is signed too.

use sfv::{InnerList, ListSerializer};

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
