//! What can be wrong between the three books: a closed list, in the words that reports use.

use std::fmt;

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        onbill_domain::word_enum! {
            /// What one finding is about. Its words are the same for charges and for refunds.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum Cause {
                $($(#[doc = $doc])+ $name = $word,)+
            }
        }

        impl Cause {
            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

causes! {
    /// Approved here, and not in the statement.
    MissingAtPartner = "missing-at-partner",
    /// In the statement, and not in our books.
    OnlyAtPartner = "only-at-partner",
    /// The statement has another amount than we.
    AmountDiffersAtPartner = "amount-differs-at-partner",
    /// The statement has another currency than we.
    CurrencyDiffersAtPartner = "currency-differs-at-partner",
    /// The statement has another status than we.
    StatusDiffersAtPartner = "status-differs-at-partner",
    /// The statement has another PAI than we.
    PaiDiffersAtPartner = "pai-differs-at-partner",
    /// The statement has the refund under another charge than we.
    ChargeDiffersAtPartner = "charge-differs-at-partner",
    /// The statement has the same id once more.
    TwiceAtPartner = "twice-at-partner",
    /// The statement's refunds of one charge are more than the charge.
    RefundsExceedChargeAtPartner = "refunds-exceed-charge-at-partner",
    /// Approved here, and not on the bill.
    MissingOnBill = "missing-on-bill",
    /// On the bill, and not in our books.
    OnlyOnBill = "only-on-bill",
    /// The bill has another amount than we.
    AmountDiffersOnBill = "amount-differs-on-bill",
    /// The bill has another currency than we.
    CurrencyDiffersOnBill = "currency-differs-on-bill",
    /// The bill has the refund under another charge than we.
    ChargeDiffersOnBill = "charge-differs-on-bill",
    /// The bill has the same id once more.
    TwiceOnBill = "twice-on-bill",
    /// The bill's refunds of one charge are more than the charge.
    RefundsExceedChargeOnBill = "refunds-exceed-charge-on-bill",
    /// On the bill, though declined here.
    BilledThoughDeclined = "billed-though-declined",
    /// On the bill, though its outcome is not known here yet.
    BilledThoughPending = "billed-though-pending",
    /// Its outcome has not been known for too long.
    PendingTooLong = "pending-too-long",
    /// Nothing is wrong: it belongs to another period in one of the books.
    OtherPeriod = "other-period",
    /// Nothing is wrong: it is on the bill for another partner of the operator.
    OtherPartner = "other-partner",
}

impl Cause {
    /// Whether it only explains why a line is in no sum.
    pub fn is_note(self) -> bool {
        matches!(self, Self::OtherPeriod | Self::OtherPartner)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
