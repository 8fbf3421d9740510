//! `outbox list` and `outbox retry`: dead letters wait here for a person.

use super::opening::{database_failed, open_store};
use super::verb_outcome::VerbOutcome;
use clap::{Args, Subcommand};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::store::{DeadLetter, OpenMode, Store};
use serde_json::json;
use std::path::Path;

/// Dead letters read in one page.
const PAGE: u32 = 500;

/// List what the origin has given up, and set it going again.
///
/// A charge or refund whose outcome stays unclear at billing is asked for again after 5 minutes, an hour and then
/// daily; after six days it is parked, with the alarm outbox-parked in the log, and its state stays PENDING.
/// A notice that the partner does not take is parked after four days.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List what is parked. Exit code 1 when there is anything.
    ///
    /// Columns: ENTRY (for retry), KIND (charge, refund, charge-notice, refund-notice), PARKED AT (UTC), ATTEMPTS,
    /// PARTNER, the partner's id of the charge or refund, and ours.
    #[command(verbatim_doc_comment)]
    List {
        /// One JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Set parked entries going again. Exit code 1 when one of them was not parked.
    ///
    /// The origin that serves finds them within seconds. A charge is looked up at billing by its id before it is
    /// posted again; a refund is posted again under its own id, which billing answers as before. So nothing is
    /// billed twice. The schedule of attempts begins anew.
    #[command(verbatim_doc_comment)]
    Retry {
        /// Entries to set going, as list names them.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        entry: Vec<i64>,
        /// All of them.
        #[arg(long)]
        all: bool,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let mode = match self.verb {
            Verb::List { .. } => OpenMode::ReadOnly,
            Verb::Retry { .. } => OpenMode::Migrate,
        };
        let (_, store) = open_store(config, mode).await?;
        match self.verb {
            Verb::List { json } => list_dead_letters(&store, json).await,
            Verb::Retry { all: true, .. } => redrive_all(&store, SystemClock.now()).await,
            Verb::Retry { entry, .. } => redrive_jobs(&store, SystemClock.now(), &entry).await,
        }
    }
}

/// Reads all dead letters, a page at a time.
async fn each_page(
    store: &Store,
    mut on_page: impl AsyncFnMut(Vec<DeadLetter>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = store.dead_letters(after, PAGE).await.map_err(database_failed)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.job_id);
        on_page(page).await?;
    }
}

#[expect(clippy::print_stdout, reason = "a command line talks to its user")]
async fn list_dead_letters(store: &Store, as_json: bool) -> anyhow::Result<VerbOutcome> {
    let mut count = 0_usize;
    each_page(store, async |page| {
        if count == 0 && !as_json {
            println!(
                "{:>8}  {:13}  {:20}  {:>8}  {:12}  {:36}  OUR ID",
                "ENTRY", "KIND", "PARKED AT", "ATTEMPTS", "PARTNER", "THEIR ID"
            );
        }
        count += page.len();
        for DeadLetter { job_id, kind, id, partner, ext_id, attempts, dead_lettered_at } in page {
            if as_json {
                println!(
                    "{}",
                    json!({
                        "entry": job_id, "kind": kind.as_str(), "parkedAt": dead_lettered_at, "attempts": attempts,
                        "partner": partner, "extID": ext_id, "id": id,
                    })
                );
            } else {
                println!(
                    "{job_id:>8}  {:13}  {dead_lettered_at:20}  {attempts:>8}  {:12}  {:36}  {id}",
                    kind.as_str(),
                    partner.as_str(),
                    ext_id.as_str()
                );
            }
        }
        Ok(())
    })
    .await?;
    if count == 0 && !as_json {
        println!("Nothing is parked.");
    }
    Ok(VerbOutcome::findings_if(count > 0))
}

#[expect(clippy::print_stdout, reason = "a command line talks to its user")]
async fn redrive_all(store: &Store, now: Timestamp) -> anyhow::Result<VerbOutcome> {
    let mut count = 0_u64;
    each_page(store, async |page| {
        for entry in page {
            count += u64::from(store.redrive_dead_letter(now, entry.job_id).await.map_err(database_failed)?);
        }
        Ok(())
    })
    .await?;
    println!("{count} entries go again.");
    Ok(VerbOutcome::Clean)
}

#[expect(clippy::print_stdout, reason = "a command line talks to its user")]
async fn redrive_jobs(store: &Store, now: Timestamp, entries: &[i64]) -> anyhow::Result<VerbOutcome> {
    let mut found_all = true;
    for entry in entries {
        let redriven = store.redrive_dead_letter(now, *entry).await.map_err(database_failed)?;
        println!("entry {entry} {}", if redriven { "goes again" } else { "is not parked" });
        found_all &= redriven;
    }
    Ok(VerbOutcome::findings_if(!found_all))
}
