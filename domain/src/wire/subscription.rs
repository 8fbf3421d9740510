//! Partner → edge → origin: later changes of a subscription. Its creation is in [`super::ott`].

use crate::reject::Reject;
use crate::wire::ott::is_printable_line;
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

/// `PUT /partnerSubscription/{partnerSubscriptionID}`: the subscription's new status.
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
