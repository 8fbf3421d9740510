//! `recovered`: ends the recovery of a ledger.

use super::opening::{database_failed, open_store};
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::store::OpenMode;
use std::path::Path;

/// Say that the database is complete again: the origin decides by it from its next start on.
///
/// For the end of a restore, when `reconcile --adopt` has been run for every partner, and what it could not adopt
/// was seen to. Start the origin again afterwards, without --recovering. Exit code 1 when nothing was to be ended.
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
                "The database counts as complete. Start the origin again, without --recovering."
            } else {
                "The database counted as complete before."
            }
        );
        Ok(VerbOutcome::findings_if(!was_incomplete))
    }
}
