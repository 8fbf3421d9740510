//! Settlement: what operator and partner owe each other for what was settled in a period. The
//! operator has collected the money from its subscribers and has to pay the tax in it; the rest is
//! shared by the [`SettlementModel`] of the configuration.
//!
//! A charge or refund belongs to the period in which its outcome was written, and that never
//! changes: the settlement of a period that is over is the same whenever it is made.

mod kept;
mod share;

pub use kept::{KeptCode, KeptCurrency, KeptSettlement, KeptShares};
pub use share::{CodeShares, SettlementSums, Shares, share_by_charge_code};

use crate::store::{
    Page, Period, ReportDate, ReportFilter, ReportedCharge, ReportedRefund, Store, StoreError,
};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::PartnerId;
use onbill_domain::tax::tax_given_back;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::BTreeMap;

/// Lines read in one page.
const PAGE: u32 = 1000;

pub const HEADER: [&str; 13] = [
    "kind",
    "settled_at",
    "transactionID",
    "extTransactionID",
    "refundID",
    "extRefundID",
    "currency",
    "amount_minor",
    "tax_minor",
    "net_minor",
    "stayed",
    "charge_code",
    "borne_by",
];

/// One charge or refund as it counts in a settlement: all amounts of a refund are negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementLine {
    /// When its outcome was written.
    pub settled_at: Timestamp,
    /// Our id of the charge.
    pub transaction_id: String,
    /// The partner's id of the charge.
    pub ext_transaction_id: String,
    /// Our id and the partner's id of the refund; only a refund has them.
    pub refund: Option<(String, String)>,
    pub currency: Currency,
    /// The amount in minor units.
    pub amount_minor: i64,
    /// The tax in the amount, in minor units.
    pub tax_minor: i64,
    /// 1 for a charge; -1 for the refund that completes the refunding of one, unless the operator bears
    /// any part of it; otherwise 0.
    pub stayed: i8,
    /// Its charge code, if any was set when the charge was posted.
    pub charge_code: Option<ChargeCode>,
    /// Whose money a refund is; only a refund has it.
    pub borne_by: Option<BorneBy>,
}

impl From<ReportedCharge> for SettlementLine {
    fn from(charge: ReportedCharge) -> Self {
        Self {
            settled_at: charge.settled_at.unwrap_or(charge.created_at),
            transaction_id: charge.transaction_id,
            ext_transaction_id: charge.ext_transaction_id.to_string(),
            refund: None,
            currency: charge.amount.currency,
            amount_minor: charge.amount.amount_minor,
            tax_minor: charge.tax_minor,
            stayed: 1,
            charge_code: charge.charge_code,
            borne_by: None,
        }
    }
}

impl From<ReportedRefund> for SettlementLine {
    fn from(refund: ReportedRefund) -> Self {
        let (before_minor, amount_minor) = (refund.refunded_before_minor, refund.amount.amount_minor);
        let tax_minor =
            tax_given_back(refund.charged_minor, refund.charged_tax_minor, before_minor, amount_minor);
        // A charge of which the operator bears any part stays, whichever refund comes last.
        let completes = refund.borne_by == BorneBy::Partner
            && refund.borne_by_partner_before_minor + amount_minor == refund.charged_minor;
        Self {
            settled_at: refund.settled_at.unwrap_or(refund.created_at),
            transaction_id: refund.transaction_id,
            ext_transaction_id: refund.ext_transaction_id.to_string(),
            refund: Some((refund.refund_id, refund.ext_refund_id.to_string())),
            currency: refund.amount.currency,
            amount_minor: -amount_minor,
            tax_minor: -tax_minor,
            stayed: -i8::from(completes),
            charge_code: refund.charge_code,
            borne_by: Some(refund.borne_by),
        }
    }
}

impl SettlementLine {
    /// The line of CSV, in the order of [`HEADER`].
    pub fn to_csv_record(&self) -> [String; 13] {
        let (refund_id, ext_refund_id) = self.refund.clone().unwrap_or_default();
        [
            if self.refund.is_some() { "refund" } else { "charge" }.to_owned(),
            self.settled_at.to_string(),
            self.transaction_id.clone(),
            self.ext_transaction_id.clone(),
            refund_id,
            ext_refund_id,
            self.currency.to_string(),
            self.amount_minor.to_string(),
            self.tax_minor.to_string(),
            (self.amount_minor - self.tax_minor).to_string(),
            self.stayed.to_string(),
            self.charge_code.as_ref().map(ToString::to_string).unwrap_or_default(),
            self.borne_by.map_or_else(String::new, |borne_by| borne_by.as_str().to_owned()),
        ]
    }

    pub fn add_to(&self, sums: &mut SettlementSums) {
        let amount_minor = i128::from(self.amount_minor);
        if self.refund.is_some() {
            sums.refunds += 1;
            sums.refunds_minor -= amount_minor;
            if self.borne_by == Some(BorneBy::Operator) {
                sums.absorbed_minor -= amount_minor - i128::from(self.tax_minor);
            }
        } else {
            sums.charges += 1;
            sums.gross_minor += amount_minor;
        }
        sums.tax_minor += i128::from(self.tax_minor);
        sums.stayed += i128::from(self.stayed);
    }
}

/// Adds up what was settled with a partner in a period, by currency. `on_line` gets each line
/// behind the sums: charges first, then refunds, each in the order in which they were settled.
pub async fn sum_up(
    store: &Store,
    partner: &PartnerId,
    period: Period,
    mut on_line: impl FnMut(&SettlementLine) + Send,
) -> Result<BTreeMap<Currency, SettlementSums>, StoreError> {
    let status = Some(TransactionStatus::Approved);
    let select = ReportFilter { partner: partner.clone(), period, dated: ReportDate::Settled, status };
    let mut sums: BTreeMap<Currency, SettlementSums> = BTreeMap::new();
    let mut take = |lines: Vec<SettlementLine>| {
        for line in lines {
            line.add_to(sums.entry(line.currency).or_default());
            on_line(&line);
        }
    };
    let mut after = None;
    loop {
        let Page { lines, next } =
            store.list_charges(select.clone(), after, PAGE).await?.map(SettlementLine::from);
        take(lines);
        after = next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let Page { lines, next } =
            store.list_refunds(select.clone(), after, PAGE).await?.map(SettlementLine::from);
        take(lines);
        after = next;
        if after.is_none() {
            return Ok(sums);
        }
    }
}
