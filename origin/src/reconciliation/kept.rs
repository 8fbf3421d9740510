//! What is kept of a run, so that the operator's people can look at it afterwards: the sums of the three
//! sources, how many findings there are of each cause, and the findings themselves.

use super::cause::Cause;
use super::finding::{Finding, HEADER};
use super::kind::Kind;
use super::run::Summary;
use super::totals::{LedgerSum, LedgerTotals};
use crate::store::{FINDINGS_KEPT_MAX, KeptFinding};
use onbill_domain::currency::Currency;
use serde::{Deserialize, Serialize};

/// The report of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptReconciliation {
    /// By currency and charge code.
    pub sums: Vec<KeptSums>,
    /// The causes that there are findings of.
    pub causes: Vec<KeptCause>,
    /// How many lines of our ledger were compared.
    pub lines: u64,
    /// How many lines of the files could not be read.
    pub unreadable: u64,
    /// Whether the sums of all three agree, to the cent and to the line.
    pub agree: bool,
}

/// The sums of the three sources under one charge code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptSums {
    pub currency: Currency,
    /// Empty for lines without one; `None` for all codes beyond those that have sums of their own.
    pub charge_code: Option<String>,
    pub ours: KeptSum,
    pub partner: KeptSum,
    pub billing: KeptSum,
    /// What our ledger approved after the period's end, and is on the next bill.
    pub next_bill: KeptSum,
}

/// The sums of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptSum {
    pub charges: u64,
    pub charges_minor: i64,
    pub refunds: u64,
    pub refunds_minor: i64,
}

impl KeptSum {
    /// Charges less refunds, in minor units.
    pub fn net_minor(&self) -> i64 {
        self.charges_minor.saturating_sub(self.refunds_minor)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            charges: self.charges + other.charges,
            charges_minor: self.charges_minor.saturating_add(other.charges_minor),
            refunds: self.refunds + other.refunds,
            refunds_minor: self.refunds_minor.saturating_add(other.refunds_minor),
        }
    }
}

/// A sum beyond 64 bits cannot be money: it is kept as the largest that fits.
impl From<&LedgerSum> for KeptSum {
    fn from(sum: &LedgerSum) -> Self {
        let minor = |sum: i128| i64::try_from(sum).unwrap_or(i64::MAX);
        Self {
            charges: sum.charges,
            charges_minor: minor(sum.charges_minor),
            refunds: sum.refunds,
            refunds_minor: minor(sum.refunds_minor),
        }
    }
}

impl KeptSums {
    fn of(currency: Currency, charge_code: Option<String>, totals: &LedgerTotals) -> Self {
        let LedgerTotals { ours, partner, bill, bill_later } = totals;
        Self {
            currency,
            charge_code,
            ours: ours.into(),
            partner: partner.into(),
            billing: bill.into(),
            next_bill: bill_later.into(),
        }
    }
}

/// How many findings there are of a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptCause {
    /// The word of a [`Cause`].
    pub cause: String,
    pub charges: u64,
    pub refunds: u64,
}

impl KeptReconciliation {
    pub fn of(summary: &Summary, unreadable: u64) -> Self {
        let codes = &summary.by_charge_code;
        let of_codes = codes.codes.iter();
        let of_codes = of_codes.map(|((currency, code), totals)| {
            KeptSums::of(*currency, Some(code.as_ref().to_owned()), totals)
        });
        let of_others = codes.others.0.iter().map(|(currency, totals)| KeptSums::of(*currency, None, totals));
        let count = |cause, kind| summary.findings.get(&(cause, kind)).copied().unwrap_or_default();
        let causes = Cause::ALL.into_iter().map(|cause| KeptCause {
            cause: cause.as_str().to_owned(),
            charges: count(cause, Kind::Charge),
            refunds: count(cause, Kind::Refund),
        });
        Self {
            sums: of_codes.chain(of_others).collect(),
            causes: causes.filter(|cause| cause.charges + cause.refunds > 0).collect(),
            lines: summary.lines,
            unreadable,
            agree: summary.totals.agree(),
        }
    }
}

/// The findings of a run, up to [`FINDINGS_KEPT_MAX`] of them.
#[derive(Debug, Default)]
pub struct FindingsToKeep(Vec<KeptFinding>);

impl FindingsToKeep {
    pub fn add(&mut self, finding: &Finding) {
        if self.0.len() < FINDINGS_KEPT_MAX {
            self.0.push(KeptFinding {
                place: i64::try_from(self.0.len()).unwrap_or(i64::MAX),
                cause: finding.cause.as_str().to_owned(),
                finding: serde_json::json!(finding.to_csv_record()).to_string(),
            });
        }
    }

    pub fn into_kept(self) -> Vec<KeptFinding> {
        self.0
    }
}

/// The columns of a finding that was kept, in the order of [`HEADER`].
pub fn read_kept_finding(finding: &KeptFinding) -> Option<[String; HEADER.len()]> {
    let columns: Vec<String> = serde_json::from_str(&finding.finding).ok()?;
    columns.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconciliation::totals::Column;
    use onbill_domain::money::Money;

    #[test]
    fn kept_report_has_the_sums_and_causes_of_the_run() {
        let currency = Currency::parse("USD").expect("is listed");
        let mut summary = Summary::default();
        for (column, amount_minor) in [(Column::Ours, 1599), (Column::Partner, 1599), (Column::Bill, 1500)] {
            let amount = Money { amount_minor, currency };
            summary.totals.add(column, Kind::Charge, amount);
            summary.by_charge_code.add(column, Kind::Charge, amount, "VOD");
        }
        summary.findings.insert((Cause::AmountDiffersOnBill, Kind::Charge), 1);
        let kept = KeptReconciliation::of(&summary, 2);
        let text = serde_json::to_string(&kept).expect("is JSON");
        let read: KeptReconciliation = serde_json::from_str(&text).expect("reads");
        assert_eq!(read, kept);
        let [sums] = &read.sums[..] else { panic!("{read:?}") };
        assert_eq!((sums.charge_code.as_deref(), sums.ours.net_minor()), (Some("VOD"), 1599));
        assert_eq!((sums.billing.charges_minor, read.unreadable, read.agree), (1500, 2, false));
        let cause = KeptCause { cause: "amount-differs-on-bill".to_owned(), charges: 1, refunds: 0 };
        assert_eq!(read.causes, [cause]);
    }
}
