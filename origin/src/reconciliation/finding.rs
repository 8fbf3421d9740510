//! One finding, with what each source reports, as a line of CSV or of text.

use super::cause::Cause;
use super::compare::Discrepancy;
use super::kind::Kind;
use super::own::LedgerLine;
use super::repair::RepairOutcome;
use super::reported_line::{ReportedLine, Side};
use onbill_domain::money::Money;
use onbill_domain::wire::ott::TransactionStatus;

pub const HEADER: [&str; 20] = [
    "cause",
    "kind",
    "transactionID",
    "extTransactionID",
    "refundID",
    "extRefundID",
    "our_status",
    "our_minor",
    "our_currency",
    "partner_status",
    "partner_minor",
    "partner_currency",
    "statement_line",
    "bill_minor",
    "bill_currency",
    "extract_line",
    "repair",
    "our_charge_code",
    "bill_charge_code",
    "refunded_by",
];

onbill_domain::word_enum! {
    /// Who has asked for a refund.
    pub enum RefundedBy {
        /// The partner, which has it in its own ledger.
        Partner = "partner",
        /// The operator. The partner knows of it by its webhook, under our id.
        Operator = "operator",
    }
}

/// A discrepancy between ledger, statement and bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub cause: Cause,
    /// Whether it is about a charge or a refund.
    pub kind: Kind,
    /// Our id of the charge, where it is known.
    pub transaction_id: Option<String>,
    /// The partner's id of the charge, where it is known.
    pub ext_transaction_id: Option<String>,
    /// Our id of the refund, where it is known.
    pub refund_id: Option<String>,
    /// The partner's id of the refund, where it is known.
    pub ext_refund_id: Option<String>,
    /// Status and amount in our ledger.
    pub ours: Option<(TransactionStatus, Money)>,
    /// Status and amount in the statement.
    pub partner: Option<ReportedAmount>,
    /// Status and amount in the extract.
    pub bill: Option<ReportedAmount>,
    /// The result of the repair, when one was requested.
    pub mended: Option<RepairOutcome>,
    /// The charge code in our ledger, and that in the extract, where they have one.
    pub charge_codes: [Option<Box<str>>; 2],
    /// Who has asked for the refund, if our ledger has it.
    pub refunded_by: Option<RefundedBy>,
}

/// Status and amount in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedAmount {
    pub status: TransactionStatus,
    /// The amount in minor units; a sum may be more than a line can have.
    pub amount_minor: i128,
    pub currency: onbill_domain::currency::Currency,
    /// Line number in the file; a sum has none.
    pub line: Option<u64>,
}

impl From<&ReportedLine> for ReportedAmount {
    fn from(line: &ReportedLine) -> Self {
        let Money { amount_minor, currency } = line.amount;
        Self { status: line.status, amount_minor: amount_minor.into(), currency, line: Some(line.number) }
    }
}

impl Finding {
    /// A finding about a line of our ledger.
    pub(super) fn from_discrepancy(
        own: &LedgerLine,
        found: Discrepancy<'_>,
        mended: Option<RepairOutcome>,
    ) -> Self {
        Self {
            cause: found.cause,
            kind: own.kind,
            transaction_id: Some(own.transaction_id.clone()),
            ext_transaction_id: Some(own.ext_transaction_id.to_string()),
            refund_id: own.refund.as_ref().map(|(ours, _)| ours.clone()),
            ext_refund_id: own.refund.as_ref().map(|(_, theirs)| theirs.to_string()),
            ours: Some((own.status, own.amount)),
            partner: found.partner.map(ReportedAmount::from),
            bill: found.bill.map(ReportedAmount::from),
            charge_codes: [
                own.charge_code.as_ref().map(|code| code.as_str().into()),
                found.bill.and_then(|line| line.charge_code.clone()),
            ],
            mended,
            refunded_by: own
                .refund
                .is_some()
                .then(|| if own.is_operators() { RefundedBy::Operator } else { RefundedBy::Partner }),
        }
    }

    /// A finding about a line that our ledger does not have.
    pub(super) fn unmatched(side: Side, kind: Kind, id: &str, cause: Cause, line: &ReportedLine) -> Self {
        let charge = match kind {
            Kind::Charge => Some(id.to_owned()),
            Kind::Refund => line.charge.as_deref().map(str::to_owned),
        };
        let refund = (kind == Kind::Refund).then(|| id.to_owned());
        let seen = Some(ReportedAmount::from(line));
        let nothing = Self {
            cause,
            kind,
            transaction_id: None,
            ext_transaction_id: None,
            refund_id: None,
            ext_refund_id: None,
            ours: None,
            partner: None,
            bill: None,
            mended: None,
            charge_codes: [None, line.charge_code.clone()],
            refunded_by: None,
        };
        match side {
            Side::Partner => {
                Self { ext_transaction_id: charge, ext_refund_id: refund, partner: seen, ..nothing }
            }
            Side::Bill => Self { transaction_id: charge, refund_id: refund, bill: seen, ..nothing },
        }
    }

    /// The line of CSV, in the order of [`HEADER`].
    pub fn to_csv_record(&self) -> [String; 20] {
        let [our_code, bill_code] =
            self.charge_codes.each_ref().map(|code| code.as_deref().unwrap_or_default().to_owned());
        let text = |id: &Option<String>| id.clone().unwrap_or_default();
        let seen = |seen: &Option<ReportedAmount>| match seen {
            None => Default::default(),
            Some(seen) => (
                seen.status.as_str().to_owned(),
                seen.amount_minor.to_string(),
                seen.currency.to_string(),
                seen.line.map(|line| line.to_string()).unwrap_or_default(),
            ),
        };
        let (our_status, our_minor, our_currency) = match self.ours {
            None => Default::default(),
            Some((status, amount)) => {
                (status.as_str().to_owned(), amount.amount_minor.to_string(), amount.currency.to_string())
            }
        };
        let (partner_status, partner_minor, partner_currency, statement_line) = seen(&self.partner);
        let (_, bill_minor, bill_currency, extract_line): (String, _, _, _) = seen(&self.bill);
        [
            self.cause.as_str().to_owned(),
            self.kind.as_str().to_owned(),
            text(&self.transaction_id),
            text(&self.ext_transaction_id),
            text(&self.refund_id),
            text(&self.ext_refund_id),
            our_status,
            our_minor,
            our_currency,
            partner_status,
            partner_minor,
            partner_currency,
            statement_line,
            bill_minor,
            bill_currency,
            extract_line,
            self.mended.map(|mended| mended.as_str().to_owned()).unwrap_or_default(),
            our_code,
            bill_code,
            self.refunded_by.map(|by| by.as_str().to_owned()).unwrap_or_default(),
        ]
    }
}
