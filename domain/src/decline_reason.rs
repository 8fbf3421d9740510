//! Why a charge was declined for good. "We do not know" is not among the reasons: that is PENDING.

use serde::{Deserialize, Serialize};

/// A terminal reason, as the partner reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeclineReason {
    /// Over the limit for one charge.
    ChargeExceedsTransactionLimit,
    /// Over the account's limit for a day.
    ChargeExceedsDailyLimit,
    /// Over the account's limit for a month.
    ChargeExceedsMonthlyLimit,
    /// Below the smallest charge billing takes.
    ChargeUnderLimit,
    /// The prepaid balance does not cover it.
    InsufficientBalance,
    /// The account is suspended.
    AccountOnHold,
    /// The account has ended.
    AccountClosed,
    /// The account went to another person.
    AccountClosedTakenOver,
    /// The account was ended for fraud.
    AccountClosedFraud,
    /// The customer unlinked the partner.
    PaiRevokedByUser,
    /// The operator's risk rules said no.
    RiskDeclined,
}

impl DeclineReason {
    /// All of them, in the contract's order.
    pub const ALL: [Self; 11] = [
        Self::ChargeExceedsTransactionLimit,
        Self::ChargeExceedsDailyLimit,
        Self::ChargeExceedsMonthlyLimit,
        Self::ChargeUnderLimit,
        Self::InsufficientBalance,
        Self::AccountOnHold,
        Self::AccountClosed,
        Self::AccountClosedTakenOver,
        Self::AccountClosedFraud,
        Self::PaiRevokedByUser,
        Self::RiskDeclined,
    ];

    /// The kebab-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChargeExceedsTransactionLimit => "charge-exceeds-transaction-limit",
            Self::ChargeExceedsDailyLimit => "charge-exceeds-daily-limit",
            Self::ChargeExceedsMonthlyLimit => "charge-exceeds-monthly-limit",
            Self::ChargeUnderLimit => "charge-under-limit",
            Self::InsufficientBalance => "insufficient-balance",
            Self::AccountOnHold => "account-on-hold",
            Self::AccountClosed => "account-closed",
            Self::AccountClosedTakenOver => "account-closed-taken-over",
            Self::AccountClosedFraud => "account-closed-fraud",
            Self::PaiRevokedByUser => "pai-revoked-by-user",
            Self::RiskDeclined => "risk-declined",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// Whether a charge declined for this reason means that the PAI is over.
    pub fn closes_pai(self) -> bool {
        matches!(
            self,
            Self::AccountClosed
                | Self::AccountClosedTakenOver
                | Self::AccountClosedFraud
                | Self::PaiRevokedByUser
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_and_match_their_json() {
        for reason in DeclineReason::ALL {
            assert_eq!(DeclineReason::parse(reason.as_str()), Some(reason));
            assert_eq!(serde_json::to_value(reason).expect("is JSON"), reason.as_str());
        }
        assert_eq!(DeclineReason::ALL.iter().filter(|r| r.closes_pai()).count(), 4);
    }
}
