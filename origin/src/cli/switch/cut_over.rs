//! `switch cut-over`: turns on what was loaded.

use super::opening::{OpenedSwitch, SwitchArguments, explain_interruption};
use crate::cli::opening::database_failed;
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::AuditAct;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::cut_over::{CutOver, CutOverReport};
use onbill_origin::store::{AuditFilter, MigrationFileKind, Store, SwitchAct};
use std::path::Path;
use std::time::Duration;

/// The clock is read so often while a cut-over waits for its time, as it may be set meanwhile.
const CLOCK_SECONDS: i64 = 20;
/// A cut-over waits so long at most. A later one is begun on its day.
const WAIT_SECONDS_MAX: i64 = 86_400;
/// A time may have passed by so much: two clocks differ. What lies further back
/// is a wrong day, or was meant to be long before.
const PAST_SECONDS_MAX: i64 = 300;
/// Entries of the audit, of any partner, among which the last `switch off` of this one is sought.
const TURN_OFFS_MAX: u32 = 100;

/// Turn on the PAIs that were loaded: from then on, onbill takes their charges, and the edge learns of them.
///
/// Each PAI is turned on in a transaction of its own, whole or not at all. Where it was interrupted, run it again:
/// it goes on with those that are still dark. The serving origin then brings each to the edge, by its queue; until
/// then the edge asks the origin. The partner gets the state of those PAIs that have changed while they were dark,
/// and nothing else; no customer gets anything.
///
/// It does not begin (exit code 2) while a file is being loaded, or when the cohort has a line that is not a PAI
/// of the partner that was loaded. A file whose load can no longer come to its end is left out by --superseded.
/// A load that begins meanwhile interrupts it. It says when the newest files were loaded: what the other system has
/// charged since is not known here. Lines that the load has refused are counted on stderr, and do not keep it from
/// beginning. Exit code 0 when all of them are on.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(flatten)]
    switch: SwitchArguments,
    /// Wait until then, within a day, such as 2026-12-01T02:00:00Z. It turns nothing on if PAIs of the partner are
    /// turned off meanwhile.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("must be a time of the form 2026-12-01T02:00:00Z")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let mut opened = OpenedSwitch::open(config, SwitchAct::CutOver, self.switch).await?;
        if let Some(at) = self.at {
            // What is wrong is said now. What is loaded meanwhile may not be whole, so `begin` checks again.
            opened.check().await?;
            let (store, partner) = (&opened.store, &opened.partner);
            let before = find_last_turn_off(store, partner).await?;
            wait_until(at).await?;
            // The person who turned them off has decided against this cut-over, and may not know that it waits.
            anyhow::ensure!(
                find_last_turn_off(store, partner).await? == before,
                "PAIs of {partner} were turned off meanwhile, so nothing was turned on: run it again if they are to \
                 be on"
            );
        }
        print_last_loads(&opened.store).await?;
        for (name, lines) in opened.store.list_refused_lines().await.map_err(database_failed)? {
            print_error_line!("{lines} lines of {name} were refused: a later file may have them");
        }
        let bar = opened.begin().await?;
        let (store, partner) = (&opened.store, opened.partner.clone());
        let cut_over = CutOver { store, clock: &SystemClock, partner };
        let mut report = CutOverReport::default();
        let progress = |report: &CutOverReport| bar.set_position(report.turned_on + report.on_before);
        let outcome = match &opened.cohort {
            Some(cohort) => cut_over.run_cohort(cohort.pais(), &mut report, progress).await,
            None => cut_over.run_all(&mut report, progress).await,
        };
        bar.finish_and_clear();
        print_line!("{} PAIs were turned on; {} were on before.", report.turned_on, report.on_before);
        if let Err(error) = outcome {
            print_error_line!(
                "It was interrupted. Mend what follows, and run it again: it goes on with the rest."
            );
            return Err(explain_interruption(error));
        }
        print_line!("{} PAIs of this partner are dark.", opened.count_to_change().await?);
        Ok(VerbOutcome::Clean)
    }
}

/// The place in the audit of the last time that PAIs of the partner were to be turned off.
async fn find_last_turn_off(store: &Store, partner: &PartnerId) -> anyhow::Result<Option<i64>> {
    let filter = AuditFilter::Act(AuditAct::TurnedOff);
    let entries =
        store.list_newest_audit_lines(filter, None, TURN_OFFS_MAX).await.map_err(database_failed)?;
    let last = entries.iter().find(|entry| entry.subject.as_deref() == Some(partner.as_str()));
    Ok(last.map(|entry| entry.sequence))
}

/// Says how old the files are: what the other system has charged since would be charged again.
async fn print_last_loads(store: &Store) -> anyhow::Result<()> {
    let last = store.list_last_loads().await.map_err(database_failed)?;
    for (kind, at) in &last {
        print_line!("The newest file of {} was loaded at {at}.", kind.as_str());
    }
    if !last.iter().any(|(kind, _)| *kind == MigrationFileKind::Charges) {
        print_error_line!(
            "No file of charges was loaded: a repeat of what the other system has charged would be billed again."
        );
    }
    Ok(())
}

async fn wait_until(at: Timestamp) -> anyhow::Result<()> {
    let left = at.seconds_since(SystemClock.now());
    anyhow::ensure!(left <= WAIT_SECONDS_MAX, "--at must lie within a day");
    anyhow::ensure!(left >= -PAST_SECONDS_MAX, "--at is past: leave it out to begin now");
    if left > 0 {
        print_line!("Waiting until {at}.");
    }
    loop {
        let left = at.seconds_since(SystemClock.now()).clamp(0, CLOCK_SECONDS);
        match u64::try_from(left) {
            Ok(seconds) if seconds > 0 => tokio::time::sleep(Duration::from_secs(seconds)).await,
            _ => return Ok(()),
        }
    }
}
