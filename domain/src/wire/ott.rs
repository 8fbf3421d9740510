//! Partner → edge → origin: the OTT API.

use crate::account::AccountType;
use crate::day::{Day, ServicePeriod};
use crate::decline_reason::DeclineReason;
use crate::ids::{ExtId, OfferId, OperatorId};
use crate::limits::{CHARGE_MINOR_MAX, DESCRIPTION_CHARS_MAX};
use crate::locale::Locale;
use crate::money::Money;
use crate::pai::Pai;
use crate::reject::Reject;
use crate::wire::coupon::COUPON_CHARGE_PREFIX;
use serde::{Deserialize, Serialize};

/// `POST /token/validate`: spend the sign-up token.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenValidateRequest {
    /// The token from the sign-up session.
    pub token: String,
    /// The partner's name for this visit; the same again gets the same answer.
    pub ext_reference: ExtId,
}

/// Who the token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenValidateResponse {
    /// The subscriber, as this partner knows them from now on.
    pub pai: Pai,
    /// Their operator.
    pub operator: OperatorId,
    /// What they chose.
    pub offer: OfferId,
    /// Always `ACTIVE`: other accounts get no token.
    pub status: String,
    /// How the account pays.
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// The language they were reading.
    pub locale: Locale,
    /// Where to send the customer's browser afterwards.
    #[serde(rename = "returnURL")]
    pub return_url: String,
    /// The last day that coupons have paid for already: charges begin the day after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Day>,
}

/// Which choice the customer made at the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubscriptionSource {
    /// A new account, on carrier billing from the start.
    NewAccount,
    /// An account that was paid by card until now.
    ExistingAccount,
}

impl SubscriptionSource {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewAccount => "NEW_ACCOUNT",
            Self::ExistingAccount => "EXISTING_ACCOUNT",
        }
    }
}

/// `POST /partnerSubscription`: the customer finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSubscriptionRequest {
    /// Who.
    pub pai: Pai,
    /// The partner's name for the subscription.
    #[serde(rename = "extSubscriptionID")]
    pub ext_subscription_id: ExtId,
    /// New or moved.
    pub origin: SubscriptionSource,
    /// The partner's plan.
    pub plan: ExtId,
}

/// The subscription as we keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerSubscriptionResponse {
    /// Our name for it.
    #[serde(rename = "partnerSubscriptionID")]
    pub partner_subscription_id: String,
    /// `ACTIVE`.
    pub status: String,
}

/// `POST /transaction`: one charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionRequest {
    /// The partner's name for the charge, unique for ever.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Who is charged.
    pub pai: Pai,
    /// How much.
    pub amount: Money,
    /// The line on the bill.
    pub description: String,
    /// The days it pays for.
    pub service_period: ServicePeriod,
    /// How much of the amount is tax, when the partner says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
}

impl TransactionRequest {
    /// Checks what the types do not: the name, the amount's bounds, the description, the tax.
    pub fn check(&self) -> Result<(), Reject> {
        if self.ext_transaction_id.as_str().starts_with(COUPON_CHARGE_PREFIX) {
            return Err(Reject::invalid_request("extTransactionID begins as only those of coupons do."));
        }
        if !(1..=CHARGE_MINOR_MAX).contains(&self.amount.amount_minor) {
            return Err(Reject::invalid_request(
                "amount.value must be a positive number of minor units below the limit.",
            ));
        }
        if !is_line(&self.description) {
            return Err(Reject::invalid_request("description must be 1 to 100 printable characters."));
        }
        match self.tax {
            Some(tax) if tax.currency != self.amount.currency => {
                Err(Reject::invalid_request("tax must be in the currency of the amount."))
            }
            Some(tax) if !(0..=self.amount.amount_minor).contains(&tax.amount_minor) => {
                Err(Reject::invalid_request("tax must lie between nothing and the amount."))
            }
            _ => Ok(()),
        }
    }
}

/// Whether it can stand on one line of a bill.
pub(super) fn is_line(text: &str) -> bool {
    let length = text.chars().count();
    (1..=DESCRIPTION_CHARS_MAX).contains(&length)
        && !text.chars().any(char::is_control)
        && !text.trim().is_empty()
}

/// Where a charge or a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TransactionStatus {
    /// On its way to billing; not known yet.
    Pending,
    /// On the bill.
    Approved,
    /// Refused for good, with a reason.
    Declined,
}

impl TransactionStatus {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Declined => "DECLINED",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Approved, Self::Declined].into_iter().find(|status| status.as_str() == word)
    }
}

/// The code that another system gave, untranslated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawResult {
    /// Whose code it is: `billing`.
    pub scope: String,
    /// The code.
    pub raw_code: String,
}

/// A charge as the partner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionResponse {
    /// Our name for it.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// What billing said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_result: Option<RawResult>,
}

/// `POST /transaction/{extTransactionID}/refund`: gives back all or part of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundRequest {
    /// The partner's name for the refund, unique for ever.
    #[serde(rename = "extRefundID")]
    pub ext_refund_id: ExtId,
    /// How much; all that is left when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Why, in the partner's words: for the books, not for the bill.
    pub reason: String,
}

impl RefundRequest {
    /// Checks what the types do not: the amount's bounds and the reason. Whether so much is left, only the books know.
    pub fn check(&self) -> Result<(), Reject> {
        if self.amount.is_some_and(|amount| !(1..=CHARGE_MINOR_MAX).contains(&amount.amount_minor)) {
            return Err(Reject::invalid_request(
                "amount.value must be a positive number of minor units below the limit.",
            ));
        }
        if is_line(&self.reason) {
            Ok(())
        } else {
            Err(Reject::invalid_request("reason must be 1 to 100 printable characters."))
        }
    }
}

/// A refund as the partner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundResponse {
    /// Our name for it.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The partner's.
    #[serde(rename = "extRefundID")]
    pub ext_refund_id: ExtId,
    /// The partner's name for the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Where it stands.
    pub status: TransactionStatus,
    /// How much is given back.
    pub amount: Money,
    /// How much of the charge is left when all its refunds but the declined ones are taken off.
    pub remaining: Money,
    /// What billing said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_result: Option<RawResult>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn charge(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
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

    /// A charge's fingerprint is the hash of this text, kept for ever: another spelling of the same charge would make
    /// each replay of an older one a conflict.
    #[test]
    fn a_charge_has_one_spelling_for_ever() {
        let body = json!({
            "servicePeriod": {"to": "2026-12-31", "from": "2026-12-01"}, "description": "Netflix",
            "amount": {"currency": "USD", "value": 1599}, "pai": "01010101-0101-4101-8101-010101010101",
            "extTransactionID": "n-1", "unknown": true, "tax": null,
        });
        let spelled = |body: &Value| {
            let request: TransactionRequest =
                crate::wire::parse(body.to_string().as_bytes()).expect("is a charge");
            serde_json::to_string(&request).expect("is JSON")
        };
        let begin = r#"{"extTransactionID":"n-1","pai":"01010101-0101-4101-8101-010101010101","amount":{"value":1599,"currency":"USD"},"description":"Netflix","servicePeriod":{"from":"2026-12-01","to":"2026-12-31"}"#;
        assert_eq!(spelled(&body), format!("{begin}}}"));
        let mut taxed = body;
        taxed["tax"] = json!({"value": 120, "currency": "USD"});
        assert_eq!(spelled(&taxed), format!(r#"{begin},"tax":{{"value":120,"currency":"USD"}}}}"#));
    }

    #[test]
    fn a_refund_is_checked_and_has_one_spelling_for_ever() {
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
            ("reason", json!("x".repeat(101))),
            ("reason", Value::Null),
            ("extRefundID", json!("x".repeat(300))),
        ] {
            let mut bad = part.clone();
            bad[member] = value;
            let verdict = refund(bad.clone()).and_then(|refund| refund.check());
            assert_eq!(verdict.map_err(|reject| reject.code.as_str()), Err("invalid-request"), "{bad}");
        }
    }

    #[test]
    fn a_charge_is_checked_member_by_member() {
        assert_eq!(charge(|_| {}), Ok(()));
        assert_eq!(charge(|c| c["tax"] = json!({"value": 120, "currency": "USD"})), Ok(()));
        let bad: [fn(&mut Value); 15] = [
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
            |c| c["description"] = json!("x".repeat(101)),
            |c| c["tax"] = json!({"value": 1600, "currency": "USD"}),
            |c| c["tax"] = json!({"value": 1, "currency": "EUR"}),
        ];
        for (n, change) in bad.into_iter().enumerate() {
            assert_eq!(charge(change), Err("invalid-request"), "case {n}");
        }
    }
}
