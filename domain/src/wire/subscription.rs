//! Partner → edge → origin: later changes of a subscription. Its creation is in [`super::ott`].

use crate::day::Day;
use crate::ids::ExtId;
use crate::limits::CHARGE_MINOR_MAX;
use crate::money::Money;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use crate::wire::ott::is_printable_line;
use crate::wire::parse;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

crate::wire_enum! {
    /// The status of a subscription at the partner.
    pub enum SubscriptionStatus {
        /// The partner delivers it.
        Active = "ACTIVE",
        /// The partner has suspended it for a while.
        Suspended = "SUSPENDED",
        /// It was cancelled permanently.
        Cancelled = "CANCELLED",
    }
}

/// `PUT /partnerSubscription/{partnerSubscriptionID}`: what changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionUpdate {
    /// Its status.
    Status(SubscriptionChange),
    /// Its plan or its price, from a day on.
    Terms(TermsChange),
}

/// Which of the two a body is.
#[derive(Deserialize)]
struct UpdateKind {
    #[serde(rename = "changeID")]
    change_id: Option<IgnoredAny>,
    status: Option<IgnoredAny>,
    plan: Option<IgnoredAny>,
    price: Option<IgnoredAny>,
}

impl SubscriptionUpdate {
    /// Reads and checks a body. One with a `changeID` changes plan or price.
    pub fn parse(body: &[u8]) -> Result<Self, Reject> {
        let kind: UpdateKind = parse(body)?;
        match (kind.change_id, kind.status) {
            (Some(_), Some(_)) => Err(Reject::invalid_request(
                "status and changeID are two calls: one changes the status, the other plan or price.",
            )),
            (Some(_), None) => {
                let change: TermsChange = parse(body)?;
                change.check()?;
                Ok(Self::Terms(change))
            }
            (None, _) if kind.plan.is_some() || kind.price.is_some() => {
                Err(Reject::invalid_request("changeID is missing: a change of plan or price needs one."))
            }
            (None, _) => {
                let change: SubscriptionChange = parse(body)?;
                change.check()?;
                Ok(Self::Status(change))
            }
        }
    }
}

/// Another plan or price, from a day on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TermsChange {
    /// The partner's id of the change, never reused.
    #[serde(rename = "changeID")]
    pub change_id: ExtId,
    /// The new plan; the same as before when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ExtId>,
    /// The new price for a month. When absent, it is that of the operator's offer with the new plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The first day for which it holds.
    pub effective_from: Day,
    /// When the customer has agreed to it at the partner. Then a higher price needs no notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_at: Option<Timestamp>,
}

impl TermsChange {
    /// Checks what the types do not. Whether a customer can be held to it is checked by the origin.
    pub fn check(&self) -> Result<(), Reject> {
        if self.plan.is_none() && self.price.is_none() {
            return Err(Reject::invalid_request("plan or price must be there: nothing would change."));
        }
        if self.price.is_some_and(|price| !(1..=CHARGE_MINOR_MAX).contains(&price.amount_minor)) {
            return Err(Reject::invalid_request(
                "price.value must be a positive number of minor units below the limit.",
            ));
        }
        Ok(())
    }
}

/// The subscription's new status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionChange {
    /// The new status.
    pub status: SubscriptionStatus,
    /// Why it changed, in the partner's words; stored, and not shown to the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl SubscriptionChange {
    /// Checks what the types do not. Whether the subscription can still change is checked by the
    /// origin.
    pub fn check(&self) -> Result<(), Reject> {
        if self.reason.as_deref().is_none_or(is_printable_line) {
            Ok(())
        } else {
            Err(Reject::invalid_request("reason must be 1 to 100 printable characters."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn change_of_terms_is_checked_member_by_member() {
        let good = json!({"changeID": "ch-1", "price": {"value": 1799, "currency": "USD"},
                          "effectiveFrom": "2027-02-01", "unknown": 1});
        let update = |body: &Value| SubscriptionUpdate::parse(body.to_string().as_bytes());
        assert!(matches!(update(&good), Ok(SubscriptionUpdate::Terms(_))));
        let mut agreed = good.clone();
        agreed["consentAt"] = json!("2027-01-15T12:00:00Z");
        assert!(
            matches!(update(&agreed), Ok(SubscriptionUpdate::Terms(change)) if change.consent_at.is_some())
        );
        assert!(matches!(update(&json!({"status": "ACTIVE"})), Ok(SubscriptionUpdate::Status(_))));
        for (member, value) in [
            ("changeID", json!("")),
            ("changeID", json!(7)),
            ("changeID", json!("x".repeat(300))),
            ("price", Value::Null),
            ("price", json!({"value": 0, "currency": "USD"})),
            ("price", json!({"value": -1, "currency": "USD"})),
            ("price", json!({"value": 100_000_001, "currency": "USD"})),
            ("price", json!({"value": 17.99, "currency": "USD"})),
            ("price", json!({"value": 1799, "currency": "XXX"})),
            ("plan", json!("")),
            ("effectiveFrom", Value::Null),
            ("effectiveFrom", json!("2027-02-30")),
            ("effectiveFrom", json!("2027-02-01T00:00:00Z")),
            ("consentAt", json!("yesterday")),
            ("consentAt", json!("2027-01-15")),
            ("consentAt", json!(1_795_000_000)),
            ("status", json!("ACTIVE")),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert_eq!(update(&bad).map_err(|reject| reject.code.as_str()), Err("invalid-request"), "{bad}");
        }
    }

    /// Otherwise the partner would believe that the plan has changed.
    #[test]
    fn change_without_its_id_is_refused() {
        for body in [
            json!({"status": "ACTIVE", "plan": "premium"}),
            json!({"status": "ACTIVE", "price": {"value": 1799, "currency": "USD"}}),
            json!({"plan": "premium", "effectiveFrom": "2027-02-01"}),
        ] {
            let refused = SubscriptionUpdate::parse(body.to_string().as_bytes()).expect_err("is refused");
            assert!(refused.message.contains("changeID is missing"), "{body}: {}", refused.message);
        }
    }

    #[test]
    fn subscription_change_is_checked_member_by_member() {
        let code = |body: &Value| {
            let change = crate::wire::parse::<SubscriptionChange>(body.to_string().as_bytes());
            change.and_then(|change| change.check()).map_err(|reject| reject.code.as_str())
        };
        for word in ["ACTIVE", "SUSPENDED", "CANCELLED"] {
            let status = SubscriptionStatus::parse(word).expect("is one");
            assert_eq!(serde_json::to_value(status).expect("is JSON"), word);
            assert_eq!(code(&json!({"status": word, "unknown": 1})), Ok(()));
            assert_eq!(code(&json!({"status": word, "reason": "Moved away"})), Ok(()));
        }
        for bad in [
            json!({}),
            json!({"status": "active"}),
            json!({"status": "CLOSED"}),
            json!({"status": "ACTIVE", "reason": ""}),
            json!({"status": "ACTIVE", "reason": "a\nb"}),
            json!({"status": "ACTIVE", "reason": "a\u{202e}b"}),
            json!({"status": "ACTIVE", "reason": "\u{2060}"}),
            json!({"status": "ACTIVE", "reason": "x".repeat(101)}),
            json!({"status": "ACTIVE", "reason": 1}),
        ] {
            assert_eq!(code(&bad), Err("invalid-request"), "{bad}");
        }
    }
}
