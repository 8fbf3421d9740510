//! Decline reasons in plain words, for the agent who explains them. The customer reads those of
//! `words/`, in their language.

use onbill_domain::decline_reason::DeclineReason;

/// What happened, in a sentence.
pub(crate) fn explain(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::ChargeExceedsTransactionLimit => "The amount is over the limit for one charge.",
        DeclineReason::ChargeExceedsDailyLimit => "The account has reached its limit for the day.",
        DeclineReason::ChargeExceedsMonthlyLimit => "The account has reached its limit for the month.",
        DeclineReason::ChargeUnderLimit => "The amount is below the smallest charge that billing takes.",
        DeclineReason::InsufficientBalance => "The prepaid balance did not cover the amount.",
        DeclineReason::AccountOnHold => "The account was suspended.",
        DeclineReason::AccountClosed => "The account has ended.",
        DeclineReason::AccountClosedTakenOver => "The account or its number went to another person.",
        DeclineReason::AccountClosedFraud => "The account was closed for fraud.",
        DeclineReason::PaiRevokedByUser => "The customer has unlinked the partner.",
        DeclineReason::RiskDeclined => {
            "Billing saw a risk, no agreement covered the charge, or its days were paid for already."
        }
    }
}

/// What an agent says a link is closed for.
pub(crate) fn close_words(reason: DeclineReason) -> &'static str {
    match reason {
        DeclineReason::PaiRevokedByUser => "The customer wants it",
        DeclineReason::AccountClosedFraud => "Fraud",
        DeclineReason::AccountClosed => "The account has ended",
        DeclineReason::AccountClosedTakenOver => "Another person has the account or its number",
        DeclineReason::ChargeExceedsTransactionLimit
        | DeclineReason::ChargeExceedsDailyLimit
        | DeclineReason::ChargeExceedsMonthlyLimit
        | DeclineReason::ChargeUnderLimit
        | DeclineReason::InsufficientBalance
        | DeclineReason::AccountOnHold
        | DeclineReason::RiskDeclined => "Other",
    }
}
