//! Claims in SQL.

use super::claims::{ClaimUpdate, ClaimWrites, KnownCharge, KnownCharges, MoreGivenBack, plan_claims};
use super::sqlite::note_progress;
use super::{Claim, LoadOutcome, LoadPlace};
use crate::store::error::StoreError;
use crate::store::spending::sqlite as spending;
use crate::store::sqlite::rows::parse_column;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::ott::TransactionStatus;
use rusqlite::{Connection, params};

pub(super) fn check_claims(db: &Connection, batch: &[Claim]) -> Result<Vec<LoadOutcome>, StoreError> {
    Ok(plan_claims(&read_known_charges(db, batch)?, None, batch).0)
}

pub(super) fn load_claims(
    tx: &Connection,
    place: LoadPlace,
    batch: &[Claim],
) -> Result<Vec<LoadOutcome>, StoreError> {
    let (outcomes, writes) = plan_claims(&read_known_charges(tx, batch)?, Some(place.file_id), batch);
    let ClaimWrites { claims, updates, refunds } = writes;
    claims.iter().try_for_each(|claim| insert_claim(tx, place, claim))?;
    updates.iter().try_for_each(|update| update_claim(tx, place, update))?;
    refunds.iter().try_for_each(|given_back| note_refund(tx, given_back))?;
    note_progress(tx, place)?;
    Ok(outcomes)
}

fn read_known_charges(db: &Connection, batch: &[Claim]) -> Result<KnownCharges, StoreError> {
    let mut known = KnownCharges::default();
    for claim in batch {
        let ids = [claim.partner.as_str(), claim.ext_transaction_id.as_str()];
        let mut select = db.prepare_cached(
            "SELECT t.migration_fingerprint, t.migration_file, t.status, t.refunded_minor, p.dark_since IS NOT NULL AS is_dark,
                 p.dark_since IS NOT NULL AND p.cut_over_at IS NOT NULL AS has_gone_back,
                 t.pai = ?3 AND t.amount_minor = ?4 AND t.currency = ?5 AND t.period_from = ?6 AND t.period_to = ?7
                     AS is_same,
                 (SELECT coalesce(sum(r.amount_minor), 0) FROM refunds r
                  WHERE r.transaction_id = t.transaction_id AND r.status <> 'DECLINED') AS refunded_here_minor
             FROM transactions t JOIN pais p USING (pai) WHERE t.partner = ?1 AND t.ext_transaction_id = ?2",
        )?;
        let mut rows = select.query(params![
            ids[0],
            ids[1],
            claim.pai.as_str(),
            claim.amount.amount_minor,
            claim.amount.currency.as_str(),
            claim.service_period.from().to_string(),
            claim.service_period.to().to_string(),
        ])?;
        if let Some(row) = rows.next()? {
            let found = KnownCharge {
                fingerprint: row.get("migration_fingerprint")?,
                file_id: row.get("migration_file")?,
                status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
                refunded_minor: row.get("refunded_minor")?,
                is_dark: row.get("is_dark")?,
                has_gone_back: row.get("has_gone_back")?,
                is_same: row.get("is_same")?,
                refunded_here_minor: row.get("refunded_here_minor")?,
            };
            known.charges.insert(ids.map(str::to_owned).into(), found);
        }
        let sql = "SELECT 1 FROM pais
             WHERE pai = ?1 AND partner = ?2 AND (migration_file IS NOT NULL OR dark_since IS NOT NULL)";
        if db.prepare_cached(sql)?.exists([claim.pai.as_str(), claim.partner.as_str()])? {
            known.loaded_pais.insert((claim.partner.to_string(), claim.pai.to_string()));
        }
    }
    Ok(known)
}

fn insert_claim(tx: &Connection, place: LoadPlace, claim: &Claim) -> Result<(), StoreError> {
    let posted_at = claim.posted_at.unix_seconds();
    tx.prepare_cached(
        "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, pai, amount_minor, currency, description,
             period_from, period_to, status, responding_until, created_at, settled_at, refunded_minor, billing_ref,
             migration_file, migration_line, migration_fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    )?
    .execute(params![
        claim.transaction_id,
        claim.partner.as_str(),
        claim.ext_transaction_id.as_str(),
        claim.pai.as_str(),
        claim.amount.amount_minor,
        claim.amount.currency.as_str(),
        claim.description,
        claim.service_period.from().to_string(),
        claim.service_period.to().to_string(),
        claim.status.as_str(),
        posted_at,
        (claim.status != TransactionStatus::Pending).then_some(posted_at),
        claim.refunded_minor,
        claim.billing_ref.as_ref().map(ExtId::as_str),
        place.file_id,
        claim.line,
        claim.fingerprint.to_bytes(),
    ])?;
    Ok(())
}

fn update_claim(tx: &Connection, place: LoadPlace, update: &ClaimUpdate<'_>) -> Result<(), StoreError> {
    let ClaimUpdate { claim, refunded_minor } = update;
    tx.prepare_cached(
        "UPDATE transactions SET status = ?2, settled_at = CASE WHEN ?2 = 'PENDING' THEN NULL ELSE created_at END,
             refunded_minor = ?3, billing_ref = ?4, migration_file = ?5, migration_line = ?6,
             migration_fingerprint = ?7
         WHERE transaction_id = ?1",
    )?
    .execute(params![
        claim.transaction_id,
        claim.status.as_str(),
        refunded_minor,
        claim.billing_ref.as_ref().map(ExtId::as_str),
        place.file_id,
        claim.line,
        claim.fingerprint.to_bytes(),
    ])?;
    Ok(())
}

/// Of a charge that was posted here. What was given back counts against no limit any more.
fn note_refund(tx: &Connection, given_back: &MoreGivenBack<'_>) -> Result<(), StoreError> {
    let MoreGivenBack { claim, refunded_minor, more_minor } = given_back;
    let values = params![claim.partner.as_str(), claim.ext_transaction_id.as_str(), refunded_minor];
    let transaction_id: String = tx
        .prepare_cached(
            "UPDATE transactions SET refunded_minor = ?3 WHERE partner = ?1 AND ext_transaction_id = ?2
             RETURNING transaction_id",
        )?
        .query_row(values, |row| row.get(0))?;
    spending::release_refund(tx, &transaction_id, *more_minor)
}
