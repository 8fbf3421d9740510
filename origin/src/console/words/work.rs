//! Work that waits: queues, and the kinds of jobs in them.

use crate::store::{JobKind, Queue};

/// What waits in a queue, and for whom.
pub(in crate::console) const fn queue_words(queue: Queue) -> &'static str {
    match queue {
        Queue::All => "All jobs",
        Queue::Billing => "Charges and refunds for billing",
        Queue::Pins => "PINs by SMS",
        Queue::PartnerWebhooks => "Webhooks to partners",
        Queue::Edge => "States of PAIs for the edge",
        Queue::Coupons => "SMS about coupons",
        Queue::Notifications => "Partners’ messages by SMS",
    }
}

/// What a job does.
pub(in crate::console) const fn job_words(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Charge => "Charge",
        JobKind::Refund => "Refund",
        JobKind::ChargeWebhook => "Webhook about a charge",
        JobKind::RefundWebhook => "Webhook about a refund",
        JobKind::DisputeWebhook => "Webhook about a dispute",
        JobKind::PaiWebhook => "Webhook about a PAI",
        JobKind::PaiMapping => "State of a PAI for the edge",
        JobKind::PinSms => "PIN by SMS",
        JobKind::CouponSms => "SMS with a coupon’s code",
        JobKind::CouponReminderSms => "SMS that a coupon ends",
        JobKind::NotificationSms => "Partner’s message by SMS",
    }
}
