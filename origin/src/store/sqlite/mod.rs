//! The books in one SQLite file, in WAL mode with `synchronous=FULL`: what is answered is on the disk.
//!
//! One thread writes ([`writer`]); reads go to a few connections of their own and never wait for it.

mod accounts;
mod begun_with;
mod charges;
mod coupon_texts;
mod coupons;
mod customers;
mod erasures;
mod events;
mod filing;
mod flows;
mod ledger;
mod notifications;
mod outbox;
mod pais;
mod readers;
mod redemptions;
mod refunds;
mod reports;
mod rows;
mod schema;
mod sealing;
mod signups;
mod spending;
mod subscriptions;
mod writer;

use super::{
    AccountRow, DevicePin, Flow, FlowStart, Hash, KnownAccount, NewFlow, NewPai, NewSignup, NumberIndex,
    PaiRow, PinTry, SignupEnd, SignupIssue, Store, StoreError, SubscriptionRecord, SubscriptionUpdate,
    TokenSpend,
};
use async_trait::async_trait;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;
use onbill_domain::wire::subscription::SubscriptionChange;
use readers::Readers;
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use writer::Writer;

/// Connections for reading: enough for the cores of a small server, and each costs a page cache.
const READERS: usize = 4;

/// Page cache of the writer, in KiB: what a whole group of jobs changes stays in it until the commit, and is not written
/// and read again meanwhile.
const WRITER_CACHE_KIB: i64 = 16 * 1024;

/// Rows forgotten in one transaction: a few milliseconds, and charges get their turn in between.
const FORGET_MAX: u32 = 1000;

/// The books in a SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the file, creates it if it is missing, and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_for(path, READERS)
    }

    /// The same for so many reads at once, which is at least one; the others wait.
    pub fn open_for(path: &Path, readers: usize) -> Result<Self, StoreError> {
        let mut connection = connect(path)?;
        schema::migrate(&mut connection)?;
        // Less than nothing is a size, and not a number of pages.
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        let readers = (0..readers).map(|_| connect(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { writer: Writer::start(connection)?, readers: Readers::new(readers) })
    }

    /// One use case that writes.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(work).await
    }

    /// One use case that only reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(work).await
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's messages name tables and constraints, never values.
        Self::Failed(error.to_string())
    }
}

/// A row that our own code did not write.
fn corrupt(what: &str) -> StoreError {
    StoreError::Failed(format!("a row of the books has an unreadable {what}"))
}

/// What a savepoint may have to undo is kept in memory (`temp_store`), and not in a file that is gone a moment later.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;
         PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Spends a nonce, once.
fn spend(tx: &Connection, nonce: &Nonce) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO nonces (key_id, nonce, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    match insert.execute(params![nonce.key_id(), nonce.value(), nonce.expires_at().unix_seconds()])? {
        1 => Ok(()),
        _ => Err(StoreError::NonceSpent),
    }
}

fn forget_nonces(tx: &Connection, now: Timestamp) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM nonces WHERE (key_id, nonce) IN (SELECT key_id, nonce FROM nonces WHERE expires_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds(), FORGET_MAX])?)
}

/// The traits are lists of use cases; each is told in the file of its noun. Those of the money are in `ledger.rs` and
/// `filing.rs`.
#[async_trait]
impl Store for SqliteStore {
    async fn begin_with(
        &self,
        facts: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<Option<&'static str>, StoreError> {
        self.write(move |tx| begun_with::compare(tx, &facts)).await
    }

    async fn import_accounts(&self, accounts: Vec<AccountRow>) -> Result<(), StoreError> {
        self.write(move |tx| accounts::import(tx, &accounts)).await
    }

    async fn account(&self, number: NumberIndex) -> Result<Option<KnownAccount>, StoreError> {
        self.read(move |db| accounts::find(db, number)).await
    }

    async fn start_flow(&self, nonce: Nonce, now: Timestamp, flow: NewFlow) -> Result<FlowStart, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            flows::start(tx, now, &flow)
        })
        .await
    }

    async fn try_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        flow: Hash,
        pin: Hash,
    ) -> Result<PinTry<Flow>, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            flows::try_pin(tx, now, &flow, &pin)
        })
        .await
    }

    async fn try_device_pin(
        &self,
        nonce: Nonce,
        now: Timestamp,
        pin: DevicePin,
    ) -> Result<PinTry<()>, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            flows::try_device_pin(tx, now, &pin)
        })
        .await
    }

    async fn newest_device_flow(
        &self,
        partner: PartnerId,
        number: NumberIndex,
    ) -> Result<Option<Hash>, StoreError> {
        self.read(move |db| flows::newest_of_device(db, &partner, number)).await
    }

    async fn has_flow(&self, flow: Hash) -> Result<bool, StoreError> {
        self.read(move |db| flows::is_there(db, &flow)).await
    }

    async fn proven_flow(&self, now: Timestamp, flow: Hash) -> Result<Option<Flow>, StoreError> {
        self.read(move |db| flows::proven(db, now, &flow)).await
    }

    async fn pays_on_bill(
        &self,
        partner: PartnerId,
        number: NumberIndex,
        generation: String,
    ) -> Result<bool, StoreError> {
        self.read(move |db| subscriptions::pays_on_bill(db, &partner, number, &generation)).await
    }

    async fn issue_pai(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewPai,
    ) -> Result<PaiRow, StoreError> {
        self.write(move |tx| {
            nonce.as_ref().map_or(Ok(()), |nonce| spend(tx, nonce))?;
            pais::issue_and_tell(tx, now, &new)
        })
        .await
    }

    async fn issue_signup(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewSignup,
    ) -> Result<SignupIssue, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            signups::issue(tx, now, &new)
        })
        .await
    }

    async fn spend_token(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        jti: String,
        ext_reference: ExtId,
    ) -> Result<TokenSpend, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            signups::spend_token(tx, now, &partner, &jti, &ext_reference)
        })
        .await
    }

    async fn signup_end(&self, ticket: Hash) -> Result<Option<SignupEnd>, StoreError> {
        self.read(move |db| signups::end(db, &ticket)).await
    }

    async fn pai(&self, partner: PartnerId, pai: Pai) -> Result<Option<PaiRow>, StoreError> {
        self.read(move |db| pais::find(db, &partner, pai)).await
    }

    async fn record_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        new_id: String,
        request: PartnerSubscriptionRequest,
    ) -> Result<SubscriptionRecord, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            subscriptions::record(tx, now, &partner, &new_id, &request)
        })
        .await
    }

    async fn has_subscription(&self, partner: PartnerId, id: ExtId) -> Result<bool, StoreError> {
        self.read(move |db| subscriptions::is_there(db, &partner, &id)).await
    }

    async fn change_subscription(
        &self,
        nonce: Nonce,
        now: Timestamp,
        partner: PartnerId,
        id: ExtId,
        change: SubscriptionChange,
    ) -> Result<SubscriptionUpdate, StoreError> {
        self.write(move |tx| {
            spend(tx, &nonce)?;
            subscriptions::change(tx, now, &partner, &id, &change)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| outbox::take_back(tx, now)).await?;
        while self
            .write(move |tx| {
                Ok(forget_nonces(tx, now)?
                    + flows::forget(tx, now, FORGET_MAX)?
                    + coupon_texts::forget_receipts(tx, now, FORGET_MAX)?
                    + notifications::forget_unnamed(tx, now, FORGET_MAX)?
                    + events::forget_sim_swaps(tx, now, FORGET_MAX)?
                    + erasures::go_on(tx, FORGET_MAX)?)
            })
            .await?
            > 0
        {}
        self.scrub().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_at_one_holder_does_not_read_everybody() {
        let mut connection = Connection::open_in_memory().expect("opens");
        schema::migrate(&mut connection).expect("migrates");
        for sql in [subscriptions::PAYS_ON_BILL, pais::OPEN_OF_HOLDER, pais::CANCEL_LIVE] {
            let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("is SQL");
            let mut steps = explain.raw_query();
            while let Some(step) = steps.next().expect("explains") {
                let detail: String = step.get("detail").expect("is text");
                assert!(!detail.starts_with("SCAN"), "{sql}: {detail}");
            }
        }
    }
}
