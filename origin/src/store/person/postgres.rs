//! What is kept on a person, in SQL.

use super::{KeptBy, KeptTable, SOURCES};
use crate::store::desk::DeskSubscriber;
use crate::store::number::NumberIndex;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::tx_error::TxError;
use tokio_postgres::Row;

pub(super) async fn list_kept_rows(
    db: &PgConnection<'_>,
    subscriber: &DeskSubscriber,
    number: NumberIndex,
) -> Result<Vec<KeptTable>, TxError> {
    let mut tables = Vec::new();
    for source in SOURCES {
        let sql = source.look_up_sql("$1");
        let found = match source.by {
            KeptBy::Subscriber | KeptBy::Pai | KeptBy::Charge | KeptBy::Coupon | KeptBy::NumberSince(_) => {
                db.query(&sql, &[&subscriber.subscriber_id]).await?
            }
            KeptBy::Number => db.query(&sql, &[&number.0.as_slice()]).await?,
            KeptBy::Handle => db.query(&sql, &[&subscriber.handle]).await?,
        };
        let rows =
            found.iter().map(|row| read_values(row, source.columns.len())).collect::<Result<_, _>>()?;
        let (table, title, columns) = (source.table, source.title, source.columns);
        tables.push(KeptTable { table, title, columns, rows });
    }
    Ok(tables)
}

fn read_values(row: &Row, columns: usize) -> Result<Vec<Option<String>>, TxError> {
    (0..columns).map(|place| Ok(row.try_get(place)?)).collect()
}
