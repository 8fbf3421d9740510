//! What is kept on a person, in SQL.

use super::{KeptBy, KeptTable, SOURCES};
use crate::store::desk::DeskSubscriber;
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use rusqlite::{Connection, ToSql};

pub(super) fn list_kept_rows(
    db: &Connection,
    subscriber: &DeskSubscriber,
    number: NumberIndex,
) -> Result<Vec<KeptTable>, StoreError> {
    let mut tables = Vec::new();
    for source in SOURCES {
        let key: &dyn ToSql = match source.by {
            KeptBy::Subscriber | KeptBy::Pai | KeptBy::Charge | KeptBy::Coupon | KeptBy::NumberSince(_) => {
                &subscriber.subscriber_id
            }
            KeptBy::Number => &number.0,
            KeptBy::Handle => &subscriber.handle,
        };
        let mut select = db.prepare_cached(&source.sql("?1"))?;
        let mut found = select.query([key])?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..source.columns.len()).map(|place| row.get(place));
            rows.push(values.collect::<Result<Vec<Option<String>>, _>>()?);
        }
        let (table, title, columns) = (source.table, source.title, source.columns);
        tables.push(KeptTable { table, title, columns, rows });
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    /// These have no index by the person, because nothing but a rare export looks for one in them. The audit
    /// grows with the looks of people, the others with customers and not with charges.
    const READ_WHOLE: [&str; 3] = ["audit", "coupon_redemptions", "signups"];

    #[test]
    fn export_does_not_grow_with_the_charges() {
        for source in SOURCES.iter().filter(|source| !READ_WHOLE.contains(&source.table)) {
            for step in query_plan(&source.sql("?1")) {
                assert!(!step.starts_with("SCAN"), "{}: {step}", source.table);
            }
        }
    }
}
