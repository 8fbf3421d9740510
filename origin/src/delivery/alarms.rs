//! Alarms about the outcome of a job.

use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::store::SettleResult;

/// Raises an alarm in three cases: billing has decided twice about one id, where the first decision
/// stays because the partner may have it; billing declines a coupon that is spent; a coupon's SMS
/// does not arrive.
pub(crate) fn raise_for_result(instruments: &Instruments, result: SettleResult, what: &str, id: &str) {
    let alarms = &instruments.alarms;
    match result {
        SettleResult::Contradicted => {
            let alarm = Alarm::BillingDecisionsDiffer;
            raise_alarm!(alarms, alarm, id, what, id, "billing has given two different decisions");
        }
        SettleResult::Unpaid => {
            let alarm = Alarm::CouponUnpaid;
            raise_alarm!(alarms, alarm, id, what, id, "a coupon is redeemed, and billing refuses it");
        }
        SettleResult::Undelivered => raise_undelivered(instruments, id),
        SettleResult::Written | SettleResult::Late => {}
    }
}

/// Raises an alarm for a coupon, by our id, whose SMS does not arrive.
pub(super) fn raise_undelivered(instruments: &Instruments, id: &str) {
    let alarms = &instruments.alarms;
    raise_alarm!(
        alarms,
        Alarm::CouponUndelivered,
        id,
        id,
        "the SMS with the code of a coupon does not arrive"
    );
}
