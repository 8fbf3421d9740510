//! The traces of a number in the database: everything in it is searched.

use crate::test_store::TestStore;
use onbill_test_harness::database::TestDb;

/// Every value of the database as text, bytes in hexadecimal; and the raw file where there is one.
pub(crate) async fn dump_db(db: &TestStore) -> (String, Vec<u8>) {
    match &db.place {
        TestDb::Sqlite(path) => {
            let raw =
                ["", "-wal"].map(|end| std::fs::read(format!("{}{end}", path.display())).unwrap_or_default());
            let db = rusqlite::Connection::open(path).expect("opens");
            let tables: Vec<String> = db
                .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
                .expect("is SQL")
                .query_map([], |row| row.get(0))
                .expect("reads")
                .collect::<Result<_, _>>()
                .expect("reads");
            let mut text = String::new();
            for table in tables {
                let mut select = db.prepare(&format!("SELECT * FROM {table}")).expect("is SQL");
                let columns: Vec<String> =
                    select.column_names().map(|name| format!("quote({name})")).collect();
                let sql = format!("SELECT {} FROM {table}", columns.join(" || ',' || "));
                select = db.prepare(&sql).expect("is SQL");
                let mut rows = select.query([]).expect("reads");
                while let Some(row) = rows.next().expect("reads") {
                    text += &row.get::<_, String>(0).expect("is text").to_lowercase();
                    text.push('\n');
                }
            }
            (text, raw.concat())
        }
        TestDb::Postgres { url, schema } => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
            tokio::spawn(connection);
            let sql = "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = $1";
            let mut text = String::new();
            for table in client.query(sql, &[schema]).await.expect("reads") {
                let table: &str = table.get(0);
                let rows = client.query(&format!("SELECT row_to_json(r)::TEXT FROM {table} r"), &[]).await;
                for row in rows.expect("reads") {
                    text += row.get(0);
                    text.push('\n');
                }
            }
            (text, Vec::new())
        }
    }
}

/// Whether the index or the sealed form of a number is anywhere in the database.
pub(crate) async fn leads_to(db: &TestStore, n: u8) -> bool {
    let (text, raw) = dump_db(db).await;
    // The index is 32 such bytes, the sealed form 40.
    text.contains(&format!("{n:02x}").repeat(32)) || raw.windows(32).any(|window| window == [n; 32])
}
