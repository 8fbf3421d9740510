//! `recovered`: ends the recovery of a ledger.

use super::opening::{database_failed, open_store};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::store::OpenMode;
use std::path::Path;

/// End a recovery: the database is complete, and the origin decides by it from its next start on.
///
/// Run it at the end of a restore, after `reconcile --adopt` for every partner, when you have dealt with what could not
/// be adopted. Then restart the origin without --recovering. Exit code 1 when there was no recovery to end.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (_, store) = open_store(config, OpenMode::Migrate).await?;
        let was_incomplete = store.end_recovery().await.map_err(database_failed)?;
        print_line!(
            "{}",
            if was_incomplete {
                "The database is marked as complete. Start the origin again, without --recovering."
            } else {
                "The database was marked as complete before."
            }
        );
        Ok(VerbOutcome::findings_if(!was_incomplete))
    }
}
