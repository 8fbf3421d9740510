//! What readiness asks the store: whether a write gets to the disk.

use crate::setting::Books;

on_each_database!(ledger_takes_writes);

async fn ledger_takes_writes(books: Books) {
    assert_eq!(books.store.check_writable().await, Ok(()));
    assert_eq!(books.store.check_writable().await, Ok(()), "it can be asked again");
}
