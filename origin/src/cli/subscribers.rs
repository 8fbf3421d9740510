//! `subscribers export`: all that is kept on a person.

use super::acting::Acting;
use super::files::open_input;
use super::opening::open_app;
use super::output::print_line;
use super::problems::ProblemArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::{Args, Subcommand};
use onbill_origin::care::{ExportListError, PersonExport};
use onbill_origin::fault::Failure;
use onbill_origin::store::OpenMode;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// What is kept on a person.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print all that is kept on people who ask for it.
    ///
    /// Numbers are read from a file or from standard input, one in each line: on the command line every user of the
    /// machine could read them. What is printed has the number, so send it to that person only. It has what
    /// belongs to the number's present subscriber, as the operator names them now, and nothing of who had the number
    /// before. Each export is an entry in the audit. A line that is not a number, or whose number has no such subscriber,
    /// is named by its place; exit code 1.
    #[command(verbatim_doc_comment)]
    Export {
        /// The list of numbers, or - for standard input.
        #[arg(value_name = "FILE")]
        list: PathBuf,
        /// One JSON object for each person, instead of text.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        problems: ProblemArguments,
        #[command(flatten)]
        acting: Acting,
    },
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let Action::Export { list, json, problems, acting } = self.action;
        let app = open_app(config, OpenMode::Migrate).await?;
        let name = list.display();
        let opened: Box<dyn Read + Send> =
            if list == Path::new("-") { Box::new(io::stdin()) } else { Box::new(open_input(&list)?) };
        let print = |person: PersonExport| {
            if json {
                print_line!("{}", person.to_json());
            } else {
                print_line!("{}", person.to_text());
            }
        };
        let stamp = acting.into_stamp(&app.config)?;
        let mut problems = problems.open()?;
        let complain = |problem| problems.complain(None, &list, &problem);
        let report = app.care().export_listed(&stamp, BufReader::new(opened), print, complain).await;
        let finished = problems.finish();
        let report = report.map_err(|stopped| match stopped {
            ExportListError::Unreadable(error) => anyhow!("{name} cannot be read on: {error}"),
            ExportListError::Failed(Failure::Reject(reject)) => anyhow!("{}", reject.message),
            ExportListError::Failed(Failure::Fault(fault)) => anyhow!("the export has stopped: {fault:?}"),
        })?;
        finished?;
        Ok(VerbOutcome::findings_if(report.refused + report.not_found > 0))
    }
}
