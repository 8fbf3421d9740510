//! The cohort of a command: a file that is taken as a whole, or not at all.

use crate::cli::opening::database_failed;
use crate::cli::output::print_error_line;
use anyhow::{Context as _, anyhow};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::cut_over::{CohortError, read_cohort};
use onbill_origin::store::Store;
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

/// Each of them is a PAI of the partner that was loaded.
pub(super) async fn check_cohort(store: &Store, partner: &PartnerId, cohort: &[Pai]) -> anyhow::Result<()> {
    let mut unknown = 0_usize;
    for page in cohort.chunks(COHORT_PAGE) {
        let loaded = store.list_loaded_pais(partner.clone(), page.to_vec()).await.map_err(database_failed)?;
        let loaded: HashSet<Pai> = loaded.into_iter().collect();
        for pai in page.iter().filter(|pai| !loaded.contains(*pai)) {
            unknown += 1;
            if unknown <= LISTED_MAX {
                print_error_line!("{partner} has no loaded PAI {pai}");
            }
        }
    }
    anyhow::ensure!(unknown == 0, "{unknown} PAIs of the cohort were not loaded, so nothing was changed");
    Ok(())
}
