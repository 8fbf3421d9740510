//! What readiness asks the store: whether a write gets to the disk.

use crate::test_store::TestStore;

on_each_database!(ledger_takes_writes);

async fn ledger_takes_writes(db: TestStore) {
    assert_eq!(db.store.check_writable().await, Ok(()));
    assert_eq!(db.store.check_writable().await, Ok(()), "it can be asked again");
}
