//! The kit for partners: simulates onbill's edge and an operator's origin towards a partner. It opens
//! sign-ups and sends webhooks, and answers the calls that follow. The checks are in the files beside
//! this one, by the call that they are about.

mod accounts;
mod charges;
mod disputes;
mod kit;
mod overall;
mod refunds;
mod signatures;
mod signup;
mod simulated_edge;

pub use kit::{Announce, Ask};

use super::check::{Check, CheckFacts};
use super::limits::Limits;
use super::report::Report;
use super::run::{Progress, run_checks};
use kit::PartnerKit;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::key::Keyring;
use std::time::Duration;
use tokio::net::TcpListener;

/// The head of the report.
pub(super) const TITLE: &str = "onbill partner callbacks";

/// What the kit needs.
pub struct PartnerSettings {
    /// The partner's address, below which its calls are.
    pub url: String,
    /// The partner's own ring: `edge-to-partner`, `origin-to-partner` of one operator, `partner-call`.
    pub keys: Keyring,
    /// The operator that the kit simulates. Without it, the last one that the ring has.
    pub operator: Option<OperatorId>,
    /// The address of the edge that the kit simulates, as the partner calls it.
    pub edge_url: String,
    /// The offer of the sign-ups.
    pub offer: OfferId,
    /// How long the partner may take.
    pub limits: Limits,
    /// How long the kit waits for a charge and for a refund of the partner's.
    pub wait: Duration,
}

fn checks() -> impl Iterator<Item = &'static Check<PartnerKit>> {
    // The signatures come after the charge and the refund of the partner's that they are about.
    let calls = [
        signup::CHECKS,
        accounts::CHECKS,
        charges::CHECKS,
        refunds::CHECKS,
        disputes::CHECKS,
        signatures::CHECKS,
    ];
    // The last ones judge all calls before them.
    calls.into_iter().flatten().chain(overall::CHECKS)
}

/// Every check of this kit, in the order in which they run.
pub fn partner_checks() -> Vec<&'static CheckFacts> {
    checks().map(|check| &check.facts).collect()
}

/// Tests a partner. The kit simulates the edge on `listener`. Fails when nothing answers at the partner's
/// address, or a key is missing.
pub async fn certify_partner(
    settings: &PartnerSettings,
    listener: TcpListener,
    announce: Announce,
    progress: Progress<'_>,
) -> anyhow::Result<Report> {
    let kit = PartnerKit::new(settings, announce)?;
    kit.caller.reach().await?;
    let serving = kit.edge.serve(listener);
    let report = run_checks(&kit, checks(), TITLE, &settings.url, progress).await;
    serving.abort();
    Ok(report)
}
