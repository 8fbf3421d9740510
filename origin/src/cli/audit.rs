//! `audit export` and `audit verify`: who did what, and who looked at whom.

use super::opening::{database_failed, open_store};
use super::output::{self, print_error_line, print_line};
use super::verb_outcome::VerbOutcome;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use onbill_domain::wire::mandate::{ChainEnd, first_previous};
use onbill_origin::audit::{AuditCheck, AuditPart, has_exported, read_audit, verify_export, verify_ledger};
use onbill_origin::store::OpenMode;
use serde_json::json;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Who looked at which subscriber, and who closed, retried and refunded what.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the audit: JSON, a line for each entry, in order.
    ///
    /// Each line has the hash of the line before (previous), and its own: the SHA-256 of its text before ,"hash". The
    /// last line has the number of lines and the last hash. A party that keeps that line can show later whether any other
    /// was changed or removed.
    /// What is left of a broken audit is printed as well, without the entries that have an unknown word or an impossible
    /// time. Exit code 1 says that it is broken, and standard error where.
    #[command(verbatim_doc_comment)]
    Export,
    /// Check that no entry was changed or removed. Exit code 1 says that one was.
    ///
    /// With an export, that is checked as well, and whether the audit in the database still begins with it.
    #[command(verbatim_doc_comment)]
    Verify {
        /// An earlier export.
        file: Option<PathBuf>,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        match self.action {
            Action::Export => export_entries(config).await,
            Action::Verify { file } => verify_chain(config, file.as_deref()).await,
        }
    }
}

async fn export_entries(config: &Path) -> anyhow::Result<VerbOutcome> {
    let (_, store) = open_store(config, OpenMode::ReadOnly).await?;
    let (mut unwritten, mut check) = (None, AuditCheck::default());
    let read = read_audit(&store, async |part| {
        check.take(&part);
        let entries = match part {
            AuditPart::Entries(entries) => entries,
            AuditPart::Unreadable { sequence, column } => {
                print_error_line!("Entry {sequence} is left out: no onbill writes such a value of {column}.");
                Vec::new()
            }
        };
        for line in &entries {
            match serde_json::to_string(line) {
                Ok(text) => print_line!("{text}"),
                Err(error) => unwritten = Some(error),
            }
        }
        unwritten.is_none() && !output::is_closed()
    });
    let end = read.await.map_err(database_failed)?;
    if let Some(error) = unwritten {
        return Err(error.into());
    }
    // Without it, an export that is checked says that the end is missing.
    if let Some(stated) = &end.stated {
        print_line!("{}", json!({ "end": stated }));
    } else if end.newest == 0 {
        print_line!("{}", json!({ "end": ChainEnd { lines: 0, hash: first_previous() } }));
    }
    let checked = check.finish(end);
    if let Err(why) = &checked {
        print_error_line!("{why}.");
    }
    Ok(VerbOutcome::findings_if(checked.is_err()))
}

async fn verify_chain(config: &Path, file: Option<&Path>) -> anyhow::Result<VerbOutcome> {
    let (_, store) = open_store(config, OpenMode::ReadOnly).await?;
    let ledger = verify_ledger(&store).await.map_err(database_failed)?;
    match &ledger {
        Ok(end) => print_line!("{} entries, none of them changed or removed.", end.lines),
        Err(why) => print_line!("{why}."),
    }
    let Some(file) = file else { return Ok(VerbOutcome::findings_if(ledger.is_err())) };
    let failed = || format!("{} cannot be read", file.display());
    let opened = File::open(file).with_context(failed)?;
    let name = file.display();
    let end = match verify_export(BufReader::new(opened)).with_context(failed)? {
        Ok(end) => end,
        Err(why) => {
            print_line!("{name}: {why}.");
            return Ok(VerbOutcome::Findings);
        }
    };
    let begins_with_it = has_exported(&store, &end).await.map_err(database_failed)?;
    if begins_with_it {
        print_line!("{name}: {} entries, and the audit begins with them.", end.lines);
    } else {
        print_line!("{name}: the audit in the database is another.");
    }
    Ok(VerbOutcome::findings_if(ledger.is_err() || !begins_with_it))
}
