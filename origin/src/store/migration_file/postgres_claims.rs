//! Claims in SQL.

use super::claims::{ClaimUpdate, ClaimWrites, KnownCharge, KnownCharges, MoreGivenBack, plan_claims};
use super::postgres::{note_progress, read_fingerprint};
use super::{Claim, LoadOutcome, LoadPlace};
use crate::store::error::missing_row;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::parse_column;
use crate::store::postgres::tx_error::TxError;
use crate::store::spending::postgres as spending;
use futures_util::future::try_join_all;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::ExtId;
use onbill_domain::wire::ott::TransactionStatus;

pub(super) async fn check_claims(
    db: &PgConnection<'_>,
    batch: &[Claim],
) -> Result<Vec<LoadOutcome>, TxError> {
    Ok(plan_claims(&read_known_charges(db, batch).await?, None, batch).0)
}

pub(super) async fn load_claims(
    tx: &PgConnection<'_>,
    place: LoadPlace,
    batch: &[Claim],
) -> Result<Vec<LoadOutcome>, TxError> {
    note_progress(tx, place).await?;
    // None of their PAIs is turned on or off meanwhile. PAIs are locked before charges.
    let pais: Vec<&str> = batch.iter().map(|claim| claim.pai.as_str()).collect();
    pai_lock::lock_switches(tx, &pais).await?;
    // A refund of one of them locks its charge.
    let ids: Vec<&str> = batch.iter().map(|claim| claim.transaction_id.as_str()).collect();
    let lock =
        "SELECT 1 FROM transactions WHERE transaction_id = ANY ($1) ORDER BY transaction_id FOR UPDATE";
    tx.query(lock, &[&ids]).await?;
    let known = read_known_charges(tx, batch).await?;
    let (outcomes, ClaimWrites { claims, updates, refunds }) =
        plan_claims(&known, Some(place.file_id), batch);
    try_join_all(claims.iter().map(|claim| insert_claim(tx, place, claim))).await?;
    try_join_all(updates.iter().map(|update| update_claim(tx, place, update))).await?;
    let mut given_back = Vec::new();
    for more in &refunds {
        given_back.push((note_refund(tx, more).await?, more.more_minor));
    }
    // What was given back counts against no limit any more.
    spending::release_refunds(tx, &given_back).await?;
    Ok(outcomes)
}

async fn read_known_charges(db: &PgConnection<'_>, batch: &[Claim]) -> Result<KnownCharges, TxError> {
    let mut known = KnownCharges::default();
    let partners: Vec<&str> = batch.iter().map(|claim| claim.partner.as_str()).collect();
    let ids: Vec<&str> = batch.iter().map(|claim| claim.ext_transaction_id.as_str()).collect();
    let pais: Vec<&str> = batch.iter().map(|claim| claim.pai.as_str()).collect();
    let charges =
        "SELECT t.partner, t.ext_transaction_id, t.migration_fingerprint, t.migration_file, t.status,
             t.refunded_minor, p.dark_since IS NOT NULL AS is_dark,
             p.dark_since IS NOT NULL AND p.cut_over_at IS NOT NULL AS has_gone_back,
             t.pai = c.pai AND t.amount_minor = c.amount_minor AND t.currency = c.currency
                 AND t.period_from = c.period_from AND t.period_to = c.period_to AS is_same,
             (SELECT CAST(coalesce(sum(r.amount_minor), 0) AS BIGINT) FROM refunds r
              WHERE r.transaction_id = t.transaction_id AND r.status <> 'DECLINED') AS refunded_here_minor
         FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::TEXT[])
                 AS c (partner, id, pai, amount_minor, currency, period_from, period_to)
             JOIN transactions t ON t.partner = c.partner AND t.ext_transaction_id = c.id
             JOIN pais p ON p.pai = t.pai";
    let amounts: Vec<i64> = batch.iter().map(|claim| claim.amount.amount_minor).collect();
    let currencies: Vec<&str> = batch.iter().map(|claim| claim.amount.currency.as_str()).collect();
    let days = |day: fn(&ServicePeriod) -> Day| -> Vec<String> {
        batch.iter().map(|claim| day(&claim.service_period).to_string()).collect()
    };
    let (from, to) = (days(|period| period.from()), days(|period| period.to()));
    for row in db.query(charges, &[&partners, &ids, &pais, &amounts, &currencies, &from, &to]).await? {
        let found = KnownCharge {
            fingerprint: read_fingerprint(&row, "transactions.migration_fingerprint")?,
            file_id: row.try_get("migration_file")?,
            status: parse_column(&row, "transactions.status", TransactionStatus::parse)?,
            refunded_minor: row.try_get("refunded_minor")?,
            is_dark: row.try_get("is_dark")?,
            has_gone_back: row.try_get("has_gone_back")?,
            is_same: row.try_get("is_same")?,
            refunded_here_minor: row.try_get("refunded_here_minor")?,
        };
        known.charges.insert((row.try_get("partner")?, row.try_get("ext_transaction_id")?), found);
    }
    let loaded = "SELECT partner, pai FROM pais
         WHERE pai = ANY ($1) AND (migration_file IS NOT NULL OR dark_since IS NOT NULL)";
    for row in db.query(loaded, &[&pais]).await? {
        known.loaded_pais.insert((row.try_get("partner")?, row.try_get("pai")?));
    }
    Ok(known)
}

async fn insert_claim(tx: &PgConnection<'_>, place: LoadPlace, claim: &Claim) -> Result<(), TxError> {
    let posted_at = claim.posted_at.unix_seconds();
    tx.execute_one(
        "transactions",
        "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, description,
             period_from, period_to, status, responding_until, created_at, settled_at, refunded_minor, billing_ref,
             migration_file, migration_line, migration_fingerprint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16, $17)",
        &[
            &claim.transaction_id,
            &claim.partner.as_str(),
            &claim.ext_transaction_id.as_str(),
            &claim.pai.as_str(),
            &claim.amount.amount_minor,
            &claim.amount.currency.as_str(),
            &claim.description,
            &claim.service_period.from().to_string(),
            &claim.service_period.to().to_string(),
            &claim.status.as_str(),
            &posted_at,
            &(claim.status != TransactionStatus::Pending).then_some(posted_at),
            &claim.refunded_minor,
            &claim.billing_ref.as_ref().map(ExtId::as_str),
            &place.file_id,
            &claim.line,
            &claim.fingerprint.to_bytes().as_slice(),
        ],
    )
    .await
}

async fn update_claim(
    tx: &PgConnection<'_>,
    place: LoadPlace,
    update: &ClaimUpdate<'_>,
) -> Result<(), TxError> {
    let ClaimUpdate { claim, refunded_minor } = update;
    tx.execute_one(
        "transactions",
        "UPDATE transactions SET status = $2, settled_at = CASE WHEN $2 = 'PENDING' THEN NULL ELSE created_at END,
             refunded_minor = $3, billing_ref = $4, migration_file = $5, migration_line = $6,
             migration_fingerprint = $7
         WHERE transaction_id = $1",
        &[
            &claim.transaction_id,
            &claim.status.as_str(),
            &refunded_minor,
            &claim.billing_ref.as_ref().map(ExtId::as_str),
            &place.file_id,
            &claim.line,
            &claim.fingerprint.to_bytes().as_slice(),
        ],
    )
    .await
}

/// Of a charge that was posted here. Returns its id.
async fn note_refund(tx: &PgConnection<'_>, given_back: &MoreGivenBack<'_>) -> Result<String, TxError> {
    let MoreGivenBack { claim, refunded_minor, .. } = given_back;
    let row = tx
        .query_optional(
            "UPDATE transactions SET refunded_minor = $3 WHERE partner = $1 AND ext_transaction_id = $2
             RETURNING transaction_id",
            &[&claim.partner.as_str(), &claim.ext_transaction_id.as_str(), refunded_minor],
        )
        .await?
        .ok_or_else(|| missing_row("transactions"))?;
    Ok(row.try_get("transaction_id")?)
}
