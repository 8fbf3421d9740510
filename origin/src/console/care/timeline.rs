//! What happened to a subscriber, as one list: sign-ups, charges with their declines, refunds and disputes,
//! SMS, and events of the account.

use super::customer_words::in_customers_words;
use super::refund::borne_by_words;
use super::{CustomerPage, REFERENCE_HINT, more_than_shown};
use crate::care::Act;
use crate::console::disputes::{about_field, decision_forms, open_form, reason_words, state_words};
use crate::console::reference_field::reference_field;
use crate::console::text::show_minor;
use maud::{Markup, html};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::{
    BorneBy, CareCharge, CareEvent, CareLink, CareList, CareRefund, CareSms, SubscriberSearchResponse,
};
use onbill_domain::wire::csp::ChargeKind;
use onbill_domain::wire::dispute::{CareDispute, DisputeState};
use onbill_domain::wire::ott::TransactionStatus;

/// An SMS that can be sent again: that of a coupon.
const COUPON: &str = "coupon";

pub(super) fn show_timeline(customer: CustomerPage<'_>, found: &SubscriberSearchResponse) -> Markup {
    let mut entries: Vec<(Timestamp, Markup)> = Vec::new();
    entries.extend(found.links.iter().map(|link| (link.since, show_sign_up(customer, link))));
    for charge in &found.charges {
        entries.push((charge.at, show_charge(customer, charge)));
        entries
            .extend(charge.refunds.iter().map(|refund| (refund.at, show_refund(customer, refund, charge))));
        let disputes = charge.disputes.iter();
        entries.extend(disputes.map(|dispute| (dispute.opened_at, show_dispute(customer, dispute, charge))));
    }
    entries.extend(found.sms.iter().map(|sms| (sms.at, show_sms(customer, sms))));
    entries.extend(found.events.iter().map(|event| (event.occurred_at, show_event(customer, event))));
    entries.sort_by_key(|(at, _)| std::cmp::Reverse(at.unix_nanoseconds()));
    html! {
        @if entries.is_empty() { p class="muted" { "Nothing yet." } }
        ol class="timeline" {
            @for (at, entry) in &entries { li { (customer.show_time(*at)) (entry) } }
        }
    }
}

fn show_sign_up(customer: CustomerPage<'_>, link: &CareLink) -> Markup {
    html! { p { "Signed up for " (customer.name_of(&link.partner)) "." } }
}

fn show_charge(customer: CustomerPage<'_>, charge: &CareCharge) -> Markup {
    let status = match charge.status {
        TransactionStatus::Approved => html! { span class="good" { "Charged" } },
        TransactionStatus::Declined => html! { span class="bad" { "Declined" } },
        TransactionStatus::Pending => html! { span class="warn" { "Waits for billing" } },
    };
    let (period, viewer) = (charge.service_period, customer.viewer);
    let partner = customer.name_of(&charge.partner);
    html! {
        p {
            (status) ": " (charge.amount) " for "
            @if !charge.description.starts_with(partner) { (partner) ", " }
            (charge.description)
        }
        p class="muted small" {
            "For " (period.from()) " to " (period.to())
            @if let Some(day) = charge.billed_on { " · on the bill of " (day) }
            " · " code { (charge.transaction_id) }
        }
        @if let Some(explanation) = &charge.explanation { p { (explanation) } }
        @if let Some(reason) = charge.decline_reason { (in_customers_words(reason, &viewer.operator_name)) }
        @match charge.kind {
            ChargeKind::Coupon => {
                p class="muted small" { "It is a coupon’s: there is no refund and no dispute of it here." }
            }
            ChargeKind::Subscription => { (charge_forms(customer, charge)) }
        }
        @if charge.more.contains(&CareList::Refunds) { (more_than_shown("refunds of this charge", "the newest")) }
        @if charge.more.contains(&CareList::Disputes) { (more_than_shown("disputes of this charge", "the newest")) }
    }
}

/// What can be done about a charge that is on the bill.
fn charge_forms(customer: CustomerPage<'_>, charge: &CareCharge) -> Markup {
    let CustomerPage { viewer, reference, .. } = customer;
    let is_open = charge.disputes.iter().any(|dispute| dispute.state == DisputeState::Open);
    let may_dispute = charge.status == TransactionStatus::Approved && !is_open;
    html! {
        @if let Some(remaining) = remaining_of(charge) {
            @if viewer.permits(Act::PostRefund) { (refund_form(customer, charge, remaining)) }
        }
        @if may_dispute && viewer.permits(Act::OpenDispute) {
            (open_form(viewer, &charge.transaction_id, reference, &question_fields(customer, charge)))
        }
    }
}

/// What a form about a charge has for the question: the way back, and which charge it is.
fn question_fields(customer: CustomerPage<'_>, charge: &CareCharge) -> Markup {
    html! {
        (customer.customer_field())
        (about_field(charge.amount, customer.name_of(&charge.partner)))
    }
}

/// What can still be given back of a charge that billing has approved.
fn remaining_of(charge: &CareCharge) -> Option<Money> {
    if charge.status != TransactionStatus::Approved {
        return None;
    }
    let taken = [charge.refunded, charge.refunding].into_iter().flatten();
    let amount_minor = charge.amount.amount_minor - taken.map(|money| money.amount_minor).sum::<i64>();
    (amount_minor > 0).then_some(Money { amount_minor, ..charge.amount })
}

const REFUND_HINT: &str = "With the charge it names the refund: the same one again refunds nothing more. No name and \
                           no number of the customer.";

fn refund_form(customer: CustomerPage<'_>, charge: &CareCharge, remaining: Money) -> Markup {
    html! {
        details {
            summary { "Refund" }
            form class="fields" method="post" action="/care/refunds" {
                (customer.viewer.csrf_field())
                (question_fields(customer, charge))
                input type="hidden" name="transaction" value=(charge.transaction_id);
                input type="hidden" name="currency" value=(charge.amount.currency);
                label {
                    "Amount in " (charge.amount.currency)
                    input name="amount" inputmode="decimal" required value=(show_minor(remaining)) maxlength="20";
                }
                label {
                    "Reason"
                    small { "It is kept with the refund, and is not on the bill." }
                    input name="reason" required maxlength="100";
                }
                fieldset {
                    legend { "Whose money" }
                    label class="choice" {
                        input type="radio" name="borne_by" value=(BorneBy::Partner.as_str()) required;
                        "The partner’s: it is settled like a refund of theirs"
                    }
                    label class="choice" {
                        input type="radio" name="borne_by" value=(BorneBy::Operator.as_str());
                        "The operator’s: the partner’s share stays"
                    }
                }
                (reference_field("Reference", REFUND_HINT, customer.reference, true))
                button { "Refund…" }
            }
        }
    }
}

fn show_refund(customer: CustomerPage<'_>, refund: &CareRefund, charge: &CareCharge) -> Markup {
    let status = match refund.status {
        TransactionStatus::Approved => "Refunded",
        TransactionStatus::Declined => "Refund declined by billing",
        TransactionStatus::Pending => "Refund waits for billing",
    };
    html! {
        p { (status) ": " (refund.amount) " of " (charge.description) ". Reason: " (refund.reason) }
        p class="muted small" {
            @match refund.borne_by {
                Some(borne_by) => { "Asked for by the operator’s staff · " (borne_by_words(borne_by)) }
                None => { "Asked for by " (customer.name_of(&charge.partner)) }
            }
        }
    }
}

fn show_dispute(customer: CustomerPage<'_>, dispute: &CareDispute, charge: &CareCharge) -> Markup {
    let reference = dispute.reference.as_str();
    html! {
        p { "Dispute about " (charge.amount) " for " (customer.name_of(&charge.partner)) ". " strong { (state_words(dispute.state)) } }
        p class="muted small" {
            (reason_words(dispute.reason)) " · reference " code { (reference) }
            @if let Some(at) = dispute.decided_at { " · decided " (customer.show_time(at)) }
        }
        @if dispute.state == DisputeState::Open {
            (decision_forms(customer.viewer, &charge.transaction_id, reference, &question_fields(customer, charge)))
        }
    }
}

fn show_sms(customer: CustomerPage<'_>, sms: &CareSms) -> Markup {
    let about = if sms.kind == COUPON { "SMS with a coupon’s code for " } else { "SMS about " };
    html! {
        p { (about) (customer.name_of(&sms.partner)) ": " (receipt_of(customer, sms)) }
        @if sms.kind == COUPON && customer.viewer.permits(Act::ResendSms) {
            details {
                summary { "Send again" }
                form class="fields" method="post" action="/care/sms/resend" {
                    (customer.viewer.csrf_field())
                    (customer.customer_field())
                    input type="hidden" name="coupon" value=(sms.id);
                    (reference_field("Reference", REFERENCE_HINT, customer.reference, true))
                    button { "Send another code" }
                    p class="muted small" { "The code in the earlier SMS then stops working." }
                }
            }
        }
    }
}

fn receipt_of(customer: CustomerPage<'_>, sms: &CareSms) -> Markup {
    if let Some(at) = sms.undelivered_at {
        let reason = sms.undelivered_reason.as_deref().unwrap_or("no reason was given");
        return html! { span class="bad" { "not delivered" } " " (customer.show_time(at)) ", " (reason) };
    }
    if let Some(at) = sms.delivered_at {
        return html! { span class="good" { "delivered" } " " (customer.show_time(at)) };
    }
    if let Some(at) = sms.sent_at {
        html! { "at the gateway since " (customer.show_time(at)) }
    } else {
        html! { "nothing is known of its delivery" }
    }
}

fn show_event(customer: CustomerPage<'_>, event: &CareEvent) -> Markup {
    html! {
        p { (event_words(event.event)) " " span class="muted small" { "Reported " (customer.show_time(event.recorded_at)) } }
    }
}

const fn event_words(event: AccountEvent) -> &'static str {
    match event {
        AccountEvent::Activated => "The number came into use.",
        AccountEvent::Suspended => "The account was suspended.",
        AccountEvent::Resumed => "The account was resumed.",
        AccountEvent::Ceased => "The account ended.",
        AccountEvent::PortedOut => "The number moved to another operator.",
        AccountEvent::OwnershipChanged => "Another person took the account.",
        AccountEvent::NumberChanged => "The customer got another number.",
        AccountEvent::SimSwapped => "The number got another SIM.",
    }
}
