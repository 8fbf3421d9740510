//! The check of `POST /notification`.

use super::kit::{CspKit, SMS};
use crate::certify::answer::describe;
use crate::certify::check::{Check, CheckFacts, Outcome};
use onbill_domain::wire::csp::SmsRequest;

pub(super) static CHECKS: &[Check<CspKit>] = &[Check {
    facts: CheckFacts {
        id: "csp-sms",
        name: "An SMS is taken",
        expected: "202 or another 2xx",
        mend: "Take the SMS for any number, and send it. Remove sms from your file if SMS go another way.",
    },
    needs: &["csp-account-active"],
    run: |kit| Box::pin(async move { check_send(kit).await }),
}];

async fn check_send(kit: &CspKit) -> Outcome {
    let Some(msisdn) = &kit.numbers.sms else {
        return Outcome::Skipped("your file has no number for an SMS".to_owned());
    };
    let sms = SmsRequest { msisdn: msisdn.clone(), text: "onbill conformance test".to_owned() };
    let seen = kit.post(SMS, &sms).await;
    if seen.as_ref().is_ok_and(super::super::answer::Answer::is_success) {
        Outcome::Passed
    } else {
        Outcome::Failed(describe(&seen))
    }
}
