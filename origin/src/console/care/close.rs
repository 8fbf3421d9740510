//! `POST /care/links/close`: an agent ends a link. It is asked about first: a closed PAI never opens again.

use super::way_back;
use crate::care::{Act, charged_elsewhere, close_words};
use crate::console::Console;
use crate::console::access::{DeskForm, require_reference, require_with_form};
use crate::console::confirm::{CONFIRMED, Confirmation, ask_to_confirm, show_done};
use crate::console::form::Posted;
use crate::console::layout::Section;
use crate::console::refused::{Refused, or_lead_back};
use crate::store::{ClosePaiResult, Queue};
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;

#[derive(Deserialize)]
pub(in crate::console) struct CloseForm {
    link: String,
    reason: String,
    /// Whose link it is, for the question.
    #[serde(default)]
    partner: String,
    #[serde(default)]
    reference: String,
    /// Their number, for the way back.
    #[serde(default)]
    customer: String,
    #[serde(default)]
    confirmed: String,
}

impl DeskForm for CloseForm {
    fn reference(&self) -> &str {
        &self.reference
    }

    fn customer(&self) -> Option<&str> {
        Some(&self.customer)
    }
}

/// 200 with the question, and then with what was done. 404 `pai-not-found`; 400 `invalid-request` for a
/// reason that closes none; 503 for one that is not cut over.
pub(in crate::console) async fn close_link(
    State(console): State<Console>,
    posted: Posted<CloseForm>,
) -> Response {
    let back = way_back(&console, &posted, Section::Care);
    or_lead_back(try_close(&console, posted, &back).await, &back)
}

async fn try_close(console: &Console, posted: Posted<CloseForm>, back: &Markup) -> Result<Response, Refused> {
    let (viewer, form, stamp) = require_with_form(console, posted, Act::CloseLink).await?;
    require_reference(&stamp)?;
    let not_found = || Reject::new(ErrorCode::PaiNotFound, "There is no such link.");
    let no_reason = || Reject::invalid_request("The reason is not one that closes links.");
    let pai = Pai::parse(&form.link).ok_or_else(not_found)?;
    let reason = DeclineReason::parse(&form.reason).filter(|reason| reason.closes_pai());
    let reason = reason.ok_or_else(no_reason)?;
    if form.confirmed != CONFIRMED {
        let partner = PartnerId::parse(&form.partner);
        let text = html! {
            p { "The link is closed permanently: every later charge is declined, and the partner is informed." }
            dl class="facts" {
                @if let Some(partner) = &partner { dt { "Partner" } dd { strong { (console.parts.config.partner_name(partner)) } } }
                dt { "Why" } dd { strong { (close_words(reason)) } }
                dt { "Reference" } dd { code { (form.reference) } }
            }
        };
        let fields = vec![
            ("link", form.link.as_str()),
            ("reason", reason.as_str()),
            ("partner", form.partner.as_str()),
            ("reference", form.reference.as_str()),
            ("customer", form.customer.as_str()),
        ];
        let confirmation = Confirmation {
            title: "Close this link?",
            text,
            action: "/care/links/close",
            fields,
            button: "Close the link",
            is_permanent: true,
            section: Section::Care,
            back: back.clone(),
        };
        return Ok(ask_to_confirm(&viewer, &confirmation));
    }
    let now = console.parts.clock.now();
    let closed = console.parts.store.close_link(None, now, stamp, None, pai, reason).await?;
    let text = match closed {
        ClosePaiResult::Closed => html! { p { "The link is closed. The partner is being informed." } },
        ClosePaiResult::AlreadyClosed(first) => {
            html! { p { "It was closed before, and that stays: " (close_words(first)) "." } }
        }
        ClosePaiResult::NotFound => return Err(not_found().into()),
        ClosePaiResult::NotCutOver => return Err(charged_elsewhere().into()),
        ClosePaiResult::NotAClosingReason => return Err(no_reason().into()),
    };
    console.parts.wake_up.wake(Queue::All);
    Ok(show_done(&viewer, "Link closed", Section::Care, &text, back))
}
