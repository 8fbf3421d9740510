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
    pub(super) fields: Vec<(&'a str, &'a str)>,
    /// What the button says.
    pub(super) button: &'a str,
    /// Whether it can never be undone: its button looks so.
    pub(super) is_permanent: bool,
    pub(super) section: Section,
    /// Where nothing was done.
    pub(super) back: Markup,
}

/// 200 with the page.
pub(super) fn ask_to_confirm(viewer: &Viewer, confirmation: &Confirmation<'_>) -> Response {
    let body = html! {
        div class="card" {
            (confirmation.text)
            p class="muted small" { "Nothing has been done yet." }
            div class="row" {
                form method="post" action=(confirmation.action) {
                    (viewer.csrf_field())
                    @for (name, value) in &confirmation.fields { input type="hidden" name=(name) value=(value); }
                    input type="hidden" name="confirmed" value=(CONFIRMED);
                    button class=[confirmation.is_permanent.then_some("danger")] { (confirmation.button) }
                }
                (confirmation.back)
            }
        }
    };
    page(viewer, confirmation.title, confirmation.section, body)
}

/// The way to a section from where something was done, or was not.
pub(super) fn to_section(section: Section) -> Markup {
    html! { p { a class="button quiet" href=(section.path()) { "Back to " (section.title()) } } }
}

/// 200 with what was done, and the way `back`.
pub(super) fn show_done(
    viewer: &Viewer,
    title: &str,
    section: Section,
    text: &Markup,
    back: &Markup,
) -> Response {
    let body = html! {
        div class="card" {
            div role="status" { (text) }
            (back)
        }
    };
    page(viewer, title, section, body)
}
