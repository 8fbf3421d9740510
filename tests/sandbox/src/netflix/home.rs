//! `GET /`: the start page.

use super::Netflix;
use super::layout::page;
use axum::extract::State;
use axum::response::Response;
use maud::html;

/// The index of the partner's pages.
pub(super) async fn get_home(State(netflix): State<Netflix>) -> Response {
    let main = html! {
        div class="lead" {
            h1 { "Partner sandbox" }
            p { "Customers come here from their operator’s site to sign up, or with a code to redeem. The other pages are for staff." }
        }
        ul class="doors" {
            li { a class="card" href="/app" { strong { "The app on a device" } span { "Sign up on a phone that has the app, by its SIM" } } }
            li { a class="card" href="/redeem" { strong { "Redeem a code" } span { "Six or twelve months, from a text message" } } }
            li { a class="card" href="/member" { strong { "Your account" } span { "How long it is paid for, and what follows" } } }
            li { a class="card" href="/accounts" { strong { "Accounts" } span { "Who is a member, and how they pay" } } }
            li { a class="card" href="/billing-runs" { strong { "Billing runs" } span { "Charge a month to everyone on a phone bill" } } }
            li { a class="card" href="/charges" { strong { "Charges" } span { "The state of each charge, and refunds" } } }
        }
    };
    page(&netflix, "Start", &main)
}
