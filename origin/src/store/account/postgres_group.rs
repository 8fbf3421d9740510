//! Looking up accounts in groups: each charge looks up one.

use super::lookup::AccountLookup;
use super::postgres::{find_account, read_account};
use crate::store::account::SubscriberAccount;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::group::Grouped;
use crate::store::postgres::rows::read_place;
use crate::store::postgres::tx_error::TxError;

impl Grouped for AccountLookup {
    type Answer = Option<SubscriberAccount>;

    const WRITES: bool = false;

    async fn run_alone(&self, tx: &PgConnection<'_>) -> Result<Self::Answer, TxError> {
        find_account(tx, self.number).await
    }

    async fn run_group(tx: &PgConnection<'_>, group: &[Self]) -> Result<Vec<Option<Self::Answer>>, TxError> {
        let numbers: Vec<&[u8]> = group.iter().map(|lookup| lookup.number.0.as_slice()).collect();
        let rows = tx
            .query(
                "SELECT c.place, a.status, a.account_type, a.balance_minor, a.currency, a.activated_on
                 FROM unnest($1::BYTEA[]) WITH ORDINALITY AS c (number_index, place) JOIN accounts a USING (number_index)",
                &[&numbers],
            )
            .await?;
        let mut answers: Vec<_> = group.iter().map(|_| Some(None)).collect();
        for row in rows {
            answers[read_place(&row)?] = Some(Some(read_account(&row)?));
        }
        Ok(answers)
    }
}
