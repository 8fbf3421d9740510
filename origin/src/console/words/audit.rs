//! The audit: who, what they did or tried, and what came of it.

use crate::care::Act;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditOutcome};

/// The desk of a person.
pub(in crate::console) const fn role_words(role: ActorRole) -> &'static str {
    match role {
        ActorRole::Care => "Customer care",
        ActorRole::Supervisor => "Supervisor",
        ActorRole::Billing => "Billing",
        ActorRole::Finance => "Finance",
        ActorRole::Fraud => "Fraud",
        ActorRole::Product => "Product",
        ActorRole::Auditor => "Auditor",
        ActorRole::Admin => "Administrator",
    }
}

/// What a person did.
pub(in crate::console) const fn act_words(act: AuditAct) -> &'static str {
    match act {
        AuditAct::SubscriberLookedUp => "Looked up a customer",
        AuditAct::LinkClosed => "Closed a link",
        AuditAct::RefundPosted => "Refunded a charge",
        AuditAct::RefundAsked => "Asked a second person for a refund",
        AuditAct::RefundApproved => "Agreed to a refund",
        // Whoever asked for it takes it back by the same act.
        AuditAct::RefundRejected => "Stopped a refund that waited",
        AuditAct::DisputeOpened => "Opened a dispute",
        AuditAct::DisputeDecided => "Decided or withdrew a dispute",
        AuditAct::SmsResent => "Sent an SMS again",
        AuditAct::CouponVoided => "Took a coupon back",
        AuditAct::SubscriberErased => "Erased a person",
        AuditAct::SubscriberExported => "Took out what is kept on a person",
        AuditAct::CommandRun => "Ran a command",
        AuditAct::JobRetried => "Retried a dead letter",
        AuditAct::AlarmClosed => "Closed an alarm",
        AuditAct::AccessRefused => "Tried what the role may not do",
        AuditAct::CutOver => "Cut customers over",
        AuditAct::TurnedOff => "Turned customers off again",
        AuditAct::StateSentAgain => "Sent the state of a PAI again",
    }
}

/// What came of it.
pub(in crate::console) const fn outcome_words(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Done => "Done",
        AuditOutcome::Unchanged => "Nothing changed",
        AuditOutcome::NotFound => "Not found",
        AuditOutcome::Refused => "Refused",
    }
}

/// What a person tried, after "may not".
pub(in crate::console) const fn tried_words(act: Act) -> &'static str {
    match act {
        Act::SearchSubscriber => "look up a customer",
        Act::ExportSubscriber => "take out what is kept on a person",
        Act::EraseSubscriber => "erase a person",
        Act::ReportAccountEvent => "report an event of an account",
        Act::CloseLink => "close a link",
        Act::PostRefund => "refund a charge",
        Act::ApproveRefund => "agree to refunds",
        Act::ReadDisputes => "see the disputes",
        Act::OpenDispute => "open or withdraw a dispute",
        Act::DecideDispute => "decide a dispute",
        Act::ResendSms => "send an SMS again",
        Act::IssueCoupon => "issue a coupon",
        Act::VoidCoupon => "take a coupon back",
        Act::ReadCoupons => "see a coupon",
        Act::ReadQueue => "see the queues",
        Act::RetryJob => "retry a dead letter",
        Act::ReadAlarms => "see the alarms",
        Act::CloseAlarm => "close an alarm",
        Act::ReadSummary => "see counts and sums",
        Act::ReadFunnel => "see the sign-ups",
        Act::ReadMonth => "see the month",
        Act::ReadTransactions => "see the charges",
        Act::ReadMandates => "see what customers have agreed to",
        Act::ReadAudit => "read the audit",
    }
}
