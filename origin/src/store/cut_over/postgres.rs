//! The cut-over in SQL.

use super::{
    CutOverPaiResult, LAST_LOADS, SwitchAct, SwitchablePai, TurnOffPaiResult, all_loads_finished,
    is_under_way,
};
use crate::store::audit::{AuditFact, AuditStamp, postgres as audit};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::migration_file::MigrationFileKind;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{parse_column, read_pai, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::postgres as queue;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

const DARK: &str =
    "SELECT pai FROM pais WHERE partner = $1 AND dark_since IS NOT NULL AND pai > $2 ORDER BY pai LIMIT $3";

const COUNT_DARK: &str = "SELECT count(*) AS pais FROM pais WHERE partner = $1 AND dark_since IS NOT NULL";

const CUT_OVER: &str = concat!(
    "UPDATE pais SET dark_since = NULL, cut_over_at = coalesce(cut_over_at, $3)
     WHERE pai = $1 AND partner = $2 AND dark_since IS NOT NULL AND ",
    all_loads_finished!(),
    " RETURNING version > dark_version AS has_changed"
);

const SWITCHABLE: &str = "SELECT pai, partner = $1 AND dark_since IS NULL AS is_on
    FROM pais WHERE pai > $2 ORDER BY pai LIMIT $3";

const COUNT_ON: &str = "SELECT count(*) AS pais FROM pais WHERE partner = $1 AND dark_since IS NULL";

const TURN_OFF: &str = concat!(
    "UPDATE pais AS p SET dark_since = $3, dark_version = version
     WHERE pai = $1 AND partner = $2 AND dark_since IS NULL AND NOT ",
    is_under_way!(),
    " AND ",
    all_loads_finished!()
);

const IS_ON: &str = concat!(
    "SELECT ",
    all_loads_finished!(),
    " AS is_loaded FROM pais WHERE pai = $1 AND partner = $2 AND dark_since IS NULL"
);

/// The partner knows no later version than the one before.
const NOT_REPORTED: &str = "UPDATE pais SET dark_version = version - 1 WHERE pai = $1";

const IS_DARK: &str = "SELECT pai FROM pais WHERE pai = $1 AND partner = $2 AND dark_since IS NOT NULL";

pub(super) async fn count_dark_pais(db: &PgConnection<'_>, partner: &PartnerId) -> Result<u64, TxError> {
    count_pais(db, COUNT_DARK, partner).await
}

pub(super) async fn count_pais_that_are_on(
    db: &PgConnection<'_>,
    partner: &PartnerId,
) -> Result<u64, TxError> {
    count_pais(db, COUNT_ON, partner).await
}

async fn count_pais(db: &PgConnection<'_>, sql: &str, partner: &PartnerId) -> Result<u64, TxError> {
    let row = db.query_optional(sql, &[&partner.as_str()]).await?;
    let count: i64 = row.ok_or_else(|| missing_row("pais"))?.try_get("pais")?;
    Ok(u64::try_from(count).map_err(|_| inconsistent_row("pais.dark_since"))?)
}

pub(super) async fn list_dark_pais(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<Pai>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let rows = db.query(DARK, &[&partner.as_str(), &after, &i64::from(limit)]).await?;
    rows.iter().map(|row| read_pai(row, "pais.pai")).collect()
}

pub(super) async fn list_switchable_pais(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<SwitchablePai>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let rows = db.query(SWITCHABLE, &[&partner.as_str(), &after, &i64::from(limit)]).await?;
    rows.iter().map(read_switchable_pai).collect()
}

fn read_switchable_pai(row: &Row) -> Result<SwitchablePai, TxError> {
    Ok(SwitchablePai { pai: read_pai(row, "pais.pai")?, is_on: row.try_get("is_on")? })
}

pub(super) async fn list_unfinished_loads(db: &PgConnection<'_>) -> Result<Vec<String>, TxError> {
    let rows =
        db.query("SELECT name FROM migration_files WHERE state = 'LOADING' ORDER BY file_id", &[]).await?;
    rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
}

pub(super) async fn list_refused_lines(db: &PgConnection<'_>) -> Result<Vec<(String, u64)>, TxError> {
    let sql = "SELECT name, refused FROM migration_files WHERE refused > 0 ORDER BY file_id";
    let rows = db.query(sql, &[]).await?;
    let read = |row: &Row| -> Result<(String, u64), TxError> {
        let refused: i64 = row.try_get("refused")?;
        let refused = u64::try_from(refused).map_err(|_| inconsistent_row("migration_files.refused"))?;
        Ok((row.try_get("name")?, refused))
    };
    rows.iter().map(read).collect()
}

pub(super) async fn list_last_loads(
    db: &PgConnection<'_>,
) -> Result<Vec<(MigrationFileKind, Timestamp)>, TxError> {
    let rows = db.query(LAST_LOADS, &[]).await?;
    let read = |row: &Row| {
        let kind = parse_column(row, "migration_files.kind", MigrationFileKind::parse)?;
        Ok((kind, read_time(row, "migration_files.loaded_at")?))
    };
    rows.iter().map(read).collect()
}

pub(super) async fn was_any_loaded(db: &PgConnection<'_>, partner: &PartnerId) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM pais WHERE partner = $1 AND migration_file IS NOT NULL LIMIT 1";
    Ok(db.query_optional(sql, &[&partner.as_str()]).await?.is_some())
}

pub(super) async fn find_switchable_pais(
    db: &PgConnection<'_>,
    act: SwitchAct,
    partner: &PartnerId,
    pais: &[Pai],
) -> Result<Vec<SwitchablePai>, TxError> {
    let names: Vec<String> = pais.iter().map(Pai::to_string).collect();
    let sql = "SELECT pai, dark_since IS NULL AS is_on FROM pais WHERE pai = ANY($1) AND partner = $2
         AND ($3 OR migration_file IS NOT NULL OR dark_since IS NOT NULL)";
    let rows = db.query(sql, &[&names, &partner.as_str(), &(act == SwitchAct::TurnOff)]).await?;
    rows.iter().map(read_switchable_pai).collect()
}

pub(super) async fn record_switch(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    act: SwitchAct,
    partner: &PartnerId,
    pais: u64,
) -> Result<(), TxError> {
    let (act, outcome) = act.audited(pais);
    let fact = AuditFact {
        act,
        outcome,
        subscriber: None,
        subject: Some(partner.as_str()),
        reason: Some(&format!("{pais} PAIs")),
    };
    audit::append(tx, now, stamp, &fact).await
}

pub(super) async fn cut_over_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
) -> Result<CutOverPaiResult, TxError> {
    let (locked, seconds) = ([pai.as_str()], now.unix_seconds());
    let values: Values<'_> = &[&pai.as_str(), &partner.as_str(), &seconds];
    // In one round trip, and in this order: a load locks the PAI too, so the update sees whether one has begun.
    let lock = pai_lock::lock_named_pais(tx, &locked);
    let ((), row) = tokio::try_join!(biased; lock, tx.query_optional(CUT_OVER, values))?;
    let Some(row) = row else {
        let dark = tx.query_optional(IS_DARK, &[&pai.as_str(), &partner.as_str()]).await?;
        return Ok(match dark {
            Some(_) => CutOverPaiResult::LoadUnfinished,
            None => CutOverPaiResult::WasOn,
        });
    };
    if row.try_get("has_changed")? {
        queue::put_pai_change(tx, now, pai.as_str()).await?;
    } else {
        queue::put_pai_mapping(tx, now, pai.as_str()).await?;
    }
    Ok(CutOverPaiResult::TurnedOn)
}

/// A charge or a refund that is posted at the same moment holds the row until it is written: it is under way
/// then, or it finds the PAI dark. So is a load: it has begun then, or it finds the PAI dark.
pub(super) async fn turn_off_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
) -> Result<TurnOffPaiResult, TxError> {
    let (locked, seconds) = ([pai.as_str()], now.unix_seconds());
    let values: Values<'_> = &[&pai.as_str(), &partner.as_str(), &seconds];
    let lock = pai_lock::lock_named_pais(tx, &locked);
    let ((), done) = tokio::try_join!(biased; lock, tx.execute(TURN_OFF, values))?;
    if done > 0 {
        if queue::drop_pai_report(tx, pai.as_str()).await? {
            tx.execute_one("pais", NOT_REPORTED, &[&pai.as_str()]).await?;
        }
        return Ok(TurnOffPaiResult::TurnedOff);
    }
    let on = tx.query_optional(IS_ON, &[&pai.as_str(), &partner.as_str()]).await?;
    Ok(match on.map(|row| row.try_get("is_loaded")).transpose()? {
        Some(true) => TurnOffPaiResult::UnderWay,
        Some(false) => TurnOffPaiResult::LoadUnfinished,
        None => TurnOffPaiResult::WasDark,
    })
}
