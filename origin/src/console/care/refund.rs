//! `POST /care/refunds`: a person refunds all or part of a charge. It is asked about first. Above the ceiling
//! of their role it waits for a second person.

use super::way_back;
use crate::care::Act;
use crate::charge::{ConsoleRefund, RecordedRefund};
use crate::console::Console;
use crate::console::access::{DeskForm, require_reference, require_with_form};
use crate::console::confirm::{CONFIRMED, Confirmation, ask_to_confirm, show_done};
use crate::console::form::Posted;
use crate::console::layout::Section;
use crate::console::refused::{Refused, or_lead_back};
use crate::console::text::{read_amount, show_minor};
use crate::console::viewer::{CONSOLE_KEY, Viewer};
use crate::fault::Fault;
use crate::store::{AskRefundResult, AuditStamp, NewRefundRequest, RefundRequestState};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::care::{BorneBy, DeskRefundRequest};
use onbill_domain::wire::ott::TransactionStatus;
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct RefundForm {
    transaction: String,
    amount: String,
    currency: String,
    reason: String,
    #[serde(default)]
    borne_by: String,
    /// Which charge it is of, for the question.
    #[serde(default)]
    about: String,
    #[serde(default)]
    reference: String,
    /// Their number, for the way back.
    #[serde(default)]
    customer: String,
    #[serde(default)]
    confirmed: String,
}

impl DeskForm for RefundForm {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn customer(&self) -> Option<&str> {
        Some(&self.customer)
    }
}

/// 200 with the question; then with what billing says, or with the refund before a second person. 422
/// `idempotency-violation` for a reference that names another refund. For the other refusals see [`crate::charge::RefundPosts::record_desk_refund`].
pub(in crate::console) async fn post_refund(
    State(console): State<Console>,
    posted: Posted<RefundForm>,
) -> Response {
    let back = way_back(&console, &posted, Section::Care);
    or_lead_back(try_refund(&console, posted, &back).await, &back)
}

async fn try_refund(
    console: &Console,
    posted: Posted<RefundForm>,
    back: &Markup,
) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, Act::PostRefund).await?;
    let request = read_request(&form, &stamp)?;
    if form.confirmed != CONFIRMED {
        return Ok(ask_about(&viewer, &form, &request, back.clone()));
    }
    let refunds = &console.parts.refunds;
    match refunds.record_console_refund(CONSOLE_KEY.to_owned(), request.clone(), false).await? {
        ConsoleRefund::Recorded(recorded) => show_recorded(console, &viewer, recorded, back).await,
        ConsoleRefund::NeedsApproval { ceiling } => {
            put_before_second_person(console, &viewer, stamp, request, ceiling, back).await
        }
    }
}

fn read_request(form: &RefundForm, stamp: &AuditStamp) -> Result<DeskRefundRequest, Refused> {
    let currency =
        Currency::parse(&form.currency).ok_or_else(|| Reject::invalid_request("The currency is not one."))?;
    let amount = read_amount(&form.amount, currency).ok_or_else(|| {
        Reject::invalid_request("The amount is not one, such as 15.99 without a sign or a currency.")
    })?;
    let borne_by = BorneBy::parse(&form.borne_by)
        .ok_or_else(|| Reject::invalid_request("Say whose money it is: the partner’s or the operator’s."))?;
    let reference = require_reference(stamp)?.clone();
    Ok(DeskRefundRequest {
        transaction_id: form.transaction.clone(),
        amount: Some(amount),
        reference,
        reason: form.reason.trim().to_owned(),
        borne_by,
        actor: stamp.actor.clone(),
        role: stamp.role,
    })
}

pub(in crate::console) const fn borne_by_words(borne_by: BorneBy) -> &'static str {
    match borne_by {
        BorneBy::Partner => "The partner’s money",
        BorneBy::Operator => "The operator’s money",
    }
}

fn ask_about(viewer: &Viewer, form: &RefundForm, request: &DeskRefundRequest, back: Markup) -> Response {
    let amount = request.amount.map(show_minor).unwrap_or_default();
    let text = html! {
        dl class="facts" {
            dt { "Amount" } dd { strong { (amount) " " (form.currency) } }
            dt { "Reason" } dd { (request.reason) }
            dt { "Whose money" } dd { (borne_by_words(request.borne_by)) }
            dt { "Reference" } dd { code { (request.reference) } }
            @if !form.about.is_empty() { dt { "Charged" } dd { (form.about) } }
            dt { "Charge" } dd { code { (request.transaction_id) } }
        }
    };
    let fields = vec![
        ("transaction", form.transaction.as_str()),
        ("amount", amount.as_str()),
        ("currency", form.currency.as_str()),
        ("reason", request.reason.as_str()),
        ("borne_by", request.borne_by.as_str()),
        ("about", form.about.as_str()),
        ("reference", request.reference.as_str()),
        ("customer", form.customer.as_str()),
    ];
    let confirmation = Confirmation {
        title: "Refund this?",
        text,
        action: "/care/refunds",
        fields,
        button: "Refund",
        is_permanent: false,
        section: Section::Care,
        back,
    };
    ask_to_confirm(viewer, &confirmation)
}

/// Submits a new refund once, at once. A repetition shows how the first one stands.
pub(in crate::console) async fn show_recorded(
    console: &Console,
    viewer: &Viewer,
    recorded: RecordedRefund,
    back: &Markup,
) -> Result<Response, Refused> {
    /// What is read of the answer that the partner's systems would get.
    #[derive(Deserialize)]
    struct Answer {
        status: TransactionStatus,
    }
    let (answer, was_there) = match recorded {
        RecordedRefund::New(refund) => (console.parts.refunds.submit_refund(&refund).await?, false),
        RecordedRefund::Replay(answer) => (answer, true),
    };
    let Answer { status } =
        serde_json::from_slice(&answer).map_err(|_| Fault::Broken("a stored response is no JSON"))?;
    let text = html! {
        @if was_there { p { "This refund was asked for before, and nothing more was refunded." } }
        @match status {
            TransactionStatus::Approved => { p { "Billing has refunded the money." } }
            TransactionStatus::Declined => { p { span class="bad" { "Billing declined the refund." } } }
            TransactionStatus::Pending => {
                p { "Billing has not responded yet. onbill keeps asking, and the customer’s page will show the result." }
            }
        }
    };
    Ok(show_done(viewer, "Refund", Section::Care, &text, back))
}

async fn put_before_second_person(
    console: &Console,
    viewer: &Viewer,
    stamp: AuditStamp,
    request: DeskRefundRequest,
    ceiling: Money,
    back: &Markup,
) -> Result<Response, Refused> {
    let DeskRefundRequest { transaction_id, amount, reference, reason, borne_by, .. } = request;
    let request_id = console.parts.refunds.name_desk_refund(&transaction_id, &reference);
    let new = NewRefundRequest { request_id, transaction_id, amount, reason, borne_by, reference };
    let was_there = match console.parts.store.ask_for_refund(console.parts.clock.now(), stamp, new).await? {
        AskRefundResult::Asked => false,
        AskRefundResult::SameOpen => true,
        AskRefundResult::Other(state) => return Err(other_refund(state)),
    };
    let text = html! {
        p {
            "In your role you may give back " (ceiling) " of a charge, with all refunds of the operator. This one waits \
             for a second person who agrees."
        }
        @if was_there { p { "It was asked for before under this reference." } }
    };
    Ok(show_done(viewer, "A second person is needed", Section::Care, &text, back))
}

fn other_refund(state: RefundRequestState) -> Refused {
    let state = match state {
        RefundRequestState::Waiting => "it waits for a second person",
        RefundRequestState::Approved => "it was agreed to",
        RefundRequestState::Rejected => "it was not agreed to, or was taken back",
        RefundRequestState::Posted => "it was made",
        RefundRequestState::Failed => "it could not be made",
    };
    let message =
        format!("This reference names another refund of the charge ({state}): take another reference.");
    Reject::new(ErrorCode::IdempotencyViolation, message).into()
}
