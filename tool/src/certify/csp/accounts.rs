//! Checks of `POST /account/validate`.

use super::forms::{problem_of_account, problem_of_contract};
use super::kit::{ACCOUNT, CspKit, absent, account, with_status};
use crate::certify::answer::{Seen, describe, quote};
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use onbill_domain::account::{AccountStatus, Stated};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::csp::AccountValidateResponse;
use serde_json::json;

pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-account-active",
            name: "An active account is found",
            expected: "200 with status ACTIVE and a subscriberID",
            mend: "Answer POST /account/validate with the account of the number. Check the number under active in your file.",
        },
        needs: &[],
        run: |kit| {
            Box::pin(async move { check_status(kit, Some(&kit.numbers.active), AccountStatus::Active).await })
        },
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-suspended",
            name: "A suspended account is found",
            expected: "200 with status SUSPENDED",
            mend: "Answer with status SUSPENDED, and not with an error. A charge waits otherwise.",
        },
        needs: &["csp-account-active"],
        run: |kit| {
            Box::pin(async move {
                check_status(kit, kit.numbers.suspended.as_ref(), AccountStatus::Suspended).await
            })
        },
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-ceased",
            name: "An account that has ended is found",
            expected: "200 with status CEASED",
            mend: "Answer with status CEASED while the number has no other subscriber.",
        },
        needs: &["csp-account-active"],
        run: |kit| {
            Box::pin(
                async move { check_status(kit, kit.numbers.ceased.as_ref(), AccountStatus::Ceased).await },
            )
        },
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-unknown",
            name: "A number without an account is refused by your own code",
            expected: "404 with the JSON code account-not-found",
            mend: "Answer 404 with {\"code\":\"account-not-found\",\"message\":\"…\"}. A 404 without the code may be a proxy's, so onbill does not believe it.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_unknown(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-number-alone",
            name: "A question with the number alone is answered",
            expected: "200 with the account",
            mend: "Take partner, offer, amount and purpose as optional. They are absent when nothing is bought.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_number_alone(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-extra-member",
            name: "A member that you do not know is ignored",
            expected: "200 with the account",
            mend: "Ignore the members that you do not know. There will be more.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_extra_member(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-stable",
            name: "The subscriberID stays, also in parallel",
            expected: "the same subscriberID in every response",
            mend: "Give one id for as long as the subscriber has the number. With another id, onbill takes the subscriber for a new one and closes the PAIs.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_stable(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-account-form",
            name: "The members of an account have their types",
            expected: "texts as texts, amounts as whole numbers of minor units, eligible as true or false, a subscriberID without the number",
            mend: "Write the member as docs/api/csp.md has it. onbill reads more, and the next reader may not.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_form(kit).await.into() }),
    },
];

async fn ask(kit: &CspKit, msisdn: &Msisdn) -> Seen {
    kit.post(ACCOUNT, &kit.question(msisdn)).await
}

async fn check_status(kit: &CspKit, msisdn: Option<&Msisdn>, expected: AccountStatus) -> Outcome {
    let Some(msisdn) = msisdn else { return Outcome::Skipped("your file has no such number".to_owned()) };
    let seen = ask(kit, msisdn).await;
    match account(&seen) {
        Ok(read) if read.account.status == Stated::Known(expected) => Outcome::Passed,
        _ => Outcome::Failed(describe(&seen)),
    }
}

async fn check_unknown(kit: &CspKit) -> Finding {
    absent(&ask(kit, &kit.numbers.unknown).await, ErrorCode::AccountNotFound)
}

async fn check_number_alone(kit: &CspKit) -> Finding {
    let question = CspKit::bare_question(&kit.numbers.active);
    account(&kit.post(ACCOUNT, &question).await).map(|_| ())
}

async fn check_extra_member(kit: &CspKit) -> Finding {
    let question = kit.question(&kit.numbers.active);
    let mut question = serde_json::to_value(question).map_err(|error| error.to_string())?;
    question["certifyExtra"] = json!({"nested": [1, null, "text"]});
    account(&kit.post(ACCOUNT, &question).await).map(|_| ())
}

async fn check_stable(kit: &CspKit) -> Finding {
    let question = kit.question(&kit.numbers.active);
    let first = account(&kit.post(ACCOUNT, &question).await)?.subscriber_id;
    let mut others = vec![kit.post(ACCOUNT, &question).await];
    others.extend(kit.post_in_parallel(ACCOUNT, &question).await);
    for other in &others {
        if account(other)?.subscriber_id != first {
            return Err(format!("first the subscriberID {}, then {}", quote(&first), describe(other)));
        }
    }
    Ok(())
}

async fn check_form(kit: &CspKit) -> Finding {
    let numbers = &kit.numbers;
    let optional = [&numbers.prepaid, &numbers.poor, &numbers.suspended, &numbers.ceased];
    for msisdn in [&numbers.active].into_iter().chain(optional.into_iter().flatten()) {
        let seen = ask(kit, msisdn).await;
        let answer = with_status(&seen, &[200])?;
        let is_json = is_json(&answer.content_type);
        let of_type = (!is_json).then(|| "the content-type is not application/json".to_owned());
        let of_contract = || problem_of_contract::<AccountValidateResponse>(&answer.body);
        let problem = problem_of_account(&answer.body, msisdn).or(of_type);
        if let Some(problem) = problem.or_else(of_contract) {
            return Err(format!("{problem}: {answer}"));
        }
    }
    Ok(())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
