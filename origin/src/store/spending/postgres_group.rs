//! Spending of a group of charges, whose accounts were read without a lock: a row that has changed
//! since is a conflict.

use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::parse_optional_column;
use crate::store::postgres::tx_error::{TxError, conflict};
use crate::store::spending::is_ahead;
use onbill_domain::day::Day;
use onbill_domain::money::Money;
use onbill_domain::spending::{Spending, SpendingLimits};
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// The columns `day`, `day_minor` and `month_minor`, which are NULL before an account's first charge.
pub(in crate::store) fn read_spending_if_any(row: &Row) -> Result<Option<Spending>, TxError> {
    let Some(day) = parse_optional_column(row, "spending.day", Day::parse)? else { return Ok(None) };
    let (day_minor, month_minor) = (row.try_get("day_minor")?, row.try_get("month_minor")?);
    Ok(Some(Spending { day, day_minor, month_minor }))
}

struct Change {
    before: Option<Spending>,
    after: Spending,
}

/// The accounts by subscriber and currency, which is the order in which their rows are locked.
#[derive(Default)]
pub(in crate::store) struct SpendingChanges(BTreeMap<(String, String), Change>);

impl SpendingChanges {
    /// Counts a charge of an account that has spent `before`. False when it exceeds a limit, or when
    /// its account's sums have to be taken from the ledger: then it is not counted.
    pub(in crate::store) fn count_charge(
        &mut self,
        now: Timestamp,
        subscriber_id: &str,
        amount: Money,
        limits: &SpendingLimits,
        before: Option<Spending>,
    ) -> bool {
        let today = Day::of_timestamp(now);
        let key = (subscriber_id.to_owned(), amount.currency.to_string());
        let spent = self.0.get(&key).map(|change| change.after).or(before).unwrap_or(Spending::zero(today));
        if is_ahead(now, spent.day) {
            return false;
        }
        let Ok(after) = spent.add_charge(today, amount.amount_minor, limits) else { return false };
        self.0.entry(key).or_insert(Change { before, after }).after = after;
        true
    }

    pub(in crate::store) async fn write(&self, tx: &PgConnection<'_>) -> Result<(), TxError> {
        tokio::try_join!(self.update_accounts(tx), self.insert_accounts(tx))?;
        Ok(())
    }

    async fn update_accounts(&self, tx: &PgConnection<'_>) -> Result<(), TxError> {
        let mut was = Columns::default();
        let mut is = Columns::default();
        for (key, change) in &self.0 {
            if let Some(before) = change.before {
                was.push(key, before);
                is.push(key, change.after);
            }
        }
        if is.days.is_empty() {
            return Ok(());
        }
        let updated = tx
            .execute(
                "UPDATE spending s SET day = c.day, day_minor = c.day_minor, month_minor = c.month_minor
                 FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::TEXT[], $7::BIGINT[],
                     $8::BIGINT[]) AS c (subscriber_id, currency, day, day_minor, month_minor, was_day, was_day_minor,
                     was_month_minor)
                 WHERE s.subscriber_id = c.subscriber_id AND s.currency = c.currency AND s.day = c.was_day
                     AND s.day_minor = c.was_day_minor AND s.month_minor = c.was_month_minor",
                &[
                    &is.subscriber_ids,
                    &is.currencies,
                    &is.days,
                    &is.day_minors,
                    &is.month_minors,
                    &was.days,
                    &was.day_minors,
                    &was.month_minors,
                ],
            )
            .await?;
        if updated == is.days.len() as u64 { Ok(()) } else { Err(conflict("spending")) }
    }

    async fn insert_accounts(&self, tx: &PgConnection<'_>) -> Result<(), TxError> {
        let mut new = Columns::default();
        for (key, change) in self.0.iter().filter(|(_, change)| change.before.is_none()) {
            new.push(key, change.after);
        }
        if new.days.is_empty() {
            return Ok(());
        }
        let inserted = tx
            .execute(
                "INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor)
                 SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[])
                 ON CONFLICT DO NOTHING",
                &[&new.subscriber_ids, &new.currencies, &new.days, &new.day_minors, &new.month_minors],
            )
            .await?;
        if inserted == new.days.len() as u64 { Ok(()) } else { Err(conflict("spending")) }
    }
}

/// Rows as arrays.
#[derive(Default)]
struct Columns<'a> {
    subscriber_ids: Vec<&'a str>,
    currencies: Vec<&'a str>,
    days: Vec<String>,
    day_minors: Vec<i64>,
    month_minors: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, (subscriber_id, currency): &'a (String, String), spending: Spending) {
        self.subscriber_ids.push(subscriber_id);
        self.currencies.push(currency);
        self.days.push(spending.day.to_string());
        self.day_minors.push(spending.day_minor);
        self.month_minors.push(spending.month_minor);
    }
}
