//! Checks of `POST /account-state`.

use super::kit::{PartnerKit, refused, taken};
use crate::certify::check::{Check, CheckFacts, Finding};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::partner::{ACCOUNT_STATE_PATH, AccountStateRequest};
use serde_json::json;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-account-suspended",
            name: "A PAI is suspended and resumed",
            expected: "2xx each time",
            mend: "Take POST /account-state for the PAIs of your sign-ups, and answer 200.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_suspended(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-account-repeated",
            name: "A repeated state is taken",
            expected: "2xx both times",
            mend: "Answer 2xx to what you have already. Anything else is retried for days.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_repeated(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-account-parallel",
            name: "The same state in parallel is taken",
            expected: "2xx every time",
            mend: "Store the state under its PAI in one statement that compares the sequence.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_parallel(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-account-older",
            name: "A state with an older sequence is taken and dropped",
            expected: "2xx, also for the older one",
            mend: "Drop what has a lower sequence than you have received, and answer 2xx all the same.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_older(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-account-closed",
            name: "A PAI is closed, with its reason, and an older state comes late",
            expected: "2xx each time",
            mend: "Stop charging a closed PAI permanently. Take the states that come after it, and drop them.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_closed(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-account-extra-member",
            name: "A member that you do not know is ignored",
            expected: "2xx",
            mend: "Ignore the members that you do not know. There will be more.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_extra_member(kit).await.into() }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-malformed",
            name: "A webhook without its members is refused",
            expected: "a status of 4xx",
            mend: "Check the body before you act, and answer 400.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_malformed(kit).await.into() }),
    },
];

pub(super) fn state(pai: Pai, state: PaiState, sequence: u64) -> AccountStateRequest {
    let reason = (state == PaiState::Closed).then_some(DeclineReason::AccountClosed);
    AccountStateRequest { pai, state, reason, sequence }
}

async fn report(kit: &PartnerKit, stated: &AccountStateRequest) -> Finding {
    taken(&kit.report(ACCOUNT_STATE_PATH, stated).await)
        .map_err(|seen| format!("{} with sequence {}: {seen}", stated.state.as_str(), stated.sequence))
}

async fn report_all(kit: &PartnerKit, states: &[(PaiState, u64)]) -> Finding {
    let pai = kit.known_pai().await?;
    for (word, sequence) in states {
        report(kit, &state(pai, *word, *sequence)).await?;
    }
    Ok(())
}

async fn check_suspended(kit: &PartnerKit) -> Finding {
    report_all(kit, &[(PaiState::Suspended, 2), (PaiState::Active, 3)]).await
}

async fn check_repeated(kit: &PartnerKit) -> Finding {
    report_all(kit, &[(PaiState::Suspended, 2), (PaiState::Suspended, 2)]).await
}

async fn check_parallel(kit: &PartnerKit) -> Finding {
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    kit.report_in_parallel(ACCOUNT_STATE_PATH, &stated).await.iter().try_for_each(taken)
}

async fn check_older(kit: &PartnerKit) -> Finding {
    report_all(kit, &[(PaiState::Suspended, 5), (PaiState::Active, 4)]).await
}

async fn check_closed(kit: &PartnerKit) -> Finding {
    report_all(kit, &[(PaiState::Closed, 3), (PaiState::Suspended, 2), (PaiState::Closed, 3)]).await
}

async fn check_extra_member(kit: &PartnerKit) -> Finding {
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    let mut body = serde_json::to_value(stated).map_err(|error| error.to_string())?;
    body["certifyExtra"] = json!({"nested": [1, null, "text"]});
    taken(&kit.report(ACCOUNT_STATE_PATH, &body).await)
}

async fn check_malformed(kit: &PartnerKit) -> Finding {
    let stated = state(kit.known_pai().await?, PaiState::Suspended, 2);
    let whole = serde_json::to_value(stated).map_err(|error| error.to_string())?;
    for member in ["pai", "state", "sequence"] {
        let mut body = whole.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove(member);
        }
        refused(&kit.report(ACCOUNT_STATE_PATH, &body).await)
            .map_err(|seen| format!("without {member}: {seen}"))?;
    }
    Ok(())
}
