//! What a check has found so far: which lines are bad, and whether that is too many.

use super::problem::Problem;
use super::source::Source;
use crate::line_problem::ProblemCounts;
use crate::store::{Hash, MigrationFileKind};
use std::collections::BTreeSet;

/// Sees how far the work is, and what is wrong.
pub trait Observer {
    /// A file is read from its beginning.
    fn begin(&mut self, name: &str);
    /// So many of its bytes are done.
    fn advance(&mut self, position: u64);
    fn complain(&mut self, problem: &Problem);
}

/// How many lines may be bad before nothing is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    pub bad_percent: u8,
    pub bad_in_a_row: u64,
}

/// What a check has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// PAIs before charges.
    pub files: Vec<CheckedFile>,
    pub counts: ProblemCounts,
}

#[derive(Debug)]
pub struct CheckedFile {
    pub name: String,
    pub kind: MigrationFileKind,
    pub sha256: Hash,
    /// All that are not blank.
    pub lines: u64,
    /// The numbers of those that are not sound.
    pub bad: BTreeSet<u64>,
}

impl CheckedFile {
    /// Lines that are sound.
    pub fn sound(&self) -> u64 {
        self.lines.saturating_sub(self.bad.len() as u64)
    }

    /// Why nothing of it is to be loaded, if that is so.
    fn exceeds(&self, ceilings: Ceilings) -> Option<String> {
        let (bad, lines) = (self.bad.len() as u64, self.lines);
        let Ceilings { bad_percent, bad_in_a_row } = ceilings;
        if bad * 100 > lines * u64::from(bad_percent) {
            return Some(format!("{}: {bad} of {lines} lines are bad: more than {bad_percent} %", self.name));
        }
        let mut run = 0;
        let mut last = None;
        for line in &self.bad {
            run = if last == Some(line - 1) { run + 1 } else { 1 };
            last = Some(*line);
            if run >= bad_in_a_row {
                return Some(format!("{}: {run} lines up to line {line} are all bad", self.name));
            }
        }
        None
    }
}

impl Checked {
    /// Why nothing is to be loaded, if that is so.
    pub fn exceeds(&self, ceilings: Ceilings) -> Option<String> {
        self.files.iter().find_map(|file| file.exceeds(ceilings))
    }

    /// Whether anything is wrong.
    pub fn is_clean(&self) -> bool {
        self.files.iter().all(|file| file.bad.is_empty())
    }

    pub(super) fn note(&mut self, observer: &mut dyn Observer, problem: &Problem) {
        self.counts.add(problem.kind);
        if let Some(file) = self.files.iter_mut().find(|file| file.name == problem.file) {
            file.bad.insert(problem.line);
        }
        observer.complain(problem);
    }

    /// Those of a batch that are sound so far.
    pub(super) fn sound_of<T>(&self, source: &Source<'_>, mut batch: Vec<(u64, T)>) -> Vec<(u64, T)> {
        if let Some(file) = self.files.iter().find(|file| file.name == source.name) {
            batch.retain(|(line, _)| !file.bad.contains(line));
        }
        batch
    }
}
