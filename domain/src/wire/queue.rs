//! The operator's billing and on-call → origin, under `/operator/v1`: the queue of jobs, its dead letters,
//! and the alarms that are active.

use crate::ids::{ExtId, PartnerId};
use crate::timestamp::Timestamp;
use crate::wire::audit::ActorRole;
use serde::{Deserialize, Serialize};

/// The query of `GET /queue`.
#[derive(Debug, Serialize, Deserialize)]
pub struct QueueQuery {
    /// `next` of the previous page of dead letters; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
}

/// What waits in the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueResponse {
    /// Each queue.
    pub queues: Vec<QueueView>,
    /// A page of the jobs that wait for a person, in order.
    pub dead_letters: Vec<DeadLetterView>,
    /// The cursor of the next page of dead letters; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// Its name, as in the metrics.
    pub queue: String,
    /// Jobs that are no dead letters.
    pub jobs: i64,
    /// Age of the oldest of them, in seconds; 0 without any.
    pub oldest_age_seconds: i64,
    /// Jobs whose attempts have ended.
    pub dead_letters: i64,
}

/// A job whose attempts have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterView {
    /// By which it is retried.
    pub job: i64,
    /// What it brings: `charge`, `refund`, `charge-notice` and so on.
    pub kind: String,
    /// onbill's id of the charge, refund or coupon.
    pub id: String,
    /// The partner that it concerns.
    pub partner: PartnerId,
    /// The partner's id of the charge or refund; the operator's of a coupon.
    #[serde(rename = "extID")]
    pub ext_id: ExtId,
    /// How often it was tried.
    pub attempts: u32,
    /// When the last attempt had failed.
    pub dead_lettered_at: Timestamp,
    /// What the other side has answered to that attempt, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<LastAnswerView>,
}

/// What the other side of a job has answered last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAnswerView {
    /// `http`, `sms-gateway`, or `no-answer`.
    pub kind: String,
    /// The status of HTTP, or what the gateway made of the SMS; absent without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its words, at most 160 characters. What may be a number or a secret is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `POST /queue/{job}/retry`: put a dead letter back into its queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRetryRequest {
    /// Who does it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
    /// The operator's reference for the audit, such as a ticket. It must not identify the customer.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ExtId>,
}

/// The job is queued again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRetryResponse {
    /// The job.
    pub job: i64,
}

/// The alarms that are active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmsResponse {
    /// By name and subject.
    pub alarms: Vec<AlarmView>,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmView {
    /// Its word, as in the log. Its heading in docs/operate/alarms.md says what to do.
    pub alarm: String,
    /// `page` or `ticket`.
    pub severity: String,
    /// `condition` ends by itself, `event` when a person closes it.
    pub kind: String,
    /// Tells two of a kind apart; empty where there is one.
    pub subject: String,
    /// The origin that it is about; empty if it is about the ledger.
    pub instance: String,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When it was noticed last.
    pub last_seen_at: Timestamp,
    /// How often since it was raised.
    pub count: u64,
}
