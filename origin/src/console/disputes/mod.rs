//! Disputes: the list of a desk that decides them, the forms of a charge, and what both post. A dispute
//! moves no money, and every page says so.

mod change;
mod words;

pub(super) use change::{decide_dispute, open_dispute, withdraw_dispute};
pub(super) use words::{reason_words, state_words};

use super::Console;
use super::access::require;
use super::layout::{Section, page};
use super::mistake::{Mistake, ask_again, is_at, show_hint};
use super::reference_field::reference_field;
use super::refused::Refused;
use super::text::{show_age, show_time};
use super::viewer::Viewer;
use crate::care::Act;
use crate::config::Config;
use crate::flow::{parse_cursor, write_cursor};
use crate::store::Period;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::limits::DESK_LINES_MAX;
use onbill_domain::money::Money;
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::dispute::{Dispute, DisputeReason, DisputeState};
use serde::Deserialize;

const TITLE: &str = "Disputes";

/// Which disputes to show.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    /// The word of a state; the open ones without it.
    #[serde(default)]
    state: String,
    /// The end of the page before.
    after: Option<String>,
}

/// `GET /disputes`: 200 with a page of the disputes in one state, the oldest first. 400 with the form for a
/// state that is none, and 400 `invalid-request` for such a cursor.
pub(super) async fn list_disputes(
    State(console): State<Console>,
    viewer: Viewer,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    require(&console, &viewer, Act::ReadDisputes, None).await?;
    let not_read = || Reject::invalid_request("after is not the end of an earlier page.");
    let Query(ListQuery { state, after }) = query.map_err(|_| not_read())?;
    let state = if state.is_empty() { Some(DisputeState::Open) } else { DisputeState::parse(&state) };
    let Some(state) = state else {
        let body = show_filter(None, Some(&Mistake::new("state", "There is no such state. Choose again.")));
        return Ok(ask_again(page(&viewer, TITLE, Section::Disputes, body)));
    };
    let after = after.map(|text| parse_cursor(&text)).transpose().map_err(|_| not_read())?;
    let (now, is_first) = (console.parts.clock.now(), after.is_none());
    // All of them: the index of a state leads to its oldest.
    let all = Period { from: Timestamp::from_unix_seconds(0), until: now.plus_seconds(1) };
    let found = console.parts.store.list_disputes(all, Some(state), after, DESK_LINES_MAX).await?;
    let body = html! {
        p class="muted" { (DOES_NOT) }
        (show_filter(Some(state), None))
        @if found.lines.is_empty() {
            p class="notice" {
                @if is_first { "There is no dispute in this state." } @else { "There are no more." }
            }
        }
        div class="cards" {
            @for dispute in &found.lines { (show_dispute(&console.parts.config, &viewer, dispute, now)) }
        }
        @if let Some(next) = &found.next {
            p {
                a class="button quiet" href={ "/disputes?state=" (state.as_str()) "&after=" (write_cursor(next)) } { "More" }
            }
        }
    };
    Ok(page(&viewer, TITLE, Section::Disputes, body))
}

/// What agents have to know of every dispute.
const DOES_NOT: &str = "A dispute moves no money and stops no charge. To give money back, refund the charge; to stop \
                        charges, close the link.";

fn show_filter(state: Option<DisputeState>, mistake: Option<&Mistake>) -> Markup {
    html! {
        form class="row" method="get" action="/disputes" {
            label {
                "State"
                (show_hint("state", "", mistake))
                select name="state" aria-invalid=[is_at("state", mistake).then_some("true")] {
                    @for one in DisputeState::ALL {
                        option value=(one.as_str()) selected[Some(one) == state] { (state_words(one)) }
                    }
                }
            }
            button { "Show" }
        }
    }
}

fn show_dispute(config: &Config, viewer: &Viewer, dispute: &Dispute, now: Timestamp) -> Markup {
    html! {
        article class="card" {
            h2 { (dispute.amount) " for " (config.partner_name(&dispute.partner)) }
            dl class="facts" {
                dt { "Why" } dd { (reason_words(dispute.reason)) }
                dt { "State" } dd { (state_words(dispute.state)) }
                dt { "Opened" }
                dd {
                    (show_time(&config.time_zone, dispute.opened_at))
                    @if dispute.state == DisputeState::Open {
                        ", " (show_age(now.seconds_since(dispute.opened_at))) " ago"
                    }
                }
                @if let Some(at) = dispute.decided_at { dt { "Decided" } dd { (show_time(&config.time_zone, at)) } }
                dt { "Reference" } dd { code { (dispute.reference) } }
                dt { "Charge" } dd { code { (dispute.transaction_id) } }
            }
            @if dispute.state == DisputeState::Open {
                @let about = about_field(dispute.amount, config.partner_name(&dispute.partner));
                (decision_forms(viewer, &dispute.transaction_id, dispute.reference.as_str(), &about))
            }
        }
    }
}

/// Which charge a form is about, for the question: people do not know it by its id.
pub(super) fn about_field(amount: Money, partner: &str) -> Markup {
    html! { input type="hidden" name="about" value={ (amount) " for " (partner) }; }
}

/// The buttons of an open dispute, as far as the viewer may press them. `hidden` are further fields.
pub(super) fn decision_forms(
    viewer: &Viewer,
    transaction_id: &str,
    reference: &str,
    hidden: &Markup,
) -> Markup {
    let form = |action: &str, content: &Markup| {
        html! {
            form class="row" method="post" action=(action) {
                (viewer.csrf_field())
                (hidden)
                input type="hidden" name="transaction" value=(transaction_id);
                input type="hidden" name="reference" value=(reference);
                (content)
            }
        }
    };
    let decisions = html! {
        button name="state" value=(DisputeState::Accepted.as_str()) { "Accept…" }
        button class="quiet" name="state" value=(DisputeState::Rejected.as_str()) { "Reject…" }
    };
    html! {
        @if viewer.permits(Act::DecideDispute) { (form("/disputes/decide", &decisions)) }
        @if viewer.permits(Act::OpenDispute) {
            (form("/disputes/withdraw", &html! { button class="quiet" { "The customer withdraws it…" } }))
        }
    }
}

const REFERENCE_HINT: &str = "With the charge it names the dispute. No name and no number of the customer.";

/// The form by which a dispute about a charge is opened. `hidden` are further fields.
pub(super) fn open_form(viewer: &Viewer, transaction_id: &str, reference: &str, hidden: &Markup) -> Markup {
    html! {
        details {
            summary { "Open a dispute" }
            form class="fields" method="post" action="/disputes/open" {
                (viewer.csrf_field())
                (hidden)
                input type="hidden" name="transaction" value=(transaction_id);
                p class="muted small" { (DOES_NOT) }
                label {
                    "Why"
                    // A partner is told of fraud: no reason is there by itself.
                    select name="reason" required {
                        option value="" { "Choose…" }
                        @for reason in DisputeReason::ALL { option value=(reason.as_str()) { (reason_words(reason)) } }
                    }
                }
                (reference_field("Reference", REFERENCE_HINT, reference, true))
                button { "Open the dispute…" }
            }
        }
    }
}
