//! `/care`: a number is looked up. It is in the body of a POST, because a URL is in histories and logs; each
//! look is in the audit, whatever it finds.

use super::subscriber::show_subscriber;
use crate::call_outcome::CallOutcome;
use crate::care::Act;
use crate::ceiling::reject_exceeded;
use crate::console::Console;
use crate::console::access::{DeskForm, require, require_with_form};
use crate::console::form::Posted;
use crate::console::layout::{Section, page};
use crate::console::reference_field::reference_field;
use crate::console::refused::Refused;
use crate::console::viewer::{CONSOLE_KEY, Viewer};
use crate::store::AuditStamp;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::care::SubscriberSearchRequest;
use serde::Deserialize;

/// `GET /care`: 200 with the form.
pub(in crate::console) async fn show_search(
    State(console): State<Console>,
    viewer: Viewer,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::SearchSubscriber, None).await?;
    Ok(page(&viewer, "Customer care", Section::Care, search_form(&viewer, &SearchForm::default(), None)))
}

#[derive(Clone, Default, Deserialize)]
pub(in crate::console) struct SearchForm {
    msisdn: String,
    #[serde(default)]
    reference: String,
    /// Of the next charges.
    #[serde(default)]
    cursor: String,
}

impl DeskForm for SearchForm {
    fn reference(&self) -> &str {
        &self.reference
    }
}

/// `POST /care/search`: 200 with the page of the present subscriber; 404 with the form, when the number
/// has none who signed up, 400 with it for what has to be corrected, and 429 with it for a person who has
/// looked up too many numbers. For the other refusals see [`crate::care::CareDesk::search`].
pub(in crate::console) async fn search(
    State(console): State<Console>,
    posted: Posted<SearchForm>,
) -> Result<Response, Refused> {
    let (viewer, typed) = (posted.viewer.clone(), posted.form.as_ref().ok().cloned());
    match try_search(&console, posted).await {
        Ok(found) => Ok(found),
        Err(refused) => {
            let again = typed.and_then(|typed| show_again(&viewer, &typed, &refused));
            again.ok_or(refused)
        }
    }
}

async fn try_search(console: &Console, posted: Posted<SearchForm>) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, Act::SearchSubscriber).await?;
    let msisdn = console.parts.numbers.parse(&form.msisdn);
    let msisdn = msisdn.map_err(|_| Reject::invalid_request("This is not a telephone number."))?;
    admit_look_up(console, &stamp).await?;
    let request = SubscriberSearchRequest {
        msisdn: msisdn.clone(),
        actor: stamp.actor,
        role: stamp.role,
        reference: stamp.reference,
        cursor: (!form.cursor.is_empty()).then(|| form.cursor.clone()),
    };
    let found = console.parts.care.search(None, CONSOLE_KEY.to_owned(), request).await?;
    let body = show_subscriber(&console.parts.config, &viewer, &msisdn, &form.reference, &found);
    Ok(page(&viewer, "Customer", Section::Care, body))
}

/// 429 `too-many-requests` beyond the ceiling of a person: neither a curious one nor the thief of a session
/// walks through all customers. It is counted before anything is asked about the number. The signed call
/// has no such ceiling: the operator's own systems vouch for their people.
async fn admit_look_up(console: &Console, stamp: &AuditStamp) -> Result<(), Refused> {
    let (parts, now) = (&console.parts, console.parts.clock.now());
    let per_hour = console.look_ups_per_hour.count();
    let exceeded = parts.store.count_look_up(now, stamp.clone(), per_hour).await?;
    let Some(exceeded) = exceeded else { return Ok(()) };
    let reject = reject_exceeded(&parts.instruments, now, exceeded, stamp.role.as_str());
    let until = parts.config.time_zone.format_minute(exceeded.again_at);
    let message = format!(
        "You have looked up as many numbers as a person may in an hour, so this one was not looked up. Wait \
         until {until}, or ask an administrator for more. The attempt is in the audit."
    );
    Err(Reject { message, ..reject }.into())
}

/// The form with what was typed, to be corrected or sent later: the customer is on the line. `None` for a
/// refusal that is not due to what was typed, or to who looks.
fn show_again(viewer: &Viewer, typed: &SearchForm, refused: &Refused) -> Option<Response> {
    let due_to_it = [ErrorCode::InvalidRequest, ErrorCode::AccountNotFound, ErrorCode::TooManyRequests];
    let reject = refused.reject().filter(|reject| due_to_it.contains(&reject.code))?;
    let form = search_form(viewer, typed, Some(&reject.message));
    let mut response = page(viewer, "Customer care", Section::Care, form);
    *response.status_mut() = reject.code.status();
    response.extensions_mut().insert(CallOutcome::refused(reject.code));
    Some(response)
}

/// The field for the number has the focus, and with it the message is read out.
fn search_form(viewer: &Viewer, typed: &SearchForm, message: Option<&str>) -> Markup {
    let described_by = message.map(|_| "message");
    html! {
        @if let Some(message) = message { p class="notice" id="message" { (message) } }
        form class="fields card" method="post" action="/care/search" autocomplete="off" {
            (viewer.csrf_field())
            label {
                "Telephone number"
                input type="tel" name="msisdn" value=(typed.msisdn) required maxlength="32" autofocus
                    aria-describedby=[described_by];
            }
            (reference_field("Reference", "The ticket, if there is one. No name and no number of the customer.", &typed.reference, false))
            button { "Look up" }
            p class="muted small" { "Each look is in the audit, with your id." }
        }
    }
}
