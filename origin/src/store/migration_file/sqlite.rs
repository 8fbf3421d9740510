//! Files of other systems, and their PAIs, in SQL.

use super::pais::{
    KnownPai, KnownRows, KnownSubscriber, NewDarkPai, NewSubscriber, OwnTerms, PaiUpdate, PaiWrites,
    plan_pais,
};
pub(super) use super::sqlite_claims::{check_claims, load_claims};
use super::{AccountsAre, DarkPai, FileProgress, LoadOutcome, LoadPlace, NewMigrationFile};
use crate::store::error::StoreError;
use crate::store::mandate::sqlite as mandate;
use crate::store::number::{BilledSubscriber, Hash, NumberIndex};
use crate::store::pai::sqlite as pai;
use crate::store::sqlite::rows::{parse_column, read_price};
use onbill_domain::account::AccountStatus;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn begin_migration_file(
    tx: &Connection,
    now: Timestamp,
    new: &NewMigrationFile,
) -> Result<FileProgress, StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO migration_files (sha256, kind, name, lines, refused, state, loaded_through, begun_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'LOADING', 0, ?6)
         ON CONFLICT (sha256) DO UPDATE SET lines = excluded.lines, refused = excluded.refused, state = 'LOADING',
             loaded_at = NULL, loaded_through = CASE WHEN state = 'LOADED' THEN 0 ELSE loaded_through END
         RETURNING file_id, loaded_through",
    )?;
    let values = params![new.sha256, new.kind.as_str(), new.name, new.lines, new.refused, now.unix_seconds()];
    Ok(insert.query_row(values, |row| {
        Ok(FileProgress { file_id: row.get("file_id")?, loaded_through: row.get("loaded_through")? })
    })?)
}

pub(super) fn finish_migration_file(tx: &Connection, now: Timestamp, file_id: i64) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE migration_files SET state = 'LOADED', loaded_at = ?2 WHERE file_id = ?1")?
        .execute(params![file_id, now.unix_seconds()])?;
    Ok(())
}

pub(super) fn note_progress(tx: &Connection, place: LoadPlace) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE migration_files SET loaded_through = ?2 WHERE file_id = ?1")?
        .execute(params![place.file_id, place.through])?;
    Ok(())
}

pub(super) fn check_dark_pais(
    db: &Connection,
    accounts: AccountsAre,
    batch: &[DarkPai],
) -> Result<Vec<LoadOutcome>, StoreError> {
    Ok(plan_pais(read_known_rows(db, batch)?, None, accounts, batch).0)
}

pub(super) fn load_dark_pais(
    tx: &Connection,
    now: Timestamp,
    place: LoadPlace,
    accounts: AccountsAre,
    batch: &[DarkPai],
) -> Result<Vec<LoadOutcome>, StoreError> {
    let (outcomes, writes) = plan_pais(read_known_rows(tx, batch)?, Some(place.file_id), accounts, batch);
    let PaiWrites { subscribers, present, pais, updates } = writes;
    subscribers.iter().try_for_each(|new| insert_subscriber(tx, now, new))?;
    for subscriber_id in &present {
        tx.prepare_cached("UPDATE subscribers SET ended_at = NULL WHERE subscriber_id = ?1")?
            .execute([subscriber_id])?;
    }
    pais.iter().try_for_each(|new| insert_pai(tx, now, place, new))?;
    updates.iter().try_for_each(|update| update_pai(tx, now, place, update))?;
    note_progress(tx, place)?;
    Ok(outcomes)
}

fn read_known_rows(db: &Connection, batch: &[DarkPai]) -> Result<KnownRows, StoreError> {
    let mut known = KnownRows::default();
    for line in batch {
        read_known_pai(db, line, &mut known)?;
        if let Some(subscriber) = &line.subscriber {
            read_known_number(db, subscriber.number.index, &mut known)?;
        }
        if let Some(subscription) = &line.subscription {
            let ids = [line.partner.as_str(), subscription.ext_subscription_id.as_str()];
            let sql = "SELECT 1 FROM partner_subscriptions WHERE partner = ?1 AND ext_subscription_id = ?2";
            if db.prepare_cached(sql)?.exists(ids)? {
                known.subscriptions.insert(ids.map(str::to_owned).into());
            }
        }
    }
    Ok(known)
}

fn read_known_pai(db: &Connection, line: &DarkPai, known: &mut KnownRows) -> Result<(), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT p.partner, p.state, p.dark_since IS NOT NULL AS is_dark, p.migration_fingerprint, p.migration_file,
             h.number_index, h.subscriber_ref
         FROM pais p JOIN subscribers h USING (subscriber_id) WHERE p.pai = ?1",
    )?;
    let mut rows = select.query([line.pai.as_str()])?;
    if let Some(row) = rows.next()? {
        let number: Option<Hash> = row.get("number_index")?;
        let subscriber_ref: Option<String> = row.get("subscriber_ref")?;
        let found = KnownPai {
            partner: row.get("partner")?,
            state: parse_column(row, "pais.state", PaiState::parse)?,
            is_dark: row.get("is_dark")?,
            fingerprint: row.get("migration_fingerprint")?,
            subscriber: number.map(NumberIndex).zip(subscriber_ref),
            file_id: row.get("migration_file")?,
        };
        if found.fingerprint.is_none() {
            known.own_terms.insert(line.pai.to_string(), read_own_terms(db, line.pai.as_str())?);
        }
        known.pais.insert(line.pai.to_string(), found);
    }
    Ok(())
}

/// What was agreed of the live subscription of a PAI. It may have no price that is known.
const OWN_TERMS: &str = "WITH own AS (
        SELECT partner_subscription_id, pai, ext_subscription_id, plan
        FROM partner_subscriptions WHERE pai = ?1 AND status <> 'CANCELLED')
    SELECT pai, ext_subscription_id, plan, CAST(NULL AS INTEGER) AS price_minor, CAST(NULL AS TEXT) AS currency
    FROM own
    UNION ALL
    SELECT o.pai, o.ext_subscription_id, m.plan, m.price_minor, m.currency
    FROM own o JOIN mandates m ON m.partner_subscription_id = o.partner_subscription_id";

fn read_own_terms(db: &Connection, pai: &str) -> Result<Vec<OwnTerms>, StoreError> {
    let mut select = db.prepare_cached(OWN_TERMS)?;
    let mut rows = select.query([pai])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(OwnTerms {
            ext_subscription_id: row.get("ext_subscription_id")?,
            plan: row.get("plan")?,
            price: read_price(row, "mandates.currency")?,
        });
    }
    Ok(found)
}

fn read_known_number(db: &Connection, number: NumberIndex, known: &mut KnownRows) -> Result<(), StoreError> {
    if known.subscribers.contains_key(&number) {
        return Ok(());
    }
    let mut select = db.prepare_cached(
        "SELECT subscriber_id, subscriber_ref, ended_at IS NULL AS is_present,
             ended_at IS created_at AND erasure_requested_at IS NULL AS came_ended
         FROM subscribers
         WHERE number_index = ?1",
    )?;
    let mut rows = select.query([number.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let subscriber_id: String = row.get("subscriber_id")?;
        let mut open =
            db.prepare_cached("SELECT partner FROM pais WHERE subscriber_id = ?1 AND state <> 'CLOSED'")?;
        for partner in open.query_map([&subscriber_id], |row| row.get::<_, String>(0))? {
            known.open_pais.insert((subscriber_id.clone(), partner?));
        }
        found.push(KnownSubscriber {
            subscriber_id,
            subscriber_ref: row.get("subscriber_ref")?,
            is_present: row.get("is_present")?,
            came_ended: row.get("came_ended")?,
        });
    }
    known.subscribers.insert(number, found);
    let account: Option<(String, Option<String>)> = db
        .prepare_cached("SELECT status, activated_on FROM accounts WHERE number_index = ?1")?
        .query_row([number.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((status, activated_on)) = account
        && let Some(status) = AccountStatus::parse(&status)
    {
        known.accounts.insert(number, (status, activated_on.unwrap_or_default()));
    }
    Ok(())
}

/// The subscriber of a closed PAI without its number is one as after an erasure.
fn insert_subscriber(tx: &Connection, now: Timestamp, new: &NewSubscriber<'_>) -> Result<(), StoreError> {
    let NewSubscriber { line, has_ended } = new;
    let now = now.unix_seconds();
    let subscriber = line.subscriber.as_ref();
    tx.prepare_cached(
        "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at,
             ended_at, erasure_requested_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        line.fresh.subscriber_id,
        line.fresh.handle,
        subscriber.map(|BilledSubscriber { number, .. }| number.index.0),
        subscriber.map(|BilledSubscriber { number, .. }| &number.sealed),
        subscriber.map(|subscriber| &subscriber.subscriber_ref),
        now,
        has_ended.then_some(now),
        subscriber.is_none().then_some(now),
    ])?;
    Ok(())
}

fn insert_pai(
    tx: &Connection,
    now: Timestamp,
    place: LoadPlace,
    new: &NewDarkPai<'_>,
) -> Result<(), StoreError> {
    let NewDarkPai { line, subscriber_id, state } = new;
    let is_closed = *state == PaiState::Closed;
    tx.prepare_cached(
        "INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at, closed_at,
             dark_since, dark_version, paid_until, migration_file, migration_line, migration_fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        line.pai.as_str(),
        line.partner.as_str(),
        subscriber_id,
        state.as_str(),
        is_closed.then_some(DeclineReason::AccountClosed.as_str()),
        line.since.unix_seconds(),
        is_closed.then_some(now.unix_seconds()),
        now.unix_seconds(),
        line.paid_until.map(|day| day.to_string()),
        place.file_id,
        line.line,
        line.fingerprint.to_bytes(),
    ])?;
    let Some(subscription) = &line.subscription else { return Ok(()) };
    tx.prepare_cached(
        "INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan,
             status, created_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        subscription.partner_subscription_id,
        line.partner.as_str(),
        subscription.ext_subscription_id.as_str(),
        line.pai.as_str(),
        subscription.source.as_str(),
        subscription.mandate.plan.as_str(),
        if is_closed { "CANCELLED" } else { "ACTIVE" },
        line.since.unix_seconds(),
        is_closed.then_some(now.unix_seconds()),
    ])?;
    mandate::insert_mandate(tx, &subscription.mandate)
}

/// The file may be a later one. The PAI is dark: no one is informed.
fn update_pai(
    tx: &Connection,
    now: Timestamp,
    place: LoadPlace,
    update: &PaiUpdate<'_>,
) -> Result<(), StoreError> {
    let PaiUpdate { line, state } = update;
    tx.prepare_cached(
        "UPDATE pais SET paid_until = ?2, migration_file = ?3, migration_line = ?4, migration_fingerprint = ?5
         WHERE pai = ?1",
    )?
    .execute(params![
        line.pai.as_str(),
        line.paid_until.map(|day| day.to_string()),
        place.file_id,
        line.line,
        line.fingerprint.to_bytes(),
    ])?;
    if *state == PaiState::Closed {
        return pai::close_pai_row(tx, now, line.pai.as_str(), DeclineReason::AccountClosed);
    }
    tx.prepare_cached("UPDATE pais SET state = ?2, version = version + 1 WHERE pai = ?1 AND state <> ?2")?
        .execute(params![line.pai.as_str(), state.as_str()])?;
    Ok(())
}
