//! The embedded account table in SQL.

use crate::store::account::{ImportedAccount, SubscriberAccount};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::sqlite::rows::{parse_column, parse_optional_column};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::money::Money;
use rusqlite::{Connection, params};

pub(in crate::store) fn import_accounts(
    tx: &Connection,
    accounts: &[ImportedAccount],
) -> Result<(), StoreError> {
    let mut upsert = tx.prepare_cached(
        "INSERT INTO accounts (number_index, status, account_type, balance_minor, currency, activated_on)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (number_index) DO UPDATE SET status = excluded.status, account_type = excluded.account_type,
             balance_minor = excluded.balance_minor, currency = excluded.currency,
             activated_on = excluded.activated_on",
    )?;
    for row in accounts {
        let Account { status, account_type, balance } = &row.account;
        upsert.execute(params![
            row.number.0,
            status.as_str(),
            account_type.as_str(),
            balance.map(|balance| balance.amount_minor),
            balance.map(|balance| balance.currency.to_string()),
            row.activated_on.to_string(),
        ])?;
    }
    Ok(())
}

pub(in crate::store) fn find_account(
    db: &Connection,
    number: NumberIndex,
) -> Result<Option<SubscriberAccount>, StoreError> {
    let mut select = db.prepare_cached("SELECT * FROM accounts WHERE number_index = ?1")?;
    let mut rows = select.query([number.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let balance = match (
        row.get("balance_minor")?,
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
    Ok(Some(SubscriberAccount { account, subscriber_ref: activated_on.to_string() }))
}
