//! A file as it is read for the first time, with what is wrong with its lines.

use super::checked::{Checked, CheckedFile, Observer};
use super::load_error::LoadError;
use super::problem::{Problem, WrongFile};
use super::source::Source;
use crate::store::{Hash, MigrationFileKind};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A file that is being read for the first time.
pub(super) struct Reading<'r> {
    /// Lines that are sound by themselves.
    sound: u64,
    events: RefCell<Events<'r>>,
}

/// What happens while a file is read: problems are reported at once, as there may be one for each line.
pub(super) struct Events<'r> {
    checked: &'r mut Checked,
    pub(super) observer: &'r mut dyn Observer,
}

impl Events<'_> {
    pub(super) fn note(&mut self, problem: &Problem) {
        self.checked.note(self.observer, problem);
    }
}

impl<'r> Reading<'r> {
    pub(super) fn begin(
        kind: MigrationFileKind,
        source: &Source<'_>,
        checked: &'r mut Checked,
        observer: &'r mut dyn Observer,
    ) -> Self {
        observer.begin(&source.name);
        let (name, bad) = (source.name.clone(), BTreeSet::new());
        checked.files.push(CheckedFile { name, kind, sha256: Hash::default(), lines: 0, bad });
        Self { sound: 0, events: RefCell::new(Events { checked, observer }) }
    }

    pub(super) fn split(&mut self) -> (&mut u64, &RefCell<Events<'r>>) {
        (&mut self.sound, &self.events)
    }

    /// Sets what is known at the end of the file.
    pub(super) fn finish(self, source: &Source<'_>, sha256: Hash) -> Result<(), LoadError> {
        let Some(file) = self.events.into_inner().checked.files.last_mut() else { return Ok(()) };
        let lines = self.sound + file.bad.len() as u64;
        if lines == 0 {
            return Err(source.is_not(WrongFile("has no line after its first".to_owned())));
        }
        (file.sha256, file.lines) = (sha256, lines);
        Ok(())
    }
}
