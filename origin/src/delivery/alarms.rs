//! Alarms about the outcome of a job.

use crate::store::SettleResult;

/// Raises an alarm in three cases: billing has decided twice about one id, where the first decision
/// stays because the partner may have it; billing declines a coupon that is spent; a coupon's SMS
/// does not arrive.
pub(crate) fn raise_alarm(result: SettleResult, what: &str, id: &str) {
    match result {
        SettleResult::Contradicted => {
            tracing::error!(what, id, alarm = "billing-verdicts-differ", "billing has given two verdicts");
        }
        SettleResult::Unpaid => {
            tracing::error!(
                what,
                id,
                alarm = "coupon-unpaid",
                "a coupon is redeemed, and billing refuses it"
            );
        }
        SettleResult::Undelivered => warn_of_undelivered(id),
        SettleResult::Written | SettleResult::Late => {}
    }
}

/// Raises an alarm for a coupon, by our id, whose SMS does not arrive.
pub(super) fn warn_of_undelivered(id: &str) {
    tracing::error!(id, alarm = "coupon-undelivered", "a coupon's text message does not arrive");
}
