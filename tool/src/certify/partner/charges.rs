//! Checks of `POST /transaction-state`, about a charge that the partner has posted to the kit.

use super::kit::{PartnerKit, taken};
use super::simulated_edge::PostedCharge;
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_domain::wire::partner::TRANSACTION_STATE_PATH;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-charge-settled",
            name: "A charge that was PENDING is reported as APPROVED",
            expected: "2xx",
            mend: "Take POST /transaction-state for your charges, and answer 200.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_settled(kit).await }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-charge-repeated",
            name: "A repeated report of a charge is taken",
            expected: "2xx each time",
            mend: "Answer 2xx to what you have already. The same webhook may come twice.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_repeated(kit).await }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-charge-parallel",
            name: "The same report of a charge in parallel is taken",
            expected: "2xx every time",
            mend: "Store the status under the charge in one statement, and answer 2xx when it is there.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_parallel(kit).await }),
    },
];

/// Without a charge of the partner's, these checks cannot run.
pub(super) fn no_charge() -> Outcome {
    Outcome::Skipped("no charge of yours came to the kit in the time to wait".to_owned())
}

pub(super) fn approved(charge: &PostedCharge) -> TransactionResponse {
    TransactionResponse { status: TransactionStatus::Approved, ..charge.stated.clone() }
}

async fn report(kit: &PartnerKit, charge: &PostedCharge) -> Finding {
    taken(&kit.report(TRANSACTION_STATE_PATH, &approved(charge)).await)
}

async fn check_settled(kit: &PartnerKit) -> Outcome {
    let Some(charge) = kit.charge().await else { return no_charge() };
    kit.edge.settle_charge(&approved(charge));
    report(kit, charge).await.into()
}

async fn check_repeated(kit: &PartnerKit) -> Outcome {
    let Some(charge) = kit.charge().await else { return no_charge() };
    let both = async {
        report(kit, charge).await?;
        report(kit, charge).await
    };
    both.await.into()
}

async fn check_parallel(kit: &PartnerKit) -> Outcome {
    let Some(charge) = kit.charge().await else { return no_charge() };
    let all = kit.report_in_parallel(TRANSACTION_STATE_PATH, &approved(charge)).await;
    all.iter().try_for_each(taken).into()
}
