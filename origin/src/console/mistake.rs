//! What has to be corrected in a form: its page comes again with what was typed, and says at the field what
//! is wrong.

use crate::call_outcome::CallOutcome;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::reject::ErrorCode;

/// What is wrong with a field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The name of the field.
    field: &'static str,
    message: String,
}

impl Mistake {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// Whether it is about this field.
pub(super) fn is_at(field: &str, mistake: Option<&Mistake>) -> bool {
    mistake.is_some_and(|mistake| mistake.field == field)
}

/// What is written above a field: what is wrong with it, or its hint, which may be empty. It belongs into the
/// label, which is read out with the field.
pub(super) fn show_hint(field: &str, hint: &str, mistake: Option<&Mistake>) -> Markup {
    html! {
        @if let Some(mistake) = mistake.filter(|mistake| mistake.field == field) {
            small class="bad" { (mistake.message) }
        } @else if !hint.is_empty() {
            small { (hint) }
        }
    }
}

/// 400 with the page that has the form.
pub(super) fn ask_again(mut page: Response) -> Response {
    *page.status_mut() = ErrorCode::InvalidRequest.status();
    page.extensions_mut().insert(CallOutcome::refused(ErrorCode::InvalidRequest));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistake_is_shown_at_its_field_in_place_of_the_hint() {
        let mistake = Mistake::new("to", "<1");
        let shown = |field, hint| show_hint(field, hint, Some(&mistake)).into_string();
        assert_eq!(shown("to", "A day"), "<small class=\"bad\">&lt;1</small>");
        assert_eq!(shown("from", "A day"), "<small>A day</small>");
        assert_eq!(shown("from", ""), "");
        assert_eq!(["to", "from"].map(|field| is_at(field, Some(&mistake))), [true, false]);
        assert!(!is_at("to", None));
    }
}
