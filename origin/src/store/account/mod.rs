//! The embedded account table: what the last import says of numbers.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use onbill_domain::account::Account;
use onbill_domain::day::Day;

impl Store {
    /// Writes accounts from an import file over what was known of them.
    pub async fn import_accounts(&self, accounts: Vec<AccountRow>) -> Result<(), StoreError> {
        use_case!(self, write, import(&accounts))
    }

    /// What the last import says of a number.
    pub async fn account(&self, number: NumberIndex) -> Result<Option<KnownAccount>, StoreError> {
        use_case!(self, read, find(number))
    }
}

/// One line of an import.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Whose.
    pub number: NumberIndex,
    /// Standing, type and balance.
    pub account: Account,
    /// The day the account was activated, which changes when the number goes to someone else.
    pub activated_on: Day,
}

/// An account and which holder of the number it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Standing, type and balance.
    pub account: Account,
    /// Differs between two holders of one number: the operator's subscriber id, or the day of activation.
    pub subscriber_ref: String,
}
