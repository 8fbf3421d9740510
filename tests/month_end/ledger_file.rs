//! The ledger in an SQLite file, written row by row without the store.

use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::sqlite::READERS_DEFAULT;
use onbill_origin::store::{OpenMode, Period, Store};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{ManualClock, db_folder};
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::atomic::Ordering;

/// 2026-11-01T00:00:00Z.
pub(crate) const FROM: i64 = 1_793_491_200;
/// 2026-12-01T00:00:00Z.
pub(crate) const UNTIL: i64 = FROM + 30 * 86_400;
/// Six hours later.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(UNTIL + 6 * 3600);

/// Subscribers: enough for the PAIs to differ.
const SUBSCRIBERS: usize = 500;

pub(crate) fn november() -> Period {
    let day = |text| Day::parse(text).expect("is a day");
    let period = Period::of_days(day("2026-11-01"), day("2026-11-30")).expect("is in order");
    assert_eq!((period.from.unix_seconds(), period.until.unix_seconds()), (FROM, UNTIL));
    period
}

pub(crate) fn netflix() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

pub(crate) fn hulu() -> PartnerId {
    PartnerId::parse("hulu").expect("is a slug")
}

#[derive(Clone)]
pub(crate) struct LedgerCharge {
    pub(crate) partner: &'static str,
    pub(crate) id: String,
    pub(crate) ext_id: String,
    pub(crate) pai: Pai,
    pub(crate) amount: i64,
    pub(crate) tax: Option<i64>,
    pub(crate) charge_code: Option<&'static str>,
    pub(crate) currency: &'static str,
    pub(crate) status: &'static str,
    pub(crate) created: i64,
    pub(crate) settled: Option<i64>,
}

#[derive(Clone)]
pub(crate) struct LedgerRefund {
    pub(crate) id: String,
    pub(crate) ext_id: String,
    /// The charge, by its index.
    pub(crate) charge: usize,
    pub(crate) amount: i64,
    pub(crate) status: &'static str,
    pub(crate) created: i64,
    pub(crate) settled: Option<i64>,
}

pub(crate) fn pai_of(n: usize) -> Pai {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n % SUBSCRIBERS).to_le_bytes());
    Pai::from_random(bytes)
}

/// The clock of every run: it stands still at [`NOW`].
pub(crate) fn clock_at_now() -> ManualClock {
    let clock = ManualClock::default();
    clock.0.store(NOW.unix_seconds(), Ordering::SeqCst);
    clock
}

/// The ledger of one test, in a file that is deleted with it.
pub(crate) struct LedgerFile(TestDb);

impl LedgerFile {
    pub(crate) fn new() -> Self {
        let ledger = Self(TestDb::new_sqlite_file(&db_folder()));
        drop(ledger.open_as(OpenMode::Create));
        let mut connection = ledger.open_connection();
        let tx = connection.transaction().expect("begins");
        for n in 0..SUBSCRIBERS {
            let name = format!("s-{n}");
            let index = [&n.to_le_bytes()[..], &[0; 24]].concat();
            tx.execute(
                "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
                 VALUES (?1, ?1, ?2, ?2, '2020-01-01', 0)",
                params![name, index],
            )
            .expect("is a subscriber");
            tx.execute(
                "INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
                 VALUES (?1, 'netflix', ?2, 'ACTIVE', 1, 0)",
                params![pai_of(n).to_string(), name],
            )
            .expect("is a PAI");
        }
        tx.commit().expect("commits");
        ledger
    }

    pub(crate) fn open_store(&self) -> Store {
        self.open_as(OpenMode::Migrate)
    }

    fn open_as(&self, mode: OpenMode) -> Store {
        Store::open_sqlite(self.path(), READERS_DEFAULT, mode, &[]).expect("opens")
    }

    pub(crate) fn open_connection(&self) -> Connection {
        Connection::open(self.path()).expect("opens")
    }

    fn path(&self) -> &Path {
        let TestDb::Sqlite(path) = &self.0 else { unreachable!("is a file") };
        path
    }

    pub(crate) fn insert_rows(&self, charges: &[LedgerCharge], refunds: &[LedgerRefund]) {
        let mut connection = self.open_connection();
        let tx = connection.transaction().expect("begins");
        {
            let mut insert = tx
                .prepare(
                    "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai,
                         amount_minor, currency, tax_minor, description, period_from, period_to, status,
                         decline_reason, responding_until, created_at, settled_at, charge_code)
                     VALUES (?1, ?10, ?2, zeroblob(32), ?3, ?4, ?5, ?6, 'Subscription', '2026-11-01', '2026-11-30',
                         ?7, iif(?7 = 'DECLINED', 'risk-declined', NULL), ?8, ?8, ?9, ?11)",
                )
                .expect("is SQL");
            for charge in charges {
                insert
                    .execute(params![
                        charge.id,
                        charge.ext_id,
                        charge.pai.to_string(),
                        charge.amount,
                        charge.currency,
                        charge.tax,
                        charge.status,
                        charge.created,
                        charge.settled,
                        charge.partner,
                        charge.charge_code
                    ])
                    .expect("is a charge");
            }
            let mut insert = tx
                .prepare(
                    "INSERT INTO refunds (refund_id, partner, ext_refund_id, fingerprint, transaction_id, amount_minor,
                         reason, status, responding_until, created_at, settled_at)
                     VALUES (?1, ?8, ?2, zeroblob(32), ?3, ?4, 'Cancelled', ?5, ?6, ?6, ?7)",
                )
                .expect("is SQL");
            let mut given_back = tx
                .prepare(
                    "UPDATE transactions SET refunded_minor = refunded_minor + ?2 WHERE transaction_id = ?1",
                )
                .expect("is SQL");
            for refund in refunds {
                let LedgerCharge { id: charge, partner, .. } = &charges[refund.charge];
                insert
                    .execute(params![
                        refund.id,
                        refund.ext_id,
                        charge,
                        refund.amount,
                        refund.status,
                        refund.created,
                        refund.settled,
                        partner
                    ])
                    .expect("is a refund");
                if refund.status != "DECLINED" {
                    given_back.execute(params![charge, refund.amount]).expect("is within the charge");
                }
            }
        }
        tx.commit().expect("commits");
    }
}
