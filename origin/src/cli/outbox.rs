//! `outbox list` and `outbox redrive`: dead letters wait here for a person.

use super::acting::Acting;
use super::opening::{database_failed, open_store};
use super::output::{self, print_line};
use super::verb_outcome::VerbOutcome;
use clap::{Args, Subcommand};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::store::{AuditStamp, DeadLetter, OpenMode, Store};
use serde_json::json;
use std::path::Path;

/// Dead letters read in one page.
const PAGE: u32 = 500;

/// List dead letters, the jobs whose attempts have ended, and put them back into their queues.
///
/// The job of a charge or refund whose outcome stays unclear at billing is tried again after 5 minutes, an hour and
/// then daily. After six days it is a dead letter, with the alarm outbox-parked in the log, and the charge or refund
/// stays PENDING. A webhook that the partner does not accept is a dead letter after four days.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List dead letters. Exit code 1 when there is one.
    ///
    /// Columns: JOB (for redrive), KIND (charge, refund, charge-notice, refund-notice, ...), SINCE (UTC), ATTEMPTS,
    /// PARTNER, EXTERNAL ID (the partner's, of the charge or refund), ID (ours).
    #[command(verbatim_doc_comment)]
    List {
        /// One JSON object per line instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Put dead letters back into their queues. Exit code 1 when one of them was no dead letter.
    ///
    /// The origin that serves finds them within seconds. A charge is looked up at billing by its id before it is
    /// posted again; a refund is posted again under its own id, which billing answers as before. So nothing is
    /// billed twice. The schedule of attempts begins again.
    #[command(verbatim_doc_comment)]
    Redrive {
        /// Jobs to redrive, as list names them.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        job: Vec<i64>,
        /// All of them.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        acting: Acting,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let mode = match self.verb {
            Verb::List { .. } => OpenMode::ReadOnly,
            Verb::Redrive { .. } => OpenMode::Migrate,
        };
        let (config, store) = open_store(config, mode).await?;
        match self.verb {
            Verb::List { json } => list_dead_letters(&store, json).await,
            Verb::Redrive { all: true, acting, .. } => {
                redrive_all(&store, SystemClock.now(), &acting.into_stamp(&config)?).await
            }
            Verb::Redrive { job, acting, .. } => {
                redrive_jobs(&store, SystemClock.now(), &acting.into_stamp(&config)?, &job).await
            }
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
        // The rest of a list is not read.
        if output::is_closed() {
            return Ok(());
        }
    }
}

async fn list_dead_letters(store: &Store, as_json: bool) -> anyhow::Result<VerbOutcome> {
    let mut count = 0_usize;
    each_page(store, async |page| {
        if count == 0 && !as_json {
            print_line!(
                "{:>8}  {:13}  {:20}  {:>8}  {:12}  {:36}  {:36}  LAST ANSWER",
                "JOB", "KIND", "SINCE", "ATTEMPTS", "PARTNER", "EXTERNAL ID", "ID"
            );
        }
        count += page.len();
        for DeadLetter { job_id, kind, id, partner, ext_id, attempts, dead_lettered_at, last_answer } in page {
            if as_json {
                print_line!(
                    "{}",
                    json!({
                        "job": job_id, "kind": kind.as_str(), "deadLetteredAt": dead_lettered_at, "attempts": attempts,
                        "partner": partner, "extID": ext_id, "id": id,
                        "lastAnswer": last_answer.as_ref().map(ToString::to_string),
                    })
                );
            } else {
                print_line!(
                    "{job_id:>8}  {:13}  {dead_lettered_at:20}  {attempts:>8}  {:12}  {:36}  {id:36}  {}",
                    kind.as_str(),
                    partner.as_str(),
                    ext_id.as_str(),
                    last_answer.as_ref().map_or_else(|| "not known".to_owned(), ToString::to_string)
                );
            }
        }
        Ok(())
    })
    .await?;
    if count == 0 && !as_json {
        print_line!("There is no dead letter.");
    }
    Ok(VerbOutcome::findings_if(count > 0))
}

async fn redrive_all(store: &Store, now: Timestamp, stamp: &AuditStamp) -> anyhow::Result<VerbOutcome> {
    let mut count = 0_u64;
    each_page(store, async |page| {
        for dead_letter in page {
            let retried = store.redrive_by_hand(None, now, stamp.clone(), dead_letter.job_id).await;
            count += u64::from(retried.map_err(database_failed)?);
        }
        Ok(())
    })
    .await?;
    print_line!("{count} jobs are queued again.");
    Ok(VerbOutcome::Clean)
}

async fn redrive_jobs(
    store: &Store,
    now: Timestamp,
    stamp: &AuditStamp,
    jobs: &[i64],
) -> anyhow::Result<VerbOutcome> {
    let mut found_all = true;
    for job in jobs {
        let redriven =
            store.redrive_by_hand(None, now, stamp.clone(), *job).await.map_err(database_failed)?;
        print_line!("job {job} {}", if redriven { "is queued again" } else { "is no dead letter" });
        found_all &= redriven;
    }
    Ok(VerbOutcome::findings_if(!found_all))
}
