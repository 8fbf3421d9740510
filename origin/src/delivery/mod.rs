//! Delivery: carries out what the database has committed to. Charges and refunds are submitted to
//! billing, over the CSP API or in files; partners get webhooks; the edge gets the state of PAIs;
//! SMS are sent.
//!
//! The state at billing is never guessed. After eight attempts with an unknown outcome over five to
//! six days a job becomes a dead letter, which waits for a person.

mod alarm_webhook;
mod alarms;
mod billing;
mod billing_decision;
mod coupon_sms;
mod edge_mapping;
pub mod files;
pub mod kv_sync;
mod later_decision;
mod notification_sms;
mod pin_sms;
mod queue_workers;
mod raw_code;
mod retry;
mod sealed_sms;
mod sms_jobs;
mod sms_receipts;
mod wake_up;
mod webhook;
mod worker;

pub use alarm_webhook::AlarmWebhook;
pub(crate) use alarm_webhook::read_webhook_secret;
pub(crate) use alarms::raise_for_result;
pub use billing::BillingSubmission;
pub use edge_mapping::EdgeMappings;
pub use queue_workers::QueueWorkers;
pub(crate) use queue_workers::StuckWorkers;
pub use retry::RetrySchedule;
pub(crate) use sealed_sms::{CouponSms, NotificationSms, PinSms, seal};
pub(crate) use sms_jobs::SmsJobs;
pub use sms_receipts::ReceiptRecorder;
pub use wake_up::WakeUp;
pub(crate) use webhook::Webhooks;
pub use worker::Worker;
