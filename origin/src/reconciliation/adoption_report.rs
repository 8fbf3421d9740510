//! What became of everything that an adoption has met.

use crate::store::{AdoptResult, StoreError};
use std::collections::BTreeMap;

onbill_domain::word_enum! {
    /// Why something was not adopted.
    #[derive(PartialOrd, Ord)]
    pub enum NotAdopted {
        /// The edge does not route the PAI here.
        NotRouted = "not-routed",
        /// No line of the extract says whose the PAI is.
        NumberUnknown = "number-unknown",
        /// The number has no account any more.
        AccountEnded = "account-ended",
        /// The number has had another subscriber since.
        OtherSubscriber = "other-subscriber",
        /// The edge has the PAI as active, and the ledger does not: its account event is missing.
        ActiveAtEdge = "active-at-edge",
        /// The partner has it as declined: there is nothing to record, unless billing has it.
        Declined = "declined",
        /// The partner has it as declined, and it is on the bill.
        BilledThoughDeclined = "billed-though-declined",
        /// Statement and bill have another amount.
        AmountDiffers = "amount-differs",
        /// The statement has it twice.
        TwiceAtPartner = "twice-at-partner",
        /// The statement does not have its days or its description.
        DetailsMissing = "details-missing",
        /// The operator gave it back, at its desk: only its own call says of which charge, and who bears it.
        OperatorsRefund = "operators-refund",
    }
}

/// What something is, in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    Pai,
    Charge,
    Redemption,
    Refund,
}

impl Lost {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pai => "PAI",
            Self::Charge => "charge",
            Self::Redemption => "redemption",
            Self::Refund => "refund",
        }
    }
}

/// The outcome for one of them: the words of [`AdoptResult`], [`NotAdopted`] and, for PAIs that
/// have changed, of `FollowResult`.
pub type Outcome = &'static str;

/// How many had which outcome, and those that were not adopted.
#[derive(Clone, Debug, Default)]
pub struct AdoptionReport {
    pub counts: BTreeMap<(Lost, Outcome), u64>,
    /// What was not adopted, by the other party's id, in the order in which it was met.
    pub left: Vec<(Lost, String, Outcome)>,
}

impl AdoptionReport {
    pub(super) fn add(&mut self, lost: Lost, id: &str, outcome: Outcome, is_done: bool) {
        *self.counts.entry((lost, outcome)).or_default() += 1;
        if !is_done {
            self.left.push((lost, id.to_owned(), outcome));
        }
    }

    pub(super) fn add_result(&mut self, lost: Lost, id: &str, result: AdoptResult) {
        self.add(lost, id, result.as_str(), matches!(result, AdoptResult::Adopted | AdoptResult::Present));
    }
}

/// Why an adoption did not come to its end. What was adopted stays, and the next run finds it.
#[derive(Debug)]
pub enum AdoptionError {
    Store(StoreError),
    /// The edge, or the operator's CSP API, does not answer.
    Peer(&'static str),
}

impl From<StoreError> for AdoptionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
