//! The cohort of a command: a file that is taken as a whole, or not at all.

use crate::cli::opening::database_failed;
use crate::cli::output::print_error_line;
use anyhow::{Context as _, anyhow};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::cut_over::{CohortError, read_cohort};
use onbill_origin::store::{Store, SwitchAct};
use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

/// Unknown PAIs of a cohort that are listed: as many as a person reads.
const LISTED_MAX: usize = 20;
/// PAIs of a cohort that are looked up at once.
const COHORT_PAGE: usize = 500;

pub(super) fn open_cohort(partner: &PartnerId, path: &Path) -> anyhow::Result<Vec<Pai>> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let name = path.display();
    let read = read_cohort(partner, file, |complaint| print_error_line!("{name}: {complaint}"));
    let pais = read.map_err(|error| match error {
        CohortError::Header(why) => anyhow!("{name}: {why}"),
        CohortError::Unreadable(lines) => {
            anyhow!("{name}: {lines} lines cannot be read, so nothing was changed")
        }
    })?;
    anyhow::ensure!(!pais.is_empty(), "{name}: has no PAI of {partner}");
    Ok(pais)
}

/// Checks that each of them can be switched. Returns how many are not as they are to be.
pub(super) async fn check_cohort(
    store: &Store,
    act: SwitchAct,
    partner: &PartnerId,
    cohort: &[Pai],
) -> anyhow::Result<u64> {
    let (what, why) = match act {
        SwitchAct::CutOver => ("loaded PAI", "were not loaded"),
        SwitchAct::TurnOff => ("PAI", "are none of the partner's"),
    };
    let (mut unknown, mut to_change) = (0_usize, 0_u64);
    for page in cohort.chunks(COHORT_PAGE) {
        let found = store.find_switchable_pais(act, partner.clone(), page.to_vec()).await;
        let found = found.map_err(database_failed)?;
        to_change += found.iter().filter(|each| each.is_on == (act == SwitchAct::TurnOff)).count() as u64;
        let found: HashSet<Pai> = found.into_iter().map(|each| each.pai).collect();
        for pai in page.iter().filter(|pai| !found.contains(*pai)) {
            unknown += 1;
            if unknown <= LISTED_MAX {
                print_error_line!("{partner} has no {what} {}", show(*pai));
            }
        }
    }
    anyhow::ensure!(unknown == 0, "{unknown} PAIs of the cohort {why}, so nothing was changed");
    Ok(to_change)
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
