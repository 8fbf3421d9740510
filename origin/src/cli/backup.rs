//! `backup`: copies the database of a serving origin.

use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::app::backup::back_up;
use onbill_origin::config::Config;
use onbill_origin::keys::Vault;
use std::path::{Path, PathBuf};

/// Copy the database into a new file, while the origin goes on serving.
///
/// The copy is of one moment, and whole: it is checked, belongs to this configuration and its keys, and is on the
/// disk before the file has its name. A file that exists is not overwritten. It has what the database has, so keep
/// it as safe, and apart from the keys. The copy knows that it is one: an origin that is started on it serves with
/// `--recovering`, until `recovered` says that it is complete again.
///
/// A database on a PostgreSQL server is backed up by the server's own tools: exit code 2.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The new file.
    file: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys) = Config::load(config).map_err(anyhow::Error::msg)?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let now = SystemClock.now();
        let length = back_up(&config, &vault, &self.file, now).await.map_err(anyhow::Error::msg)?;
        print_line!("{}: {length} bytes, the database as it was at {now}.", self.file.display());
        Ok(VerbOutcome::Clean)
    }
}
