//! The operator's style sheet and script, served by itself.

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

/// The script.
pub(super) async fn get_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("operator.js"))
}
