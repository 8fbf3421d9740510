//! Locks of PAIs, for the calls of partners and engineers. They lock a PAI before its charges and its subscription, and
//! several PAIs in their order, so that two of them do not wait for each other. A settlement locks its charge first:
//! where it closes a PAI, the server may end one of the two transactions, which is then run again.

use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{parse_column, read_pai};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use std::collections::HashMap;
use tokio_postgres::Row;

/// A PAI that stays as it is until the end of the transaction.
#[derive(Clone, Copy)]
pub(in crate::store) struct LockedPai {
    pub(in crate::store) state: PaiState,
    pub(in crate::store) is_dark: bool,
}

/// Locks the PAI; `None` when the partner has no such PAI.
pub(in crate::store) async fn lock_pai(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<LockedPai>, TxError> {
    Ok(lock_pais(tx, partner, &[pai]).await?.remove(&pai))
}

/// Locks those of the PAIs that are the partner's, in their order. What it returns was read under the lock.
pub(in crate::store) async fn lock_pais(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    pais: &[Pai],
) -> Result<HashMap<Pai, LockedPai>, TxError> {
    let names: Vec<&str> = pais.iter().map(Pai::as_str).collect();
    let sql = "SELECT pai, state, dark_since IS NOT NULL AS is_dark FROM pais
         WHERE partner = $1 AND pai = ANY ($2) ORDER BY pai FOR NO KEY UPDATE";
    let rows = tx.query(sql, &[&partner.as_str(), &names]).await?;
    let read = |row: &Row| {
        let state = parse_column(row, "pais.state", PaiState::parse)?;
        Ok((read_pai(row, "pais.pai")?, LockedPai { state, is_dark: row.try_get("is_dark")? }))
    };
    rows.iter().map(read).collect()
}

/// Locks one PAI, so that it is neither turned on nor off until the end of the transaction, and returns
/// whether it is dark; false if there is none. `which` is its PAI as SQL, of these values.
pub(in crate::store) async fn lock_switch(
    tx: &PgConnection<'_>,
    which: &str,
    values: Values<'_>,
) -> Result<bool, TxError> {
    let sql = format!("SELECT dark_since IS NOT NULL AS is_dark FROM pais WHERE pai = {which} FOR SHARE");
    let row = tx.query_optional(&sql, values).await?;
    Ok(row.map(|row| row.try_get("is_dark")).transpose()?.unwrap_or(false))
}

/// Locks several PAIs as [`lock_switch()`] does.
pub(in crate::store) async fn lock_switches(tx: &PgConnection<'_>, pais: &[&str]) -> Result<(), TxError> {
    let sql = "SELECT 1 FROM pais WHERE pai = ANY ($1) ORDER BY pai FOR SHARE";
    tx.query(sql, &[&pais]).await?;
    Ok(())
}

/// Locks the PAI of a partner's charge as [`lock_switch()`] does. It comes before the charge is locked.
pub(in crate::store) async fn lock_switch_of_charge(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    ext_transaction_id: &ExtId,
) -> Result<bool, TxError> {
    let which = "(SELECT pai FROM transactions WHERE partner = $1 AND ext_transaction_id = $2)";
    lock_switch(tx, which, &[&partner.as_str(), &ext_transaction_id.as_str()]).await
}

/// Locks the PAI of a partner's subscription as [`lock_switch()`] does. It comes before the subscription
/// is locked.
pub(in crate::store) async fn lock_switch_of_subscription(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<bool, TxError> {
    let which = "(SELECT pai FROM partner_subscriptions WHERE partner_subscription_id = $1 AND partner = $2)";
    lock_switch(tx, which, &[&id.as_str(), &partner.as_str()]).await
}

/// Locks those of the PAIs that there are, whichever partner's, in their order. So charges of one PAI are posted one
/// after the other, whatever their currencies, and statements that are sent after this one read what the earlier
/// charges have written. An account's spending is locked by currency, so that lock is not enough; nor would it show a
/// charge whose amount was released again since it was read.
pub(in crate::store) async fn lock_named_pais(tx: &PgConnection<'_>, pais: &[&str]) -> Result<(), TxError> {
    let sql = "SELECT 1 FROM pais WHERE pai = ANY ($1) ORDER BY pai FOR NO KEY UPDATE";
    tx.query(sql, &[&pais]).await?;
    Ok(())
}
