//! What can be wrong between ledger, statement and bill: a closed list, in the words that reports
//! use.

use std::fmt;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        onbill_domain::word_enum! {
            /// The cause of a finding. Its words are the same for charges and for refunds.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum Cause {
                $($(#[doc = $doc])+ $name = $word,)+
            }
        }

        impl Cause {
            /// The meaning of the cause, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

causes! {
    /// Approved in our ledger, and not in the statement.
    MissingAtPartner = "missing-at-partner",
    /// In the statement, and not in our ledger.
    OnlyAtPartner = "only-at-partner",
    /// The statement has another amount than our ledger.
    AmountDiffersAtPartner = "amount-differs-at-partner",
    /// The statement has another currency than our ledger.
    CurrencyDiffersAtPartner = "currency-differs-at-partner",
    /// The statement has another status than our ledger.
    StatusDiffersAtPartner = "status-differs-at-partner",
    /// The statement has another PAI than our ledger.
    PaiDiffersAtPartner = "pai-differs-at-partner",
    /// The statement has the refund under another charge than our ledger.
    ChargeDiffersAtPartner = "charge-differs-at-partner",
    /// The statement has the same id more than once.
    TwiceAtPartner = "twice-at-partner",
    /// The statement's refunds of one charge exceed the charge.
    RefundsExceedChargeAtPartner = "refunds-exceed-charge-at-partner",
    /// Approved in our ledger, and not on the bill.
    MissingOnBill = "missing-on-bill",
    /// On the bill, and not in our ledger.
    OnlyOnBill = "only-on-bill",
    /// The bill has another amount than our ledger.
    AmountDiffersOnBill = "amount-differs-on-bill",
    /// The bill has another currency than our ledger.
    CurrencyDiffersOnBill = "currency-differs-on-bill",
    /// The bill has the refund under another charge than our ledger.
    ChargeDiffersOnBill = "charge-differs-on-bill",
    /// The bill has another charge code than our ledger.
    ChargeCodeDiffersOnBill = "charge-code-differs-on-bill",
    /// The bill has the same id more than once.
    TwiceOnBill = "twice-on-bill",
    /// The bill's refunds of one charge exceed the charge.
    RefundsExceedChargeOnBill = "refunds-exceed-charge-on-bill",
    /// On the bill, though declined in our ledger.
    BilledThoughDeclined = "billed-though-declined",
    /// On the bill, though still pending in our ledger.
    BilledThoughPending = "billed-though-pending",
    /// Pending for too long.
    PendingTooLong = "pending-too-long",
    /// Nothing is wrong: it belongs to another period in one of the sources.
    OtherPeriod = "other-period",
    /// Nothing is wrong: it is on the bill for another partner of the operator.
    OtherPartner = "other-partner",
    /// Nothing is wrong: another system has posted it, and it is in that system's reports.
    OtherSystem = "other-system",
}

impl Cause {
    /// Whether it only explains why a line is in no sum.
    pub fn is_note(self) -> bool {
        matches!(self, Self::OtherPeriod | Self::OtherPartner | Self::OtherSystem)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
