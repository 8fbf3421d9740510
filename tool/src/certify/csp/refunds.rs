//! Checks of `POST /refund`.

use super::kit::{CHARGE, CspKit, REFUND, approved, new_id, refund_decision, refunded, same};
use crate::certify::answer::{Seen, describe};
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use onbill_domain::wire::csp::BillingDecision;

// A route that refuses everything would refuse what it must, so a refund has to work first.
pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-refund-half",
            name: "Half of a charge is refunded, then the other half",
            expected: "201 or 200, APPROVED or without a decision, both times",
            mend: "Take any part of what is left of a charge, as often as something is left.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_half(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-refund-repeated",
            name: "A repeated refund gives back nothing more",
            expected: "the first response again, and the rest of the charge can still be refunded",
            mend: "Keep your response by refundID, and give it again. Count each refundID once.",
        },
        needs: &["csp-charge-approved", "csp-refund-half"],
        run: |kit| Box::pin(async move { check_repeated(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-refund-parallel",
            name: "The same refund in parallel gives back once",
            expected: "the same response every time, and the rest of the charge can still be refunded",
            mend: "Claim the refundID before you refund, with a unique key, and let the other calls wait for its result.",
        },
        needs: &["csp-charge-approved", "csp-refund-half", "csp-refund-repeated"],
        run: |kit| Box::pin(async move { check_parallel(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-refund-too-much",
            name: "No more than the charge is refunded",
            expected: "a status of 4xx, or DECLINED",
            mend: "Refuse what is more than what is left of the charge, whatever has asked for it.",
        },
        needs: &["csp-charge-approved", "csp-refund-half"],
        run: |kit| Box::pin(async move { check_too_much(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-refund-unknown",
            name: "A charge that you never billed is not refunded",
            expected: "a status of 4xx, or DECLINED",
            mend: "Look the charge up before you refund. Refuse a refund of an unknown transactionID.",
        },
        needs: &["csp-charge-approved", "csp-refund-half"],
        run: |kit| Box::pin(async move { check_unknown(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-refund-prepaid",
            name: "A charge of a prepaid account is refunded",
            expected: "201 or 200, APPROVED or without a decision, and the balance as it was, where you tell it",
            mend: "Give the money back to the balance that has paid, all of it.",
        },
        needs: &["csp-charge-approved", "csp-refund-half"],
        run: |kit| Box::pin(async move { check_prepaid(kit).await }),
    },
    // It gives back what it has taken, so it comes when that is known to work.
    Check {
        facts: CheckFacts {
            id: "csp-charge-parallel-balance",
            name: "The same charge in parallel takes from a balance once",
            expected: "a balance that is less by one charge, where you tell the balance",
            mend: "Take the money in the transaction that claims the transactionID. Use the account under prepaid for nothing else during the run.",
        },
        needs: &[
            "csp-charge-approved",
            "csp-charge-repeated",
            "csp-charge-parallel",
            "csp-refund-half",
            "csp-refund-prepaid",
        ],
        run: |kit| Box::pin(async move { check_parallel_balance(kit).await }),
    },
];

async fn check_half(kit: &CspKit) -> Finding {
    let charge = kit.billed_charge().await?;
    let half = kit.numbers.amount / 2;
    refunded(&kit.post(REFUND, &kit.new_refund(&charge, half)?).await)?;
    refunded(&kit.post(REFUND, &kit.new_refund(&charge, kit.numbers.amount - half)?).await)
        .map_err(|seen| format!("for the other half {seen}"))
}

async fn check_repeated(kit: &CspKit) -> Finding {
    let charge = kit.billed_charge().await?;
    let half = kit.numbers.amount / 2;
    let refund = kit.new_refund(&charge, half)?;
    let first = kit.post(REFUND, &refund).await;
    refunded(&first)?;
    for _ in 0..2 {
        let again = kit.post(REFUND, &refund).await;
        refunded(&again)?;
        same(&first, &again)?;
    }
    let rest = kit.new_refund(&charge, kit.numbers.amount - half)?;
    refunded(&kit.post(REFUND, &rest).await).map_err(|seen| format!("for the rest {seen}"))
}

async fn check_parallel(kit: &CspKit) -> Finding {
    let charge = kit.billed_charge().await?;
    let half = kit.numbers.amount / 2;
    let all = kit.post_in_parallel(REFUND, &kit.new_refund(&charge, half)?).await;
    for seen in &all {
        refunded(seen)?;
        same(&all[0], seen)?;
    }
    let rest = kit.new_refund(&charge, kit.numbers.amount - half)?;
    refunded(&kit.post(REFUND, &rest).await).map_err(|seen| format!("for the rest {seen}"))
}

async fn check_too_much(kit: &CspKit) -> Finding {
    let charge = kit.billed_charge().await?;
    refunded(&kit.post(REFUND, &kit.new_refund(&charge, kit.numbers.amount)?).await)?;
    is_not_refunded(&kit.post(REFUND, &kit.new_refund(&charge, 1)?).await)?;
    let other = kit.billed_charge().await?;
    is_not_refunded(&kit.post(REFUND, &kit.new_refund(&other, kit.numbers.amount + 1)?).await)
}

async fn check_unknown(kit: &CspKit) -> Finding {
    let mut charge = kit.new_charge(&kit.numbers.active).await?;
    charge.transaction_id = new_id()?;
    is_not_refunded(&kit.post(REFUND, &kit.new_refund(&charge, kit.numbers.amount)?).await)
}

async fn check_prepaid(kit: &CspKit) -> Outcome {
    let Some(msisdn) = &kit.numbers.prepaid else {
        return Outcome::Skipped("your file has no such number".to_owned());
    };
    let finding = async {
        let before = kit.balance(msisdn).await;
        let charge = kit.new_charge(msisdn).await?;
        approved(&kit.post(CHARGE, &charge).await)
            .map_err(|seen| format!("the account under prepaid does not pay: {seen}"))?;
        refunded(&kit.post(REFUND, &kit.new_refund(&charge, kit.numbers.amount)?).await)?;
        match (before, kit.balance(msisdn).await) {
            (Some(before), Some(after)) if after != before => Err(format!(
                "the balance was {before}, and {after} after a charge of {} and its refund",
                kit.numbers.amount
            )),
            _ => Ok(()),
        }
    };
    finding.await.into()
}

async fn check_parallel_balance(kit: &CspKit) -> Outcome {
    let Some(msisdn) = &kit.numbers.prepaid else {
        return Outcome::Skipped("your file has no such number".to_owned());
    };
    let Some(before) = kit.balance(msisdn).await else {
        return Outcome::Skipped("your API tells no balance of it".to_owned());
    };
    let finding = async {
        let charge = kit.new_charge(msisdn).await?;
        let all = kit.post_in_parallel(CHARGE, &charge).await;
        let after = kit.balance(msisdn).await;
        // One charge is given back whatever is found. What was taken beyond it has no id to refund.
        let amount = kit.numbers.amount;
        kit.post(REFUND, &kit.new_refund(&charge, amount)?).await.ok();
        for seen in &all {
            approved(seen)?;
        }
        match after {
            Some(after) if after != before - amount => {
                Err(format!("the balance was {before}, and {after} after one charge of {amount}"))
            }
            _ => Ok(()),
        }
    };
    finding.await.into()
}

/// A refusal, or a decision against it.
pub(super) fn is_not_refunded(seen: &Seen) -> Finding {
    let is_refused = seen.as_ref().is_ok_and(super::super::answer::Answer::is_refusal);
    if is_refused || refund_decision(seen) == Ok(BillingDecision::Declined) {
        Ok(())
    } else {
        Err(describe(seen))
    }
}
