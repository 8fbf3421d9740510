//! The database that lifecycles are written into, one after the other, and what every lifecycle
//! needs and none changes.

use super::edge::EdgeDeployment;
use onbill_domain::key::Keyring;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::{OpenMode, Store};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{KeyHolder, db_folder, keys, verified_nonce};
use rusqlite::Connection;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// More than the signed calls of any lifecycle.
const NONCES: usize = 400;

/// The database is dropped last: the store is closed before it is removed.
pub(super) struct LifecycleDb {
    pub(super) store: Arc<Store>,
    /// A connection that bypasses the origin.
    pub(super) db_reader: Connection,
    /// The SQL that empties the database.
    clear: String,
    pub(super) nonces: Vec<Nonce>,
    pub(super) ring: Keyring,
    pub(super) deployment: Arc<EdgeDeployment>,
    /// For the threads that read.
    pub(super) runtime: Runtime,
    _place: TestDb,
}

impl LifecycleDb {
    pub(super) fn new() -> Self {
        let place = TestDb::new_sqlite_file(&db_folder());
        let TestDb::Sqlite(path) = &place else { unreachable!("is a file") };
        let store = Arc::new(Store::open_sqlite(path, 1, OpenMode::Create, &[]).expect("opens"));
        let db_reader = Connection::open(path).expect("opens");
        // Foreign keys do not matter when everything is deleted.
        db_reader.execute_batch("PRAGMA foreign_keys = OFF").expect("is SQL");
        let clear = clear(&db_reader);
        Self {
            store,
            db_reader,
            clear,
            nonces: make_nonces(),
            ring: keys::keyring(&KeyHolder::Origin("acme")),
            deployment: Arc::new(EdgeDeployment::new()),
            runtime: tokio::runtime::Builder::new_current_thread().build().expect("starts"),
            _place: place,
        }
    }

    /// Makes the database as it was when it was new.
    pub(super) fn clear(&self) {
        self.db_reader.execute_batch(&self.clear).expect("nobody else writes");
    }
}

fn clear(db_reader: &Connection) -> String {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND (name = 'sqlite_sequence' OR name NOT LIKE 'sqlite_%')";
    let mut select = db_reader.prepare(sql).expect("is SQL");
    let names = select.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    let deletes = names.map(|name| format!("DELETE FROM {};", name.expect("is text")));
    format!("BEGIN; {} COMMIT", deletes.collect::<String>())
}

fn make_nonces() -> Vec<Nonce> {
    let now = Timestamp::from_unix_seconds(1_795_000_000);
    (0..NONCES).map(|n| verified_nonce(&format!("nonce-{n:020}"), now)).collect()
}
