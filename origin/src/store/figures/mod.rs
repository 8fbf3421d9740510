//! Figures of the ledger at this moment, for the metrics: what waits in the queues, at billing and
//! at customers. Several origins on one database read the same ones.
//!
//! Out of scope: totals of what is permanent. They would be read from ever more rows.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::Queue;
use onbill_domain::timestamp::Timestamp;

/// Rows that are counted of a kind: of a ledger of ten million charges, so many are read within a tenth of a second on
/// either database. Whether there are more is all the same to who has to act; the age of the oldest says how it goes.
const COUNTED_MAX: i64 = 50_000;

impl Store {
    /// Reads the figures. Their cost is bounded, whatever has piled up.
    pub async fn read_figures(&self, now: Timestamp) -> Result<LedgerFigures, StoreError> {
        use_case!(self, read, read_figures(now))
    }
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueFigures {
    /// Jobs that are not dead letters, those that are leased among them.
    pub entries: i64,
    /// Age of the oldest of them; 0 without any.
    pub oldest_age_seconds: i64,
    pub dead_letters: i64,
}

/// Billing files without a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileFigures {
    pub unacknowledged: i64,
    /// Age of the oldest of them; 0 without any.
    pub oldest_age_seconds: i64,
}

onbill_domain::word_enum! {
    /// The state of a coupon that a customer waits for.
    pub enum CouponFigure {
        /// It can be redeemed, and its SMS is not at the gateway yet.
        Issued = "issued",
        /// The gateway has its SMS.
        Sent = "sent",
        /// Its SMS is on the phone.
        Delivered = "delivered",
        /// Its SMS does not arrive.
        Undelivered = "undelivered",
        /// It is redeemed, and billing declined its charge.
        Unpaid = "unpaid",
    }
}

/// The figures at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerFigures {
    pub queues: [(Queue, QueueFigures); Queue::EACH.len()],
    pub files: FileFigures,
    pub coupons: [(CouponFigure, i64); CouponFigure::ALL.len()],
}

impl LedgerFigures {
    fn empty() -> Self {
        Self {
            queues: Queue::EACH.map(|queue| (queue, QueueFigures::default())),
            files: FileFigures::default(),
            coupons: CouponFigure::ALL.map(|state| (state, 0)),
        }
    }

    /// Adds the jobs of a kind to those of its queue.
    fn add_jobs(&mut self, of: Queue, add: impl Fn(&mut QueueFigures)) {
        self.queues.iter_mut().filter(|(queue, _)| *queue == of).for_each(|(_, figures)| add(figures));
    }

    fn set_coupons(&mut self, of: CouponFigure, count: i64) {
        self.coupons.iter_mut().filter(|(state, _)| *state == of).for_each(|(_, known)| *known = count);
    }
}

/// The age of what was there since a time. A clock that was ahead may have written a time to come.
fn age_seconds(now: Timestamp, since: Option<i64>) -> i64 {
    since.map_or(0, |since| now.unix_seconds().saturating_sub(since).max(0))
}
