//! Words for people, in place of those of the wire: states of charges and refunds, and why one was
//! declined or refused.

use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::reject::ErrorCode;
use onbill_domain::wire::ott::TransactionStatus;

/// How a charge or a refund stands; without a response it is not known.
pub(super) fn status_words(status: Option<TransactionStatus>) -> &'static str {
    match status {
        Some(TransactionStatus::Approved) => "Approved",
        Some(TransactionStatus::Pending) => "Pending",
        Some(TransactionStatus::Declined) => "Declined",
        None => "No answer",
    }
}

/// Why a charge was declined or an account closed, as a part of a sentence.
pub(super) fn reason_words(reason: DeclineReason) -> &'static str {
    match reason {
        // The documents add where a program reads which of the two it is.
        DeclineReason::RiskDeclined => {
            "the risk rules of the operator, or the missing agreement of the customer"
        }
        other => other.meaning(),
    }
}

/// Why a call was refused, as the end of a sentence. What a person can do nothing about has its code,
/// for the documents of the API.
pub(super) fn refusal_words(code: &str) -> String {
    let words = match serde_json::from_value(code.into()) {
        Ok(ErrorCode::PaiNotFound) => "the operator does not know this customer any more",
        Ok(ErrorCode::AccountNotFound) => "the line has ended",
        Ok(ErrorCode::SuspendedNonPayment) => "the line is suspended",
        Ok(ErrorCode::TooManyRequests) => "too many were asked for, so wait a while",
        _ => return format!("onbill gives the code {code}"),
    };
    words.to_owned()
}

/// The words as a sentence begins.
pub(super) fn capitalized(words: &str) -> String {
    let mut rest = words.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_is_a_word_of_the_wire() {
        for reason in DeclineReason::ALL {
            let words = capitalized(reason_words(reason));
            assert!(words.starts_with(char::is_uppercase) && !words.contains(['`', '-']), "{words}");
        }
        assert_eq!(capitalized(""), "");
    }
}
