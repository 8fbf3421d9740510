//! The cut-over in SQL.

use super::{
    CutOverPaiResult, LAST_LOADS, SwitchAct, SwitchablePai, TurnOffPaiResult, all_loads_finished,
    is_under_way,
};
use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::migration_file::MigrationFileKind;
use crate::store::queue::sqlite as queue;
use crate::store::sqlite::rows::{parse_column, read_pai};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const DARK: &str =
    "SELECT pai FROM pais WHERE partner = ?1 AND dark_since IS NOT NULL AND pai > ?2 ORDER BY pai LIMIT ?3";

const COUNT_DARK: &str = "SELECT count(*) FROM pais WHERE partner = ?1 AND dark_since IS NOT NULL";

const CUT_OVER: &str = concat!(
    "UPDATE pais SET dark_since = NULL, cut_over_at = coalesce(cut_over_at, ?3)
     WHERE pai = ?1 AND partner = ?2 AND dark_since IS NOT NULL AND ",
    all_loads_finished!(),
    " RETURNING version > dark_version AS has_changed"
);

const SWITCHABLE: &str = "SELECT pai, partner = ?1 AND dark_since IS NULL AS is_on
    FROM pais WHERE pai > ?2 ORDER BY pai LIMIT ?3";

const COUNT_ON: &str = "SELECT count(*) FROM pais WHERE partner = ?1 AND dark_since IS NULL";

const TURN_OFF: &str = concat!(
    "UPDATE pais AS p SET dark_since = ?3, dark_version = version
     WHERE pai = ?1 AND partner = ?2 AND dark_since IS NULL AND NOT ",
    is_under_way!(),
    " AND ",
    all_loads_finished!()
);

const IS_ON: &str = concat!(
    "SELECT ",
    all_loads_finished!(),
    " FROM pais WHERE pai = ?1 AND partner = ?2 AND dark_since IS NULL"
);

/// The partner knows no later version than the one before.
const NOT_REPORTED: &str = "UPDATE pais SET dark_version = version - 1 WHERE pai = ?1";

const IS_DARK: &str = "SELECT 1 FROM pais WHERE pai = ?1 AND partner = ?2 AND dark_since IS NOT NULL";

pub(super) fn count_dark_pais(db: &Connection, partner: &PartnerId) -> Result<u64, StoreError> {
    count_pais(db, COUNT_DARK, partner)
}

pub(super) fn count_pais_that_are_on(db: &Connection, partner: &PartnerId) -> Result<u64, StoreError> {
    count_pais(db, COUNT_ON, partner)
}

fn count_pais(db: &Connection, sql: &str, partner: &PartnerId) -> Result<u64, StoreError> {
    let count: i64 = db.prepare_cached(sql)?.query_row([partner.as_str()], |row| row.get(0))?;
    u64::try_from(count).map_err(|_| inconsistent_row("pais.dark_since"))
}

pub(super) fn list_dark_pais(
    db: &Connection,
    partner: &PartnerId,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<Pai>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(DARK)?;
    let mut rows = select.query(params![partner.as_str(), after, limit])?;
    let mut pais = Vec::new();
    while let Some(row) = rows.next()? {
        pais.push(read_pai(row, "pais.pai")?);
    }
    Ok(pais)
}

pub(super) fn list_switchable_pais(
    db: &Connection,
    partner: &PartnerId,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<SwitchablePai>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(SWITCHABLE)?;
    let mut rows = select.query(params![partner.as_str(), after, limit])?;
    let mut pais = Vec::new();
    while let Some(row) = rows.next()? {
        pais.push(read_switchable_pai(row)?);
    }
    Ok(pais)
}

fn read_switchable_pai(row: &Row<'_>) -> Result<SwitchablePai, StoreError> {
    Ok(SwitchablePai { pai: read_pai(row, "pais.pai")?, is_on: row.get("is_on")? })
}

pub(super) fn list_unfinished_loads(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT name FROM migration_files WHERE state = 'LOADING' ORDER BY file_id")?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

pub(super) fn list_refused_lines(db: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
    let mut select =
        db.prepare_cached("SELECT name, refused FROM migration_files WHERE refused > 0 ORDER BY file_id")?;
    let mut rows = select.query([])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        let refused: i64 = row.get("refused")?;
        let refused = u64::try_from(refused).map_err(|_| inconsistent_row("migration_files.refused"))?;
        files.push((row.get("name")?, refused));
    }
    Ok(files)
}

pub(super) fn list_last_loads(db: &Connection) -> Result<Vec<(MigrationFileKind, Timestamp)>, StoreError> {
    let mut select = db.prepare_cached(LAST_LOADS)?;
    let mut rows = select.query([])?;
    let mut last = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = parse_column(row, "migration_files.kind", MigrationFileKind::parse)?;
        last.push((kind, Timestamp::from_unix_seconds(row.get("loaded_at")?)));
    }
    Ok(last)
}

pub(super) fn was_any_loaded(db: &Connection, partner: &PartnerId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pais WHERE partner = ?1 AND migration_file IS NOT NULL";
    Ok(db.prepare_cached(sql)?.exists([partner.as_str()])?)
}

pub(super) fn find_switchable_pais(
    db: &Connection,
    act: SwitchAct,
    partner: &PartnerId,
    pais: &[Pai],
) -> Result<Vec<SwitchablePai>, StoreError> {
    let sql = "SELECT pai, dark_since IS NULL AS is_on FROM pais WHERE pai = ?1 AND partner = ?2
         AND (?3 OR migration_file IS NOT NULL OR dark_since IS NOT NULL)";
    let mut select = db.prepare_cached(sql)?;
    let mut found = Vec::new();
    for pai in pais {
        let mut rows = select.query(params![pai.as_str(), partner.as_str(), act == SwitchAct::TurnOff])?;
        if let Some(row) = rows.next()? {
            found.push(read_switchable_pai(row)?);
        }
    }
    Ok(found)
}

pub(super) fn record_switch(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    act: SwitchAct,
    partner: &PartnerId,
    pais: u64,
) -> Result<(), StoreError> {
    let (act, outcome) = act.audited(pais);
    let fact = AuditFact {
        act,
        outcome,
        subscriber: None,
        subject: Some(partner.as_str()),
        reason: Some(&format!("{pais} PAIs")),
    };
    audit::append(tx, now, stamp, &fact)
}

pub(super) fn cut_over_pai(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
) -> Result<CutOverPaiResult, StoreError> {
    let values = params![pai.as_str(), partner.as_str(), now.unix_seconds()];
    let has_changed: Option<bool> =
        tx.prepare_cached(CUT_OVER)?.query_row(values, |row| row.get("has_changed")).optional()?;
    let Some(has_changed) = has_changed else {
        let is_dark = tx.prepare_cached(IS_DARK)?.exists([pai.as_str(), partner.as_str()])?;
        return Ok(if is_dark { CutOverPaiResult::LoadUnfinished } else { CutOverPaiResult::WasOn });
    };
    if has_changed {
        queue::put_pai_change(tx, now, pai.as_str())?;
    } else {
        queue::put_pai_mapping(tx, now, pai.as_str())?;
    }
    Ok(CutOverPaiResult::TurnedOn)
}

pub(super) fn turn_off_pai(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
) -> Result<TurnOffPaiResult, StoreError> {
    let values = params![pai.as_str(), partner.as_str(), now.unix_seconds()];
    if tx.prepare_cached(TURN_OFF)?.execute(values)? > 0 {
        if queue::drop_pai_report(tx, pai.as_str())? {
            tx.prepare_cached(NOT_REPORTED)?.execute([pai.as_str()])?;
        }
        return Ok(TurnOffPaiResult::TurnedOff);
    }
    let on: Option<bool> =
        tx.prepare_cached(IS_ON)?.query_row([pai.as_str(), partner.as_str()], |row| row.get(0)).optional()?;
    Ok(match on {
        Some(true) => TurnOffPaiResult::UnderWay,
        Some(false) => TurnOffPaiResult::LoadUnfinished,
        None => TurnOffPaiResult::WasDark,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn dark_pais_are_found_along_their_index() {
        for sql in [DARK, COUNT_DARK] {
            let plan = query_plan(sql);
            assert!(plan.iter().any(|step| step.contains("pais_dark")), "{plan:?}");
        }
    }
}
