//! Sums, by currency and source. Every line counts once in the source that has it, whatever is
//! wrong with it; lines of other periods do not.

use super::kind::Kind;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The sums of one source in one currency, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerSum {
    pub charges_minor: i128,
    /// Number of charges.
    pub charges: u64,
    pub refunds_minor: i128,
    /// Number of refunds.
    pub refunds: u64,
}

impl LedgerSum {
    /// Charges less refunds, in minor units.
    pub fn net_minor(&self) -> i128 {
        self.charges_minor - self.refunds_minor
    }

    fn add(&mut self, kind: Kind, amount_minor: i64) {
        let (minor, count) = match kind {
            Kind::Charge => (&mut self.charges_minor, &mut self.charges),
            Kind::Refund => (&mut self.refunds_minor, &mut self.refunds),
        };
        *minor += i128::from(amount_minor);
        *count += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            charges_minor: self.charges_minor + other.charges_minor,
            charges: self.charges + other.charges,
            refunds_minor: self.refunds_minor + other.refunds_minor,
            refunds: self.refunds + other.refunds,
        }
    }
}

/// The sums of all three sources in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    /// Our ledger: what was posted in the period and is approved.
    pub ours: LedgerSum,
    /// The statement: what it has as approved.
    pub partner: LedgerSum,
    /// The bill.
    pub bill: LedgerSum,
    /// What our ledger approved after the period's end, and is not on this bill but on the next.
    pub bill_later: LedgerSum,
}

impl LedgerTotals {
    pub(super) fn add(&mut self, column: Column, kind: Kind, amount_minor: i64) {
        let sum = match column {
            Column::Ours => &mut self.ours,
            Column::Partner => &mut self.partner,
            Column::Bill => &mut self.bill,
            Column::BillLater => &mut self.bill_later,
        };
        sum.add(kind, amount_minor);
    }

    /// Whether all three agree, to the cent and to the line.
    pub fn agree(&self) -> bool {
        self.ours == self.partner && self.ours == self.bill.plus(self.bill_later)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Ours,
    Partner,
    Bill,
    BillLater,
}

/// The sums of every currency that occurs in any of the sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals(pub BTreeMap<Currency, LedgerTotals>);

impl Totals {
    pub(super) fn add(&mut self, column: Column, kind: Kind, amount: Money) {
        self.0.entry(amount.currency).or_default().add(column, kind, amount.amount_minor);
    }

    /// Whether all sources agree in every currency.
    pub fn agree(&self) -> bool {
        self.0.values().all(LedgerTotals::agree)
    }
}

/// Charge codes that have sums of their own. An operator has some dozens at most. Without a limit, an
/// extract in whose column each line has another text would take more memory than its lines, and print
/// as many tables.
pub const CODES_MAX: usize = 200;

/// The sums by currency and charge code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeTotals {
    /// Those of the first [`CODES_MAX`] codes; the empty code is that of lines without one.
    pub codes: BTreeMap<(Currency, Box<str>), LedgerTotals>,
    /// Those of all others together.
    pub others: Totals,
}

impl CodeTotals {
    pub(super) fn add(&mut self, column: Column, kind: Kind, amount: Money, code: &str) {
        let is_full = self.codes.len() >= CODES_MAX;
        match self.codes.entry((amount.currency, code.into())) {
            Entry::Vacant(_) if is_full => self.others.add(column, kind, amount),
            entry => entry.or_default().add(column, kind, amount.amount_minor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_beyond_the_limit_are_summed_up_together() {
        let currency = Currency::parse("USD").expect("is listed");
        let mut totals = CodeTotals::default();
        for round in 1..=2 {
            for n in 0..CODES_MAX + 50 {
                let amount = Money { amount_minor: 100, currency };
                totals.add(Column::Bill, Kind::Charge, amount, &format!("line-{n}"));
            }
            assert_eq!(totals.codes.len(), CODES_MAX);
            let others = totals.others.0[&currency].bill;
            assert_eq!((others.charges, others.charges_minor), (round * 50, i128::from(round) * 5_000));
        }
        assert!(totals.codes.values().all(|code| code.bill.charges == 2), "none is in both");
    }
}
