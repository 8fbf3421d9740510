//! `/approvals`: refunds above the ceiling of a role, and the second person who agrees to them or not. No
//! person agrees to their own; they may take it back. One that was agreed to and is not made yet can still be
//! left: the money may have been given back elsewhere.

use super::Console;
use super::access::require;
use super::care::refund::{borne_by_words, show_recorded};
use super::confirm::{show_done, to_section};
use super::form::Posted;
use super::layout::{Section, page};
use super::refused::{Refused, or_lead_back};
use super::text::show_time;
use super::viewer::{CONSOLE_KEY, Viewer};
use super::words::role_words;
use crate::care::Act;
use crate::charge::ConsoleRefund;
use crate::config::Config;
use crate::fault::{Failure, Fault};
use crate::store::{
    AskedBy, DecideRefundResult, RefundRequestCursor, RefundRequestDecision, RefundRequestRow,
    RefundRequestState,
};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::ids::ExtId;
use onbill_domain::limits::DESK_LINES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::care::DeskRefundRequest;
use serde::Deserialize;

/// The last request of the page before.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    after: Option<String>,
}

/// `GET /approvals`: 200 with a page of what others have asked for, the oldest first. The viewer's own are
/// below the first page. 400 `invalid-request` for a cursor that is none.
pub(super) async fn list(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ApproveRefund, None).await?;
    let no_cursor = || Reject::invalid_request("after is not the end of an earlier page.");
    let Query(ListQuery { after }) = query.map_err(|_| no_cursor())?;
    let after = after.map(|text| read_cursor(&text).ok_or_else(no_cursor)).transpose()?;
    let (store, config, is_first) = (&console.parts.store, &console.parts.config, after.is_none());
    let others = AskedBy::Others(viewer.actor.clone());
    let requests = store.list_open_refund_requests(others, after, DESK_LINES_MAX).await?;
    let own = if is_first {
        let own = AskedBy::Person(viewer.actor.clone());
        store.list_open_refund_requests(own, None, DESK_LINES_MAX).await?
    } else {
        Vec::new()
    };
    let next = requests.last().filter(|_| requests.len() == DESK_LINES_MAX as usize);
    let body = html! {
        @if requests.is_empty() && own.is_empty() {
            p class="notice" {
                @if is_first { "No refund waits for a second person." } @else { "There are no more." }
            }
        }
        div class="cards" {
            @for request in requests.iter().chain(&own) { (show_request(config, &viewer, request)) }
        }
        @if own.len() == DESK_LINES_MAX as usize {
            p class="muted" { "Of your own, the oldest " (DESK_LINES_MAX) " are here." }
        }
        @if let Some(last) = next {
            p { a class="button quiet" href={ "/approvals?after=" (write_cursor(last)) } { "More" } }
        }
    };
    Ok(page(&viewer, "Refunds to agree to", Section::Approvals, body))
}

/// Ids of requests are UUIDs: nothing of them has to be encoded.
fn write_cursor(last: &RefundRequestRow) -> String {
    format!("{}.{}", last.asked_at.unix_seconds(), last.request_id)
}

fn read_cursor(text: &str) -> Option<RefundRequestCursor> {
    let (asked_at, request_id) = text.split_once('.')?;
    // PostgreSQL takes no NUL.
    let request_id = ExtId::parse(request_id)?.as_str().to_owned();
    Some(RefundRequestCursor { asked_at: asked_at.parse().ok()?, request_id })
}

fn show_request(config: &Config, viewer: &Viewer, request: &RefundRequestRow) -> Markup {
    let partner = config.partner_name(&request.partner);
    html! {
        article class="card" {
            h2 {
                @match request.amount {
                    Some(amount) => { (amount) " for " (partner) }
                    None => { "All that is left of a charge for " (partner) }
                }
            }
            dl class="facts" {
                dt { "Asked by" } dd { code { (request.asked_by) } ", " (role_words(request.asked_role)) }
                dt { "Asked" } dd { (show_time(&config.time_zone, request.asked_at)) }
                dt { "Reason" } dd { (request.reason) }
                dt { "Whose money" } dd { (borne_by_words(request.borne_by)) }
                dt { "Reference" } dd { code { (request.reference) } }
                dt { "Charge" } dd { code { (request.transaction_id) } }
            }
            @if request.state == RefundRequestState::Approved {
                p class="warn" { "It was agreed to, but the refund has not been made yet." }
            }
            @if request.asked_by == viewer.actor {
                p class="muted" { "You have requested it: another person has to decide." }
                form class="row" method="post" action={ "/approvals/" (request.request_id) } {
                    (viewer.csrf_field())
                    button class="quiet" name="decision" value="reject" { "Take it back" }
                }
            } @else {
                form class="row" method="post" action={ "/approvals/" (request.request_id) } {
                    (viewer.csrf_field())
                    button name="decision" value="approve" { "Agree, and refund" }
                    button class="quiet" name="decision" value="reject" {
                        @if request.state == RefundRequestState::Approved { "Do not refund" }
                        @else { "Do not agree" }
                    }
                }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct DecisionForm {
    decision: String,
}

/// `POST /approvals/{id}`:
/// 1. Records the decision, with its entry in the audit: 403 `forbidden` to agree to one's own, 404
///    `not-found`, 409 `request-in-progress` for one that was decided before, other than by a repetition,
///    or whose refund is there.
/// 2. Makes the refund of one that is agreed to, in the name of the person who asked for it. If that
///    fails permanently, the request has failed; if it fails for now, it may be agreed to again.
pub(super) async fn decide(
    State(console): State<Console>,
    path: Result<Path<String>, PathRejection>,
    posted: Posted<DecisionForm>,
) -> Response {
    // What cannot be read names no request.
    let request_id = path.map(|Path(id)| id).unwrap_or_default();
    or_lead_back(try_decide(&console, request_id, posted).await, &to_section(Section::Approvals))
}

async fn try_decide(
    console: &Console,
    request_id: String,
    Posted { viewer, form }: Posted<DecisionForm>,
) -> Result<Response, Refused> {
    // 1.
    let stamp = require(console, &viewer, Act::ApproveRefund, None).await?;
    let decision = match form?.decision.as_str() {
        "approve" => RefundRequestDecision::Approve,
        "reject" => RefundRequestDecision::Reject,
        _ => return Err(Reject::invalid_request("Agree, or do not agree.").into()),
    };
    // PostgreSQL takes no NUL.
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such refund to agree to.");
    ExtId::parse(&request_id).ok_or_else(not_found)?;
    let (store, now) = (&console.parts.store, console.parts.clock.now());
    let request = match store.decide_refund_request(now, stamp, request_id, decision).await? {
        DecideRefundResult::Approved(request) => request,
        DecideRefundResult::Rejected | DecideRefundResult::RejectedBefore => {
            let text = html! { p { "The refund is not made." } };
            return Ok(show_done(
                &viewer,
                "Not agreed to",
                Section::Approvals,
                &text,
                &to_section(Section::Approvals),
            ));
        }
        DecideRefundResult::OwnRequest => {
            let message = "You have requested this refund: another person has to decide.";
            return Err(Reject::new(ErrorCode::Forbidden, message).into());
        }
        DecideRefundResult::AlreadyDecided => {
            let message = "It was decided about before.";
            return Err(Reject::new(ErrorCode::RequestInProgress, message).into());
        }
        DecideRefundResult::AlreadyMade => {
            let message = "The refund was given to billing before, and cannot be stopped any more. A person who did not \
                 ask for it can agree to it, and sees how it stands.";
            return Err(Reject::new(ErrorCode::RequestInProgress, message).into());
        }
        DecideRefundResult::NotFound => return Err(not_found().into()),
    };
    // 2.
    make_refund(console, &viewer, *request).await
}

async fn make_refund(
    console: &Console,
    viewer: &Viewer,
    request: RefundRequestRow,
) -> Result<Response, Refused> {
    let RefundRequestRow { request_id, transaction_id, amount, reason, borne_by, reference, .. } = request;
    let asked = DeskRefundRequest {
        transaction_id,
        amount,
        reference,
        reason,
        borne_by,
        actor: request.asked_by,
        role: request.asked_role,
    };
    let store = &console.parts.store;
    match console.parts.refunds.record_console_refund(CONSOLE_KEY.to_owned(), asked, true).await {
        Ok(ConsoleRefund::Recorded(recorded)) => {
            store.end_refund_request(request_id, true).await?;
            show_recorded(console, viewer, recorded, &to_section(Section::Approvals)).await
        }
        Ok(ConsoleRefund::NeedsApproval { .. }) => {
            Err(Fault::Broken("a refund that was agreed to has a ceiling").into())
        }
        Err(Failure::Reject(reject)) => {
            // It passes: the same refund is being answered, or another system charges the PAI until it is
            // cut over.
            match reject.code {
                ErrorCode::RequestInProgress => Err(reject.into()),
                ErrorCode::ServiceUnavailable => Err(not_made_yet().into()),
                _ => {
                    store.end_refund_request(request_id, false).await?;
                    Err(reject.into())
                }
            }
        }
        Err(fault) => Err(fault.into()),
    }
}

/// The request stays open, so the money could be given back in both systems.
fn not_made_yet() -> Reject {
    Reject::new(
        ErrorCode::ServiceUnavailable,
        "Another system charges this customer until they are switched to onbill, so the refund is not made yet. \
         Agree once more then. Or give the money back in that system, and choose “Do not refund” here.",
    )
}
