//! Checks of the signature on a call: without it, any program that reaches your API could charge your
//! customers. Each makes the calls about accounts and money, signed wrongly in one way.

use super::kit::{ACCOUNT, CHARGE, CspKit, REFUND, account};
use crate::certify::answer::{Seen, describe};
use crate::certify::caller::{Signing, replay};
use crate::certify::check::{Check, CheckFacts, Finding};
use http::Method;

/// The id of the check that names another host. A proxy may answer it in any way.
pub(super) const OTHER_HOST: &str = "csp-signature-other-host";

pub(super) static CHECKS: &[Check<CspKit>] = &[
    Check {
        facts: CheckFacts {
            id: "csp-signature-missing",
            name: "A call without a signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse every call whose signature you have not verified, before you read its body.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Missing).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-signature-wrong",
            name: "A wrong signature is refused",
            expected: "401, or another 4xx",
            mend: "Compare the HMAC over the signature base in constant time. docs/signing.md has vectors.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Wrong).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-signature-late",
            name: "An old signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse a created that is more than 300 seconds from your clock.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Late).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-signature-other-address",
            name: "A signature for another host is refused",
            expected: "401, or another 4xx",
            mend: "Verify @authority against your own name from your configuration, and not against what was signed.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::OtherAddress).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: OTHER_HOST,
            name: "A signature for another host is refused, also where Host names it",
            expected: "401, another 4xx, or no response of your API",
            mend: "Verify @authority against your own name from your configuration. An attacker who replays the call of another system sends its Host as well.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_host_not_believed(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-signature-body-changed",
            name: "A body other than the signed one is refused",
            expected: "401, or another 4xx",
            mend: "Compare content-digest with the SHA-256 of the bytes that you received, before any parsing.",
        },
        needs: &["csp-charge-approved"],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::BodyChanged).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "csp-signature-replayed",
            name: "A call that comes again with the same nonce is refused",
            expected: "401, or another 4xx, the second time",
            mend: "Keep the nonce of each call for 600 seconds, by keyid, and refuse it the second time.",
        },
        needs: &["csp-account-active"],
        run: |kit| Box::pin(async move { check_replay_refused(kit).await.into() }),
    },
];

/// Every route has to verify by itself. A refund of an unknown charge is refused for another reason, so
/// the refund and the look-up are about a charge that is on the bill.
async fn check_signing_refused(kit: &CspKit, signing: Signing) -> Finding {
    let at = |route: &str, seen: &Seen| refused(seen).map_err(|seen| format!("{route}: {seen}"));
    let question = kit.question(&kit.numbers.active);
    at(ACCOUNT, &kit.post_signed(ACCOUNT, &question, signing).await)?;
    let billed = kit.signed_about().await?;
    let refund = kit.new_refund(billed, kit.numbers.amount)?;
    at(REFUND, &kit.post_signed(REFUND, &refund, signing).await)?;
    // The look-up has no body that could be changed.
    if signing != Signing::BodyChanged {
        let seen = kit.look_up_signed(&billed.transaction_id, signing).await;
        at("the look-up of a charge", &seen)?;
    }
    let charge = kit.new_charge(&kit.numbers.active).await?;
    at(CHARGE, &kit.post_signed(CHARGE, &charge, signing).await)
}

/// A proxy before the API may have a page for every host that it does not know: that is no account.
async fn check_host_not_believed(kit: &CspKit) -> Finding {
    let seen = kit.post_signed(ACCOUNT, &kit.question(&kit.numbers.active), Signing::OtherHost).await;
    if account(&seen).is_ok() { Err(describe(&seen)) } else { Ok(()) }
}

async fn check_replay_refused(kit: &CspKit) -> Finding {
    let within = kit.caller.limits.answer_within;
    let question = kit.question(&kit.numbers.active);
    let body = serde_json::to_value(question).map_err(|error| error.to_string())?;
    let request = kit.caller.request(&Method::POST, ACCOUNT, &body, &kit.key, Signing::Genuine);
    let again = replay(&request);
    account(&kit.caller.send(request, within).await).map_err(|seen| format!("the first time {seen}"))?;
    refused(&kit.caller.send(again, within).await)
}

fn refused(seen: &Seen) -> Finding {
    if seen.as_ref().is_ok_and(super::super::answer::Answer::is_refusal) {
        Ok(())
    } else {
        Err(describe(seen))
    }
}
