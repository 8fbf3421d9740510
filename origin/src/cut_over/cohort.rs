//! The file that names the PAIs of a cohort: CSV with a header. It needs a column `pai`; if it has
//! `partner` too, lines of other partners are left out, so that `pais.csv` itself can be taken.

use crate::csv_file::{self, UnreadableLine};
use crate::line_problem::{LineProblem, ProblemKind};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use std::io::Read;

/// Why a cohort cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CohortError {
    /// It has no column `pai`, or its first line cannot be read.
    Header(String),
    /// So many lines cannot be read. A cohort is taken as a whole or not at all.
    Unreadable(u64),
}

/// The PAIs of a cohort, in their order and without repetitions.
#[derive(Debug)]
pub struct Cohort {
    pub pais: Vec<Pai>,
    /// The first line of each.
    lines: Vec<u64>,
}

impl Cohort {
    /// The first line that names a PAI of the cohort.
    pub fn line_of(&self, pai: &Pai) -> Option<u64> {
        self.pais.binary_search(pai).ok().map(|at| self.lines[at])
    }
}

/// Reads the PAIs of a cohort. `complain` gets each line that cannot be read.
pub fn read_cohort(
    partner: &PartnerId,
    file: impl Read,
    mut complain: impl FnMut(LineProblem),
) -> Result<Cohort, CohortError> {
    let mut reader = csv_file::open_reader(file);
    let header = csv_file::read_header(&mut reader).map_err(CohortError::Header)?;
    let place = |name: &str| header.iter().position(|found| found == name);
    let at = place("pai")
        .ok_or_else(|| CohortError::Header("the first line must name the column pai".to_owned()))?;
    let partner_at = place("partner");
    let (mut named, mut unreadable, mut record) = (Vec::new(), 0, csv::StringRecord::new());
    while let Some(line) = csv_file::read_line(&mut reader, &mut record) {
        let is_others =
            partner_at.and_then(|at| record.get(at)).is_some_and(|named| named != partner.as_str());
        let parsed = match line {
            Ok(_) if is_others => continue,
            Ok(line) => record.get(at).and_then(Pai::parse).map(|pai| (pai, line)).ok_or_else(|| {
                let problem = LineProblem::of_column(line, "pai", ProblemKind::Value, "is not a PAI");
                UnreadableLine { problem, is_end: false }
            }),
            Err(unreadable) => Err(unreadable),
        };
        match parsed {
            Ok(pai_and_line) => named.push(pai_and_line),
            Err(UnreadableLine { problem, is_end }) => {
                unreadable += 1;
                complain(problem);
                if is_end {
                    break;
                }
            }
        }
    }
    if unreadable > 0 {
        return Err(CohortError::Unreadable(unreadable));
    }
    named.sort_unstable();
    named.dedup_by_key(|(pai, _)| *pai);
    let (pais, lines) = named.into_iter().unzip();
    Ok(Cohort { pais, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, CohortError> {
        let netflix = PartnerId::parse("netflix").expect("is a slug");
        let cohort = read_cohort(&netflix, text.as_bytes(), |_| {})?;
        Ok(cohort.pais.iter().map(Pai::to_string).collect())
    }

    #[test]
    fn cohort_is_taken_as_a_whole() {
        assert_eq!(read("pai\nb-2\na-1\nb-2\n"), Ok(vec!["a-1".to_owned(), "b-2".to_owned()]));
        assert_eq!(read("state,pai,partner\r\n,a-1,netflix\r\n,b-2,tunes\r\n"), Ok(vec!["a-1".to_owned()]));
        assert_eq!(read("pai\na-1\nnot a PAI\n\"b\n"), Err(CohortError::Unreadable(2)));
        assert!(matches!(read("number\n1\n"), Err(CohortError::Header(_))));
        assert!(matches!(read(""), Err(CohortError::Header(_))));
    }

    #[test]
    fn pai_has_the_first_line_that_names_it() {
        let netflix = PartnerId::parse("netflix").expect("is a slug");
        let cohort = read_cohort(&netflix, &b"pai\nb-2\na-1\nb-2\n"[..], |_| {}).expect("is readable");
        let line_of = |pai: &str| cohort.line_of(&Pai::parse(pai).expect("is a PAI"));
        assert_eq!([line_of("a-1"), line_of("b-2"), line_of("c-3")], [Some(3), Some(2), None]);
    }
}
