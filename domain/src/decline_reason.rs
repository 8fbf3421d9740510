//! Why a charge was declined. Every reason is final: an outcome that is not known yet is PENDING.

crate::wire_enum! {
    /// A final reason, as the partner reads it.
    pub enum DeclineReason {
        /// The amount is over the limit for one charge.
        ChargeExceedsTransactionLimit = "charge-exceeds-transaction-limit",
        /// The account's charges of the day would exceed its daily limit.
        ChargeExceedsDailyLimit = "charge-exceeds-daily-limit",
        /// The account's charges of the month would exceed its monthly limit.
        ChargeExceedsMonthlyLimit = "charge-exceeds-monthly-limit",
        /// The amount is below the smallest charge that billing takes.
        ChargeUnderLimit = "charge-under-limit",
        /// The prepaid balance does not cover the amount.
        InsufficientBalance = "insufficient-balance",
        /// The account is suspended.
        AccountOnHold = "account-on-hold",
        /// The account has ended.
        AccountClosed = "account-closed",
        /// The account or its number belongs to another person now.
        AccountClosedTakenOver = "account-closed-taken-over",
        /// The operator closed the account for fraud.
        AccountClosedFraud = "account-closed-fraud",
        /// The customer unlinked the partner.
        PaiRevokedByUser = "pai-revoked-by-user",
        /// The operator's risk rules declined the charge.
        RiskDeclined = "risk-declined",
    }
}

impl DeclineReason {
    /// What the reason means, for who writes programs or commands with it. The documents of the API
    /// and the help of `close-pai` say it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ChargeExceedsTransactionLimit => "the amount is over the limit for one charge",
            Self::ChargeExceedsDailyLimit => "the account's charges of the day would exceed its limit",
            Self::ChargeExceedsMonthlyLimit => "the account's charges of the month would exceed its limit",
            Self::ChargeUnderLimit => "the amount is below the smallest charge that billing takes",
            Self::InsufficientBalance => "the prepaid balance does not cover the amount",
            Self::AccountOnHold => "the account is suspended",
            Self::AccountClosed => "the account has ended",
            Self::AccountClosedTakenOver => "the account or its number belongs to another person now",
            Self::AccountClosedFraud => "the operator closed the account for fraud",
            Self::PaiRevokedByUser => "the customer unlinked the partner",
            Self::RiskDeclined => {
                "the risk rules of the operator, or the missing agreement of the customer; see `rawResult`"
            }
        }
    }

    /// Whether the PAI of a charge that was declined for this reason is closed.
    pub fn closes_pai(self) -> bool {
        match self {
            Self::AccountClosed
            | Self::AccountClosedTakenOver
            | Self::AccountClosedFraud
            | Self::PaiRevokedByUser => true,
            Self::ChargeExceedsTransactionLimit
            | Self::ChargeExceedsDailyLimit
            | Self::ChargeExceedsMonthlyLimit
            | Self::ChargeUnderLimit
            | Self::InsufficientBalance
            | Self::AccountOnHold
            | Self::RiskDeclined => false,
        }
    }
}
