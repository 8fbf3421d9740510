//! `POST /billing/retry`: a dead letter goes back into its queue.

use crate::care::Act;
use crate::console::Console;
use crate::console::access::{DeskForm, require_with_form};
use crate::console::confirm::{show_done, to_section};
use crate::console::form::Posted;
use crate::console::layout::Section;
use crate::console::refused::{Refused, or_lead_back};
use crate::store::Queue;
use axum::extract::State;
use axum::response::Response;
use maud::html;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct RetryForm {
    job: i64,
    #[serde(default)]
    reference: String,
}

impl DeskForm for RetryForm {
    fn reference(&self) -> &str {
        &self.reference
    }
}

/// 200 when the job is queued again, with its reason in the audit. 400 `invalid-request` without one; 404
/// `not-found` for a job that is no dead letter, or is none any more.
pub(in crate::console) async fn retry_job(
    State(console): State<Console>,
    posted: Posted<RetryForm>,
) -> Response {
    or_lead_back(try_retry(&console, posted).await, &to_section(Section::Billing))
}

async fn try_retry(console: &Console, posted: Posted<RetryForm>) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, Act::RetryJob).await?;
    if stamp.reference.is_none() {
        return Err(Reject::invalid_request("Say why, in a word or by a ticket.").into());
    }
    let now = console.parts.clock.now();
    if !console.parts.store.redrive_by_hand(None, now, stamp, form.job).await? {
        return Err(Reject::new(ErrorCode::NotFound, "There is no such dead letter any more.").into());
    }
    console.parts.wake_up.wake(Queue::All);
    let text = html! {
        p { "The job is in its queue again. Billing is asked before anything is submitted, so nothing is billed twice." }
    };
    Ok(show_done(&viewer, "Retried", Section::Billing, &text, &to_section(Section::Billing)))
}
