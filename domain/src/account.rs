//! The status of an account at its operator, and whether the account may pay a price.

use crate::decline_reason::DeclineReason;
use crate::money::Money;
use crate::refusal_detail::{Ineligibility, RefusalReason, Suspension};
use crate::reject::{ErrorCode, Reject};
use serde::{Deserialize, Serialize};
use std::fmt;

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

/// Maximum length of a foreign word that is kept, in characters.
const UNKNOWN_WORD_CHARS_MAX: usize = 40;

/// Digits from which on a foreign word may be a phone number.
const NUMBER_DIGITS_MIN: usize = 7;

/// A word that decides in the operator's answer, and is not one of the contract's. It is short,
/// printable ASCII and no phone number, so that it can be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The member that has it.
    pub member: &'static str,
    word: String,
}

impl UnknownWord {
    /// Keeps what can be logged of the member's value.
    pub fn new(member: &'static str, value: &str) -> Self {
        let hides_digits = value.chars().filter(|c| c.is_numeric()).count() >= NUMBER_DIGITS_MIN;
        let loggable = |c: char| match c {
            c if hides_digits && c.is_numeric() => '#',
            ' '..='~' => c,
            _ => '?',
        };
        Self { member, word: value.chars().take(UNKNOWN_WORD_CHARS_MAX).map(loggable).collect() }
    }
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

/// What the operator states by a word of the contract, or by one that onbill does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stated<T> {
    /// A word of the contract.
    Known(T),
    /// Another one. It must not be taken for any of the contract's.
    Unknown(UnknownWord),
}

/// What the operator's response has about an account. A type or an amount that is not clear is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account's status at the operator.
    pub status: Stated<AccountStatus>,
    /// How the account pays.
    pub account_type: Option<AccountType>,
    /// The balance of a prepaid account.
    pub balance: Option<Money>,
    /// Why it is suspended, where the operator says so.
    pub suspension: Option<Stated<Suspension>>,
    /// Why it may not pay on the bill although it is active; `None` when it may.
    pub ineligible: Option<Stated<Ineligibility>>,
    /// How much may still be charged to it, where the operator says so.
    pub spendable: Option<Money>,
}

impl From<Account> for AccountFacts {
    fn from(Account { status, account_type, balance }: Account) -> Self {
        Self {
            status: Stated::Known(status),
            account_type: Some(account_type),
            balance,
            suspension: None,
            ineligible: None,
            spendable: None,
        }
    }
}

impl AccountFacts {
    /// A word of the answer that decides and is not known.
    pub fn unknown_word(&self) -> Option<&UnknownWord> {
        match (&self.status, &self.suspension, &self.ineligible) {
            (Stated::Unknown(word), _, _)
            | (_, Some(Stated::Unknown(word)), _)
            | (_, _, Some(Stated::Unknown(word))) => Some(word),
            _ => None,
        }
    }
}

/// Decides whether `account` may pay a monthly `price`. `None` is a number without an account.
///
/// The first of these applies:
///
/// 1. `account-not-found`: no account, or a ceased one.
/// 2. `account-not-eligible`: its status is an unknown word.
/// 3. `suspended-non-payment`, with the operator's reason if there is one; `account-not-eligible` when
///    that is an unknown word.
/// 4. `account-not-eligible`: the operator says so, with its reason; or an unknown word.
/// 5. `account-not-eligible`: its type is unknown.
/// 6. The price is more than may still be charged: `insufficient-balance` for a prepaid account, which
///    can be topped up, and `account-not-eligible` with the reason `credit` for a postpaid one. Without
///    such an amount, a prepaid account is compared by its balance. `account-not-eligible` when that is
///    unknown, or when the currency is another one, so that it cannot be compared.
pub fn check_account(account: Option<&AccountFacts>, price: Money) -> Result<AccountType, Reject> {
    // 1. to 4.
    let account = account.ok_or_else(not_found)?;
    check_permission(account)?;
    // 5.
    let account_type = account
        .account_type
        .ok_or_else(|| not_eligible("The operator does not say how the account pays."))?;
    // 6.
    let available = match (account.spendable, account_type) {
        (Some(spendable), _) => Some(spendable),
        (None, AccountType::Prepaid) => account.balance,
        (None, AccountType::Postpaid) => return Ok(account_type),
    };
    if is_covered(available, price)? {
        return Ok(account_type);
    }
    Err(match account_type {
        AccountType::Prepaid => {
            Reject::new(ErrorCode::InsufficientBalance, "The balance does not cover the price.")
        }
        AccountType::Postpaid => not_eligible("The price is more than may still be charged.")
            .because(RefusalReason::Ineligible(Ineligibility::Credit)),
    })
}

/// Decides whether an account may pay on the bill, whatever the price: the first four steps of
/// [`check_account`].
pub fn check_permission(account: &AccountFacts) -> Result<(), Reject> {
    // 1. to 3.
    match &account.status {
        Stated::Known(AccountStatus::Active) => {}
        Stated::Known(AccountStatus::Suspended) => return Err(reject_suspended(account.suspension.as_ref())),
        Stated::Known(AccountStatus::Ceased) => return Err(not_found()),
        Stated::Unknown(_) => return Err(not_eligible("The operator gives the account an unknown status.")),
    }
    // 4.
    match &account.ineligible {
        None => Ok(()),
        Some(Stated::Known(reason)) => {
            Err(not_eligible("The account may not pay on the bill.")
                .because(RefusalReason::Ineligible(*reason)))
        }
        Some(Stated::Unknown(_)) => Err(not_eligible("The account may not pay on the bill.")),
    }
}

/// What an account means for a charge of its own subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeCheck {
    /// It can be submitted to billing, which decides.
    Submit,
    /// It is declined.
    Declined {
        /// The reason, as the partner reads it.
        reason: DeclineReason,
        /// Why the account may not pay, where that is the matter. It is for the operator alone: no
        /// partner reads it.
        ineligible: Option<Ineligibility>,
    },
    /// The charge stays pending, because the operator has used a word that is not known.
    Unknown(UnknownWord),
}

/// Decides what an account that has not ended means for a charge of this amount. A suspension can be
/// lifted, and an operator's reason can go away: none of them ends the PAI. Only a prepaid account can
/// be topped up: any other that has too little left is not eligible.
pub fn check_charge(account: &AccountFacts, amount: Money) -> ChargeCheck {
    if let Some(word) = account.unknown_word() {
        return ChargeCheck::Unknown(word.clone());
    }
    if account.status == Stated::Known(AccountStatus::Suspended) {
        return ChargeCheck::Declined { reason: DeclineReason::AccountOnHold, ineligible: None };
    }
    if let Some(Stated::Known(why)) = &account.ineligible {
        return ChargeCheck::not_eligible(*why);
    }
    let spendable = account.spendable.filter(|spendable| spendable.currency == amount.currency);
    if spendable.is_none_or(|spendable| spendable.amount_minor >= amount.amount_minor) {
        return ChargeCheck::Submit;
    }
    match account.account_type {
        Some(AccountType::Prepaid) => {
            ChargeCheck::Declined { reason: DeclineReason::InsufficientBalance, ineligible: None }
        }
        Some(AccountType::Postpaid) | None => ChargeCheck::not_eligible(Ineligibility::Credit),
    }
}

impl ChargeCheck {
    fn not_eligible(why: Ineligibility) -> Self {
        Self::Declined { reason: DeclineReason::RiskDeclined, ineligible: Some(why) }
    }
}

fn not_found() -> Reject {
    Reject::new(ErrorCode::AccountNotFound, "There is no such account.")
}

fn not_eligible(message: &str) -> Reject {
    Reject::new(ErrorCode::AccountNotEligible, message)
}

fn reject_suspended(why: Option<&Stated<Suspension>>) -> Reject {
    match why {
        Some(Stated::Known(Suspension::NonPayment)) => {
            Reject::suspended_non_payment().because(RefusalReason::Suspended(Suspension::NonPayment))
        }
        Some(Stated::Known(why)) => Reject::new(ErrorCode::SuspendedNonPayment, "The account is suspended.")
            .because(RefusalReason::Suspended(*why)),
        // No customer is asked to pay a bill when something else may be the matter.
        Some(Stated::Unknown(_)) => not_eligible("The account is suspended for an unknown reason."),
        None => Reject::suspended_non_payment(),
    }
}

fn is_covered(available: Option<Money>, price: Money) -> Result<bool, Reject> {
    let available = available.filter(|available| available.currency == price.currency);
    let available = available.ok_or_else(|| not_eligible("The account has no balance in this currency."))?;
    Ok(available.amount_minor >= price.amount_minor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::currency::Currency;

    fn money(amount_minor: i64, currency: &str) -> Money {
        Money { amount_minor, currency: Currency::parse(currency).expect("is listed") }
    }

    /// A prepaid account with a balance of 99.99.
    fn facts(status: AccountStatus) -> AccountFacts {
        let account_type = AccountType::Prepaid;
        Account { status, account_type, balance: Some(money(9999, "USD")) }.into()
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
            let facts = AccountFacts { account_type: None, ..facts(status) };
            check_account(Some(&facts), price).map_err(|reject| reject.code)
        };
        assert_eq!(unknown(Active), Err(ErrorCode::AccountNotEligible));
        assert_eq!(unknown(Suspended), Err(ErrorCode::SuspendedNonPayment));
        assert_eq!(check_account(None, price).map_err(|reject| reject.code), Err(ErrorCode::AccountNotFound));
    }

    fn unknown<T>(member: &'static str, value: &str) -> Stated<T> {
        Stated::Unknown(UnknownWord::new(member, value))
    }

    /// The refusal of a sign-up: its code, and the operator's reason.
    fn refusal(account: &AccountFacts) -> Result<(), (&'static str, Option<&'static str>)> {
        let refused = check_account(Some(account), money(1599, "USD"));
        refused.map(|_| ()).map_err(|reject| (reject.code.as_str(), reject.reason.map(RefusalReason::as_str)))
    }

    #[test]
    fn operators_reason_goes_with_the_refusal() {
        for reason in Ineligibility::ALL {
            let account =
                AccountFacts { ineligible: Some(Stated::Known(reason)), ..facts(AccountStatus::Active) };
            assert_eq!(refusal(&account), Err(("account-not-eligible", Some(reason.as_str()))));
            assert_eq!(check_charge(&account, money(1, "USD")), ChargeCheck::not_eligible(reason));
        }
        for reason in Suspension::ALL {
            let account =
                AccountFacts { suspension: Some(Stated::Known(reason)), ..facts(AccountStatus::Suspended) };
            assert_eq!(refusal(&account), Err(("suspended-non-payment", Some(reason.as_str()))));
            let declined = ChargeCheck::Declined { reason: DeclineReason::AccountOnHold, ineligible: None };
            assert_eq!(check_charge(&account, money(1, "USD")), declined);
            assert!(!DeclineReason::AccountOnHold.closes_pai());
        }
    }

    #[test]
    fn unknown_word_refuses_signup_and_holds_charge() {
        let active = facts(AccountStatus::Active);
        for (account, code) in [
            (AccountFacts { status: unknown("status", "DORMANT"), ..active.clone() }, "account-not-eligible"),
            (AccountFacts { ineligible: Some(unknown("reason", "x")), ..active }, "account-not-eligible"),
            (
                AccountFacts {
                    suspension: Some(unknown("suspension", "x")),
                    ..facts(AccountStatus::Suspended)
                },
                "account-not-eligible",
            ),
        ] {
            assert_eq!(refusal(&account), Err((code, None)));
            let word = account.unknown_word().expect("is there").clone();
            assert_eq!(check_charge(&account, money(1, "USD")), ChargeCheck::Unknown(word));
        }
    }

    /// A postpaid customer has nothing to top up.
    #[test]
    fn spendable_amount_counts_before_the_balance() {
        let with = |spendable, account_type| {
            let account_type = Some(account_type);
            AccountFacts { spendable: Some(spendable), account_type, ..facts(AccountStatus::Active) }
        };
        let no_balance =
            ChargeCheck::Declined { reason: DeclineReason::InsufficientBalance, ineligible: None };
        let no_credit = ChargeCheck::not_eligible(Ineligibility::Credit);
        for (account_type, too_little, declined) in [
            (AccountType::Prepaid, ("insufficient-balance", None), no_balance),
            (AccountType::Postpaid, ("account-not-eligible", Some("credit")), no_credit.clone()),
        ] {
            for (spendable, refused, charge) in [
                (money(1599, "USD"), Ok(()), ChargeCheck::Submit),
                (money(1598, "USD"), Err(too_little), declined.clone()),
                (money(-1, "USD"), Err(too_little), declined.clone()),
                (money(9999, "EUR"), Err(("account-not-eligible", None)), ChargeCheck::Submit),
                (money(1, "EUR"), Err(("account-not-eligible", None)), ChargeCheck::Submit),
            ] {
                let account = with(spendable, account_type);
                assert_eq!(refusal(&account), refused, "{account_type:?} {spendable:?}");
                assert_eq!(
                    check_charge(&account, money(1599, "USD")),
                    charge,
                    "{account_type:?} {spendable:?}"
                );
            }
        }
        let unknown = AccountFacts { account_type: None, ..with(money(1598, "USD"), AccountType::Prepaid) };
        assert_eq!(check_charge(&unknown, money(1599, "USD")), no_credit);
    }

    #[test]
    fn unknown_word_is_loggable_and_no_number() {
        let kept = |value: &str| UnknownWord::new("status", value).to_string();
        assert_eq!(kept("DORMANT-2"), "DORMANT-2");
        assert_eq!(kept("a\nalarm=\"b\u{202e}\u{e9}"), "a?alarm=\"b??");
        assert_eq!(kept("+1 202 555-0101"), "+# ### ###-####");
        assert_eq!(kept("\u{662}\u{660}\u{662}\u{665}\u{665}\u{665}\u{660}"), "#######");
        assert_eq!(kept(&"x".repeat(99)).len(), UNKNOWN_WORD_CHARS_MAX);
    }
}
