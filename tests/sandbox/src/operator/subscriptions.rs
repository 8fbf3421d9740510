//! `GET /subscriptions`: what the subscriber pays through the operator, as the widget shows it
//! after proof of the number.

use super::Operator;
use super::dashboard::{WidgetView, behind_the_scenes, widget};
use super::layout::{MenuItem, PageView, menu_page};
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderMap;
use maud::html;

/// The page, with or without a log-in.
pub(super) async fn get_subscriptions(
    State(operator): State<Operator>,
    Query(view): Query<PageView>,
    headers: HeaderMap,
) -> Response {
    let visitor = operator.logged_in(&headers);
    let main = html! {
        section class="hero" {
            h1 { "My subscriptions" }
            p { "What you pay through " (operator.config().name) " besides your plan, and what was charged for it. You can end it here." }
        }
        div class="own" { (widget(&operator, &view, WidgetView::Account, visitor.is_some())) }
        (behind_the_scenes(&operator, "/subscriptions", &view, visitor.as_ref()))
    };
    menu_page(&operator, &view, ("My subscriptions", MenuItem::Subscriptions), visitor.as_ref(), &main)
}
