//! A job as it is put into the queue, and as it is leased from it.

use super::kind::JobKind;
use super::lease::Lease;
use crate::call_trace::CallTrace;
use onbill_domain::pai::Pai;
use std::borrow::Cow;

#[derive(Clone, Debug)]
pub struct LeasedJob {
    pub job_id: i64,
    /// How often it has been attempted, this time included.
    pub attempts: u32,
    /// That of the call that the job follows from, if it does.
    pub trace: Option<CallTrace>,
    pub job: Job,
}

impl LeasedJob {
    pub fn lease(&self) -> Lease {
        Lease { job_id: self.job_id, attempt: self.attempts }
    }
}

#[derive(Clone, Debug)]
pub enum Job {
    /// [`JobKind::Charge`].
    Charge {
        /// Our id of the charge.
        transaction_id: String,
    },
    /// [`JobKind::Refund`].
    Refund {
        /// Our id of the refund.
        refund_id: String,
    },
    /// A call to a partner or the edge.
    Webhook(WebhookJob),
    /// A message to a customer.
    Sms(SmsJob),
}

#[derive(Clone, Debug)]
pub enum WebhookJob {
    /// [`JobKind::ChargeWebhook`].
    Charge {
        /// Our id of the charge.
        transaction_id: String,
    },
    /// [`JobKind::RefundWebhook`].
    Refund {
        /// Our id of the refund.
        refund_id: String,
    },
    /// [`JobKind::DisputeWebhook`].
    Dispute {
        /// Our id of the dispute.
        dispute_id: String,
    },
    /// [`JobKind::PaiWebhook`].
    Pai {
        /// The PAI whose state has changed.
        pai: Pai,
    },
    /// [`JobKind::PaiMapping`].
    PaiMapping {
        /// The PAI whose state has changed.
        pai: Pai,
    },
}

#[derive(Clone, Debug)]
pub enum SmsJob {
    /// [`JobKind::PinSms`].
    Pin {
        /// The sealed SMS.
        message: Vec<u8>,
    },
    /// [`JobKind::CouponSms`].
    Coupon {
        /// Our id of the coupon.
        coupon_id: String,
        /// The sealed SMS.
        message: Vec<u8>,
    },
    /// [`JobKind::CouponReminderSms`].
    CouponReminder {
        /// Our id of the coupon.
        coupon_id: String,
        /// The sealed SMS.
        message: Vec<u8>,
    },
    /// [`JobKind::NotificationSms`].
    Notification {
        /// Our id of the message.
        notification_id: String,
        /// The sealed SMS.
        message: Vec<u8>,
    },
}

impl Job {
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Charge { .. } => JobKind::Charge,
            Self::Refund { .. } => JobKind::Refund,
            Self::Webhook(job) => job.kind(),
            Self::Sms(job) => job.kind(),
        }
    }

    /// Our id of its subject, in the form of the subject's column.
    pub fn subject(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Charge { transaction_id } | Self::Webhook(WebhookJob::Charge { transaction_id }) => {
                transaction_id.into()
            }
            Self::Refund { refund_id } | Self::Webhook(WebhookJob::Refund { refund_id }) => refund_id.into(),
            Self::Webhook(WebhookJob::Dispute { dispute_id }) => dispute_id.into(),
            Self::Webhook(WebhookJob::Pai { pai } | WebhookJob::PaiMapping { pai }) => pai.to_string().into(),
            Self::Sms(SmsJob::Coupon { coupon_id, .. } | SmsJob::CouponReminder { coupon_id, .. }) => {
                coupon_id.into()
            }
            Self::Sms(SmsJob::Notification { notification_id, .. }) => notification_id.into(),
            Self::Sms(SmsJob::Pin { .. }) => return None,
        })
    }

    /// The sealed SMS that it carries.
    pub(in crate::store) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Charge { .. } | Self::Refund { .. } | Self::Webhook(_) => None,
            Self::Sms(
                SmsJob::Pin { message }
                | SmsJob::Coupon { message, .. }
                | SmsJob::CouponReminder { message, .. }
                | SmsJob::Notification { message, .. },
            ) => Some(message),
        }
    }

    /// Reads the job from a row; `None` when a value is missing that its kind has.
    pub(in crate::store) fn from_row(
        kind: JobKind,
        subject: Option<String>,
        payload: Option<Vec<u8>>,
    ) -> Option<Self> {
        Some(match kind {
            JobKind::Charge => Self::Charge { transaction_id: subject? },
            JobKind::Refund => Self::Refund { refund_id: subject? },
            JobKind::ChargeWebhook => Self::Webhook(WebhookJob::Charge { transaction_id: subject? }),
            JobKind::RefundWebhook => Self::Webhook(WebhookJob::Refund { refund_id: subject? }),
            JobKind::DisputeWebhook => Self::Webhook(WebhookJob::Dispute { dispute_id: subject? }),
            JobKind::PaiWebhook => Self::Webhook(WebhookJob::Pai { pai: Pai::parse(&subject?)? }),
            JobKind::PaiMapping => Self::Webhook(WebhookJob::PaiMapping { pai: Pai::parse(&subject?)? }),
            JobKind::PinSms => Self::Sms(SmsJob::Pin { message: payload? }),
            JobKind::CouponSms => Self::Sms(SmsJob::Coupon { coupon_id: subject?, message: payload? }),
            JobKind::CouponReminderSms => {
                Self::Sms(SmsJob::CouponReminder { coupon_id: subject?, message: payload? })
            }
            JobKind::NotificationSms => {
                Self::Sms(SmsJob::Notification { notification_id: subject?, message: payload? })
            }
        })
    }
}

impl WebhookJob {
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Charge { .. } => JobKind::ChargeWebhook,
            Self::Refund { .. } => JobKind::RefundWebhook,
            Self::Dispute { .. } => JobKind::DisputeWebhook,
            Self::Pai { .. } => JobKind::PaiWebhook,
            Self::PaiMapping { .. } => JobKind::PaiMapping,
        }
    }
}

impl SmsJob {
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Pin { .. } => JobKind::PinSms,
            Self::Coupon { .. } => JobKind::CouponSms,
            Self::CouponReminder { .. } => JobKind::CouponReminderSms,
            Self::Notification { .. } => JobKind::NotificationSms,
        }
    }
}

/// The key of one row, however it is found.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) enum JobKey<'a> {
    Id(i64),
    /// The kind and our id of its subject.
    Subject(JobKind, &'a str),
}

impl JobKey<'_> {
    /// The condition of a WHERE clause, with `parameter` for the value.
    pub(in crate::store) fn sql(self, parameter: &str) -> String {
        match self {
            Self::Id(_) => format!("job_id = {parameter}"),
            Self::Subject(kind, _) => {
                // A job without a subject is found by its row only.
                let column = kind.subject_column().unwrap_or("job_id");
                format!("kind = {} AND {column} = {parameter}", kind.sql())
            }
        }
    }
}
