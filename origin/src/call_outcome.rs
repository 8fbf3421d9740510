//! What became of a call, for its log line and its span. It travels with the response, from where it
//! is known to where the line is written.

use http::StatusCode;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::ott::TransactionStatus;
use serde::Deserialize;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallOutcome {
    pub(crate) word: &'static str,
    /// The error code, or why a charge is declined.
    pub(crate) reason: Option<&'static str>,
    /// Our id of the charge.
    pub(crate) transaction_id: Option<String>,
    /// Our id of the refund.
    pub(crate) refund_id: Option<String>,
}

impl CallOutcome {
    /// The call was refused with this code.
    pub(crate) fn refused(code: ErrorCode) -> Self {
        Self { reason: Some(code.as_str()), ..Self::plain("refused") }
    }

    /// The call could not be decided; the caller gets this code.
    pub(crate) fn failed(code: ErrorCode) -> Self {
        Self { reason: Some(code.as_str()), ..Self::plain("failed") }
    }

    /// The caller was gone before the response was ready.
    pub(crate) fn abandoned() -> Self {
        Self::plain("abandoned")
    }

    /// Of a response about which nothing else is known: those of the router itself, too.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        Self::plain(match status {
            status if status.is_server_error() => "failed",
            status if status.is_client_error() => "refused",
            _ => "ok",
        })
    }

    /// Of the stored response about a charge or a refund, the first one or a replay.
    pub(crate) fn of_stored_response(response: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Stored {
            status: TransactionStatus,
            #[serde(rename = "declineReason")]
            decline_reason: Option<DeclineReason>,
            #[serde(rename = "transactionID")]
            transaction_id: Option<String>,
            #[serde(rename = "refundID")]
            refund_id: Option<String>,
        }
        let Ok(stored) = serde_json::from_slice::<Stored>(response) else { return Self::plain("ok") };
        let word = match stored.status {
            TransactionStatus::Approved => "approved",
            TransactionStatus::Declined => "declined",
            TransactionStatus::Pending => "pending",
        };
        Self {
            word,
            reason: stored.decline_reason.map(DeclineReason::as_str),
            transaction_id: stored.transaction_id,
            refund_id: stored.refund_id,
        }
    }

    fn plain(word: &'static str) -> Self {
        Self { word, reason: None, transaction_id: None, refund_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_response_says_what_became_of_a_charge() {
        let of = |response: &str| CallOutcome::of_stored_response(response.as_bytes());
        let declined = of(r#"{"transactionID":"t-1","extTransactionID":"x","status":"DECLINED",
            "declineReason":"account-on-hold"}"#);
        assert_eq!((declined.word, declined.reason), ("declined", Some("account-on-hold")));
        assert_eq!(declined.transaction_id.as_deref(), Some("t-1"));
        let refunded = of(r#"{"refundID":"r-1","extTransactionID":"x","status":"PENDING"}"#);
        assert_eq!((refunded.word, refunded.refund_id.as_deref()), ("pending", Some("r-1")));
        assert_eq!(of("[]"), CallOutcome::of_status(StatusCode::OK));
    }
}
