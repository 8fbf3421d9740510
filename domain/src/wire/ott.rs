//! Partner → edge → origin: the OTT API.

use crate::account::AccountType;
use crate::day::{Day, ServicePeriod};
use crate::decline_reason::DeclineReason;
use crate::ids::{ExtId, OfferId, OperatorId, PartnerId};
use crate::limits::{CHARGE_MINOR_MAX, DESCRIPTION_CHARS_MAX, SIGNATURE_SKEW_SECONDS};
use crate::locale::Locale;
use crate::money::Money;
use crate::pai::Pai;
use crate::plain_text::is_plain_text;
use crate::reject::Reject;
use crate::tax::Tax;
use crate::timestamp::Timestamp;
use crate::wire::coupon::COUPON_CHARGE_PREFIX;
use serde::{Deserialize, Serialize};

/// `GET /echo`: what an operator's origin has seen of a call, for a partner's engineer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EchoResponse {
    /// The partner that has signed the call.
    pub partner: PartnerId,
    /// The operator whose origin answers.
    pub operator: OperatorId,
    /// The key that has signed it.
    pub keyid: String,
    /// The tag of its signature.
    pub tag: String,
    /// When it was signed, in Unix seconds of the partner's clock.
    pub created: i64,
    /// The correlator of the call.
    pub correlator: String,
}

/// `POST /token/validate`: use up the sign-up token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenValidateRequest {
    /// The token from the sign-up session.
    pub token: String,
    /// The partner's id of this sign-up; repeating it gets the stored response.
    pub ext_reference: ExtId,
}

/// The subscriber that the token is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenValidateResponse {
    /// The subscriber's PAI for this partner.
    pub pai: Pai,
    /// The subscriber's operator.
    pub operator: OperatorId,
    /// The offer that the customer chose.
    pub offer: OfferId,
    /// Always `ACTIVE`: other accounts get no token.
    pub status: String,
    /// How the account pays.
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// The customer's language.
    pub locale: Locale,
    /// Where to send the customer's browser afterwards.
    #[serde(rename = "returnURL")]
    pub return_url: String,
    /// The last day that coupons have paid for; charges begin the day after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Day>,
}

crate::wire_enum! {
    /// Whether the customer's account at the partner is new.
    pub enum SubscriptionSource {
        /// A new account, on carrier billing from the start.
        NewAccount = "NEW_ACCOUNT",
        /// An account that was paid by card before.
        ExistingAccount = "EXISTING_ACCOUNT",
    }
}

/// `POST /partnerSubscription`: the customer finished the sign-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSubscriptionRequest {
    /// The subscriber.
    pub pai: Pai,
    /// The partner's id of the subscription.
    #[serde(rename = "extSubscriptionID")]
    pub ext_subscription_id: ExtId,
    /// Whether the account at the partner is new.
    #[serde(rename = "origin")]
    pub source: SubscriptionSource,
    /// The partner's plan.
    pub plan: ExtId,
    /// The price for a month that the customer has agreed to at the partner. Without it, it is the
    /// price that the widget has shown, or that of the operator's offer with this plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// When the customer has agreed to it at the partner.
    #[serde(rename = "consentAt", default, skip_serializing_if = "Option::is_none")]
    pub consent_at: Option<Timestamp>,
}

impl PartnerSubscriptionRequest {
    /// Checks what the types do not. Whether the price is one that is sold here is checked by the
    /// origin.
    pub fn check(&self, now: Timestamp) -> Result<(), Reject> {
        if self.price.is_some_and(|price| !(1..=CHARGE_MINOR_MAX).contains(&price.amount_minor)) {
            return Err(Reject::invalid_request(
                "price.value must be a positive number of minor units below the limit.",
            ));
        }
        if self.consent_at.is_some_and(|at| at.seconds_since(now) > SIGNATURE_SKEW_SECONDS) {
            return Err(Reject::invalid_request("consentAt must not lie in the future."));
        }
        Ok(())
    }
}

/// The stored subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSubscriptionResponse {
    /// The subscription's id at onbill.
    #[serde(rename = "partnerSubscriptionID")]
    pub partner_subscription_id: String,
    /// Always `ACTIVE`.
    pub status: String,
}

/// `POST /transaction`: post a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionRequest {
    /// The partner's id of the charge, never reused.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// The subscriber who is charged.
    pub pai: Pai,
    /// The amount, tax included.
    pub amount: Money,
    /// The text of the bill line.
    pub description: String,
    /// The days that it pays for.
    pub service_period: ServicePeriod,
    /// The part of the amount that is tax, if the partner states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Tax>,
    /// The subscription that it is for, by onbill's id. Without it, it is the one whose agreement covers
    /// the charge.
    #[serde(rename = "partnerSubscriptionID", default, skip_serializing_if = "Option::is_none")]
    pub partner_subscription_id: Option<ExtId>,
}

impl TransactionRequest {
    /// Checks what the types do not: the id, the bounds of the amount, the description, the tax.
    pub fn check(&self) -> Result<(), Reject> {
        if self.ext_transaction_id.as_str().starts_with(COUPON_CHARGE_PREFIX) {
            return Err(Reject::invalid_request("extTransactionID must not begin with onbill-coupon-."));
        }
        check_amount(self.amount)?;
        if !is_printable_line(&self.description) {
            return Err(Reject::invalid_request("description must be 1 to 100 printable characters."));
        }
        self.tax.as_ref().map_or(Ok(()), |tax| tax.check(self.amount))
    }
}

/// Checks the bounds of the amount of a charge or a refund.
fn check_amount(amount: Money) -> Result<(), Reject> {
    if (1..=CHARGE_MINOR_MAX).contains(&amount.amount_minor) {
        Ok(())
    } else {
        Err(Reject::invalid_request("amount.value must be a positive number of minor units below the limit."))
    }
}

/// Whether the text is plain and fits on one line of a bill.
pub(super) fn is_printable_line(text: &str) -> bool {
    text.chars().count() <= DESCRIPTION_CHARS_MAX && is_plain_text(text)
}

crate::wire_enum! {
    /// The status of a charge or a refund. It settles once, from pending to one of the others.
    pub enum TransactionStatus {
        /// Billing's decision is not known yet.
        Pending = "PENDING",
        /// Billing has put it on the bill.
        Approved = "APPROVED",
        /// It was declined permanently.
        Declined = "DECLINED",
    }
}

/// A result code of another system, as that system sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawResult {
    /// Whose code it is: `billing` for billing's own; `account` where the account may not pay on the
    /// bill; `mandate` or `coupon` for a charge that onbill has declined itself.
    pub scope: String,
    /// The system's own code.
    pub raw_code: String,
}

/// A charge, as the partner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionResponse {
    /// The charge's id at onbill.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// The code of what decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_result: Option<RawResult>,
}

/// `POST /transaction/{extTransactionID}/refund`: refund all or part of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRequest {
    /// The partner's id of the refund, never reused.
    #[serde(rename = "extRefundID")]
    pub ext_refund_id: ExtId,
    /// The amount to refund; all that remains of the charge when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The partner's reason, which is stored and not put on the bill.
    pub reason: String,
}

impl RefundRequest {
    /// Checks what the types do not: the bounds of the amount, and the reason. Whether the charge
    /// has that much left is checked by the origin.
    pub fn check(&self) -> Result<(), Reject> {
        if let Some(amount) = self.amount {
            check_amount(amount)?;
        }
        if is_printable_line(&self.reason) {
            Ok(())
        } else {
            Err(Reject::invalid_request("reason must be 1 to 100 printable characters."))
        }
    }
}

/// A refund, as the partner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundResponse {
    /// The refund's id at onbill.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The partner's id of the refund.
    #[serde(rename = "extRefundID")]
    pub ext_refund_id: ExtId,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// The amount that is refunded.
    pub amount: Money,
    /// What remains of the charge after all its refunds, pending ones included.
    pub remaining: Money,
    /// Billing's own result code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_result: Option<RawResult>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check_changed_charge(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut body = json!({
            "extTransactionID": "n-1", "pai": Pai::from_random([1; 16]).to_string(),
            "amount": {"value": 1599, "currency": "USD"}, "description": "Netflix Standard",
            "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}, "unknown": true,
        });
        change(&mut body);
        let request: TransactionRequest =
            crate::wire::parse(body.to_string().as_bytes()).map_err(|reject| reject.code.as_str())?;
        request.check().map_err(|reject| reject.code.as_str())
    }

    /// The fingerprint of a charge is the hash of this text, and is stored permanently. Another
    /// spelling would make each replay of an older charge a conflict.
    #[test]
    fn charge_json_is_pinned() {
        let body = json!({
            "servicePeriod": {"to": "2026-12-31", "from": "2026-12-01"}, "description": "Netflix",
            "amount": {"currency": "USD", "value": 1599}, "pai": "01010101-0101-4101-8101-010101010101",
            "extTransactionID": "n-1", "unknown": true, "tax": null,
        });
        let canonical = |body: &Value| {
            let request: TransactionRequest =
                crate::wire::parse(body.to_string().as_bytes()).expect("is a charge");
            serde_json::to_string(&request).expect("is JSON")
        };
        let begin = r#"{"extTransactionID":"n-1","pai":"01010101-0101-4101-8101-010101010101","amount":{"value":1599,"currency":"USD"},"description":"Netflix","servicePeriod":{"from":"2026-12-01","to":"2026-12-31"}"#;
        assert_eq!(canonical(&body), format!("{begin}}}"));
        let mut taxed = body.clone();
        taxed["tax"] = json!({"value": 120, "currency": "USD"});
        assert_eq!(canonical(&taxed), format!(r#"{begin},"tax":{{"value":120,"currency":"USD"}}}}"#));
        taxed["tax"] =
            json!({"included": true, "rate": "8.25", "value": 120, "currency": "USD", "unknown": 1});
        assert_eq!(
            canonical(&taxed),
            format!(r#"{begin},"tax":{{"value":120,"currency":"USD","rate":"8.25","included":true}}}}"#)
        );
        let mut named = body;
        named["partnerSubscriptionID"] = json!("ps-1");
        assert_eq!(canonical(&named), format!(r#"{begin},"partnerSubscriptionID":"ps-1"}}"#));
    }

    #[test]
    fn refund_is_checked_and_its_json_is_pinned() {
        let refund = |body: Value| crate::wire::parse::<RefundRequest>(body.to_string().as_bytes());
        let whole =
            refund(json!({"reason": "Left", "extRefundID": "r-1", "unknown": 1})).expect("is a refund");
        assert_eq!(whole.check(), Ok(()));
        assert_eq!(
            serde_json::to_string(&whole).expect("is JSON"),
            r#"{"extRefundID":"r-1","reason":"Left"}"#
        );
        let part =
            json!({"extRefundID": "r-1", "amount": {"value": 600, "currency": "USD"}, "reason": "Left"});
        assert_eq!(
            serde_json::to_string(&refund(part.clone()).expect("is a refund")).expect("is JSON"),
            r#"{"extRefundID":"r-1","amount":{"value":600,"currency":"USD"},"reason":"Left"}"#
        );
        for (member, value) in [
            ("amount", json!({"value": 0, "currency": "USD"})),
            ("amount", json!({"value": -1, "currency": "USD"})),
            ("amount", json!({"value": 100_000_001, "currency": "USD"})),
            ("amount", json!({"value": 1.5, "currency": "USD"})),
            ("amount", json!(600)),
            ("reason", json!("")),
            ("reason", json!("a\nb")),
            ("reason", json!("a\u{2066}b")),
            ("reason", json!("\u{200e}")),
            ("reason", json!("x".repeat(101))),
            ("reason", Value::Null),
            ("extRefundID", json!("x".repeat(300))),
        ] {
            let mut bad = part.clone();
            bad[member] = value;
            let checked = refund(bad.clone()).and_then(|refund| refund.check());
            assert_eq!(checked.map_err(|reject| reject.code.as_str()), Err("invalid-request"), "{bad}");
        }
    }

    #[test]
    fn charge_is_checked_member_by_member() {
        assert_eq!(check_changed_charge(|_| {}), Ok(()));
        assert_eq!(check_changed_charge(|c| c["tax"] = json!({"value": 120, "currency": "USD"})), Ok(()));
        assert_eq!(check_changed_charge(|c| c["partnerSubscriptionID"] = json!("ps-1")), Ok(()));
        let bad: [fn(&mut Value); 26] = [
            |c| c["partnerSubscriptionID"] = json!(""),
            |c| c["partnerSubscriptionID"] = json!(7),
            |c| c["partnerSubscriptionID"] = json!(["ps-1"]),
            |c| c["extTransactionID"] = json!("onbill-coupon-1"),
            |c| c["amount"]["value"] = json!(0),
            |c| c["amount"]["value"] = json!(-1),
            |c| c["amount"]["value"] = json!(100_000_001),
            |c| c["amount"]["value"] = json!(15.99),
            |c| c["amount"]["value"] = json!("1599"),
            |c| c["amount"]["currency"] = json!("XXX"),
            |c| c["servicePeriod"] = json!({"from": "2026-12-31", "to": "2026-12-01"}),
            |c| c["servicePeriod"] = json!({"from": "2026-12-01", "to": "2030-12-01"}),
            |c| c["extTransactionID"] = json!("x".repeat(300)),
            |c| c["description"] = json!(""),
            |c| c["description"] = json!("a\u{0}b"),
            |c| c["description"] = json!("a\u{202e}b"),
            |c| c["description"] = json!("\u{200b}"),
            |c| c["description"] = json!("\u{200d}\u{3164}"),
            |c| c["description"] = json!("x".repeat(101)),
            |c| c["tax"] = json!({"value": 1600, "currency": "USD"}),
            |c| c["tax"] = json!({"value": 1, "currency": "EUR"}),
            |c| c["tax"] = json!({"value": -1, "currency": "USD"}),
            |c| c["tax"] = json!({"value": 1, "currency": "USD", "rate": 8.25}),
            |c| c["tax"] = json!({"value": 1, "currency": "USD", "rate": "101"}),
            |c| c["tax"] = json!({"value": 1, "currency": "USD", "included": false}),
            |c| c["tax"] = json!([1, "USD"]),
        ];
        for (n, change) in bad.into_iter().enumerate() {
            assert_eq!(check_changed_charge(change), Err("invalid-request"), "case {n}");
        }
    }
}
