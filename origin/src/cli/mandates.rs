//! `mandates`: what customers have agreed to, as evidence.

use super::acting::{Acting, record_command};
use super::opening::{database_failed, open_store_for_look};
use super::output::print_line;
use super::period::parse_day;
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use onbill_domain::day::Day;
use onbill_origin::mandate::{EvidenceChain, verify_chain};
use onbill_origin::store::Period;
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Lines of a page that is read from the database at once.
const LINES_AT_ONCE: u32 = 500;

/// What customers have agreed to: the evidence for a regulator, or in a dispute.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print what was recorded in a period: JSON, a line for each mandate, in the order in which they were recorded.
    ///
    /// Each line has the hash of the line before (previous), and its own: the SHA-256 of its text before ,"hash". The
    /// last line has the number of lines and the last hash. A party that keeps that line can show later whether any other
    /// was changed or removed.
    #[command(verbatim_doc_comment)]
    Export {
        /// The first day, YYYY-MM-DD. Days are those of UTC.
        #[arg(long, value_name = "DAY", value_parser = parse_day)]
        from: Day,
        /// The last day, included.
        #[arg(long, value_name = "DAY", value_parser = parse_day)]
        to: Day,
        #[command(flatten)]
        acting: Acting,
    },
    /// Check that no line of an export was changed or removed. Exit code 1 says that one was.
    Verify {
        /// The export.
        file: PathBuf,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.action {
            Action::Export { from, to, acting } => export_mandates(config, from, to, acting).await,
            Action::Verify { file } => verify_export(&file),
        }
    }
}

async fn export_mandates(config: &Path, from: Day, to: Day, acting: Acting) -> anyhow::Result<VerbOutcome> {
    let period = Period::of_days(from, to).context("--to lies before --from")?;
    let (config, store) = open_store_for_look(config).await?;
    record_command(&store, &config, acting, &format!("mandates export {from} {to}")).await?;
    let mut chain = EvidenceChain::begin();
    loop {
        let lines = chain.read_lines(&store, period, LINES_AT_ONCE).await.map_err(database_failed)?;
        for line in &lines {
            print_line!("{}", serde_json::to_string(line)?);
        }
        if lines.len() < LINES_AT_ONCE as usize {
            break;
        }
    }
    print_line!("{}", json!({ "end": chain.end() }));
    Ok(VerbOutcome::Clean)
}

fn verify_export(file: &Path) -> anyhow::Result<VerbOutcome> {
    let failed = || format!("{} cannot be read", file.display());
    let opened = File::open(file).with_context(failed)?;
    let verified = verify_chain(BufReader::new(opened)).with_context(failed)?;
    match &verified {
        Ok(lines) => print_line!("{lines} mandates, none of them changed or removed."),
        Err(why) => print_line!("{why}."),
    }
    Ok(VerbOutcome::findings_if(verified.is_err()))
}
