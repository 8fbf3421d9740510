//! What a person reads instead of a refusal in JSON, and where there is no page at all. Programs,
//! which do not name HTML, get the refusal as it is.

use crate::answer::Refusal;
use axum::body::to_bytes;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use maud::{Markup, html};
use onbill_domain::reject::{ErrorCode, Reject};
use serde_json::Value;

/// Longer bodies are no refusals.
const REFUSAL_BYTES_MAX: usize = 16 * 1024;

/// The handler of every path that is not there.
pub async fn not_found() -> Refusal {
    Reject::new(ErrorCode::NotFound, "There is no such page.").into()
}

/// Puts the words of a refusal on the page that `render` makes of them, with the refusal's status. A
/// success stays as it is, and so does what is a page already.
pub async fn show(response: Response, render: impl FnOnce(&Markup) -> Response) -> Response {
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_page = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let body = to_bytes(response.into_body(), REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let refusal: Option<Value> = serde_json::from_slice(&body).ok();
    let message = refusal.as_ref().and_then(|refusal| refusal["message"].as_str());
    let mut page = render(&html! {
        h1 { @if status == StatusCode::NOT_FOUND { "There is nothing here" } @else { "This does not work" } }
        @if let Some(message) = message { p { (message) } }
        p { a href="/" { "To the start" } }
    });
    *page.status_mut() = status;
    page
}
