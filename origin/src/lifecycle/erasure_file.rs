//! `erase`: a list of subscribers to erase, one number per line. A bad line is reported by its line
//! number, never by its contents; all other lines are carried out.

use crate::config::NumberPlan;
use crate::keys::Vault;
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::{AuditStamp, ErasureState, Store, StoreError};
use onbill_domain::limits::MSISDN_INPUT_BYTES_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use std::collections::HashSet;
use std::io::{self, BufRead, Read};

/// Counts of the lines by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ErasureReport {
    pub erased: u64,
    /// To be erased as soon as a file for billing is written.
    pub erasing: u64,
    /// Nothing leads to these numbers: no customer has signed up with them.
    pub not_found: u64,
    /// Lines that are not a number. Nothing was done for them.
    pub refused: u64,
}

/// Why a list was not read to its end. The earlier lines are erased; the list can be read again.
#[derive(Debug)]
pub enum ErasureFileError {
    /// Reading the list failed.
    Unreadable(io::Error),
    /// The database failed.
    Store(StoreError),
}

/// Erases the subscribers on `list`; `stamp` says who does it. `complain` gets each line that is refused, and each whose
/// number leads to no subscriber.
pub async fn erase_listed(
    store: &Store,
    vault: &Vault,
    numbers: NumberPlan,
    stamp: &AuditStamp,
    mut list: impl BufRead,
    now: impl Fn() -> Timestamp,
    mut complain: impl FnMut(LineProblem),
) -> Result<ErasureReport, ErasureFileError> {
    let mut report = ErasureReport::default();
    let mut listed = HashSet::new();
    for line in 1_u64.. {
        let number = match read_line(&mut list).map_err(ErasureFileError::Unreadable)? {
            ListLine::End => break,
            ListLine::Empty => continue,
            ListLine::Text(text) => parse_number(numbers, &text),
        };
        let Some(number) = number else {
            report.refused += 1;
            complain(LineProblem::of_line(line, ProblemKind::Value, NOT_A_NUMBER));
            continue;
        };
        let index = vault.index_number(&number);
        // A number that is listed twice is one number.
        if !listed.insert(index) {
            continue;
        }
        match store
            .erase_number(None, now(), stamp.clone(), None, index)
            .await
            .map_err(ErasureFileError::Store)?
        {
            ErasureState::Erasing => report.erasing += 1,
            ErasureState::NotFound => {
                report.not_found += 1;
                let why = "this number is not on record";
                complain(LineProblem::of_line(line, ProblemKind::NumberUnknown, why));
            }
            // Without an erasure id there is no conflict with an earlier erasure.
            ErasureState::Erased | ErasureState::Conflict => report.erased += 1,
        }
    }
    Ok(report)
}

/// What is wrong with a line of a list of numbers.
pub(crate) const NOT_A_NUMBER: &str = "is not a telephone number";

pub(crate) enum ListLine {
    End,
    Empty,
    Text(Vec<u8>),
}

/// A line can be of any length; of one that is longer than any number, only that much is held in
/// memory.
pub(crate) fn read_line(list: &mut impl BufRead) -> io::Result<ListLine> {
    let mut text = Vec::new();
    let longest = MSISDN_INPUT_BYTES_MAX as u64 + 2;
    if list.by_ref().take(longest).read_until(b'\n', &mut text)? == 0 {
        return Ok(ListLine::End);
    }
    if text.last() != Some(&b'\n') {
        list.skip_until(b'\n')?;
    }
    Ok(if text.trim_ascii().is_empty() { ListLine::Empty } else { ListLine::Text(text) })
}

pub(crate) fn parse_number(numbers: NumberPlan, line: &[u8]) -> Option<Msisdn> {
    numbers.parse(std::str::from_utf8(line).ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_whatever_is_in_them() {
        let numbers = NumberPlan::for_country("US").expect("is a country");
        let long = "2".repeat(5_000);
        let text = format!("\u{feff}+12025550101\r\n\n{long}\n(202) 555-0102\nx\n 2025550103");
        let mut list = text.as_bytes();
        let mut lines = Vec::new();
        loop {
            lines.push(match read_line(&mut list).expect("reads") {
                ListLine::End => break,
                ListLine::Empty => None,
                ListLine::Text(text) => Some(
                    parse_number(numbers, &text).map(|number| number.expose().to_owned()).unwrap_or_default(),
                ),
            });
        }
        let expected =
            [Some("+12025550101"), None, Some(""), Some("+12025550102"), Some(""), Some("+12025550103")];
        assert_eq!(lines, expected.map(|number| number.map(str::to_owned)));
    }
}
