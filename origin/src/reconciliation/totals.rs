//! Sums, by currency and source. Every line counts once in the source that has it, whatever is
//! wrong with it; lines of other periods do not.

use super::kind::Kind;
use onbill_domain::currency::Currency;
use onbill_domain::money::Money;
use std::collections::BTreeMap;

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
