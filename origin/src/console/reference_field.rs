//! The field for a reference, such as a ticket. Browsers refuse blanks in it before the form is sent;
//! [`super::access`] refuses telephone numbers as well.

use maud::{Markup, html};
use onbill_domain::limits::EXT_ID_CHARS_MAX;

/// A label with the field. `hint` may be empty.
pub(super) fn reference_field(label: &str, hint: &str, value: &str, is_required: bool) -> Markup {
    html! {
        label {
            (label)
            @if !hint.is_empty() { small { (hint) } }
            input name="reference" value=(value) required[is_required] maxlength=(EXT_ID_CHARS_MAX)
                pattern="\\s*[!-~]+\\s*" title="Letters, digits and signs without spaces";
        }
    }
}
