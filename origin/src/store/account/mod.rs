//! The embedded account table: the account of each number in the last import.

pub(super) mod lookup;
pub(super) mod postgres;
mod postgres_group;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use lookup::AccountLookup;
use onbill_domain::account::Account;
use onbill_domain::day::Day;

impl Store {
    /// Imports accounts. A number that is known already gets the values of the file.
    pub async fn import_accounts(&self, accounts: Vec<ImportedAccount>) -> Result<(), StoreError> {
        use_case!(self, write, import_accounts(&accounts))
    }

    pub async fn find_account(&self, number: NumberIndex) -> Result<Option<SubscriberAccount>, StoreError> {
        use_case!(self, look_up_grouped(account_lookups, AccountLookup { number }), find_account(number))
    }
}

/// One line of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedAccount {
    pub number: NumberIndex,
    pub account: Account,
    /// Changes when the number gets another subscriber.
    pub activated_on: Day,
}

/// An account of the embedded table, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberAccount {
    pub account: Account,
    /// Differs between two subscribers of one number. In the embedded table it is the day of
    /// activation.
    pub subscriber_ref: String,
}
