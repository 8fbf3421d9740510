//! `GET /terms` and `GET /privacy`: what a customer of the widget is asked to read. The terms are
//! shown as they are in the file whose hash the origin keeps.

use super::Operator;
use super::layout::{PageView, page};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use maud::html;

/// 200 with the text of the terms; 404 when the operator has none.
pub(super) async fn get_terms(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Response {
    let Some(terms) = &operator.config().terms else { return StatusCode::NOT_FOUND.into_response() };
    let main = html! {
        section class="hero" { h1 { "Terms" } }
        div id="terms" class="card terms" { (terms) }
    };
    page(&operator, &view, "Terms", operator.logged_in(&headers).as_ref(), &main)
}

pub(super) async fn get_privacy(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Response {
    let name = &operator.config().name;
    let main = html! {
        section class="hero" { h1 { "Privacy" } }
        div class="card" {
            p { "A partner that you pay on your bill gets an identifier, and neither your number nor your name." }
            p { (name) " keeps what was charged and what you agreed to for as long as the law requires." }
        }
    };
    page(&operator, &view, "Privacy", operator.logged_in(&headers).as_ref(), &main)
}
