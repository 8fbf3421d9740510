//! The frame of every page of the partner: a plain design of its own, and the red banners that must
//! never show.

use super::Netflix;
use crate::{page, refusal_page};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use maud::{DOCTYPE, Markup, html};
use onbill_domain::accept::accepts_html;

/// Where the menu leads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MenuItem {
    Redeem,
    Member,
}

/// The menu, by address and name.
const MENU: [(MenuItem, &str, &str); 2] =
    [(MenuItem::Redeem, "/redeem", "Redeem a code"), (MenuItem::Member, "/member", "Your account")];

/// A page that is not in the menu.
pub(super) fn page(netflix: &Netflix, title: &str, main: &Markup) -> Response {
    render(netflix, title, None, main)
}

/// A page that the menu leads to, and is marked there.
pub(super) fn menu_page(netflix: &Netflix, item: MenuItem, title: &str, main: &Markup) -> Response {
    render(netflix, title, Some(item), main)
}

fn render(netflix: &Netflix, title: &str, current: Option<MenuItem>, main: &Markup) -> Response {
    let leaks = netflix.0.leaks.found();
    let contradictions = netflix.ledger().contradictions().to_vec();
    page::html(html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Partner sandbox" }
                link rel="icon" href="/assets/netflix.svg";
                link rel="stylesheet" href="/assets/netflix.css";
                script type="module" src="/assets/copy.js" {}
            }
            body {
                a class="skip" href="#main" { "Skip to content" }
                header {
                    a class="brand" href="/" {
                        svg viewBox="0 0 32 32" aria-hidden="true" { rect width="32" height="32" rx="16" {} path d="M12.5 9.5v13l11-6.5z" {} }
                        span { "Partner sandbox" small { "plays Netflix" } }
                    }
                    nav aria-label="For members" {
                        @for (item, href, name) in MENU {
                            a href=(href) aria-current=[(current == Some(item)).then_some("page")] { (name) }
                        }
                    }
                }
                @if !leaks.is_empty() {
                    section id="leaks" class="leaks" aria-labelledby="leaks-title" {
                        h2 id="leaks-title" { "What must never reach the partner has reached it" }
                        ul { @for leak in &leaks { li { (leak.place) ": " code { (leak.found) } " · " (page::moment(leak.at)) } } }
                    }
                }
                @if !contradictions.is_empty() {
                    section id="contradictions" class="leaks" aria-labelledby="contradictions-title" {
                        h2 id="contradictions-title" { "What onbill reported contradicts the ledger here" }
                        ul { @for each in &contradictions { li { (each.operator) ", " (each.what) " · " (page::moment(each.at)) } } }
                    }
                }
                main id="main" tabindex="-1" { (main) }
                footer { "A simulation for local use. It is not Netflix, and no account or card here is real." }
            }
        }
    })
}

/// The layer that shows refusals to people.
pub(super) async fn show_refusals(State(netflix): State<Netflix>, request: Request, next: Next) -> Response {
    let is_for_a_person = accepts_html(request.headers());
    let response = next.run(request).await;
    if !is_for_a_person {
        return response;
    }
    let show = |words: &Markup| page(&netflix, "Error", &html! { div class="lead" { (words) } });
    refusal_page::show(response, show).await
}

pub(super) async fn get_style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("netflix.css"))
}

pub(super) async fn get_script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("netflix.js"))
}

/// The logo, for the browser's tab.
pub(super) async fn get_icon() -> impl IntoResponse {
    const ICON: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="16" fill="#0b6b5d"/><path d="M12.5 9.5v13l11-6.5z" fill="#fff"/></svg>"##;
    ([(CONTENT_TYPE, "image/svg+xml")], ICON)
}
