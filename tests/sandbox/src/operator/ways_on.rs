//! `/top-up`, `/pay-bill` and `/help`: where the widget sends a customer whom it had to refuse.

use super::Operator;
use super::layout::{PageView, page};
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use maud::html;

pub(super) async fn get_top_up(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(
        &operator,
        &headers,
        "Top up",
        "At a real operator, customers add money to their prepaid balance here.",
    )
}

pub(super) async fn get_pay_bill(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(&operator, &headers, "Pay your bill", "At a real operator, customers pay their open bills here.")
}

pub(super) async fn get_help(State(operator): State<Operator>, headers: HeaderMap) -> Response {
    show(&operator, &headers, "Help", "At a real operator, customers get answers about their line here.")
}

fn show(operator: &Operator, headers: &HeaderMap, title: &str, text: &str) -> Response {
    let visitor = operator.logged_in(headers);
    let view = PageView::default();
    let main = html! {
        section class="hero" {
            h1 { (title) }
            p { (text) " In this simulation there is nothing to do. " a href=(view.link("/")) { "Back to the overview" } "." }
        }
    };
    page(operator, &view, title, visitor.as_ref(), &main)
}
