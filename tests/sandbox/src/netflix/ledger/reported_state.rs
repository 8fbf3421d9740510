//! Compares onbill's report about a charge or a refund with the earlier ones.

use crate::netflix::report::{KnownReport, ReportError, ReportSource};
use onbill_domain::wire::ott::{RefundResponse, TransactionResponse, TransactionStatus};

/// A report about a charge or a refund.
pub(super) trait ReportedState {
    fn status(&self) -> TransactionStatus;

    /// Whether onbill's id of it, and the members that never change, are as before.
    fn is_of(&self, before: &Self) -> bool;

    /// Whether it is equal.
    fn repeats(&self, before: &Self) -> bool;
}

impl ReportedState for TransactionResponse {
    fn status(&self) -> TransactionStatus {
        self.status
    }

    fn is_of(&self, before: &Self) -> bool {
        self.transaction_id == before.transaction_id
    }

    fn repeats(&self, before: &Self) -> bool {
        self == before
    }
}

impl ReportedState for RefundResponse {
    fn status(&self) -> TransactionStatus {
        self.status
    }

    fn is_of(&self, before: &Self) -> bool {
        self.refund_id == before.refund_id && self.amount == before.amount
    }

    /// What is left of the charge changes with its other refunds.
    fn repeats(&self, before: &Self) -> bool {
        *self == Self { remaining: self.remaining, ..before.clone() }
    }
}

/// Compares a report with the known state. Settled is final.
pub(super) fn learn<T: ReportedState>(
    known: &mut Option<KnownReport<T>>,
    reported: T,
    source: ReportSource,
) -> Result<(), ReportError> {
    let pending = reported.status() == TransactionStatus::Pending;
    if pending && source == ReportSource::Webhook {
        return Err(ReportError::Impossible("a report of a charge that is not settled"));
    }
    if let Some(KnownReport { reported: before, .. }) = known {
        if !reported.is_of(before) {
            return Err(ReportError::Contradicts("under another name, or of another amount, than before"));
        }
        if before.status() != TransactionStatus::Pending {
            let fine = pending || reported.repeats(before);
            return if fine {
                Ok(())
            } else {
                Err(ReportError::Contradicts("it was settled otherwise before"))
            };
        }
    }
    *known = Some(KnownReport { reported, source });
    Ok(())
}
