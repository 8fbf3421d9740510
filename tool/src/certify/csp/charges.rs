//! Checks of `POST /transaction` and `GET /transaction/{transactionID}`.

use super::forms::{problem_of_contract, problem_of_decision};
use super::kit::{CHARGE, CspKit, REFUND, absent, approved, charge_decision, new_id, same, with_status};
use super::refunds::is_not_refunded;
use crate::certify::answer::{Seen, describe};
use crate::certify::caller::Signing;
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use http::Method;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::csp::{BillChargeResponse, BillingDecision};
use std::time::Duration;

/// When the kit drops the connection of a charge: after the request has left, and before a billing
/// system has answered.
const DROPPED_AFTER: Duration = Duration::from_millis(20);

/// The id of the check that cuts a charge off.
pub(super) const CUT_OFF: &str = "csp-charge-cut-off";

// A check that posts a charge more than once needs a repeated one to work.
pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-charge-approved",
            name: "A charge is put on the bill",
            expected: "201 or 200 with status APPROVED",
            mend: "Answer with your final decision in status. 202 and 204 decide nothing: onbill asks again for days. If you declined, your rawCode says why: the account under active must be one that may pay.",
        },
        // Another id each time is another subscriber each time, who is not charged.
        needs: &["csp-account-active", "csp-account-stable"],
        run: |kit| Box::pin(async move { kit.billed_charge().await.map(|_| ()).into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-form",
            name: "The members of a decision have their types",
            expected: "status as a word of the contract, rawCode as a text of at most 64 ASCII characters without a number, billedOn as YYYY-MM-DD",
            mend: "Write the member as docs/api/csp.md has it. The partner reads rawCode, so no number may be in it.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_form(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-repeated",
            name: "A repeated charge gets the first response",
            expected: "the same body as the first time",
            mend: "Keep your response by transactionID, and give it again. A repetition is no duplicate to refuse: onbill repeats a call whose response was lost.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_repeated(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-parallel",
            name: "The same charge in parallel is billed once",
            expected: "APPROVED with the same body in every response",
            mend: "Claim the transactionID before you bill, with a unique key, and let the other calls wait for its result.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_parallel(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-looked-up",
            name: "A charge is found under its id",
            expected: "200 with the body of the response to the charge",
            mend: "Answer GET /transaction/{transactionID} from the same store as the charge, without a delay.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_looked_up(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-unknown",
            name: "A charge that you never received is refused by your own code",
            expected: "404 with the JSON code transaction-not-found",
            mend: "Answer 404 with {\"code\":\"transaction-not-found\",\"message\":\"…\"}. After a 404 of a proxy, onbill posts nothing and asks again.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_unknown(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: CUT_OFF,
            name: "A charge whose connection was cut off is billed once",
            expected: "APPROVED for the repeated post, with the same body in the look-up after it. The look-up before it contradicts neither",
            mend: "Finish what you have begun when the caller goes away, or undo it. Let the look-up say what is true.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated", "csp-charge-looked-up"],
        run: |kit| Box::pin(async move { check_cut_off(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-declined-suspended",
            name: "A charge of a suspended account is declined",
            expected: "201 or 200 with status DECLINED, and the same when it is repeated",
            mend: "Decline with status DECLINED and your own rawCode. An error of 4xx or 5xx decides nothing.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_declined(kit, kit.numbers.suspended.as_ref()).await }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-declined-ceased",
            name: "A charge of an account that has ended is declined",
            expected: "201 or 200 with status DECLINED, and the same when it is repeated",
            mend: "Decline with status DECLINED. The rawCode account-closed says why.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_declined(kit, kit.numbers.ceased.as_ref()).await }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-declined-balance",
            name: "A charge beyond the balance is declined",
            expected: "201 or 200 with status DECLINED, and the same when it is repeated",
            mend: "Decline with status DECLINED. The rawCode insufficient-balance says why.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_declined(kit, kit.numbers.poor.as_ref()).await }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-declined-other-subscriber",
            name: "A charge of another subscriber than the number has is declined",
            expected: "201 or 200 with status DECLINED, the same when it is repeated, and nothing on a bill",
            mend: "Compare subscriberID with the present subscriber of the number before you bill. If it is another one, decline: the rawCode account-closed-taken-over says why.",
        },
        needs: &["csp-charge-approved", "csp-charge-repeated"],
        run: |kit| Box::pin(async move { check_other_subscriber(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-charge-malformed",
            name: "A charge without its members is refused",
            expected: "a status of 4xx",
            mend: "Check the body before you act, and answer 400 with {\"code\",\"message\"}.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_malformed(kit).await.into() }),
    },
];

async fn check_form(kit: &CspKit) -> Finding {
    let numbers = &kit.numbers;
    // The prepaid account pays for one charge, which is given back: `csp-refund-prepaid`.
    let optional = [&numbers.poor, &numbers.suspended];
    for msisdn in [&numbers.active].into_iter().chain(optional.into_iter().flatten()) {
        let charge = kit.new_charge(msisdn).await?;
        let seen = kit.post(CHARGE, &charge).await;
        // Whether these accounts are declined as they must be is for other checks.
        let Ok(answer) = with_status(&seen, &[200, 201]) else { continue };
        let of_contract = || problem_of_contract::<BillChargeResponse>(&answer.body);
        if let Some(problem) = problem_of_decision(&answer.body, msisdn).or_else(of_contract) {
            return Err(format!("{problem}: {answer}"));
        }
    }
    Ok(())
}

async fn check_repeated(kit: &CspKit) -> Finding {
    let charge = kit.new_charge(&kit.numbers.active).await?;
    let first = kit.post(CHARGE, &charge).await;
    approved(&first)?;
    for _ in 0..2 {
        let again = kit.post(CHARGE, &charge).await;
        approved(&again)?;
        same(&first, &again)?;
    }
    Ok(())
}

async fn check_parallel(kit: &CspKit) -> Finding {
    let charge = kit.new_charge(&kit.numbers.active).await?;
    let all = kit.post_in_parallel(CHARGE, &charge).await;
    let after = kit.look_up(&charge.transaction_id).await;
    for seen in &all {
        approved(seen)?;
        same(seen, &after)?;
    }
    Ok(())
}

/// A number whose subscriber has changed since onbill asked: the charge is the former one's.
async fn check_other_subscriber(kit: &CspKit) -> Finding {
    let mut charge = kit.new_charge(&kit.numbers.active).await?;
    let present = std::mem::replace(&mut charge.subscriber_id, format!("certify-{}", new_id()?));
    let first = kit.post(CHARGE, &charge).await;
    let again = kit.post(CHARGE, &charge).await;
    is_declined(&first)?;
    is_declined(&again)?;
    same(&first, &again)?;
    is_not_refunded(&kit.post(REFUND, &kit.new_refund(&charge, kit.numbers.amount)?).await)
        .map_err(|seen| format!("the declined charge is refunded: {seen}"))?;
    let Some(msisdn) = kit.numbers.prepaid.as_ref().filter(|msisdn| **msisdn != kit.numbers.active) else {
        return Ok(());
    };
    // The subscriber of another account of yours.
    let before = kit.balance(msisdn).await;
    let mut charge = kit.new_charge(msisdn).await?;
    charge.subscriber_id = present;
    is_declined(&kit.post(CHARGE, &charge).await)?;
    if kit.balance(msisdn).await == before { Ok(()) } else { Err("the balance has changed".to_owned()) }
}

async fn check_looked_up(kit: &CspKit) -> Finding {
    let charge = kit.new_charge(&kit.numbers.active).await?;
    let first = kit.post(CHARGE, &charge).await;
    approved(&first)?;
    let found = kit.look_up(&charge.transaction_id).await;
    with_status(&found, &[200])?;
    approved(&found)?;
    same(&first, &found)
}

async fn check_unknown(kit: &CspKit) -> Finding {
    absent(&kit.look_up(&new_id()?).await, ErrorCode::TransactionNotFound)
}

async fn check_cut_off(kit: &CspKit) -> Finding {
    let charge = kit.new_charge(&kit.numbers.active).await?;
    let body = serde_json::to_value(&charge).map_err(|error| error.to_string())?;
    let request = kit.caller.request(&Method::POST, CHARGE, &body, &kit.key, Signing::Genuine);
    kit.caller.send_and_drop(request, DROPPED_AFTER).await;
    let before = kit.look_up(&charge.transaction_id).await;
    let posted = kit.post(CHARGE, &charge).await;
    approved(&posted)?;
    // It may not be decided yet, which an API may say in any way. A decision is final.
    if charge_decision(&before).is_ok() {
        same(&before, &posted)?;
    }
    same(&posted, &kit.look_up(&charge.transaction_id).await)
}

async fn check_declined(kit: &CspKit, msisdn: Option<&Msisdn>) -> Outcome {
    let Some(msisdn) = msisdn else { return Outcome::Skipped("your file has no such number".to_owned()) };
    let charge = match kit.new_charge(msisdn).await {
        Ok(charge) => charge,
        Err(seen) => return Outcome::Failed(seen),
    };
    let first = kit.post(CHARGE, &charge).await;
    let again = kit.post(CHARGE, &charge).await;
    is_declined(&first).and_then(|()| is_declined(&again)).and_then(|()| same(&first, &again)).into()
}

fn is_declined(seen: &Seen) -> Finding {
    match charge_decision(seen)? {
        BillingDecision::Declined => Ok(()),
        BillingDecision::Approved => Err(describe(seen)),
    }
}

async fn check_malformed(kit: &CspKit) -> Finding {
    let charge = kit.new_charge(&kit.numbers.active).await?;
    let whole = serde_json::to_value(&charge).map_err(|error| error.to_string())?;
    for member in ["transactionID", "amount", "msisdn"] {
        let mut body = whole.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove(member);
        }
        let seen = kit.post(CHARGE, &body).await;
        if !seen.as_ref().is_ok_and(super::super::answer::Answer::is_refusal) {
            return Err(format!("without {member}: {}", describe(&seen)));
        }
    }
    Ok(())
}
