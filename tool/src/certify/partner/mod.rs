//! The kit for partners: simulates onbill's edge and an operator's origin towards a partner. It opens
//! sign-ups and sends webhooks, and answers the calls that follow. The checks are in the files beside
//! this one, by the call that they are about.

mod accounts;
mod charges;
mod disputes;
mod kit;
mod overall;
mod refunds;
mod settings;
mod signatures;
mod signup;
mod simulated_edge;

pub use kit::{Announce, Ask};
pub use settings::PartnerSettings;

use super::check::{Check, CheckFacts};
use super::report::Report;
use super::run::{Progress, run_checks};
use kit::PartnerKit;
use tokio::net::TcpListener;

/// The head of the report.
pub(super) const TITLE: &str = "onbill partner callbacks";

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
