//! `config check`: what is wrong with the configuration, and what is in effect.

use super::output::print_line;
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use onbill_origin::app::probes::{Probe, probe_all};
use onbill_origin::config::{Config, Mistake};
use std::path::Path;

/// Check the configuration, and print what is in effect.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List every mistake in the file, and check that the things it names are there.
    ///
    /// Each mistake is a line FILE:LINE:COLUMN: and what to write instead. When there is none, this verb checks the
    /// keys, the database and the addresses of other parties. It opens the database for reading only. It asks each
    /// address for a page, and takes any response. Then it prints the configuration in effect as TOML, with every
    /// default and without passwords. Exit code 1 when something is wrong.
    #[command(verbatim_doc_comment)]
    Check {
        /// Check the file alone, and no key, database or address. Terms files are read.
        #[arg(long)]
        offline: bool,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let Verb::Check { offline } = self.verb;
        match Config::read(config).map_err(anyhow::Error::msg)? {
            Err(mistakes) => Ok(print_mistakes(config, &mistakes)),
            Ok(read) => {
                print_line!("✓ {}", config.display());
                let probes = if offline { Vec::new() } else { probe_all(&read).await };
                let is_wrong = print_probes(&probes);
                print_line!();
                print_line!("# In effect:");
                print_line!("{}", read.to_toml().context("the configuration cannot be printed")?.trim_end());
                Ok(VerbOutcome::findings_if(is_wrong))
            }
        }
    }
}

fn print_mistakes(file: &Path, mistakes: &[Mistake]) -> VerbOutcome {
    for mistake in mistakes {
        print_line!("✗ {}:{mistake}", file.display());
    }
    let s = if mistakes.len() == 1 { "" } else { "s" };
    print_line!("{} mistake{s}. Nothing else was looked at.", mistakes.len());
    VerbOutcome::Findings
}

/// Prints what was found, and returns whether some of it is wrong.
fn print_probes(probes: &[Probe]) -> bool {
    for Probe { subject, found } in probes {
        match found {
            Ok(found) => print_line!("✓ {subject}: {found}"),
            Err(wrong) => print_line!("✗ {subject}: {wrong}"),
        }
    }
    let wrong = probes.iter().filter(|probe| probe.found.is_err()).count();
    if !probes.is_empty() {
        print_line!("{} looked at, {wrong} wrong.", probes.len());
    }
    wrong > 0
}
