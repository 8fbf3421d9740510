//! Checks of `POST /refund-state`, about a refund that the partner has posted to the kit, and about
//! one of the operator's.

use super::kit::{PartnerKit, taken};
use crate::ambient::random_bytes;
use crate::certify::check::{Check, CheckFacts, Finding, Outcome};
use onbill_domain::ids::ExtId;
use onbill_domain::money::Money;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use onbill_domain::wire::partner::REFUND_STATE_PATH;

pub(super) static CHECKS: &[Check<PartnerKit>] = &[
    Check {
        facts: CheckFacts {
            id: "partner-refund-settled",
            name: "A refund that was PENDING is reported as APPROVED",
            expected: "2xx",
            mend: "Take POST /refund-state for your refunds, and answer 200.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { is_taken(kit).await }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-refund-repeated",
            name: "A repeated report of a refund is taken",
            expected: "2xx each time",
            mend: "Answer 2xx to what you have already. The same webhook may come twice.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_repeated(kit).await }),
    },
    Check {
        facts: CheckFacts {
            id: "partner-refund-by-operator",
            name: "A refund that the operator has made is taken",
            expected: "2xx for an extRefundID that is none of yours and equals refundID",
            mend: "Record the refund under your charge. The operator refunds for customers who complain.",
        },
        needs: &[],
        run: |kit| Box::pin(async move { check_by_operator(kit).await }),
    },
];

/// Without a refund of the partner's, these checks cannot run.
fn no_refund() -> Outcome {
    Outcome::Skipped("no refund of yours came to the kit in the time to wait".to_owned())
}

/// The refund as it ended.
pub(super) fn settled(refund: &RefundResponse) -> RefundResponse {
    RefundResponse { status: TransactionStatus::Approved, ..refund.clone() }
}

async fn report(kit: &PartnerKit, refund: &RefundResponse) -> Finding {
    taken(&kit.report(REFUND_STATE_PATH, &settled(refund)).await)
}

async fn is_taken(kit: &PartnerKit) -> Outcome {
    let Some(refund) = kit.refund().await else { return no_refund() };
    report(kit, refund).await.into()
}

async fn check_repeated(kit: &PartnerKit) -> Outcome {
    let Some(refund) = kit.refund().await else { return no_refund() };
    let both = async {
        report(kit, refund).await?;
        report(kit, refund).await
    };
    both.await.into()
}

async fn check_by_operator(kit: &PartnerKit) -> Outcome {
    let Some(refund) = kit.refund().await else { return no_refund() };
    if refund.remaining.amount_minor < 1 {
        return Outcome::Skipped("your refund has left nothing of the charge".to_owned());
    }
    let Some(own) = operators_refund(refund) else {
        return Outcome::Skipped("the operating system gave no randomness".to_owned());
    };
    report(kit, &own).await.into()
}

/// One minor unit of the same charge, under an id of onbill's.
fn operators_refund(refund: &RefundResponse) -> Option<RefundResponse> {
    let id = uuid::Builder::from_random_bytes(random_bytes().ok()?).into_uuid().to_string();
    let remaining = refund.remaining;
    Some(RefundResponse {
        ext_refund_id: ExtId::parse(&id)?,
        refund_id: id,
        amount: Money { amount_minor: 1, ..remaining },
        remaining: Money { amount_minor: remaining.amount_minor - 1, ..remaining },
        ..refund.clone()
    })
}
