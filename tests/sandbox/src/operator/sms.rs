//! `GET /sms?msisdn=`: a number's SMS as a page and as JSON (`[{at, text}]`, oldest first); without
//! a number, the list of all subscribers.

use super::Operator;
use super::layout::{MenuItem, PageView, index, menu_page, number_in_query, number_link};
use crate::answer::{Refusal, wants_json};
use crate::copy_button::{copy_button, plain_call};
use crate::page::{moment, spoken_number};
use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::html;
use onbill_domain::reject::Reject;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct InboxQuery {
    msisdn: Option<String>,
}

/// An inbox; any number has one, as in a network.
pub(super) async fn get_sms(
    State(operator): State<Operator>,
    Query(query): Query<InboxQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let visitor = operator.logged_in(&headers);
    let title = ("Messages", MenuItem::Messages);
    let Some(typed) = query.msisdn.filter(|typed| !typed.is_empty()) else {
        let main = html! {
            h1 { "Messages" }
            p class="quiet" { "What each subscriber’s phone has received." }
            (index(&operator, "/sms", "Messages", |ledger, subscriber| ledger.texts(&subscriber.msisdn).len().to_string()))
        };
        return Ok(menu_page(&operator, &PageView::default(), title, visitor.as_ref(), &main));
    };
    let msisdn =
        number_in_query(&typed).ok_or_else(|| Reject::invalid_request("msisdn must be an E.164 number."))?;
    let texts = operator.ledger().texts(&msisdn).to_vec();
    if wants_json(&headers) {
        return Ok(Json(texts).into_response());
    }
    let call = plain_call(&format!("{}{}", operator.config().public_url, number_link("/sms", &msisdn)), None);
    let main = html! {
        div class="title inbox" {
            h1 { "Messages" }
            a href=(number_link("/bill", &msisdn)) { "Bill" }
        }
        (copy_button(&call, "these messages as JSON"))
        section class="phone" aria-label={ "Phone of " (spoken_number(msisdn.expose())) } {
            p class="from" { strong { (operator.config().name) } span { "to " (spoken_number(msisdn.expose())) } }
            ol id="messages" data-count=(texts.len()) {
                @for text in &texts { li { p class="text" dir="auto" { (text.text) } time datetime=(text.at) { (moment(text.at)) } } }
            }
            @if texts.is_empty() { p class="quiet" id="no-messages" { "No messages yet. New ones appear by themselves." } }
        }
    };
    Ok(menu_page(&operator, &PageView::default(), title, visitor.as_ref(), &main))
}
