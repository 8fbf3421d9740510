//! Files of the other two parties: the partner's statement and billing's extract. Both are CSV in
//! UTF-8 with a header; the columns may be in any order, and further ones are ignored.
//!
//! | column | statement | extract | |
//! |---|---|---|---|
//! | `kind` | ✓ | ✓ | `charge` or `refund` |
//! | `extTransactionID` | ✓ | | the partner's id of the charge, for a refund too |
//! | `extRefundID` | ✓ | | the partner's id of the refund; empty for a charge |
//! | `transactionID` | | ✓ | our id of the charge, for a refund too, as submitted to billing |
//! | `refundID` | | ✓ | our id of the refund; empty for a charge |
//! | `amount_minor` | ✓ | ✓ | whole minor units above zero, for refunds too: 1599 is 15.99 |
//! | `currency` | ✓ | ✓ | ISO 4217 |
//! | `status` | ✓ | | `APPROVED`, `PENDING` or `DECLINED`; the extract is approved |
//! | `pai` | ✓ | | the PAI that was charged; may be empty for a refund |
//!
//! The extract may have `chargeCode` too (or `charge_code`, as in files for billing), with which
//! billing has booked the line.
//!
//! For an adoption the statement also has `description`, `period_from`, `period_to` and, if there
//! are any, `tax_minor`, `reason` and `extReference` (of a coupon's redemption); the extract may
//! have `msisdn`.
//!
//! A file is kept in memory without its text: some 50 bytes for a line, so two files of a million
//! lines each are 100 MB. Our own ledger is read by the page.

use super::columns::Columns;
use super::detail_columns::DetailColumns;
use super::kind::Kind;
use super::packed_lines::{PackedLines, TooManyLines};
use super::reported_line::{Copies, ReportedLine, Side};
use crate::csv_file;
use crate::line_problem::{LineProblem, ProblemKind};
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::HashMap;
use std::io::Read;

/// A parsed file.
#[derive(Debug, Default)]
pub struct ReportedLedger {
    /// The charges by id.
    pub(super) charges: PackedLines,
    /// The refunds by id.
    pub(super) refunds: PackedLines,
    /// The refunded total of each charge, by the charge's id. An id that occurs twice counts once.
    pub(super) refunded: HashMap<Box<str>, RefundedTotal>,
    /// Lines that could be read.
    pub lines: u64,
    /// Lines that could not be read.
    pub unreadable: u64,
}

/// The refunded total of one charge in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefundedTotal {
    /// The currency of the first refund; refunds in another one are not added.
    pub(super) currency: Currency,
    pub(super) amount_minor: i128,
}

impl ReportedLedger {
    /// Parses a file. `complain` gets each line that cannot be read, `progress` the position in
    /// bytes. A file without its columns, or one that is cut off, is an error.
    pub fn read(
        side: Side,
        file: impl Read,
        complain: impl FnMut(LineProblem),
        progress: impl FnMut(u64),
    ) -> Result<Self, String> {
        Self::read_columns(side, false, file, complain, progress)
    }

    /// Parses a file with the columns that an adoption needs.
    pub fn read_with_details(
        side: Side,
        file: impl Read,
        complain: impl FnMut(LineProblem),
        progress: impl FnMut(u64),
    ) -> Result<Self, String> {
        Self::read_columns(side, true, file, complain, progress)
    }

    fn read_columns(
        side: Side,
        with_details: bool,
        file: impl Read,
        mut complain: impl FnMut(LineProblem),
        mut progress: impl FnMut(u64),
    ) -> Result<Self, String> {
        let mut reader = csv_file::open_reader(file);
        let header = csv_file::read_header(&mut reader)?;
        let mut columns = Columns::locate(side, &header)?;
        if with_details {
            columns.details = Some(DetailColumns::locate(side, &header)?);
        }
        let mut ledger = Self::default();
        let mut record = csv::StringRecord::new();
        while let Some(line) = csv_file::read_line(&mut reader, &mut record) {
            match line.map(|number| (number, columns.parse_line(&record, number))) {
                Ok((_, Ok((kind, id, line)))) => {
                    ledger
                        .add_line(kind, &id, line)
                        .map_err(|TooManyLines| "has too many lines".to_owned())?;
                }
                Ok((number, Err((column, why)))) => {
                    ledger.unreadable += 1;
                    complain(LineProblem::of_column(number, column, ProblemKind::Value, why));
                }
                Err(unreadable) if unreadable.is_end => return Err(unreadable.problem.text),
                Err(unreadable) => {
                    ledger.unreadable += 1;
                    complain(unreadable.problem);
                }
            }
            if (ledger.lines + ledger.unreadable).is_multiple_of(1000) {
                progress(reader.position().byte());
            }
        }
        progress(reader.position().byte());
        Ok(ledger)
    }

    fn add_line(&mut self, kind: Kind, id: &str, line: ReportedLine) -> Result<(), TooManyLines> {
        self.lines += 1;
        let refund = line.charge.clone().filter(|_| line.status == TransactionStatus::Approved);
        let Money { amount_minor, currency } = line.amount;
        let is_first = match kind {
            Kind::Charge => self.charges.add(id, line)?,
            Kind::Refund => self.refunds.add(id, line)?,
        };
        if let (true, Some(charge)) = (is_first, refund) {
            let given_back = self.refunded.entry(charge);
            let given_back = given_back.or_insert(RefundedTotal { currency, amount_minor: 0 });
            if given_back.currency == currency {
                given_back.amount_minor += i128::from(amount_minor);
            }
        }
        Ok(())
    }

    /// Removes the lines of a charge or a refund, and returns them.
    pub(super) fn remove(&mut self, kind: Kind, id: &str) -> Option<Copies> {
        match kind {
            Kind::Charge => self.charges.remove(id),
            Kind::Refund => self.refunds.remove(id),
        }
    }

    /// The ids that have not been removed yet, in order.
    pub(super) fn remaining_ids(&self, kind: Kind) -> Vec<Box<str>> {
        let lines = match kind {
            Kind::Charge => &self.charges,
            Kind::Refund => &self.refunds,
        };
        let mut ids: Vec<_> = lines.ids().map(|id| Box::from(&*id)).collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(side: Side, text: &str) -> (Result<ReportedLedger, String>, Vec<String>) {
        let mut complaints = Vec::new();
        let ledger = ReportedLedger::read(side, text.as_bytes(), |why| complaints.push(why.text), |_| {});
        (ledger, complaints)
    }

    #[test]
    fn bad_line_is_named_by_line_and_column() {
        let pai = "01010101-0101-4101-8101-010101010101";
        let text = format!(
            "\u{feff}date,currency,kind,extTransactionID,extRefundID,pai,amount_minor,status\r\n\
             2026-11-01,USD,charge,n-1,,{pai},1599,APPROVED\r\n\
             \r\n\
             2026-11-01,USD,refund,n-1,r-1,,600,PENDING\r\n\
             2026-11-01,USD,gift,n-2,,{pai},1599,APPROVED\r\n\
             2026-11-01,USD,charge,,,{pai},1599,APPROVED\r\n\
             2026-11-01,USD,refund,n-1,,{pai},1599,APPROVED\r\n\
             2026-11-01,USD,charge,n-2,,,1599,APPROVED\r\n\
             2026-11-01,USD,charge,n-2,,{pai},15.99,APPROVED\r\n\
             2026-11-01,USD,charge,n-2,,{pai},-1599,APPROVED\r\n\
             2026-11-01,usd,charge,n-2,,{pai},1599,APPROVED\r\n\
             2026-11-01,USD,charge,n-2,,{pai},1599,PAID\r\n\
             2026-11-01,USD,charge,n-2\r\n"
        );
        let (ledger, complaints) = read(Side::Partner, &text);
        let ledger = ledger.expect("is a statement");
        assert_eq!((ledger.lines, ledger.unreadable), (2, 9));
        let columns: Vec<_> = complaints
            .iter()
            .filter_map(|complaint| complaint.split_once(':'))
            .map(|(place, _)| place)
            .collect();
        assert_eq!(
            columns,
            [
                "line 5, column kind",
                "line 6, column extTransactionID",
                "line 7, column extRefundID",
                "line 8, column pai",
                "line 9, column amount_minor",
                "line 10, column amount_minor",
                "line 11, column currency",
                "line 12, column status",
                "line 13, column amount_minor",
            ]
        );
        let number = |lines: &PackedLines, id| lines.get(id).map(|copies| copies.first.number);
        assert_eq!((number(&ledger.charges, "n-1"), number(&ledger.refunds, "r-1")), (Some(2), Some(4)));
        assert!(ledger.refunded.is_empty(), "it is pending");
    }

    #[test]
    fn charge_code_is_read_where_the_extract_has_it() {
        let read_code = |name: &str, code: &str| {
            let header = "kind,transactionID,refundID,amount_minor,currency";
            let (ledger, complaints) =
                read(Side::Bill, &format!("{header},{name}\ncharge,t-1,,1599,USD,{code}\n"));
            let line = ledger.expect("is an extract").charges.get("t-1").map(|copies| copies.first);
            (line.and_then(|line| line.charge_code), complaints.len())
        };
        for name in ["chargeCode", "charge_code"] {
            assert_eq!(read_code(name, "OTT-1"), (Some("OTT-1".into()), 0));
            assert_eq!(read_code(name, ""), (Some("".into()), 0));
            assert_eq!(
                read_code(name, "\"a,b\""),
                (Some("a,b".into()), 0),
                "another code, and no other line"
            );
            assert_eq!(read_code(name, "L\u{ed}nea OTT"), (Some("L?nea OTT".into()), 0));
            let (begin, long) = ("x".repeat(64), "x".repeat(70));
            assert_eq!(read_code(name, &long), (Some((begin + "*").into()), 0), "nor cut to one of ours");
        }
        assert_eq!(read_code("glCode", "OTT-1"), (None, 0));
    }

    #[test]
    fn another_file_is_refused_whole() {
        let twice = format!("{},amount_minor", Side::Bill.columns().join(","));
        for (side, header, complaint) in [
            (Side::Partner, "kind,transactionID", "extTransactionID is missing"),
            (Side::Bill, "", "kind is missing"),
            (Side::Bill, "a,b,c", "kind is missing"),
            (Side::Bill, &twice, "amount_minor is there twice"),
        ] {
            let why = read(side, header).0.expect_err("is another file");
            assert!(why.ends_with(complaint), "{why}");
        }
    }

    #[test]
    fn duplicate_id_is_kept_twice_and_returned_once() {
        let text = "kind,transactionID,refundID,amount_minor,currency\n\
             refund,t-1,f-1,600,USD\nrefund,t-1,f-1,700,USD\nrefund,t-1,f-2,5,USD\nrefund,t-1,f-3,9,EUR\n";
        let ledger = read(Side::Bill, text).0.expect("is an extract");
        assert_eq!((ledger.lines, ledger.refunds.get("f-1").expect("is there").all().count()), (4, 2));
        assert_eq!(ledger.refunded["t-1"].amount_minor, 605);
    }
}
