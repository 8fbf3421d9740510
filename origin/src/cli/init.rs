//! `init`: begins a new ledger.

use super::opening::open_store;
use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::store::OpenMode;
use std::path::Path;

/// Begin a new ledger, in which no customer has signed up yet.
///
/// Run it once for each operator, before anything else. No other verb makes a ledger. Where the database is missing
/// or empty, because a volume is not mounted or a name is misspelled, they say so and do nothing. A ledger that
/// exists is not touched (exit code 2).
///
/// The ledger is that of this configuration for ever: its operator, the key of its numbers, and the source of accounts.
/// Every verb refuses it with others.
///
/// A file is made with mode 600, and its folder if it is missing. In PostgreSQL the database must exist, and the
/// tables are made in the first schema of the search path.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, _) = open_store(config, OpenMode::Create).await?;
        print_line!("The ledger of {} has begun.", config.operator);
        Ok(VerbOutcome::Clean)
    }
}
