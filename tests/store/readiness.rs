//! What readiness asks the store: whether a write gets to the disk, and which schema it gets to.

use crate::test_store::TestStore;
use onbill_origin::store::SCHEMA_VERSION;

on_each_database!(ledger_takes_writes);

async fn ledger_takes_writes(db: TestStore) {
    assert_eq!(db.store.check_writable().await, Ok(SCHEMA_VERSION));
    assert_eq!(db.store.check_writable().await, Ok(SCHEMA_VERSION), "it can be asked again");
}
