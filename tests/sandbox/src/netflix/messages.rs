//! `POST /messages`: sends a message to the subscriber who pays for an account on the bill, one
//! `POST /ott/v1/notification`; and the form for it. A message gets its id when its form is made,
//! so that a second click, or the same page sent again, is the same message.

use super::Netflix;
use super::accounts;
use super::edge::EdgeFailure;
use super::words::refusal_words;
use crate::answer::Refusal;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::limits::NOTIFICATION_UTF16_UNITS_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::notification::{NotificationRequest, NotificationResponse};
use serde::Deserialize;

const PATH: &str = "/ott/v1/notification";

/// A form as it was sent.
#[derive(Deserialize)]
pub(super) struct EnteredMessage {
    pai: Pai,
    #[serde(rename = "extNotificationID")]
    name: ExtId,
    #[serde(default)]
    message: String,
}

/// The outcome of a message.
pub(super) struct SentMessage {
    entered: EnteredMessage,
    outcome: Result<(), EdgeFailure>,
}

impl SentMessage {
    /// Whether it was to this subscriber.
    fn is_to(&self, pai: Pai) -> bool {
        self.entered.pai == pai
    }
}

/// 404 `pai-not-found` for a subscriber who pays for no account here. onbill checks everything
/// else, and its response is shown beside the form.
pub(super) async fn post_message(
    State(netflix): State<Netflix>,
    form: Result<Form<EnteredMessage>, FormRejection>,
) -> Result<Response, Refusal> {
    let Form(entered) = form.map_err(|_| Reject::invalid_request("The form cannot be read."))?;
    let bills =
        netflix.members().accounts().iter().filter_map(|account| account.pays.bill()).collect::<Vec<_>>();
    let bill = bills.into_iter().find(|(_, pai)| *pai == entered.pai);
    let nobodys = || Reject::new(ErrorCode::PaiNotFound, "No account here pays on the bill by this PAI.");
    let (operator, _) = bill.ok_or_else(nobodys)?;
    let request = NotificationRequest {
        pai: entered.pai,
        message: entered.message.trim().to_owned(),
        ext_notification_id: Some(entered.name.clone()),
    };
    let outcome = netflix.0.edge.post::<NotificationResponse>(PATH, &request, Some(&operator)).await;
    let outcome = outcome.answer.map(|_| ());
    let status = if outcome.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok((status, accounts::list(&netflix, Some(&SentMessage { entered, outcome }))).into_response())
}

/// The form for a subscriber, with the outcome of the last message. One that may succeed later
/// stays in it, under its id.
pub(super) fn form(netflix: &Netflix, pai: Pai, sent: Option<&SentMessage>) -> Markup {
    let sent = sent.filter(|sent| sent.is_to(pai));
    let failed = sent.and_then(|sent| Some((&sent.entered, sent.outcome.as_ref().err()?)));
    let kept =
        failed.filter(|(_, failure)| failure.is_passing()).map(|(entered, _)| entered.name.to_string());
    let name = kept.unwrap_or_else(|| format!("msg-{}", netflix.0.outside.random.uuid()));
    let id = format!("message-{pai}");
    html! {
        details class="fold" open[sent.is_some()] {
            summary { "Send a message" }
            form method="post" action="/messages" {
                input type="hidden" name="pai" value=(pai);
                input type="hidden" name="extNotificationID" value=(name);
                label for=(id) { "What it says" }
                input id=(id) name="message" required maxlength=(NOTIFICATION_UTF16_UNITS_MAX) autocomplete="off"
                    value=(failed.map_or("", |(entered, _)| &entered.message));
                @match (failed, sent) {
                    (Some((_, EdgeFailure::Refused { code, .. })), _) => { p class="problem" role="alert" { "Not sent: " (refusal_words(code)) "." } }
                    (Some((_, EdgeFailure::Silent)), _) => { p class="problem" role="alert" { "No answer. Send it again: it is the same message." } }
                    (None, Some(_)) => { p class="hint" role="status" { "The message is on its way to the subscriber’s phone." } }
                    (None, None) => {}
                }
                button type="submit" { "Send" }
            }
        }
    }
}
