//! What billing's response to a charge or a refund means.

use super::raw_code;
use crate::config::BillingCodes;
use crate::store::{ChargeDecision, RefundDecision};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{BillChargeResponse, BillRefundResponse, BillingDecision};

/// A code of the configuration means what is there. Otherwise a code that is one of our own reasons
/// is that reason; any other decline is the operator's risk decision. A code that would close the
/// PAI is not accepted from billing: the account, which was looked up just before, decides about
/// that.
pub(super) fn interpret_charge_decision(
    codes: &BillingCodes,
    response: BillChargeResponse,
    msisdn: Option<&Msisdn>,
) -> ChargeDecision {
    let BillChargeResponse { status, raw_code, billed_on } = response;
    // A code of the configuration decides, even where it may not be passed on.
    let configured = raw_code.as_deref().and_then(|code| codes.find(code));
    let raw_code = raw_code::keep_publishable(raw_code, msisdn);
    match status {
        BillingDecision::Approved => ChargeDecision::Approved { raw_code, billed_on },
        BillingDecision::Declined => {
            let own = || raw_code.as_deref().and_then(DeclineReason::parse);
            let known = configured.or_else(own).filter(|reason| !reason.closes_pai());
            ChargeDecision::Declined { reason: known.unwrap_or(DeclineReason::RiskDeclined), raw_code }
        }
    }
}

/// Interprets billing's decision about a refund.
pub(super) fn interpret_refund_decision(response: BillRefundResponse) -> RefundDecision {
    let raw_code = raw_code::keep_publishable(response.raw_code, None);
    match response.status {
        BillingDecision::Approved => RefundDecision::Approved { raw_code },
        BillingDecision::Declined => RefundDecision::Declined { raw_code },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decline_by_billing_does_not_close_a_pai() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        for reason in DeclineReason::ALL {
            let raw_code = Some(reason.as_str().to_owned());
            let interpreted = if reason.closes_pai() { DeclineReason::RiskDeclined } else { reason };
            assert_eq!(
                interpret_charge_decision(
                    &BillingCodes::default(),
                    declined(raw_code.as_deref()),
                    Some(&msisdn)
                ),
                ChargeDecision::Declined { reason: interpreted, raw_code }
            );
        }
    }

    fn declined(raw_code: Option<&str>) -> BillChargeResponse {
        let raw_code = raw_code.map(str::to_owned);
        BillChargeResponse { status: BillingDecision::Declined, raw_code, billed_on: None }
    }

    #[test]
    fn code_of_the_operator_means_what_is_configured() {
        use DeclineReason::{AccountOnHold, ChargeExceedsDailyLimit, InsufficientBalance, RiskDeclined};
        let codes: BillingCodes = [
            ("4012", InsufficientBalance),
            ("insufficient-balance", AccountOnHold),
            ("2025550101", ChargeExceedsDailyLimit),
        ]
        .map(|(code, reason)| (code.to_owned(), reason))
        .into_iter()
        .collect();
        for (raw_code, reason, passed_code) in [
            (Some("4012"), InsufficientBalance, Some("4012")),
            (Some("4013"), RiskDeclined, Some("4013")),
            (Some("insufficient-balance"), AccountOnHold, Some("insufficient-balance")),
            (Some("account-on-hold"), AccountOnHold, Some("account-on-hold")),
            (Some("account-closed"), RiskDeclined, Some("account-closed")),
            // It looks like a number, so it decides and is not passed on.
            (Some("2025550101"), ChargeExceedsDailyLimit, None),
            (None, RiskDeclined, None),
        ] {
            assert_eq!(
                interpret_charge_decision(&codes, declined(raw_code), None),
                ChargeDecision::Declined { reason, raw_code: passed_code.map(str::to_owned) },
                "{raw_code:?}"
            );
        }
        let approved = BillChargeResponse { status: BillingDecision::Approved, ..declined(Some("4012")) };
        let raw_code = Some("4012".to_owned());
        assert_eq!(
            interpret_charge_decision(&codes, approved, None),
            ChargeDecision::Approved { raw_code, billed_on: None }
        );
    }

    #[test]
    fn raw_code_of_charge_never_contains_the_number() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        let interpreted = |raw_code: &str| {
            let answer = declined(Some(raw_code));
            let ChargeDecision::Declined { raw_code, .. } =
                interpret_charge_decision(&BillingCodes::default(), answer, Some(&msisdn))
            else {
                panic!("is a decline")
            };
            raw_code
        };
        for code in ["51", "insufficient-balance", "E:2020/55-A", &"x".repeat(64)] {
            assert_eq!(interpreted(code).as_deref(), Some(code));
        }
        for code in [
            "no credit: +12025550101",
            "2025550101",
            "(202) 555-0101",
            "555.0101",
            "",
            "a\nb",
            &"x".repeat(65),
        ] {
            assert_eq!(interpreted(code), None, "{code}");
        }
    }

    #[test]
    fn raw_code_of_refund_never_contains_a_number() {
        let interpreted = |status, raw_code: &str| {
            interpret_refund_decision(BillRefundResponse { status, raw_code: Some(raw_code.to_owned()) })
        };
        for (code, passed_code) in
            [("61", Some("61")), ("no bill of +12025550101", None), ("2025550101", None)]
        {
            let raw_code = passed_code.map(str::to_owned);
            let done = RefundDecision::Approved { raw_code: raw_code.clone() };
            assert_eq!(interpreted(BillingDecision::Approved, code), done, "{code}");
            assert_eq!(
                interpreted(BillingDecision::Declined, code),
                RefundDecision::Declined { raw_code },
                "{code}"
            );
        }
    }
}
