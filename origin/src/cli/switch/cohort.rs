//! The cohort of a command: a file that is taken as a whole, or not at all.

use crate::cli::opening::database_failed;
use crate::cli::problems::ProblemSink;
use anyhow::anyhow;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::cut_over::{Cohort, CohortError, read_cohort};
use onbill_origin::line_problem::{LineProblem, ProblemKind};
use onbill_origin::store::{Store, SwitchAct};
use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;

/// PAIs of a cohort that are looked up at once.
const COHORT_PAGE: usize = 500;

/// A cohort, and the file that names its PAIs.
pub(super) struct CohortFile {
    path: PathBuf,
    cohort: Cohort,
}

impl CohortFile {
    pub(super) fn read(
        partner: &PartnerId,
        (path, file): (PathBuf, File),
        problems: &mut ProblemSink,
    ) -> anyhow::Result<Self> {
        let read = read_cohort(partner, file, |problem| problems.complain(None, &path, &problem));
        problems.finish()?;
        let name = path.display();
        let cohort = read.map_err(|error| match error {
            CohortError::Header(why) => anyhow!("{name}: {why}"),
            CohortError::Unreadable(lines) => {
                anyhow!("{name}: {lines} lines cannot be read, so nothing was changed")
            }
        })?;
        anyhow::ensure!(!cohort.pais.is_empty(), "{name}: has no PAI of {partner}");
        Ok(Self { path, cohort })
    }

    pub(super) fn pais(&self) -> &[Pai] {
        &self.cohort.pais
    }

    /// Checks that each of them can be switched. Returns how many are not as they are to be.
    pub(super) async fn check(
        &self,
        store: &Store,
        act: SwitchAct,
        partner: &PartnerId,
        problems: &mut ProblemSink,
    ) -> anyhow::Result<u64> {
        let (what, why) = match act {
            SwitchAct::CutOver => ("loaded PAI", "were not loaded"),
            SwitchAct::TurnOff => ("PAI", "are none of the partner's"),
        };
        let (mut unknown, mut to_change) = (0_u64, 0_u64);
        for page in self.pais().chunks(COHORT_PAGE) {
            let found = store.find_switchable_pais(act, partner.clone(), page.to_vec()).await;
            let found = found.map_err(database_failed)?;
            to_change += found.iter().filter(|each| each.is_on == (act == SwitchAct::TurnOff)).count() as u64;
            let found: HashSet<Pai> = found.into_iter().map(|each| each.pai).collect();
            for pai in page.iter().filter(|pai| !found.contains(*pai)) {
                unknown += 1;
                let line = self.cohort.line_of(pai).unwrap_or_default();
                let why = format!("{partner} has no {what} {}", show(*pai));
                let problem = LineProblem::of_column(line, "pai", ProblemKind::PaiUnknown, &why);
                problems.complain(None, &self.path, &problem);
            }
        }
        problems.finish()?;
        anyhow::ensure!(unknown == 0, "{unknown} PAIs of the cohort {why}, so nothing was changed");
        Ok(to_change)
    }
}

/// A PAI without a letter may be a telephone number in the wrong column, also with signs between its
/// digits, and numbers are not printed.
fn show(pai: Pai) -> String {
    if pai.as_str().bytes().any(|byte| byte.is_ascii_alphabetic()) {
        pai.to_string()
    } else {
        format!("{} (no letters, as a telephone number)", pai.masked())
    }
}
