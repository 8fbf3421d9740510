//! Loads files: checks them, and writes what is sound, batch by batch.

use super::charges::open_charges;
use super::check::{BATCH, FileCheck, problem_of};
use super::checked::{Ceilings, Checked, CheckedFile, Observer};
use super::load_error::LoadError;
use super::pais::open_pais;
use super::source::{Files, Source};
use crate::store::{FileProgress, LoadOutcome, LoadPlace, MigrationFileKind, NewMigrationFile};
use std::path::Path;

/// Loads what a check has found sound.
pub struct FileLoad<'a> {
    pub check: FileCheck<'a>,
    pub ceilings: Ceilings,
}

/// What became of the lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedFile {
    pub name: String,
    pub loaded: u64,
    pub unchanged: u64,
    pub updated: u64,
    /// By the check, or by the ledger.
    pub refused: u64,
    /// The line after which an interrupted load continued; 0 if it began.
    pub resumed_after: i64,
}

/// A file that is being loaded.
struct Loading<'l> {
    load: &'l FileLoad<'l>,
    source: &'l Source<'l>,
    progress: FileProgress,
    report: LoadedFile,
    /// Lines that the ledger has refused one after the other.
    refused_in_a_row: u64,
}

impl FileLoad<'_> {
    /// 1. Checks all files: nothing is loaded when more lines are bad than the ceilings allow.
    /// 2. Begins all files, so that no PAI is turned on between two of them.
    /// 3. Loads the sound lines, PAIs before charges. Each batch is durable with its place in the file.
    ///
    /// The same files again change nothing. A line that has changed is named; it is loaded over what was, if
    /// the PAI is dark and nothing has changed but its state.
    pub async fn load(
        &self,
        files: &Files<'_>,
        observer: &mut dyn Observer,
    ) -> Result<(Checked, Vec<LoadedFile>), LoadError> {
        // 1.
        let checked = self.check.check(files, observer).await?;
        if let Some(why) = checked.exceeds(self.ceilings) {
            return Err(LoadError::AboveCeiling(why));
        }

        // 2.
        let mut begun = Vec::new();
        for source in files.pais.iter().chain(&files.charges) {
            let Some(file) = checked.files.iter().find(|file| file.name == source.name) else { continue };
            begun.push((file, self.begin(source, file).await?));
        }

        // 3.
        let mut reports = Vec::new();
        for (file, loading) in begun {
            reports.push(match file.kind {
                MigrationFileKind::Pais => loading.load_pais(&checked, file, observer).await?,
                MigrationFileKind::Charges => loading.load_charges(&checked, file, observer).await?,
            });
        }
        Ok((checked, reports))
    }

    async fn begin<'l>(
        &'l self,
        source: &'l Source<'l>,
        file: &CheckedFile,
    ) -> Result<Loading<'l>, LoadError> {
        let count = |lines: u64| i64::try_from(lines).unwrap_or(i64::MAX);
        let name = Path::new(&file.name).file_name().map(|name| name.to_string_lossy().into_owned());
        let new = NewMigrationFile {
            sha256: file.sha256,
            kind: file.kind,
            name: name.unwrap_or_else(|| file.name.clone()),
            lines: count(file.sound()),
            refused: count(file.bad.len() as u64),
        };
        let now = self.check.now();
        let progress = self.check.store.begin_migration_file(now, new).await.map_err(LoadError::Store)?;
        let report = LoadedFile {
            name: file.name.clone(),
            refused: file.bad.len() as u64,
            resumed_after: progress.loaded_through,
            ..LoadedFile::default()
        };
        Ok(Loading { load: self, source, progress, report, refused_in_a_row: 0 })
    }
}

impl Loading<'_> {
    async fn load_pais(
        mut self,
        checked: &Checked,
        file: &CheckedFile,
        observer: &mut dyn Observer,
    ) -> Result<LoadedFile, LoadError> {
        let check = &self.load.check;
        let rows = check.row_maker();
        let opened = self.source.open_hashed()?;
        let hash = opened.hash();
        let mut lines = open_pais(check.rules, opened).map_err(|why| self.source.is_not(why))?;
        observer.begin(&self.source.name);
        loop {
            let batch = lines.next_batch(BATCH);
            let Some(place) = self.place_after(&batch) else { break };
            let mut pais = Vec::new();
            for (line, imported) in self.left_of(checked, batch) {
                pais.push(rows.make_pai(line, imported).map_err(LoadError::Fault)?);
            }
            let numbers: Vec<i64> = pais.iter().map(|pai| pai.line).collect();
            if !pais.is_empty() {
                let loading = check.store.load_dark_pais(check.now(), place, check.accounts(), pais);
                let outcomes = loading.await.map_err(LoadError::Store)?;
                self.note(file.kind, &numbers, &outcomes, observer)?;
                check.store.let_others_write().await;
            }
            observer.advance(lines.position());
        }
        self.finish(file, hash.finish()).await
    }

    async fn load_charges(
        mut self,
        checked: &Checked,
        file: &CheckedFile,
        observer: &mut dyn Observer,
    ) -> Result<LoadedFile, LoadError> {
        let check = &self.load.check;
        let rows = check.row_maker();
        let opened = self.source.open_hashed()?;
        let hash = opened.hash();
        let mut lines = open_charges(check.rules, opened).map_err(|why| self.source.is_not(why))?;
        observer.begin(&self.source.name);
        loop {
            let batch = lines.next_batch(BATCH);
            let Some(place) = self.place_after(&batch) else { break };
            let left = self.left_of(checked, batch);
            let claims: Vec<_> = left.into_iter().map(|(line, it)| rows.make_claim(line, it)).collect();
            let numbers: Vec<i64> = claims.iter().map(|claim| claim.line).collect();
            if !claims.is_empty() {
                let loading = check.store.load_claims(place, claims);
                let outcomes = loading.await.map_err(LoadError::Store)?;
                self.note(file.kind, &numbers, &outcomes, observer)?;
                check.store.let_others_write().await;
            }
            observer.advance(lines.position());
        }
        self.finish(file, hash.finish()).await
    }

    /// The place in the file after a batch; `None` at its end.
    fn place_after<T>(&self, batch: &[(u64, T)]) -> Option<LoadPlace> {
        let (last, _) = batch.last()?;
        let through = i64::try_from(*last).unwrap_or(i64::MAX);
        Some(LoadPlace { file_id: self.progress.file_id, through })
    }

    /// Those of a batch that are sound, and not loaded by a load before.
    fn left_of<T>(&self, checked: &Checked, batch: Vec<(u64, T)>) -> Vec<(u64, T)> {
        let mut left = checked.sound_of(self.source, batch);
        let through = u64::try_from(self.progress.loaded_through).unwrap_or_default();
        left.retain(|(line, _)| *line > through);
        left
    }

    /// Counts what became of a batch. Lines can be refused that were sound a moment ago: a partner, or
    /// another load, may write too.
    fn note(
        &mut self,
        kind: MigrationFileKind,
        lines: &[i64],
        outcomes: &[LoadOutcome],
        observer: &mut dyn Observer,
    ) -> Result<(), LoadError> {
        for (line, outcome) in lines.iter().zip(outcomes) {
            match outcome {
                LoadOutcome::Loaded => self.report.loaded += 1,
                LoadOutcome::Unchanged => self.report.unchanged += 1,
                LoadOutcome::Updated => self.report.updated += 1,
                LoadOutcome::Refused(_) => self.report.refused += 1,
            }
            let Some(problem) = problem_of(self.source, kind, *line, *outcome) else {
                self.refused_in_a_row = 0;
                continue;
            };
            observer.complain(&problem);
            self.refused_in_a_row += 1;
            if self.refused_in_a_row >= self.load.ceilings.bad_in_a_row {
                let (name, count) = (&self.source.name, self.refused_in_a_row);
                return Err(LoadError::AboveCeiling(format!(
                    "{name}: {count} lines up to line {line} are all refused"
                )));
            }
        }
        Ok(())
    }

    async fn finish(self, file: &CheckedFile, sha256: crate::store::Hash) -> Result<LoadedFile, LoadError> {
        if sha256 != file.sha256 {
            return Err(LoadError::FileChanged(self.source.name.clone()));
        }
        let check = &self.load.check;
        let finishing = check.store.finish_migration_file(check.now(), self.progress.file_id);
        finishing.await.map_err(LoadError::Store)?;
        Ok(self.report)
    }
}
