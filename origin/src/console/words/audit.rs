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

/// What a person did or tried: a noun, because the outcome beside it may be that nothing was done.
pub(in crate::console) const fn act_words(act: AuditAct) -> &'static str {
    match act {
        AuditAct::SubscriberLookedUp => "Look-up of a number",
        AuditAct::LinkClosed => "Closing of a link",
        AuditAct::RefundPosted => "Refund of a charge",
        AuditAct::RefundAsked => "Request for agreement to a refund",
        AuditAct::RefundApproved => "Agreement to a refund",
        // Whoever asked for it takes it back by the same act.
        AuditAct::RefundRejected => "Rejection or withdrawal of a refund",
        AuditAct::DisputeOpened => "Opening of a dispute",
        AuditAct::DisputeDecided => "Decision or withdrawal of a dispute",
        AuditAct::SmsResent => "Resending of an SMS",
        AuditAct::CouponVoided => "Voiding of a coupon",
        AuditAct::SubscriberErased => "Erasure of a person",
        AuditAct::SubscriberExported => "Export of what is kept on a person",
        AuditAct::CommandRun => "Run of a command",
        AuditAct::JobRetried => "Retry of a dead letter",
        AuditAct::AlarmClosed => "Closing of an alarm",
        AuditAct::AccessRefused => "Attempt beyond the role",
        AuditAct::CutOver => "Cut-over of customers",
        AuditAct::TurnedOff => "Return of customers to the other system",
        AuditAct::StateSentAgain => "Resending of the state of a PAI",
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

/// What a person tried, after "may not" or "to".
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
