//! Is this account in good standing, and may it buy at this price?

use crate::money::Money;
use crate::reject::{ErrorCode, Reject};
use serde::{Deserialize, Serialize};

/// Where an account stands with its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AccountStatus {
    /// In use and paid for.
    Active,
    /// Barred until a bill is paid.
    Suspended,
    /// Ended.
    Ceased,
}

impl AccountStatus {
    /// The word in the store and in import files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ceased => "ceased",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Ceased].into_iter().find(|status| status.as_str() == word)
    }
}

/// How an account pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountType {
    /// A bill at the end of the month.
    Postpaid,
    /// From a balance topped up beforehand.
    Prepaid,
}

impl AccountType {
    /// The word in JSON, in the store and in import files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postpaid => "postpaid",
            Self::Prepaid => "prepaid",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Postpaid, Self::Prepaid].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What the operator knows of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where it stands.
    pub status: AccountStatus,
    /// How it pays.
    pub account_type: AccountType,
    /// What is on it; prepaid accounts have one.
    pub balance: Option<Money>,
}

/// Says whether `account` may take on a monthly `price`. `None` is a number without an account.
///
/// Refusals, in this order: `account-not-found` (unknown or ceased), `suspended-non-payment`,
/// `insufficient-balance` (prepaid, and the balance does not cover one month), `account-not-eligible` (prepaid
/// without a balance in the price's currency: it cannot be compared, so it is not guessed).
pub fn check_account(account: Option<&Account>, price: Money) -> Result<AccountType, Reject> {
    let account = account
        .filter(|account| account.status != AccountStatus::Ceased)
        .ok_or_else(|| Reject::new(ErrorCode::AccountNotFound, "There is no such account."))?;
    if account.status == AccountStatus::Suspended {
        return Err(Reject::suspended_non_payment());
    }
    if account.account_type == AccountType::Prepaid {
        match account.balance {
            Some(balance) if balance.currency == price.currency => {
                if balance.amount_minor < price.amount_minor {
                    return Err(Reject::new(
                        ErrorCode::InsufficientBalance,
                        "The balance does not cover the price.",
                    ));
                }
            }
            _ => {
                return Err(Reject::new(
                    ErrorCode::AccountNotEligible,
                    "The account has no balance in this currency.",
                ));
            }
        }
    }
    Ok(account.account_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn money(amount_minor: i64, currency: &str) -> Money {
        Money { amount_minor, currency: Currency::parse(currency).expect("is listed") }
    }

    #[test]
    fn standing_is_decided_by_status_then_balance() {
        use AccountStatus::{Active, Ceased, Suspended};
        use AccountType::{Postpaid, Prepaid};
        let price = money(1599, "USD");
        let case = |status, account_type, balance| {
            check_account(Some(&Account { status, account_type, balance }), price)
                .map_err(|reject| reject.code)
        };
        assert_eq!(case(Active, Postpaid, None), Ok(Postpaid));
        assert_eq!(case(Active, Prepaid, Some(money(1599, "USD"))), Ok(Prepaid));
        assert_eq!(case(Active, Prepaid, Some(money(1598, "USD"))), Err(ErrorCode::InsufficientBalance));
        assert_eq!(case(Active, Prepaid, Some(money(999_999, "EUR"))), Err(ErrorCode::AccountNotEligible));
        assert_eq!(case(Active, Prepaid, None), Err(ErrorCode::AccountNotEligible));
        assert_eq!(case(Suspended, Postpaid, None), Err(ErrorCode::SuspendedNonPayment));
        assert_eq!(case(Ceased, Postpaid, None), Err(ErrorCode::AccountNotFound));
        assert_eq!(check_account(None, price).map_err(|reject| reject.code), Err(ErrorCode::AccountNotFound));
    }
}
