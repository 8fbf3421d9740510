//! The values of one line, each parsed by the form of its column.

use super::rules::Rules;
use crate::line_problem::ProblemKind;
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;

/// A column that is wrong, and why. The value is not repeated, because it may be a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Its place in the header.
    pub(super) column: usize,
    pub(super) kind: ProblemKind,
    pub(super) why: String,
}

impl Wrong {
    pub(super) fn new(column: usize, kind: ProblemKind, why: impl Into<String>) -> Self {
        Self { column, kind, why: why.into() }
    }

    pub(super) fn value(column: usize, why: &str) -> Self {
        Self::new(column, ProblemKind::Value, why)
    }
}

/// The values of a line.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) record: &'a csv::StringRecord,
    pub(super) rules: &'a Rules<'a>,
}

impl<'a> Fields<'a> {
    /// The value, if it is not empty. A line that ends early lacks its last columns.
    pub(super) fn text(&self, column: usize) -> Result<Option<&'a str>, Wrong> {
        let text = self.record.get(column).ok_or_else(|| Wrong::value(column, "is missing"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The value by `parse`, if it is not empty. `form` says what it must be.
    pub(super) fn parsed<T>(
        &self,
        column: usize,
        form: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let text = self.text(column)?;
        text.map(|text| parse(text).ok_or_else(|| Wrong::value(column, form))).transpose()
    }

    /// The value by `parse`, which must be there.
    pub(super) fn required<T>(
        &self,
        column: usize,
        form: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Wrong> {
        self.parsed(column, form, parse)?.ok_or_else(|| Wrong::value(column, "must not be empty"))
    }

    pub(super) fn partner(&self, column: usize) -> Result<PartnerId, Wrong> {
        let partner = self.required(column, "is not the id of a partner", PartnerId::parse)?;
        if self.rules.partners.contains(&partner) {
            return Ok(partner);
        }
        Err(Wrong::new(column, ProblemKind::Partner, "is not a partner of this operator"))
    }

    pub(super) fn pai(&self, column: usize) -> Result<Pai, Wrong> {
        self.required(column, "must be 1 to 128 letters, digits and . _ ~ -", Pai::parse)
    }

    pub(super) fn ext_id(&self, column: usize) -> Result<Option<ExtId>, Wrong> {
        self.parsed(column, "must be 1 to 128 printable ASCII characters without spaces", ExtId::parse)
    }

    pub(super) fn day(&self, column: usize) -> Result<Option<Day>, Wrong> {
        self.parsed(column, "must be a date of the form YYYY-MM-DD", Day::parse)
    }

    /// A time that is not after the check.
    pub(super) fn past(&self, column: usize) -> Result<Option<Timestamp>, Wrong> {
        let at = self.parsed(column, "must be a time of the form 2026-11-18T09:30:00Z", Timestamp::parse)?;
        if at.is_some_and(|at| at > self.rules.now) {
            return Err(Wrong::value(column, "must not lie in the future"));
        }
        Ok(at)
    }

    /// Whole minor units from `least` on.
    pub(super) fn minor(&self, column: usize, least: i64) -> Result<Option<i64>, Wrong> {
        let form = format!("must be whole minor units from {least} to {CHARGE_MINOR_MAX}, such as 1599");
        self.parsed(column, &form, |text| {
            let is_digits = text.bytes().all(|b| b.is_ascii_digit());
            let minor = text.parse::<i64>().ok().filter(|_| is_digits)?;
            (least..=CHARGE_MINOR_MAX).contains(&minor).then_some(minor)
        })
    }

    pub(super) fn currency(&self, column: usize) -> Result<Option<Currency>, Wrong> {
        let currency = self.parsed(column, "must be an ISO 4217 code, such as USD", Currency::parse)?;
        if currency.is_some_and(|currency| !self.rules.currencies.contains(&currency)) {
            return Err(Wrong::new(column, ProblemKind::Currency, "is not billed by this operator"));
        }
        Ok(currency)
    }
}
