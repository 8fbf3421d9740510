//! The series that `/metrics` shows. What the origin does is counted here as it happens; what the
//! ledger knows is read when the page is asked for.
//!
//! Architecture invariants: no value of a label comes from a caller, see [`labels`]; to count costs a
//! few atomic additions and waits for nothing. There is a file for each subject, and all series are
//! in [`series`].

mod charges;
mod csp_calls;
mod database;
mod jobs;
mod labels;
mod ledger;
mod messages;
mod page;
mod process;
mod redemptions;
mod refusals;
mod requests;
mod scrape;
mod series;
mod visits;

pub(crate) use charges::{ChargeMetrics, ChargeResult};
pub(crate) use csp_calls::CspMetrics;
pub use csp_calls::{CspCall, CspResult};
pub use jobs::AttemptResult;
pub(crate) use jobs::JobMetrics;
pub use labels::LabelLists;
pub(crate) use messages::{SmsMetrics, WebhookMetrics};
pub use messages::{SmsState, WebhookResult};
pub(crate) use redemptions::RedemptionMetrics;
pub use redemptions::RedemptionResult;
pub(crate) use refusals::RefusalMetrics;
pub use refusals::{Caller, RateLimit, SignatureRefusal};
pub(crate) use requests::{CallFigures, RequestMetrics};
pub use scrape::OPEN_METRICS;
pub(crate) use scrape::Scrape;
pub use series::{SERIES, Series, SeriesKind};
pub(crate) use visits::VisitMetrics;
pub use visits::{Channel, FunnelStep, PinResult};

/// The series of one origin.
#[derive(Debug)]
pub struct Metrics {
    pub(crate) charges: ChargeMetrics,
    pub(crate) requests: RequestMetrics,
    pub(crate) csp: CspMetrics,
    pub(crate) jobs: JobMetrics,
    pub(crate) visits: VisitMetrics,
    pub(crate) redemptions: RedemptionMetrics,
    pub(crate) sms: SmsMetrics,
    pub(crate) webhooks: WebhookMetrics,
    pub(crate) refusals: RefusalMetrics,
}

impl Metrics {
    /// Begins to count, by these partners, currencies and routes.
    #[must_use]
    pub fn new(lists: &LabelLists) -> Self {
        Self {
            charges: ChargeMetrics::new(lists),
            requests: RequestMetrics::new(lists),
            csp: CspMetrics::new(),
            jobs: JobMetrics::new(),
            visits: VisitMetrics::new(lists),
            redemptions: RedemptionMetrics::new(lists),
            sms: SmsMetrics::new(lists),
            webhooks: WebhookMetrics::new(lists),
            refusals: RefusalMetrics::new(),
        }
    }
}
