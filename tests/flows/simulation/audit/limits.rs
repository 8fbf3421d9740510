//! Limits: the charges of an account in a day and in a month, less its refunds, are within them;
//! and a charge that was declined by one would have exceeded it. Coupons neither count nor are
//! declined by one.

use super::StoredCharge;
use crate::simulation::run::{LIMITS, SimulationRun};
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason::{
    self, AccountClosed, AccountClosedFraud, AccountClosedTakenOver, AccountOnHold, ChargeExceedsDailyLimit,
    ChargeExceedsMonthlyLimit, ChargeExceedsTransactionLimit, ChargeUnderLimit, InsufficientBalance,
    PaiRevokedByUser, RiskDeclined,
};
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeMap;

/// The charges of one account in one day or month.
#[derive(Default)]
struct ChargedPeriod {
    /// Approved, less refunds.
    charged: i64,
    /// Everything that may have counted at some time.
    counted: i64,
}

pub(super) async fn check_limits(
    run: &SimulationRun,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    let subscribers: BTreeMap<String, String> = run
        .rows("SELECT pai, subscriber_id FROM pais")
        .await
        .into_iter()
        .map(|row| (super::to_text(row[0].clone()), super::to_text(row[1].clone())))
        .collect();
    let spans = |charge: &StoredCharge| {
        let day = Day::of_timestamp(Timestamp::from_unix_seconds(charge.created_at)).to_string();
        let holder = subscribers[&charge.pai].clone();
        [(holder.clone(), day[..7].to_owned()), (holder, day)]
    };
    let (coupons, charges): (Vec<_>, Vec<_>) =
        charges.iter().partition(|(id, _)| StoredCharge::is_coupons(id));
    for (id, coupon) in coupons {
        if coupon.reason.as_deref().map(parse_reason).is_some_and(is_limit) {
            found.push(format!("{id} was declined by a limit: {:?}", coupon.reason));
        }
    }
    let mut totals: BTreeMap<(String, String), ChargedPeriod> = BTreeMap::new();
    for (_, charge) in &charges {
        for span in spans(charge) {
            let span = totals.entry(span).or_default();
            if charge.status == "APPROVED" {
                span.charged += charge.value - charge.refunded;
            }
            if !charge.reason.as_deref().map(parse_reason).is_some_and(is_limit) {
                span.counted += charge.value;
            }
        }
    }
    for ((holder, span), total) in &totals {
        let limit = if span.len() == "2026-12".len() { LIMITS.month } else { LIMITS.day };
        if total.charged > limit {
            found.push(format!("{holder} was charged {} in {span}, the limit is {limit}", total.charged));
        }
    }
    for (id, charge) in charges {
        let [month, day] = spans(charge).map(|span| totals[&span].counted + charge.value);
        let fits = match charge.reason.as_deref().map(parse_reason) {
            Some(ChargeExceedsTransactionLimit) => charge.value > LIMITS.transaction,
            Some(ChargeUnderLimit) => charge.value < LIMITS.smallest,
            Some(ChargeExceedsDailyLimit) => day > LIMITS.day,
            Some(ChargeExceedsMonthlyLimit) => month > LIMITS.month,
            // A limit without a line above would not be held to anything.
            Some(other) => !is_limit(other),
            None => (LIMITS.smallest..=LIMITS.transaction).contains(&charge.value),
        };
        if !fits {
            found.push(format!("{id} over {} was {}: {:?}", charge.value, charge.status, charge.reason));
        }
    }
}

pub(in crate::simulation) fn parse_reason(word: &str) -> DeclineReason {
    DeclineReason::parse(word).expect("is a reason")
}

/// Whether a charge that was declined for this reason was over or under a limit.
pub(in crate::simulation) fn is_limit(reason: DeclineReason) -> bool {
    match reason {
        ChargeExceedsTransactionLimit
        | ChargeUnderLimit
        | ChargeExceedsDailyLimit
        | ChargeExceedsMonthlyLimit => true,
        InsufficientBalance
        | AccountOnHold
        | AccountClosed
        | AccountClosedTakenOver
        | AccountClosedFraud
        | PaiRevokedByUser
        | RiskDeclined => false,
    }
}
