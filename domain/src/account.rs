//! The status of an account at its operator, and whether the account may pay a price.

use crate::money::Money;
use crate::reject::{ErrorCode, Reject};
use serde::{Deserialize, Serialize};

crate::word_enum! {
    /// The status of an account at its operator. The CSP API spells the words in upper case.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    pub enum AccountStatus {
        /// The account is in use and paid for.
        Active = "active",
        /// The account is barred until a bill is paid.
        Suspended = "suspended",
        /// The account has ended.
        Ceased = "ceased",
    }
}

crate::wire_enum! {
    /// How an account pays.
    pub enum AccountType {
        /// By a bill at the end of the month.
        Postpaid = "postpaid",
        /// From a balance that is topped up beforehand.
        Prepaid = "prepaid",
    }
}

/// What the operator knows of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's status at the operator.
    pub status: AccountStatus,
    /// How the account pays.
    pub account_type: AccountType,
    /// The balance of a prepaid account.
    pub balance: Option<Money>,
}

/// What the operator's answer tells of an account. A type or a balance that is not clear is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account's status at the operator.
    pub status: AccountStatus,
    /// How the account pays.
    pub account_type: Option<AccountType>,
    /// The balance of a prepaid account.
    pub balance: Option<Money>,
}

impl From<Account> for AccountFacts {
    fn from(Account { status, account_type, balance }: Account) -> Self {
        Self { status, account_type: Some(account_type), balance }
    }
}

/// Decides whether `account` may pay a monthly `price`. `None` is a number without an account.
///
/// The first of these applies: `account-not-found` (no account, or a ceased one),
/// `suspended-non-payment`, `insufficient-balance` (prepaid, and the balance is below one month's
/// price), `account-not-eligible` (the type is unknown; or prepaid, and the balance is unknown or in
/// another currency, so that it cannot be compared).
pub fn check_account(account: Option<&AccountFacts>, price: Money) -> Result<AccountType, Reject> {
    let not_found = || Reject::new(ErrorCode::AccountNotFound, "There is no such account.");
    let account = account.ok_or_else(not_found)?;
    match account.status {
        AccountStatus::Active => {}
        AccountStatus::Suspended => return Err(Reject::suspended_non_payment()),
        AccountStatus::Ceased => return Err(not_found()),
    }
    let account_type = account.account_type.ok_or_else(|| {
        Reject::new(ErrorCode::AccountNotEligible, "The operator does not say how the account pays.")
    })?;
    match account_type {
        AccountType::Postpaid => {}
        AccountType::Prepaid => check_balance(account.balance, price)?,
    }
    Ok(account_type)
}

fn check_balance(balance: Option<Money>, price: Money) -> Result<(), Reject> {
    match balance {
        Some(balance) if balance.currency == price.currency => {
            if balance.amount_minor < price.amount_minor {
                Err(Reject::new(ErrorCode::InsufficientBalance, "The balance does not cover the price."))
            } else {
                Ok(())
            }
        }
        Some(_) | None => {
            Err(Reject::new(ErrorCode::AccountNotEligible, "The account has no balance in this currency."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn money(amount_minor: i64, currency: &str) -> Money {
        Money { amount_minor, currency: Currency::parse(currency).expect("is listed") }
    }

    #[test]
    fn account_is_checked_by_status_then_balance() {
        use AccountStatus::{Active, Ceased, Suspended};
        use AccountType::{Postpaid, Prepaid};
        let price = money(1599, "USD");
        let case = |status, account_type, balance| {
            check_account(Some(&Account { status, account_type, balance }.into()), price)
                .map_err(|reject| reject.code)
        };
        assert_eq!(case(Active, Postpaid, None), Ok(Postpaid));
        assert_eq!(case(Active, Prepaid, Some(money(1599, "USD"))), Ok(Prepaid));
        assert_eq!(case(Active, Prepaid, Some(money(1598, "USD"))), Err(ErrorCode::InsufficientBalance));
        assert_eq!(case(Active, Prepaid, Some(money(999_999, "EUR"))), Err(ErrorCode::AccountNotEligible));
        assert_eq!(case(Active, Prepaid, None), Err(ErrorCode::AccountNotEligible));
        assert_eq!(case(Suspended, Postpaid, None), Err(ErrorCode::SuspendedNonPayment));
        assert_eq!(case(Ceased, Postpaid, None), Err(ErrorCode::AccountNotFound));
        let unknown = |status| {
            let facts = AccountFacts { status, account_type: None, balance: Some(money(9999, "USD")) };
            check_account(Some(&facts), price).map_err(|reject| reject.code)
        };
        assert_eq!(unknown(Active), Err(ErrorCode::AccountNotEligible));
        assert_eq!(unknown(Suspended), Err(ErrorCode::SuspendedNonPayment));
        assert_eq!(check_account(None, price).map_err(|reject| reject.code), Err(ErrorCode::AccountNotFound));
    }
}
