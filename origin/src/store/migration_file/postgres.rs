//! Files of other systems, and their PAIs, in SQL. What a batch needs to know is read by one statement for each table;
//! what it writes goes out together, and not a round trip for each row.

use super::pais::{
    KnownPai, KnownRows, KnownSubscriber, NewDarkPai, NewSubscriber, OwnTerms, PaiUpdate, PaiWrites,
    plan_pais,
};
pub(super) use super::postgres_claims::{check_claims, load_claims};
use super::{AccountsAre, DarkPai, FileProgress, LoadOutcome, LoadPlace, NewMigrationFile};
use crate::store::error::missing_row;
use crate::store::mandate::postgres as mandate;
use crate::store::number::{Hash, NumberIndex};
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{parse_column, read_hash, read_price};
use crate::store::postgres::tx_error::TxError;
use futures_util::future::try_join_all;
use onbill_domain::account::AccountStatus;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeSet;
use tokio_postgres::Row;

pub(super) async fn begin_migration_file(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewMigrationFile,
) -> Result<FileProgress, TxError> {
    let row = tx
        .query_optional(
            "INSERT INTO migration_files AS f (sha256, kind, name, lines, refused, state, loaded_through, begun_at)
             VALUES ($1, $2, $3, $4, $5, 'LOADING', 0, $6)
             ON CONFLICT (sha256) DO UPDATE SET lines = excluded.lines, refused = excluded.refused, state = 'LOADING',
                 loaded_at = NULL, loaded_through = CASE WHEN f.state = 'LOADED' THEN 0 ELSE f.loaded_through END
             RETURNING file_id, loaded_through",
            &[
                &new.sha256.as_slice(),
                &new.kind.as_str(),
                &new.name,
                &new.lines,
                &new.refused,
                &now.unix_seconds(),
            ],
        )
        .await?
        .ok_or_else(|| missing_row("migration_files"))?;
    Ok(FileProgress { file_id: row.try_get("file_id")?, loaded_through: row.try_get("loaded_through")? })
}

pub(super) async fn finish_migration_file(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: i64,
) -> Result<(), TxError> {
    tx.execute_one(
        "migration_files",
        "UPDATE migration_files SET state = 'LOADED', loaded_at = $2 WHERE file_id = $1",
        &[&file_id, &now.unix_seconds()],
    )
    .await
}

pub(super) async fn note_progress(tx: &PgConnection<'_>, place: LoadPlace) -> Result<(), TxError> {
    tx.execute_one(
        "migration_files",
        "UPDATE migration_files SET loaded_through = $2 WHERE file_id = $1",
        &[&place.file_id, &place.through],
    )
    .await
}

pub(super) async fn check_dark_pais(
    db: &PgConnection<'_>,
    accounts: AccountsAre,
    batch: &[DarkPai],
) -> Result<Vec<LoadOutcome>, TxError> {
    Ok(plan_pais(read_known_rows(db, batch, "").await?, None, accounts, batch).0)
}

/// 1. Locks the numbers, in the order in which every load does, so that no sign-up and no event comes
///    between reading and writing. It begins by the note of the progress: two loads of one file take turns.
/// 2. Reads, and plans.
/// 3. Writes: subscribers before their PAIs, these before their subscriptions and mandates.
pub(super) async fn load_dark_pais(
    tx: &PgConnection<'_>,
    now: Timestamp,
    place: LoadPlace,
    accounts: AccountsAre,
    batch: &[DarkPai],
) -> Result<Vec<LoadOutcome>, TxError> {
    // 1.
    note_progress(tx, place).await?;
    let numbers: BTreeSet<NumberIndex> =
        batch.iter().filter_map(|line| Some(line.subscriber.as_ref()?.number.index)).collect();
    number_lock::acquire_all(tx, now, &numbers).await?;

    // 2.
    let known = read_known_rows(tx, batch, "FOR NO KEY UPDATE OF p").await?;
    let (outcomes, PaiWrites { subscribers, present, pais, updates }) =
        plan_pais(known, Some(place.file_id), accounts, batch);

    // 3.
    try_join_all(subscribers.iter().map(|new| insert_subscriber(tx, now, new))).await?;
    for subscriber_id in &present {
        let sql = "UPDATE subscribers SET ended_at = NULL WHERE subscriber_id = $1";
        tx.execute_one("subscribers", sql, &[subscriber_id]).await?;
    }
    try_join_all(pais.iter().map(|new| insert_pai(tx, now, place, new))).await?;
    try_join_all(pais.iter().map(|new| insert_subscription(tx, now, new))).await?;
    let mandates = pais.iter().filter_map(|new| Some(&new.line.subscription.as_ref()?.mandate));
    try_join_all(mandates.map(|row| mandate::insert_mandate(tx, row))).await?;
    for update in &updates {
        update_pai(tx, now, place, update).await?;
    }
    Ok(outcomes)
}

async fn read_known_rows(db: &PgConnection<'_>, batch: &[DarkPai], lock: &str) -> Result<KnownRows, TxError> {
    let mut known = KnownRows::default();
    read_known_pais(db, batch, lock, &mut known).await?;
    read_own_terms(db, &mut known).await?;
    read_known_numbers(db, batch, &mut known).await?;
    let named: Vec<_> = batch
        .iter()
        .filter_map(|line| {
            Some((line.partner.as_str(), line.subscription.as_ref()?.ext_subscription_id.as_str()))
        })
        .collect();
    let (partners, ids): (Vec<&str>, Vec<&str>) = named.into_iter().unzip();
    let sql = "SELECT s.partner, s.ext_subscription_id FROM unnest($1::TEXT[], $2::TEXT[]) AS c (partner, id)
             JOIN partner_subscriptions s ON s.partner = c.partner AND s.ext_subscription_id = c.id";
    for row in db.query(sql, &[&partners, &ids]).await? {
        known.subscriptions.insert((row.try_get("partner")?, row.try_get("ext_subscription_id")?));
    }
    Ok(known)
}

async fn read_known_pais(
    db: &PgConnection<'_>,
    batch: &[DarkPai],
    lock: &str,
    known: &mut KnownRows,
) -> Result<(), TxError> {
    let pais: Vec<&str> = batch.iter().map(|line| line.pai.as_str()).collect();
    let sql = format!(
        "SELECT p.pai, p.partner, p.state, p.dark_since IS NOT NULL AS is_dark, p.migration_fingerprint,
             p.migration_file, h.number_index, h.subscriber_ref
         FROM pais p JOIN subscribers h USING (subscriber_id) WHERE p.pai = ANY ($1) ORDER BY p.pai {lock}"
    );
    for row in db.query(&sql, &[&pais]).await? {
        let found = KnownPai {
            partner: row.try_get("partner")?,
            state: parse_column(&row, "pais.state", PaiState::parse)?,
            is_dark: row.try_get("is_dark")?,
            fingerprint: read_fingerprint(&row, "pais.migration_fingerprint")?,
            subscriber: read_known_subscriber(&row)?,
            file_id: row.try_get("migration_file")?,
        };
        known.pais.insert(row.try_get("pai")?, found);
    }
    Ok(())
}

/// What was agreed of the live subscription of each PAI. It may have no price that is known.
const OWN_TERMS: &str = "WITH own AS (
        SELECT partner_subscription_id, pai, ext_subscription_id, plan
        FROM partner_subscriptions WHERE pai = ANY ($1) AND status <> 'CANCELLED')
    SELECT pai, ext_subscription_id, plan, CAST(NULL AS BIGINT) AS price_minor, CAST(NULL AS TEXT) AS currency
    FROM own
    UNION ALL
    SELECT o.pai, o.ext_subscription_id, m.plan, m.price_minor, m.currency
    FROM own o JOIN mandates m ON m.partner_subscription_id = o.partner_subscription_id";

async fn read_own_terms(db: &PgConnection<'_>, known: &mut KnownRows) -> Result<(), TxError> {
    let own = known.pais.iter().filter(|(_, found)| found.fingerprint.is_none());
    let own: Vec<String> = own.map(|(pai, _)| pai.clone()).collect();
    if own.is_empty() {
        return Ok(());
    }
    for row in db.query(OWN_TERMS, &[&own]).await? {
        let terms = OwnTerms {
            ext_subscription_id: row.try_get("ext_subscription_id")?,
            plan: row.try_get("plan")?,
            price: read_price(&row, "mandates.currency")?,
        };
        known.own_terms.entry(row.try_get("pai")?).or_default().push(terms);
    }
    Ok(())
}

fn read_known_subscriber(row: &Row) -> Result<Option<(NumberIndex, String)>, TxError> {
    let Some(subscriber_ref) = row.try_get::<_, Option<String>>("subscriber_ref")? else { return Ok(None) };
    if row.try_get::<_, Option<&[u8]>>("number_index")?.is_none() {
        return Ok(None);
    }
    Ok(Some((NumberIndex(read_hash(row, "subscribers.number_index")?), subscriber_ref)))
}

pub(super) fn read_fingerprint(row: &Row, place: &'static str) -> Result<Option<Hash>, TxError> {
    let is_there = row.try_get::<_, Option<&[u8]>>("migration_fingerprint")?.is_some();
    is_there.then(|| read_hash(row, place)).transpose()
}

async fn read_known_numbers(
    db: &PgConnection<'_>,
    batch: &[DarkPai],
    known: &mut KnownRows,
) -> Result<(), TxError> {
    let numbers: Vec<&[u8]> =
        batch.iter().filter_map(|line| Some(line.subscriber.as_ref()?.number.index.0.as_slice())).collect();
    let subscribers = "SELECT number_index, subscriber_id, subscriber_ref, ended_at IS NULL AS is_present,
             ended_at IS NOT DISTINCT FROM created_at AND erasure_requested_at IS NULL AS came_ended
         FROM subscribers WHERE number_index = ANY ($1)";
    for row in db.query(subscribers, &[&numbers]).await? {
        let found = KnownSubscriber {
            subscriber_id: row.try_get("subscriber_id")?,
            subscriber_ref: row.try_get("subscriber_ref")?,
            is_present: row.try_get("is_present")?,
            came_ended: row.try_get("came_ended")?,
        };
        let number = NumberIndex(read_hash(&row, "subscribers.number_index")?);
        known.subscribers.entry(number).or_default().push(found);
    }
    // PostgreSQL would else read all PAIs for a batch, into a hash table.
    let open = "SELECT p.subscriber_id, p.partner FROM subscribers h CROSS JOIN LATERAL
             (SELECT * FROM pais l WHERE l.subscriber_id = h.subscriber_id AND l.state <> 'CLOSED' OFFSET 0) p
         WHERE h.number_index = ANY ($1)";
    for row in db.query(open, &[&numbers]).await? {
        known.open_pais.insert((row.try_get("subscriber_id")?, row.try_get("partner")?));
    }
    let accounts = "SELECT number_index, status, activated_on FROM accounts WHERE number_index = ANY ($1)";
    for row in db.query(accounts, &[&numbers]).await? {
        let number = NumberIndex(read_hash(&row, "accounts.number_index")?);
        let activated_on: Option<String> = row.try_get("activated_on")?;
        let status = parse_column(&row, "accounts.status", AccountStatus::parse)?;
        known.accounts.insert(number, (status, activated_on.unwrap_or_default()));
    }
    Ok(())
}

/// The subscriber of a closed PAI without its number is one as after an erasure.
async fn insert_subscriber(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewSubscriber<'_>,
) -> Result<(), TxError> {
    let NewSubscriber { line, has_ended } = new;
    let now = now.unix_seconds();
    let subscriber = line.subscriber.as_ref();
    tx.execute_one(
        "subscribers",
        "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at,
             ended_at, erasure_requested_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &line.fresh.subscriber_id,
            &line.fresh.handle,
            &subscriber.map(|subscriber| subscriber.number.index.0.as_slice()),
            &subscriber.map(|subscriber| subscriber.number.sealed.as_slice()),
            &subscriber.map(|subscriber| subscriber.subscriber_ref.as_str()),
            &now,
            &has_ended.then_some(now),
            &subscriber.is_none().then_some(now),
        ],
    )
    .await
}

async fn insert_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    place: LoadPlace,
    new: &NewDarkPai<'_>,
) -> Result<(), TxError> {
    let NewDarkPai { line, subscriber_id, state } = new;
    let is_closed = *state == PaiState::Closed;
    tx.execute_one(
        "pais",
        "INSERT INTO pais (pai, partner, subscriber_id, state, closed_reason, version, created_at, closed_at,
             dark_since, dark_version, paid_until, migration_file, migration_line, migration_fingerprint)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, 1, $9, $10, $11, $12)",
        &[
            &line.pai.as_str(),
            &line.partner.as_str(),
            &subscriber_id.as_str(),
            &state.as_str(),
            &is_closed.then_some(DeclineReason::AccountClosed.as_str()),
            &line.since.unix_seconds(),
            &is_closed.then_some(now.unix_seconds()),
            &now.unix_seconds(),
            &line.paid_until.map(|day| day.to_string()),
            &place.file_id,
            &line.line,
            &line.fingerprint.to_bytes().as_slice(),
        ],
    )
    .await
}

async fn insert_subscription(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewDarkPai<'_>,
) -> Result<(), TxError> {
    let NewDarkPai { line, state, .. } = new;
    let Some(subscription) = &line.subscription else { return Ok(()) };
    let is_closed = *state == PaiState::Closed;
    tx.execute_one(
        "partner_subscriptions",
        "INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan,
             status, created_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            &subscription.partner_subscription_id,
            &line.partner.as_str(),
            &subscription.ext_subscription_id.as_str(),
            &line.pai.as_str(),
            &subscription.source.as_str(),
            &subscription.mandate.plan.as_str(),
            &(if is_closed { "CANCELLED" } else { "ACTIVE" }),
            &line.since.unix_seconds(),
            &is_closed.then_some(now.unix_seconds()),
        ],
    )
    .await
}

/// The file may be a later one. The PAI is dark: no one is informed.
async fn update_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    place: LoadPlace,
    update: &PaiUpdate<'_>,
) -> Result<(), TxError> {
    let PaiUpdate { line, state } = update;
    tx.execute_one(
        "pais",
        "UPDATE pais SET paid_until = $2, migration_file = $3, migration_line = $4, migration_fingerprint = $5
         WHERE pai = $1",
        &[
            &line.pai.as_str(),
            &line.paid_until.map(|day| day.to_string()),
            &place.file_id,
            &line.line,
            &line.fingerprint.to_bytes().as_slice(),
        ],
    )
    .await?;
    if *state == PaiState::Closed {
        return pai::close_pai_row(tx, now, line.pai.as_str(), DeclineReason::AccountClosed).await;
    }
    let sql = "UPDATE pais SET state = $2, version = version + 1 WHERE pai = $1 AND state <> $2";
    tx.execute(sql, &[&line.pai.as_str(), &state.as_str()]).await?;
    Ok(())
}
