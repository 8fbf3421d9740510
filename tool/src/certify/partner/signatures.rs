//! Checks of the signature on a webhook: without it, anybody who reaches you could report charges as
//! declined and accounts as closed.

use super::accounts::state;
use super::kit::{PartnerKit, refused, taken};
use crate::certify::caller::{Signing, replay};
use crate::certify::check::{Check, CheckFacts, Finding};
use http::Method;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::partner::ACCOUNT_STATE_PATH;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-signature-missing",
            name: "A webhook without a signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse every webhook whose signature you have not verified, before you read its body.",
        },
        run: |kit| Box::pin(async move { is_refused(kit, Signing::Missing).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-wrong",
            name: "A wrong signature is refused",
            expected: "401, or another 4xx",
            mend: "Compare the HMAC over the signature base in constant time. docs/signing.md has vectors.",
        },
        run: |kit| Box::pin(async move { is_refused(kit, Signing::Wrong).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-late",
            name: "An old signature is refused",
            expected: "401, or another 4xx",
            mend: "Refuse a created that is more than 300 seconds from your clock.",
        },
        run: |kit| Box::pin(async move { is_refused(kit, Signing::Late).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-other-address",
            name: "A signature for another host is refused",
            expected: "401, or another 4xx",
            mend: "Verify @authority against your own name from your configuration, and not against what was signed.",
        },
        run: |kit| Box::pin(async move { is_refused(kit, Signing::OtherAddress).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-body-changed",
            name: "A body other than the signed one is refused",
            expected: "401, or another 4xx",
            mend: "Compare content-digest with the SHA-256 of the bytes that you received, before any parsing.",
        },
        run: |kit| Box::pin(async move { is_refused(kit, Signing::BodyChanged).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-edge-key",
            name: "A webhook that the edge has signed is refused",
            expected: "401, or another 4xx",
            mend: "Take webhooks by your origin-to-partner keys only. The edge may open sign-ups, and nothing else.",
        },
        run: |kit| Box::pin(async move { edge_key(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-signature-replayed",
            name: "A webhook that comes again with the same nonce is refused",
            expected: "401, or another 4xx, the second time",
            mend: "Keep the nonce of each call for 600 seconds, by keyid. A repetition of onbill's has a new one.",
        },
        run: |kit| Box::pin(async move { replayed(kit).await.into() }),
    },
];

async fn is_refused(kit: &PartnerKit, signing: Signing) -> Finding {
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    refused(&kit.report_signed(ACCOUNT_STATE_PATH, &stated, &kit.origin_key, signing).await)
}

async fn edge_key(kit: &PartnerKit) -> Finding {
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    refused(&kit.report_signed(ACCOUNT_STATE_PATH, &stated, &kit.edge_key, Signing::Genuine).await)
}

async fn replayed(kit: &PartnerKit) -> Finding {
    let within = kit.caller.limits.answer_within;
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    let body = serde_json::to_value(stated).map_err(|error| error.to_string())?;
    let (method, key) = (Method::POST, &kit.origin_key);
    let request = kit.caller.request(&method, ACCOUNT_STATE_PATH, &body, key, Signing::Genuine);
    let again = replay(&request);
    taken(&kit.caller.send(request, within).await).map_err(|seen| format!("the first time {seen}"))?;
    refused(&kit.caller.send(again, within).await)
}
