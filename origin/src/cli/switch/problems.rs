//! Where `switch check` and `switch load` name what is wrong with the files.

use crate::cli::files::new_csv;
use crate::cli::output::{print_error_line, print_line};
use anyhow::Context as _;
use onbill_origin::migration_files::{Problem, ProblemCounts};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Problems of each kind that are listed on the terminal: as many as a person reads. The wrong file can have the same
/// one in a million lines. They are counted by kind, so that it does not hide those of another kind.
const LISTED_MAX: u64 = 20;

/// What is in a line of the file of all problems.
const HEADER: [&str; 4] = ["file", "line", "kind", "problem"];

/// Into a file, or the first of each kind to the terminal.
pub(super) struct ProblemSink {
    file: Option<(csv::Writer<File>, PathBuf)>,
    counts: ProblemCounts,
    /// Those that are listed nowhere.
    left_out: u64,
    /// The first failed write. What comes after it is lost anyway.
    failed: Option<csv::Error>,
}

impl ProblemSink {
    pub(super) fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let file = match path {
            None => None,
            Some(path) => {
                let mut file = new_csv(path)?;
                file.write_record(HEADER).with_context(|| format!("{} cannot be written", path.display()))?;
                Some((file, path.to_owned()))
            }
        };
        Ok(Self { file, counts: ProblemCounts::default(), left_out: 0, failed: None })
    }

    /// Takes a problem, and returns what is to be printed of it.
    pub(super) fn add(&mut self, problem: &Problem) -> Option<String> {
        let of_its_kind = self.counts.add(problem.kind);
        if let Some((file, _)) = &mut self.file {
            if self.failed.is_none() {
                let Problem { file: name, line, kind, text } = problem;
                self.failed = file.write_record([name, &line.to_string(), kind.as_str(), text]).err();
            }
            return None;
        }
        if of_its_kind > LISTED_MAX {
            self.left_out += 1;
            return None;
        }
        Some(format!("{}: {}", problem.file, problem.text))
    }

    /// Says what was not listed, or where all is.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        if let Some(failed) = self.failed {
            return Err(failed).context("the problems cannot be written");
        }
        if let Some((mut file, path)) = self.file {
            file.flush().context("the problems cannot be written")?;
            if self.counts.kinds().next().is_some() {
                print_line!("All problems are in {}.", path.display());
            }
        }
        if self.left_out > 0 {
            print_error_line!("... and {} more: --problems FILE has them all.", self.left_out);
        }
        Ok(())
    }
}
