//! The operator's style sheet, script and icon, served by itself.

use super::Operator;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

/// The style sheet, with the operator's colours in front.
pub(super) async fn get_style(State(operator): State<Operator>) -> impl IntoResponse {
    let colours = &operator.config().colours;
    let style = format!(
        ":root {{ --brand: light-dark({}, {}); }}\n{}",
        colours.light,
        colours.dark,
        include_str!("operator.css")
    );
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], style)
}

/// The logo, for the browser's tab.
pub(super) async fn get_icon(State(operator): State<Operator>) -> impl IntoResponse {
    let icon = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="{}"/><path d="M9 22v-4M16 22V13M23 22V8" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>"##,
        operator.config().colours.light
    );
    ([(CONTENT_TYPE, "image/svg+xml")], icon)
}

pub(super) async fn get_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("operator.js"))
}
