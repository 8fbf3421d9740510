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
