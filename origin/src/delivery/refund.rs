//! One refund, on its way to the bill. Billing finds the bill by the charge, whoever has the number today.

use super::{later_or_parked, may_be_told};
use crate::app::App;
use crate::config::Billing;
use crate::store::{HandOff, Refund};
use onbill_domain::wire::csp::{BillRefundRequest, BillRefundResponse, BillingDecision};

/// One attempt at giving money back. `attempt` counts from 1. An earlier one may have reached billing: the same id again
/// gets its answer. Where billing takes files, the refund waits for one.
pub(crate) async fn hand_off(app: &App, refund: &Refund, attempt: u32) -> HandOff {
    if app.config.billing == Billing::Files {
        return HandOff::Later { due_at: app.now() };
    }
    let request = BillRefundRequest {
        refund_id: refund.refund_id.clone(),
        transaction_id: refund.transaction_id.clone(),
        amount: refund.amount,
    };
    let Ok(answer) = app.bss.refund(&request).await else {
        tracing::warn!(refund.refund_id, attempt, "a refund is unclear");
        return later_or_parked(app, attempt);
    };
    verdict(answer)
}

/// The same for a refund that is known by its id.
pub(super) async fn read_and_hand_off(app: &App, refund_id: &str, attempt: u32) -> HandOff {
    match app.store.refund(refund_id.to_owned()).await {
        Ok(Some(refund)) => hand_off(app, &refund, attempt).await,
        // Settled meanwhile by another lease: the entry went with it.
        Ok(None) => HandOff::Dropped,
        Err(error) => {
            tracing::error!(?error, "a refund could not be read");
            later_or_parked(app, attempt)
        }
    }
}

/// Billing's word, translated.
pub(crate) fn verdict(answer: BillRefundResponse) -> HandOff {
    let raw_code = answer.raw_code.filter(|code| may_be_told(code, None));
    match answer.status {
        BillingDecision::Approved => HandOff::Done { raw_code },
        BillingDecision::Declined => HandOff::Refused { raw_code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billings_code_reaches_the_partner_unless_it_could_tell_a_number() {
        let told = |status, raw_code: &str| {
            verdict(BillRefundResponse { status, raw_code: Some(raw_code.to_owned()) })
        };
        for (code, told_code) in [("61", Some("61")), ("no bill of +12025550101", None), ("2025550101", None)]
        {
            let raw_code = told_code.map(str::to_owned);
            let done = HandOff::Done { raw_code: raw_code.clone() };
            assert_eq!(told(BillingDecision::Approved, code), done, "{code}");
            assert_eq!(told(BillingDecision::Declined, code), HandOff::Refused { raw_code }, "{code}");
        }
    }
}
