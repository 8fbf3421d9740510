//! Partner → edge → origin: the later life of a subscription. Its beginning is in [`super::ott`].

use crate::reject::Reject;
use crate::wire::ott::is_line;
use serde::{Deserialize, Serialize};

/// How a subscription stands with the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SubscriptionStatus {
    /// It is delivered.
    Active,
    /// The partner holds it back for a while.
    Suspended,
    /// It is over, for ever.
    Cancelled,
}

impl SubscriptionStatus {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Cancelled].into_iter().find(|status| status.as_str() == word)
    }
}

/// `PUT /partnerSubscription/{partnerSubscriptionID}`: how it stands from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionChange {
    /// How it stands.
    pub status: SubscriptionStatus,
    /// Why, in the partner's words: for the books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl SubscriptionChange {
    /// Checks what the types do not. Whether the subscription can still change, only the books know.
    pub fn check(&self) -> Result<(), Reject> {
        if self.reason.as_deref().is_none_or(is_line) {
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
    fn a_change_is_checked_member_by_member() {
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
            json!({"status": "ACTIVE", "reason": "x".repeat(101)}),
            json!({"status": "ACTIVE", "reason": 1}),
        ] {
            assert_eq!(code(&bad), Err("invalid-request"), "{bad}");
        }
    }
}
