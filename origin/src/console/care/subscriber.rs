//! A subscriber as an agent reads them: links first, then what happened, the newest first.

use super::timeline::show_timeline;
use super::{CustomerPage, REFERENCE_HINT, more_than_shown};
use crate::care::{Act, LINKS_WITH_CHARGES_MAX, close_words};
use crate::config::Config;
use crate::console::reference_field::reference_field;
use crate::console::viewer::Viewer;
use maud::{Markup, html};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::care::{CareLink, CareList, SubscriberSearchResponse};
use onbill_domain::wire::subscription::SubscriptionStatus;

/// The number is in the forms that look again: the agent has typed it.
pub(super) fn show_subscriber(
    config: &Config,
    viewer: &Viewer,
    msisdn: &Msisdn,
    reference: &str,
    found: &SubscriberSearchResponse,
) -> Markup {
    let customer = CustomerPage { config, viewer, msisdn, reference };
    html! {
        section class="card" aria-labelledby="who" {
            h2 id="who" { "Who" }
            dl class="facts" {
                dt { "Customer since" } dd { (customer.show_time(found.since)) }
                dt { "In the audit as" } dd { code { (found.handle) } }
            }
        }
        h2 { "Partners" }
        @if found.links.is_empty() { p class="muted" { "No partner is linked." } }
        div class="cards" {
            @for link in &found.links { (show_link(customer, link)) }
        }
        @if found.more.contains(&CareList::Links) {
            (more_than_shown("partners", "open ones first"))
            p class="muted" { "Charges of the others are below as well, of " (LINKS_WITH_CHARGES_MAX) " links at most." }
        }
        section class="card" aria-labelledby="timeline" {
            h2 id="timeline" { "What happened" }
            (show_timeline(customer, found))
            @if found.more.contains(&CareList::Sms) { (more_than_shown("SMS", "the newest")) }
            @if found.more.contains(&CareList::Events) { (more_than_shown("events of the account", "the newest")) }
            @if let Some(cursor) = &found.next {
                form method="post" action="/care/search" {
                    (viewer.csrf_field())
                    input type="hidden" name="msisdn" value=(msisdn.expose());
                    input type="hidden" name="reference" value=(reference);
                    input type="hidden" name="cursor" value=(cursor);
                    button class="quiet" { "Earlier charges" }
                }
            }
        }
    }
}

fn show_link(customer: CustomerPage<'_>, link: &CareLink) -> Markup {
    html! {
        article class="card" {
            h3 { (customer.name_of(&link.partner)) }
            dl class="facts" {
                dt { "State" } dd { (state_of(link)) }
                @if let Some(plan) = &link.plan {
                    dt { "Plan" } dd { code { (plan) } }
                }
                @if let Some(status) = link.status { dt { "Subscription" } dd { (status_words(status)) } }
                @if let Some(mandate) = &link.mandate {
                    @if let Some(price) = mandate.price { dt { "Agreed price" } dd { (price) " a month" } }
                    dt { "Agreed" } dd { (customer.show_time(mandate.accepted_at)) }
                }
                dt { "Linked" } dd { (customer.show_time(link.since)) }
                @if let Some(day) = link.paid_until { dt { "Paid until" } dd { (day) } }
                @if let Some(closed_at) = link.closed_at { dt { "Closed" } dd { (customer.show_time(closed_at)) } }
            }
            @if let Some(explanation) = &link.explanation { p { (explanation) } }
            @if link.state != PaiState::Closed && customer.viewer.permits(Act::CloseLink) {
                (close_form(customer, link))
            }
        }
    }
}

fn state_of(link: &CareLink) -> Markup {
    match link.state {
        PaiState::Active => html! { span class="good" { "Open: charges are accepted" } },
        PaiState::Suspended => html! { span class="warn" { "Suspended with the account" } },
        PaiState::Closed => html! { span class="bad" { "Closed permanently" } },
    }
}

const fn status_words(status: SubscriptionStatus) -> &'static str {
    match status {
        SubscriptionStatus::Active => "Running",
        SubscriptionStatus::Suspended => "Suspended by the partner",
        SubscriptionStatus::Cancelled => "Cancelled",
    }
}

fn close_form(customer: CustomerPage<'_>, link: &CareLink) -> Markup {
    html! {
        details {
            summary { "Close this link" }
            form class="fields" method="post" action="/care/links/close" {
                (customer.viewer.csrf_field())
                (customer.customer_field())
                input type="hidden" name="link" value=(link.link_id);
                input type="hidden" name="partner" value=(link.partner);
                label {
                    "Why"
                    // It is permanent, and the partner is told why: no reason is there by itself.
                    select name="reason" required {
                        option value="" { "Choose…" }
                        @for reason in DeclineReason::ALL.into_iter().filter(|reason| reason.closes_pai()) {
                            option value=(reason.as_str()) { (close_words(reason)) }
                        }
                    }
                }
                (reference_field("Reference", REFERENCE_HINT, customer.reference, true))
                button class="danger" { "Close " (customer.name_of(&link.partner)) "…" }
            }
        }
    }
}
