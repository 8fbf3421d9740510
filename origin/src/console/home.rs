//! `GET /`, and every path that is not there.

use super::layout::{Section, plain_page, redirect_to};
use super::refused::Refused;
use super::viewer::Viewer;
use axum::response::Response;
use maud::html;
use onbill_domain::reject::{ErrorCode, Reject};

/// 303 to the first section that the viewer may see; 200 without one.
pub(super) async fn first_page(viewer: Viewer) -> Response {
    if let Some(section) = Section::first_of(&viewer) {
        return redirect_to(&section.path());
    }
    let body = html! { p { "Your roles have no page here." } };
    plain_page(&viewer, "Nothing to see", &body)
}

/// 404.
pub(super) async fn not_found() -> Refused {
    Refused::from(Reject::new(ErrorCode::NotFound, "There is no such page."))
}

/// 503 while the ledger is being recovered: people would decide by a ledger that is not complete.
pub(super) async fn recovering() -> Refused {
    Refused::from(Reject::new(
        ErrorCode::ServiceUnavailable,
        "The ledger is being recovered, and the console waits for it.",
    ))
}
