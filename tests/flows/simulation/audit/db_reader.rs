//! Reads the database without the origin: the audit's own statements, over its own connection.

use onbill_test_harness::database::TestDb;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A row, each column as text.
pub(in super::super) type TextRow = Vec<Option<String>>;

/// A read-only view of one database.
pub(in super::super) enum DbReader {
    Sqlite(Connection),
    Postgres(Client),
}

impl DbReader {
    pub(in super::super) async fn on(place: &TestDb) -> Self {
        match place {
            TestDb::Sqlite(path) => {
                let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
                Self::Sqlite(connection.expect("opens"))
            }
            TestDb::Postgres { url, .. } => {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
                tokio::spawn(connection);
                Self::Postgres(client)
            }
        }
    }

    /// The rows of a statement that both databases understand.
    pub(in super::super) async fn rows(&self, sql: &str) -> Vec<TextRow> {
        match self {
            Self::Sqlite(db) => {
                let mut select = db.prepare_cached(sql).expect("is SQL");
                let columns = select.column_count();
                let rows =
                    select.query_map([], |row| (0..columns).map(|n| Ok(text(row.get_ref(n)?))).collect());
                rows.expect("reads").collect::<Result<_, _>>().expect("reads")
            }
            Self::Postgres(client) => {
                let messages = client.simple_query(sql).await.expect("reads");
                let row = |message: SimpleQueryMessage| match message {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
                    }
                    _ => None,
                };
                messages.into_iter().filter_map(row).collect()
            }
        }
    }
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Some(format!("\\x{}", hex(bytes))),
    }
}

/// Bytes as PostgreSQL writes them.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
