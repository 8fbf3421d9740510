//! Where the verbs that read a file name what is wrong with its lines.

use super::files::new_private_csv;
use super::output::print_error_line;
use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use onbill_origin::line_problem::{LineProblem, ProblemCounts};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Problems of each kind that are listed on the terminal: as many as a person reads. The wrong file can have the same
/// one in a million lines. They are counted by kind, so that it does not hide those of another kind.
const LISTED_MAX: u64 = 20;

/// What is in a line of the file of all problems.
const HEADER: [&str; 4] = ["file", "line", "kind", "problem"];

// No doc comment: clap would print it as that of the verb.
#[derive(Args)]
pub(super) struct ProblemArguments {
    /// Write all problems there (CSV: file, line, kind, problem), instead of the first of each kind to the terminal.
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
}

impl ProblemArguments {
    /// Begins the file, so that one that cannot be written is known before anything is done. Call it
    /// when all files that are to be read are open. After a mistyped name, a file without a problem would
    /// look like that of a sound one, and be in the way of the next run.
    ///
    /// Only the user of this program can read it: it can name a PAI with the number of its line in it.
    pub(super) fn open(&self) -> anyhow::Result<ProblemSink> {
        let file = match &self.problems {
            None => None,
            Some(path) => {
                let mut file = new_private_csv(path)?;
                file.write_record(HEADER).with_context(|| format!("{} cannot be written", path.display()))?;
                Some((file, path.clone()))
            }
        };
        Ok(ProblemSink { file, counts: ProblemCounts::default(), left_out: 0, failed: None })
    }
}

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
    /// Takes a problem of a file, and prints it above the bar if it is to be listed.
    pub(super) fn complain(&mut self, bar: Option<&ProgressBar>, file: &Path, problem: &LineProblem) {
        let Some(complaint) = self.add(&file.display().to_string(), problem) else { return };
        let print = || print_error_line!("{complaint}");
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes a problem, and returns what is to be printed of it.
    fn add(&mut self, name: &str, problem: &LineProblem) -> Option<String> {
        let LineProblem { line, kind, text } = problem;
        let of_its_kind = self.counts.add(*kind);
        if let Some((file, _)) = &mut self.file {
            if self.failed.is_none() {
                self.failed = file.write_record([name, &line.to_string(), kind.as_str(), text]).err();
            }
            return None;
        }
        if of_its_kind > LISTED_MAX {
            self.left_out += 1;
            return None;
        }
        Some(format!("{name}: {text}"))
    }

    /// Says what was not listed, or where all is. Not on the output, which may be read by a program or sent to a
    /// customer.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(failed) = self.failed.take() {
            return Err(failed).context("the problems cannot be written");
        }
        if let Some((file, path)) = &mut self.file {
            file.flush().context("the problems cannot be written")?;
            if self.counts.kinds().next().is_some() {
                print_error_line!("All problems are in {}.", path.display());
            }
        }
        if self.left_out > 0 {
            print_error_line!("... and {} more: --problems FILE has them all.", self.left_out);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_origin::line_problem::ProblemKind;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn twenty_of_each_kind_are_listed() {
        let mut sink = ProblemArguments { problems: None }.open().expect("needs no file");
        let mut listed = |kind, lines: std::ops::Range<u64>| {
            let added =
                lines.filter_map(|line| sink.add("a.csv", &LineProblem::of_line(line, kind, "is bad")));
            added.collect::<Vec<_>>()
        };
        let (values, unreadable) =
            (listed(ProblemKind::Value, 2..102), listed(ProblemKind::Unreadable, 102..103));
        assert_eq!((values.len(), &values[0][..]), (20, "a.csv: line 2: is bad"));
        assert_eq!(unreadable, ["a.csv: line 102: is bad"], "another kind is not hidden");
        assert_eq!(sink.left_out, 80);
    }

    #[test]
    fn file_takes_all_problems() {
        let path = std::env::temp_dir().join(format!("onbill-problems-{}.csv", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut sink = ProblemArguments { problems: Some(path.clone()) }.open().expect("is a new file");
        for line in 2..102 {
            let problem = LineProblem::of_column(line, "pai", ProblemKind::Value, "is no PAI");
            assert_eq!(sink.add("a.csv", &problem), None, "it is not listed too");
        }
        sink.finish().expect("is written");
        let written = std::fs::read_to_string(&path).expect("is readable");
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a PAI can have a number in it");
        std::fs::remove_file(&path).expect("is there");
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!((lines.len(), lines[0]), (101, "file,line,kind,problem"));
        assert_eq!(lines[100], "a.csv,101,value,\"line 101, column pai: is no PAI\"");
    }
}
