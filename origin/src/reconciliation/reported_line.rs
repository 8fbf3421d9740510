//! One line of the statement or the extract.

use onbill_domain::day::ServicePeriod;
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::Pai;
use onbill_domain::wire::ott::TransactionStatus;

/// The source of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Partner,
    Bill,
}

impl Side {
    /// The columns that a file must have.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Partner => {
                &["kind", "extTransactionID", "extRefundID", "pai", "amount_minor", "currency", "status"]
            }
            Self::Bill => &["kind", "transactionID", "refundID", "amount_minor", "currency"],
        }
    }
}

/// One line of a file, without the id that it is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedLine {
    /// Line number in the file, counted from 1, the header included.
    pub number: u64,
    pub amount: Money,
    /// Its status; on a bill everything is approved.
    pub status: TransactionStatus,
    /// The PAI that was charged, when the file has it.
    pub pai: Option<Pai>,
    /// The external id of the charge; only a refund has one.
    pub charge: Option<Box<str>>,
    /// The charge code, empty if there is none; `None` if the file does not have the column.
    pub charge_code: Option<Box<str>>,
    /// What only an adoption needs, if the file was read for one.
    pub details: Option<Box<LineDetails>>,
}

/// What an adoption records of a line, as far as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineDetails {
    pub description: Option<Box<str>>,
    pub service_period: Option<ServicePeriod>,
    pub tax_minor: Option<i64>,
    /// Why a refund was made.
    pub reason: Option<Box<str>>,
    /// The partner's reference of a coupon's redemption.
    pub ext_reference: Option<ExtId>,
    /// The number that was billed.
    pub msisdn: Option<Msisdn>,
}

/// All lines with one id.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    pub first: ReportedLine,
    /// Duplicates, of which there should be none.
    pub more: Vec<ReportedLine>,
}

impl Copies {
    pub(crate) fn all(&self) -> impl Iterator<Item = &ReportedLine> {
        std::iter::once(&self.first).chain(&self.more)
    }
}
