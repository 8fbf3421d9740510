//! The page between a form and an act that cannot be taken back: it shows what will be done, and posts the
//! same fields once more.

use super::layout::{Section, page};
use super::viewer::Viewer;
use axum::response::Response;
use maud::{Markup, html};

/// What a form has in the field `confirmed` once the person has confirmed it.
pub(super) const CONFIRMED: &str = "yes";

/// An act to be confirmed.
pub(super) struct Confirmation<'a> {
    pub(super) title: &'a str,
    /// What will be done, in words.
    pub(super) text: Markup,
    /// Where the fields are posted to.
    pub(super) action: &'a str,
    pub(super) fields: &'a [(&'a str, &'a str)],
    /// What the button says.
    pub(super) button: &'a str,
    pub(super) section: Section,
}

/// 200 with the page.
pub(super) fn ask_to_confirm(viewer: &Viewer, confirmation: &Confirmation<'_>) -> Response {
    let body = html! {
        div class="card" {
            (confirmation.text)
            form class="row" method="post" action=(confirmation.action) {
                (viewer.csrf_field())
                @for (name, value) in confirmation.fields { input type="hidden" name=(name) value=(value); }
                input type="hidden" name="confirmed" value=(CONFIRMED);
                button { (confirmation.button) }
                a class="button quiet" href=(confirmation.section.path()) { "Do nothing" }
            }
        }
    };
    page(viewer, confirmation.title, confirmation.section, body)
}

/// 200 with what was done.
pub(super) fn show_done(viewer: &Viewer, title: &str, section: Section, text: &Markup) -> Response {
    let body = html! {
        div class="card" {
            div role="status" { (text) }
            p { a class="button" href=(section.path()) { "Go on" } }
        }
    };
    page(viewer, title, section, body)
}
