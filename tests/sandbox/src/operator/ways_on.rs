//! `/top-up`, `/pay-bill` and `/help`: where the widget sends a customer whom it had to refuse.

use super::Operator;
use super::layout::{PageView, page};
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use maud::html;

pub(super) async fn get_top_up(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(&operator, &headers, "Top up", "Add money to your prepaid balance here.")
}

pub(super) async fn get_pay_bill(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(&operator, &headers, "Pay your bill", "Open bills are paid here.")
}

pub(super) async fn get_help(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(&operator, &headers, "Help", "Ask us anything about your line.")
}

fn show(operator: &Operator, headers: &HeaderMap, title: &str, text: &str) -> Response {
    let visitor = operator.logged_in(headers);
    let main = html! { h1 { (title) } p { (text) } };
    page(operator, &PageView::default(), title, visitor.as_ref(), &main)
}
