//! An entry of the audit as a row. Words are for people; what somebody may have to copy is an id, in code.

use super::link_to;
use crate::care::{Act, close_words};
use crate::config::Config;
use crate::console::care::refund::borne_by_words;
use crate::console::disputes::{reason_words, state_words};
use crate::console::text::show_time;
use crate::console::words::{act_words, outcome_words, role_words, tried_words};
use maud::{Markup, html};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::wire::audit::{AuditAct, AuditLine, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::dispute::{DisputeReason, DisputeState};

/// What the columns are.
pub(super) const COLUMNS: [&str; 9] =
    ["No.", "When", "Who", "Act", "Outcome", "Subscriber", "About", "Reason", "Reference"];

pub(super) fn show_entry(config: &Config, line: &AuditLine) -> Markup {
    let [number, at, who, act, outcome, subscriber, about, reason, reference] = COLUMNS;
    html! {
        tr {
            td data-label=(number) { (line.sequence) }
            td data-label=(at) { (show_time(&config.time_zone, line.at)) }
            td data-label=(who) {
                a href=(link_to("actor", line.actor.as_str())) { code { (line.actor) } }
                p class="muted small" { (role_words(line.role)) }
            }
            td data-label=(act) { (act_words(line.act)) }
            td data-label=(outcome) {
                span class=[(line.outcome == AuditOutcome::Refused).then_some("warn")] { (outcome_words(line.outcome)) }
            }
            td data-label=(subscriber) {
                @if let Some(handle) = &line.subscriber { a href=(link_to("subscriber", handle)) { code { (handle) } } }
            }
            td data-label=(about) { @if let Some(subject) = &line.subject { (show_subject(config, line.act, subject)) } }
            td data-label=(reason) { @if let Some(reason) = &line.reason { (explain_reason(line.act, reason)) } }
            td data-label=(reference) { @if let Some(reference) = &line.reference { code { (reference) } } }
        }
    }
}

/// What it was done to: mostly an id, or that of a charge and of what was done about it.
fn show_subject(config: &Config, act: AuditAct, subject: &str) -> Markup {
    let words = match act {
        AuditAct::AccessRefused => Act::parse(subject).map(|act| format!("to {}", tried_words(act))),
        AuditAct::CutOver | AuditAct::TurnedOff => {
            PartnerId::parse(subject).map(|partner| config.partner_name(&partner).to_owned())
        }
        AuditAct::SubscriberLookedUp
        | AuditAct::LinkClosed
        | AuditAct::RefundPosted
        | AuditAct::RefundAsked
        | AuditAct::RefundApproved
        | AuditAct::RefundRejected
        | AuditAct::DisputeOpened
        | AuditAct::DisputeDecided
        | AuditAct::SmsResent
        | AuditAct::CouponVoided
        | AuditAct::SubscriberErased
        | AuditAct::SubscriberExported
        | AuditAct::CommandRun
        | AuditAct::JobRetried
        | AuditAct::AlarmClosed
        | AuditAct::StateSentAgain => None,
    };
    html! {
        @match words {
            Some(words) => { (words) }
            None => { @for id in subject.split_whitespace() { code { (id) } " " } }
        }
    }
}

/// Each act has reasons of its own. One without a list of them was given in words.
fn explain_reason(act: AuditAct, reason: &str) -> &str {
    let words = match act {
        AuditAct::LinkClosed => DeclineReason::parse(reason).map(close_words),
        AuditAct::RefundPosted => BorneBy::parse(reason).map(borne_by_words),
        AuditAct::DisputeOpened => DisputeReason::parse(reason).map(reason_words),
        AuditAct::DisputeDecided => DisputeState::parse(reason).map(state_words),
        AuditAct::SubscriberLookedUp
        | AuditAct::RefundAsked
        | AuditAct::RefundApproved
        | AuditAct::RefundRejected
        | AuditAct::SmsResent
        | AuditAct::CouponVoided
        | AuditAct::SubscriberErased
        | AuditAct::SubscriberExported
        | AuditAct::CommandRun
        | AuditAct::JobRetried
        | AuditAct::AlarmClosed
        | AuditAct::AccessRefused
        | AuditAct::CutOver
        | AuditAct::TurnedOff
        | AuditAct::StateSentAgain => None,
    };
    words.unwrap_or(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sample_config;
    use onbill_domain::ids::ExtId;
    use onbill_domain::timestamp::Timestamp;
    use onbill_domain::wire::audit::ActorRole;

    fn show(act: AuditAct, subject: &str, reason: &str) -> String {
        let line = AuditLine {
            sequence: 7,
            at: Timestamp::from_unix_seconds(1_795_000_000),
            actor: ExtId::parse("care-17").expect("is an id"),
            role: ActorRole::Care,
            key: "console".to_owned(),
            act,
            outcome: AuditOutcome::Refused,
            subscriber: Some("handle-1".to_owned()),
            subject: Some(subject.to_owned()),
            reason: Some(reason.to_owned()),
            reference: ExtId::parse("T-1"),
            correlator: None,
            previous: String::new(),
            hash: String::new(),
        };
        show_entry(&sample_config(), &line).into_string()
    }

    #[test]
    fn entry_is_in_words_and_its_ids_are_in_code() {
        let row = show(AuditAct::LinkClosed, "0101…", "pai-revoked-by-user");
        for text in [
            "<code>care-17</code>",
            ">Customer care<",
            ">Closing of a link<",
            ">Refused<",
            ">2026-11-18 11:06 UTC<",
            "<code>handle-1</code>",
            "<code>0101…</code>",
            ">The customer wants it<",
            "<code>T-1</code>",
        ] {
            assert!(row.contains(text), "{text}: {row}");
        }
        let row = show(AuditAct::DisputeOpened, "charge-1 dispute-1", "fraud");
        assert!(row.contains("<code>charge-1</code> <code>dispute-1</code>"), "{row}");
        let row = show(AuditAct::AccessRefused, "read-queue", "role");
        assert!(row.contains(">to see the queues<") && !row.contains("read-queue"), "{row}");
        let row = show(AuditAct::CutOver, "netflix", "12 PAIs");
        assert!(row.contains(">Netflix<") && row.contains(">12 PAIs<"), "{row}");
    }

    /// A refund that was refused does not read as one that was made.
    #[test]
    fn act_is_named_whatever_came_of_it() {
        let row = show(AuditAct::RefundPosted, "charge-1 refund-1", "operator");
        assert!(row.contains(">Refund of a charge<") && row.contains(">Refused<"), "{row}");
    }

    #[test]
    fn what_has_no_words_is_shown_as_text() {
        let row = show(AuditAct::DisputeOpened, "<b>", "<i>");
        assert!(row.contains("<code>&lt;b&gt;</code>") && row.contains(">&lt;i&gt;<"), "{row}");
        let row = show(AuditAct::AccessRefused, "dance", "role");
        assert!(row.contains("<code>dance</code>"), "{row}");
    }
}
