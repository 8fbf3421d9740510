//! The embedded account table in SQL.

use crate::store::account::{ImportedAccount, SubscriberAccount};
use crate::store::number::NumberIndex;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::money::Money;
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// One statement for all rows. Each number is in it once, as the last line of the file counts, and
/// in the order of the indexes, so that two imports at once cannot deadlock.
pub(in crate::store) async fn import_accounts(
    tx: &PgConnection<'_>,
    accounts: &[ImportedAccount],
) -> Result<(), TxError> {
    let accounts: BTreeMap<&[u8], &ImportedAccount> =
        accounts.iter().map(|row| (row.number.0.as_slice(), row)).collect();
    let numbers: Vec<&[u8]> = accounts.keys().copied().collect();
    let column = |read: fn(&ImportedAccount) -> &'static str| -> Vec<&'static str> {
        accounts.values().map(|row| read(row)).collect()
    };
    let balances: Vec<Option<i64>> =
        accounts.values().map(|row| row.account.balance.map(|balance| balance.amount_minor)).collect();
    let currencies: Vec<Option<String>> = accounts
        .values()
        .map(|row| row.account.balance.map(|balance| balance.currency.to_string()))
        .collect();
    let days: Vec<String> = accounts.values().map(|row| row.activated_on.to_string()).collect();
    tx.execute(
        "INSERT INTO accounts (number_index, status, account_type, balance_minor, currency, activated_on)
         SELECT * FROM unnest($1::BYTEA[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[])
         ON CONFLICT (number_index) DO UPDATE SET status = excluded.status, account_type = excluded.account_type,
             balance_minor = excluded.balance_minor, currency = excluded.currency,
             activated_on = excluded.activated_on",
        &[
            &numbers,
            &column(|row| row.account.status.as_str()),
            &column(|row| row.account.account_type.as_str()),
            &balances,
            &currencies,
            &days,
        ],
    )
    .await?;
    Ok(())
}

pub(in crate::store) async fn find_account(
    db: &PgConnection<'_>,
    number: NumberIndex,
) -> Result<Option<SubscriberAccount>, TxError> {
    let row = db
        .query_optional(
            "SELECT status, account_type, balance_minor, currency, activated_on FROM accounts
             WHERE number_index = $1",
            &[&number.0.as_slice()],
        )
        .await?;
    row.as_ref().map(read_account).transpose()
}

pub(super) fn read_account(row: &Row) -> Result<SubscriberAccount, TxError> {
    let balance = match (
        row.try_get("balance_minor")?,
        parse_optional_column(row, "accounts.currency", Currency::parse)?,
    ) {
        (Some(amount_minor), Some(currency)) => Some(Money { amount_minor, currency }),
        _ => None,
    };
    let account = Account {
        status: parse_column(row, "accounts.status", AccountStatus::parse)?,
        account_type: parse_column(row, "accounts.account_type", AccountType::parse)?,
        balance,
    };
    let activated_on = parse_column(row, "accounts.activated_on", Day::parse)?;
    Ok(SubscriberAccount { account, subscriber_ref: activated_on.to_string() })
}
