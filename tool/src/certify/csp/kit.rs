//! The calls of the CSP API, and how the origin reads their responses.

use super::numbers::Numbers;
use crate::ambient::{now, random_bytes};
use crate::certify::answer::{Answer, NoAnswer, Seen, describe};
use crate::certify::caller::{Caller, Signing};
use crate::certify::check::Finding;
use crate::certify::limits::{Limits, PARALLEL_CALLS};
use crate::certify::run::Kit;
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::ExtId;
use onbill_domain::key::Key;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::csp::{
    AccountPurpose, AccountValidateRequest, BillChargeRequest, BillRefundRequest, BillingDecision, ChargeKind,
};
use onbill_domain::wire::csp_answer::{
    AccountAnswer, has_error_code, read_account, read_charge_outcome, read_refund_outcome,
};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OnceCell;

pub(super) const ACCOUNT: &str = "/account/validate";
pub(super) const CHARGE: &str = "/transaction";
pub(super) const REFUND: &str = "/refund";
pub(super) const SMS: &str = "/notification";

/// How often a call is made whose connection ends without a response.
const ATTEMPTS_MAX: usize = 3;

pub(super) struct CspKit {
    pub(super) caller: Caller,
    pub(super) key: Key,
    pub(super) numbers: Numbers,
    signed_about: OnceCell<BillChargeRequest>,
}

impl Kit for CspKit {
    fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl CspKit {
    pub(super) fn new(url: &str, key: Key, numbers: Numbers, limits: Limits) -> anyhow::Result<Self> {
        Ok(Self { caller: Caller::new(url, limits)?, key, numbers, signed_about: OnceCell::new() })
    }

    fn answer_within(&self) -> Duration {
        self.caller.limits.answer_within
    }

    /// A post with a genuine signature.
    pub(super) async fn post(&self, path: &str, body: &impl Serialize) -> Seen {
        self.post_signed(path, body, Signing::Genuine).await
    }

    pub(super) async fn post_signed(&self, path: &str, body: &impl Serialize, signing: Signing) -> Seen {
        // The partner waits for a charge and for a refund.
        let is_handed_off = [CHARGE, REFUND].contains(&path);
        let within = if is_handed_off { self.caller.limits.charge_within } else { self.answer_within() };
        let body = serde_json::to_value(body).unwrap_or_default();
        let build = || self.caller.request(&Method::POST, path, &body, &self.key, signing);
        self.send_whole(build, within).await
    }

    /// Makes the call again, signed again, while its connection ends without a response. onbill does so
    /// too, and `csp-whole` says that it has happened: it would make any check fail, now and then.
    async fn send_whole(&self, build: impl Fn() -> anyhow::Result<Request<Bytes>>, within: Duration) -> Seen {
        let mut seen = self.caller.send(build(), within).await;
        for _ in 1..ATTEMPTS_MAX {
            if !matches!(seen, Err(NoAnswer::Broken(_))) {
                break;
            }
            seen = self.caller.send(build(), within).await;
        }
        seen
    }

    /// Several posts with the same body at the same time, each with a signature of its own.
    pub(super) async fn post_in_parallel(&self, path: &str, body: &impl Serialize) -> Vec<Seen> {
        join_all((0..PARALLEL_CALLS).map(|_| self.post(path, body))).await
    }

    /// Looks up a charge.
    pub(super) async fn look_up(&self, transaction_id: &str) -> Seen {
        self.look_up_signed(transaction_id, Signing::Genuine).await
    }

    pub(super) async fn look_up_signed(&self, transaction_id: &str, signing: Signing) -> Seen {
        let path = format!("{CHARGE}/{transaction_id}");
        let build = || self.caller.request(&Method::GET, &path, &Value::Null, &self.key, signing);
        self.send_whole(build, self.answer_within()).await
    }

    /// The question whether an account may be charged.
    pub(super) fn question(&self, msisdn: &Msisdn) -> AccountValidateRequest {
        AccountValidateRequest {
            msisdn: msisdn.clone(),
            partner: Some(self.numbers.partner.clone()),
            offer: Some(self.numbers.offer.clone()),
            amount: Some(self.amount(self.numbers.amount)),
            purpose: Some(AccountPurpose::Charge),
        }
    }

    /// The question whose number it is.
    pub(super) fn bare_question(msisdn: &Msisdn) -> AccountValidateRequest {
        AccountValidateRequest {
            msisdn: msisdn.clone(),
            partner: None,
            offer: None,
            amount: None,
            purpose: None,
        }
    }

    pub(super) fn amount(&self, amount_minor: i64) -> Money {
        Money { amount_minor, currency: self.numbers.currency }
    }

    /// The balance of an account in minor units, where the API tells it.
    pub(super) async fn balance(&self, msisdn: &Msisdn) -> Option<i64> {
        let read = account(&self.post(ACCOUNT, &self.question(msisdn)).await).ok()?;
        Some(read.account.balance?.amount_minor)
    }

    /// A charge with an id of its own, of the subscriber who has the number now.
    pub(super) async fn new_charge(&self, msisdn: &Msisdn) -> Result<BillChargeRequest, String> {
        let account = account(&self.post(ACCOUNT, &self.question(msisdn)).await)
            .map_err(|seen| format!("answer for the account first: {seen}"))?;
        let id = new_id()?;
        let period = ServicePeriod::from_months(Day::of_timestamp(now()).first_of_month(), 1);
        Ok(BillChargeRequest {
            ext_transaction_id: ExtId::parse(&format!("certify-{id}")).ok_or("the id is no id")?,
            transaction_id: id,
            msisdn: msisdn.clone(),
            amount: self.amount(self.numbers.amount),
            description: "onbill conformance test".to_owned(),
            service_period: period.ok_or("this month is not in the calendar")?,
            partner: self.numbers.partner.clone(),
            subscriber_id: account.subscriber_id,
            offer: Some(self.numbers.offer.clone()),
            plan: ExtId::parse("standard"),
            charge_code: self.numbers.charge_code.clone(),
            tax: None,
            kind: ChargeKind::Subscription,
        })
    }

    /// A charge that is on the bill.
    pub(super) async fn billed_charge(&self) -> Result<BillChargeRequest, String> {
        let charge = self.new_charge(&self.numbers.active).await?;
        approved(&self.post(CHARGE, &charge).await).map_err(|seen| format!("charge it first: {seen}"))?;
        Ok(charge)
    }

    /// One charge on the bill, about which all wrongly signed calls are: they would succeed if the
    /// signature were right.
    pub(super) async fn signed_about(&self) -> Result<&BillChargeRequest, String> {
        self.signed_about.get_or_try_init(|| self.billed_charge()).await
    }

    /// A refund of some of a charge, with an id of its own.
    pub(super) fn new_refund(
        &self,
        charge: &BillChargeRequest,
        amount_minor: i64,
    ) -> Result<BillRefundRequest, String> {
        Ok(BillRefundRequest {
            refund_id: new_id()?,
            transaction_id: charge.transaction_id.clone(),
            amount: self.amount(amount_minor),
            partner: self.numbers.partner.clone(),
            charge_code: self.numbers.charge_code.clone(),
            tax: None,
        })
    }
}

/// A random UUID, such as onbill's ids of charges and refunds.
pub(super) fn new_id() -> Result<String, String> {
    let bytes = random_bytes().map_err(|error| format!("{error:#}"))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

/// The response with this status, or what was seen.
pub(super) fn with_status<'s>(seen: &'s Seen, statuses: &[u16]) -> Result<&'s Answer, String> {
    match seen {
        Ok(answer) if statuses.contains(&answer.status) => Ok(answer),
        _ => Err(describe(seen)),
    }
}

/// The account in a response, as the origin reads it.
pub(super) fn account(seen: &Seen) -> Result<AccountAnswer, String> {
    let answer = with_status(seen, &[200])?;
    read_account(&answer.body).ok_or_else(|| answer.to_string())
}

/// The decision on a charge, as the origin reads it.
pub(super) fn charge_decision(seen: &Seen) -> Result<BillingDecision, String> {
    let answer = with_status(seen, &[200, 201])?;
    read_charge_outcome(&answer.body).map(|read| read.status).ok_or_else(|| answer.to_string())
}

/// The decision on a refund, as the origin reads it.
pub(super) fn refund_decision(seen: &Seen) -> Result<BillingDecision, String> {
    let answer = with_status(seen, &[200, 201])?;
    read_refund_outcome(&answer.body).map(|read| read.status).ok_or_else(|| answer.to_string())
}

/// Whether a charge is on the bill.
pub(super) fn approved(seen: &Seen) -> Finding {
    match charge_decision(seen)? {
        BillingDecision::Approved => Ok(()),
        BillingDecision::Declined => Err(describe(seen)),
    }
}

/// Whether a refund is on the bill.
pub(super) fn refunded(seen: &Seen) -> Finding {
    match refund_decision(seen)? {
        BillingDecision::Approved => Ok(()),
        BillingDecision::Declined => Err(describe(seen)),
    }
}

/// Whether a 404 is the operator's own.
pub(super) fn absent(seen: &Seen, code: ErrorCode) -> Finding {
    let answer = with_status(seen, &[404])?;
    if has_error_code(&answer.body, code) { Ok(()) } else { Err(answer.to_string()) }
}

/// Whether two responses have the same body: byte for byte, or member for member as the origin reads
/// them. An approved refund may have none.
pub(super) fn same(first: &Seen, again: &Seen) -> Finding {
    let body = |seen: &Seen| seen.clone().map_err(|none| none.to_string());
    let (one, other) = (body(first)?, body(again)?);
    let is_same = one.body.trim_ascii() == other.body.trim_ascii()
        || one.members().is_some_and(|members| other.members() == Some(members));
    if is_same { Ok(()) } else { Err(format!("first {one}, then {other}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_body_is_read_as_the_origin_reads_it() {
        let seen = |body: &'static str| {
            let content_type = "application/json".to_owned();
            Ok(Answer {
                status: 200,
                content_type,
                location: None,
                body: Bytes::from_static(body.as_bytes()),
            })
        };
        for (first, again) in [
            ("", " "),
            ("not JSON", "not JSON"),
            (r#"{"status":"APPROVED","code":00}"#, r#"{"status":"APPROVED","code":00}"#),
            (
                r#"{"status":"APPROVED","billedOn":"2026-12-14"}"#,
                r#"{"billedOn":"2026-12-14", "status":"APPROVED",}"#,
            ),
        ] {
            assert_eq!(same(&seen(first), &seen(again)), Ok(()), "{first} {again}");
        }
        for (first, again) in [
            ("", r#"{"status":"APPROVED"}"#),
            (r#"{"status":"APPROVED"}"#, r#"{"status":"DECLINED"}"#),
            (r#"{"status":"APPROVED"}"#, r#"{"status":"APPROVED","rawCode":"0"}"#),
            ("not JSON", "no JSON"),
        ] {
            assert!(same(&seen(first), &seen(again)).is_err(), "{first} {again}");
        }
        assert!(same(&seen("{}"), &Err(NoAnswer::TooLarge)).is_err());
    }
}
