//! `reconcile --adopt`: records what a restored database has lost, before the ledger are compared.

use super::opening::{database_failed, open_app};
use super::output::print_line;
use anyhow::{anyhow, bail};
use onbill_domain::ids::PartnerId;
use onbill_origin::reconciliation::LostPais;
use onbill_origin::reconciliation::adoption::Adoption;
use onbill_origin::reconciliation::adoption_report::{AdoptionError, AdoptionReport};
use onbill_origin::reconciliation::file::ReportedLedger;
use onbill_origin::store::OpenMode;
use std::path::Path;
use std::sync::Arc;

/// Adopts what the files and the edge have and the database has not, and prints what became of it.
/// Returns whether something was left to a person.
pub(super) async fn adopt_lost(
    config: &Path,
    partner: &PartnerId,
    statement: &ReportedLedger,
    extract: &ReportedLedger,
) -> anyhow::Result<bool> {
    let app = open_app(config, OpenMode::Migrate).await?;
    let marks = app.store.find_recovery_marks().await.map_err(database_failed)?;
    if !marks.is_incomplete() {
        bail!("--adopt is for a restored database: start the origin on it with `serve --recovering` first");
    }
    if statement.unreadable + extract.unreadable > 0 {
        bail!("--adopt wants files of which every line can be read: mend the others first");
    }
    let adoption = Adoption {
        store: &app.store,
        ids: &app.ids,
        clock: &*app.clock,
        partner: partner.clone(),
        informs_partner: app.config.partner_url(partner).is_some(),
        codes: Arc::new(app.config.list_charge_codes()),
        pais: LostPais {
            edge: &app.edge,
            accounts: &app.accounts,
            source: app.config.accounts,
            vault: &app.vault,
            numbers: app.numbers,
            random: &*app.random,
            copied_at: marks.copied_at,
        },
    };
    let report = adoption.run(statement, extract).await.map_err(|stopped| match stopped {
        AdoptionError::Store(error) => database_failed(error),
        AdoptionError::Peer(what) => anyhow!("{what}. What was adopted stays: run it again"),
    })?;
    print_report(&report);
    Ok(!report.left.is_empty())
}

fn print_report(report: &AdoptionReport) {
    if report.counts.is_empty() {
        print_line!("The ledger has everything that the files and the edge have.\n");
        return;
    }
    for ((lost, outcome), count) in &report.counts {
        print_line!("{count:>8} {:10} {outcome}", lost.as_str());
    }
    for (lost, id, outcome) in &report.left {
        print_line!("unchanged: {} {id}: {outcome}", lost.as_str());
    }
    print_line!();
}
