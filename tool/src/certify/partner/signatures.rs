//! Checks of the signature on a webhook: without it, any program that reaches you could report charges as
//! declined and accounts as closed.

use super::accounts::state;
use super::charges::approved;
use super::disputes::Dispute;
use super::kit::{PartnerKit, refused, taken};
use super::refunds::settled;
use crate::certify::caller::{Signing, replay};
use crate::certify::check::{Check, CheckFacts, Finding};
use http::Method;
use onbill_domain::key::Key;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::dispute::DisputeState;
use onbill_domain::wire::partner::{
    ACCOUNT_STATE_PATH, DISPUTE_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH,
};
use serde::Serialize;
use serde_json::Value;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-signature-missing",
            name: "A webhook without a signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse every webhook whose signature you have not verified, before you read its body.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Missing).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-wrong",
            name: "A wrong signature is refused",
            expected: "401, or another 4xx",
            mend: "Compare the HMAC over the signature base in constant time. docs/signing.md has vectors.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Wrong).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-late",
            name: "An old signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse a created that is more than 300 seconds from your clock.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::Late).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-other-address",
            name: "A signature for another host is refused",
            expected: "401, or another 4xx",
            mend: "Verify @authority against your own name from your configuration, and not against what was signed.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::OtherAddress).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-body-changed",
            name: "A body other than the signed one is refused",
            expected: "401, or another 4xx",
            mend: "Compare content-digest with the SHA-256 of the bytes that you received, before any parsing.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_signing_refused(kit, Signing::BodyChanged).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-edge-key",
            name: "A webhook that the edge has signed is refused",
            expected: "401, or another 4xx",
            mend: "Take webhooks by your origin-to-partner keys only. The edge may open sign-ups, and nothing else.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_edge_key(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-replayed",
            name: "A webhook that comes again with the same nonce is refused",
            expected: "401, or another 4xx, the second time",
            mend: "Keep the nonce of each call for 600 seconds, by keyid. A repetition of onbill's has a new one.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_replayed(kit).await.into() }),
    },
];

async fn check_signing_refused(kit: &PartnerKit, signing: Signing) -> Finding {
    all_refused(kit, &kit.origin_key, signing).await
}

async fn check_edge_key(kit: &PartnerKit) -> Finding {
    all_refused(kit, &kit.edge_key, Signing::Genuine).await
}

/// Every webhook has to verify by itself. What is unknown is refused for another reason, so each is about
/// what the partner knows: those about charges and refunds are sent when it has posted one.
async fn all_refused(kit: &PartnerKit, key: &Key, signing: Signing) -> Finding {
    let mut webhooks =
        vec![(ACCOUNT_STATE_PATH, json(&state(kit.known_pai().await?, PaiState::Suspended, 2))?)];
    if let Some(charge) = kit.charge().await {
        webhooks.push((TRANSACTION_STATE_PATH, json(&approved(charge))?));
        webhooks.push((DISPUTE_STATE_PATH, json(&Dispute::new(charge)?.in_state(DisputeState::Open))?));
    }
    if let Some(refund) = kit.refund().await {
        webhooks.push((REFUND_STATE_PATH, json(&settled(refund))?));
    }
    for (path, body) in webhooks {
        refused(&kit.report_signed(path, &body, key, signing).await)
            .map_err(|seen| format!("{path}: {seen}"))?;
    }
    Ok(())
}

fn json(stated: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(stated).map_err(|error| error.to_string())
}

async fn check_replayed(kit: &PartnerKit) -> Finding {
    let within = kit.caller.limits.answer_within;
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    let body = json(&stated)?;
    let (method, key) = (Method::POST, &kit.origin_key);
    let request = kit.caller.request(&method, ACCOUNT_STATE_PATH, &body, key, Signing::Genuine);
    let again = replay(&request);
    taken(&kit.caller.send(request, within).await).map_err(|seen| format!("the first time {seen}"))?;
    refused(&kit.caller.send(again, within).await)
}
