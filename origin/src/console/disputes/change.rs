//! `POST /disputes/open`, `/disputes/withdraw` and `/disputes/decide`: each is asked about first, and then
//! does what the signed call does, by the same rules. What was done before changes nothing.

use super::{DOES_NOT, reason_words, state_words};
use crate::care::Act;
use crate::console::Console;
use crate::console::access::{DeskForm, require_reference, require_with_form};
use crate::console::care::way_back;
use crate::console::confirm::{CONFIRMED, Confirmation, ask_to_confirm, show_done};
use crate::console::form::Posted;
use crate::console::layout::Section;
use crate::console::refused::{Refused, or_lead_back};
use crate::console::viewer::CONSOLE_KEY;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::reject::Reject;
use onbill_domain::wire::dispute::{DisputeReason, DisputeRequest, DisputeState};
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct DisputeForm {
    transaction: String,
    /// Why it is opened.
    #[serde(default)]
    reason: String,
    /// What is decided.
    #[serde(default)]
    state: String,
    /// Which charge it is about, for the question.
    #[serde(default)]
    about: String,
    #[serde(default)]
    reference: String,
    /// The number of the customer whose page has the form, for the way back.
    #[serde(default)]
    customer: String,
    #[serde(default)]
    confirmed: String,
}

impl DeskForm for DisputeForm {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn customer(&self) -> Option<&str> {
        Some(&self.customer)
    }
}

/// What a form asks for: the state, and the reason of a new dispute.
type Asked = Result<(DisputeState, Option<DisputeReason>), Reject>;

/// A change, as it is asked about.
#[derive(Clone, Copy)]
struct Change {
    state: DisputeState,
    reason: Option<DisputeReason>,
    action: &'static str,
}

/// `POST /disputes/open`: 200 with the question, and then with what was done. 400 `invalid-request` without
/// a reason that is one. For the other refusals see [`crate::care::Disputes::post`].
pub(in crate::console) async fn open_dispute(
    State(console): State<Console>,
    posted: Posted<DisputeForm>,
) -> Response {
    let read = |form: &DisputeForm| -> Asked {
        let no_reason = || Reject::invalid_request("Say why the customer contests the charge.");
        let reason = DisputeReason::parse(&form.reason).ok_or_else(no_reason)?;
        Ok((DisputeState::Open, Some(reason)))
    };
    change_dispute(&console, posted, Act::OpenDispute, "/disputes/open", read).await
}

/// `POST /disputes/withdraw`: as [`open_dispute`], for the customer who drops it.
pub(in crate::console) async fn withdraw_dispute(
    State(console): State<Console>,
    posted: Posted<DisputeForm>,
) -> Response {
    let read = |_: &DisputeForm| -> Asked { Ok((DisputeState::Withdrawn, None)) };
    change_dispute(&console, posted, Act::OpenDispute, "/disputes/withdraw", read).await
}

/// `POST /disputes/decide`: as [`open_dispute`]. 400 `invalid-request` for what is no decision.
pub(in crate::console) async fn decide_dispute(
    State(console): State<Console>,
    posted: Posted<DisputeForm>,
) -> Response {
    let read = |form: &DisputeForm| -> Asked {
        match DisputeState::parse(&form.state) {
            Some(state @ (DisputeState::Accepted | DisputeState::Rejected)) => Ok((state, None)),
            _ => Err(Reject::invalid_request("Accept the dispute, or reject it.")),
        }
    };
    change_dispute(&console, posted, Act::DecideDispute, "/disputes/decide", read).await
}

async fn change_dispute(
    console: &Console,
    posted: Posted<DisputeForm>,
    act: Act,
    action: &'static str,
    read: impl Fn(&DisputeForm) -> Asked,
) -> Response {
    let back = way_back(console, &posted, Section::Disputes);
    or_lead_back(try_change(console, posted, act, action, read, &back).await, &back)
}

async fn try_change(
    console: &Console,
    posted: Posted<DisputeForm>,
    act: Act,
    action: &'static str,
    read: impl Fn(&DisputeForm) -> Asked,
    back: &Markup,
) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, act).await?;
    let reference = require_reference(&stamp)?.clone();
    let (state, reason) = read(&form)?;
    if form.confirmed != CONFIRMED {
        let change = Change { state, reason, action };
        return Ok(ask_to_confirm(&viewer, &word_question(&form, change, back.clone())));
    }
    let request = DisputeRequest {
        transaction_id: form.transaction,
        state,
        reason,
        reference,
        actor: stamp.actor,
        role: stamp.role,
    };
    let posted = console.parts.disputes.post(None, CONSOLE_KEY.to_owned(), request).await?;
    let (title, was_done) = match state {
        DisputeState::Open if posted.is_new => ("Dispute opened", "The dispute is open."),
        DisputeState::Open => ("Dispute opened", "It was opened before under this reference."),
        DisputeState::Accepted => ("Dispute accepted", "The dispute is accepted: the customer is right."),
        DisputeState::Rejected => ("Dispute rejected", "The dispute is rejected: the charge stands."),
        DisputeState::Withdrawn => ("Dispute withdrawn", "The dispute is withdrawn."),
    };
    let informed = match console.parts.config.partner_url(&posted.dispute.partner) {
        Some(_) => "The partner is informed, because it is about fraud.",
        None => "It is about fraud, but the partner takes no webhooks: inform it yourself.",
    };
    let text = html! {
        p { (was_done) " No money was moved." }
        @if posted.dispute.state != state { p { "It stands by now as: " (state_words(posted.dispute.state)) "." } }
        @if posted.dispute.reason.is_reported() { p { (informed) } }
        @if state == DisputeState::Accepted {
            p { "If the customer is to get money back, refund the charge on the customer’s page." }
        }
    };
    Ok(show_done(&viewer, title, Section::Disputes, &text, back))
}

fn word_question(form: &DisputeForm, change: Change, back: Markup) -> Confirmation<'_> {
    let (title, button) = match change.state {
        DisputeState::Open => ("Open this dispute?", "Open the dispute"),
        DisputeState::Accepted => ("Accept this dispute?", "Accept the dispute"),
        DisputeState::Rejected => ("Reject this dispute?", "Reject the dispute"),
        DisputeState::Withdrawn => ("Withdraw this dispute?", "Withdraw the dispute"),
    };
    let text = html! {
        dl class="facts" {
            @if let Some(reason) = change.reason { dt { "Why" } dd { (reason_words(reason)) } }
            @else { dt { "Then it is" } dd { strong { (state_words(change.state)) } } }
            @if !form.about.is_empty() { dt { "About" } dd { strong { (form.about) } } }
            dt { "Charge" } dd { code { (form.transaction) } }
            dt { "Reference" } dd { code { (form.reference) } }
        }
        p { (DOES_NOT) }
        @match change.reason {
            Some(reason) if reason.is_reported() => { p { "The partner is informed, because it is about fraud, if it takes webhooks." } }
            Some(_) => { p { "The partner is not informed: it is between you and the customer." } }
            None => { p { "What is decided stays. A customer who comes back gets another dispute. The partner is informed if it is about fraud, and takes webhooks." } }
        }
    };
    let fields = vec![
        ("transaction", form.transaction.as_str()),
        ("reason", form.reason.as_str()),
        ("state", form.state.as_str()),
        ("about", form.about.as_str()),
        ("reference", form.reference.as_str()),
        ("customer", form.customer.as_str()),
    ];
    Confirmation {
        title,
        text,
        action: change.action,
        fields,
        button,
        is_permanent: false,
        section: Section::Disputes,
        back,
    }
}
