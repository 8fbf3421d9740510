//! `man`: the manual pages, one for each verb, from the same texts as `--help`.

use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use clap::{Args, Command};
use std::path::PathBuf;

/// Write the manual pages, one for each verb, into a folder such as /usr/share/man/man1.
///
/// The folder is made if it is missing, and pages that are there are written again. Needs no configuration.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Arguments {
    pub(super) fn run(self, command: Command) -> anyhow::Result<VerbOutcome> {
        let place = self.out.display();
        std::fs::create_dir_all(&self.out).with_context(|| format!("{place} cannot be made"))?;
        clap_mangen::generate_to(command, &self.out)
            .with_context(|| format!("{place} cannot be written to"))?;
        print_line!("The pages are in {place}.");
        Ok(VerbOutcome::Clean)
    }
}
