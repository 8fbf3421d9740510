//! A ledger that was never analysed, as after a load or a restore: PostgreSQL guesses then. The server counts
//! the rows that a page reads. They must not grow with the ledger.

use crate::audit::stamp;
use crate::test_store::TestStore;
use crate::test_values::{NOW, parse_day, partner_id};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::config::{OperatorTimeZone, PostgresAddress};
use onbill_origin::store::{Cursor, DeskSubscriber, JobKind, NumberIndex, OpenMode, Store};
use onbill_test_harness::database::TestDb;

/// Customers. Each has a charge of our own and one of another system.
const CUSTOMERS: u32 = 2_000;
/// Rows that one page may read: few beside those of a table.
const READ_MAX: i64 = 600;
const PAGE: u32 = 10;

/// In one transaction, which tells the server's counters of it at its end.
const FILL: &str = "
    INSERT INTO migration_files (sha256, kind, name, lines, refused, state, loaded_through, begun_at, loaded_at)
        VALUES ('a', 'charges', 'charges.csv', 2000, 0, 'LOADED', 2000, 1, 2);
    INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
        SELECT 's-' || n, 'h-' || n, decode(lpad(to_hex(n), 64, '0'), 'hex'), 'x', 'r-' || n, 1790000000
        FROM generate_series(1, 2000) n;
    INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
        SELECT '00000000-0000-4000-8000-' || lpad(n::TEXT, 12, '0'), 'netflix', 's-' || n, 'ACTIVE', 1, 1790000000
        FROM generate_series(1, 2000) n;
    INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan,
            status, created_at)
        SELECT 'ps-' || subscriber_id, partner, 'e-' || subscriber_id, pai, 'NEW_ACCOUNT', 'standard', 'ACTIVE',
            1790000000 FROM pais;
    INSERT INTO mandates (mandate_id, partner, pai, plan, price_minor, currency, period, proof, accepted_at,
            recorded_at, partner_subscription_id, in_force_from)
        SELECT 'm-' || subscriber_id, partner, pai, 'standard', 1599, 'USD', 'month', 'pin', 1790000000, 1790000000,
            'ps-' || subscriber_id, '2026-09-21' FROM pais ORDER BY pai;
    INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency,
            description, period_from, period_to, status, mandate_id, responding_until, created_at, settled_at,
            billing_ref, migration_file, migration_line, migration_fingerprint)
        SELECT t.id || subscriber_id, partner, t.id || subscriber_id, 'f', pai, 1599, 'USD', 'Standard', '2026-11-01',
            '2026-11-30', 'APPROVED', 'm-' || subscriber_id, 1, 1794000000, 1794000000, t.billing_ref, t.file,
            t.file, t.fingerprint
        FROM pais, (VALUES ('own-', NULL, NULL, NULL), ('claim-', 'b', 1, 'f'::BYTEA)) t (id, billing_ref, file,
            fingerprint);
    SELECT pg_stat_force_next_flush()";

/// Rows of each table that a sweep looks through.
const SWEPT: i64 = 20_000;
/// Rows that a sweep may read: fewer than one such table has.
const SWEPT_READ_MAX: i64 = 10_000;

/// In each table a few rows that are over, and jobs of which a few are dead letters.
const FILL_FOR_A_SWEEP: &str = "
    INSERT INTO nonces (key_id, nonce, expires_at)
        SELECT 'k', n, CASE WHEN n <= 5 THEN 1790000000 ELSE 1795000300 END FROM generate_series(1, 20000) n;
    INSERT INTO session_assertions (assertion_hash, frame_hash, expires_at)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'x', CASE WHEN n <= 5 THEN 1790000000 ELSE 1795000300 END
        FROM generate_series(1, 20000) n;
    INSERT INTO flows (flow_hash, number_index, number_sealed, locale, return_url, started_at, expires_at)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'x', 'x', 'en', 'https://my.acme.example',
            CASE WHEN n <= 5 THEN 1790000000 WHEN n <= 10 THEN 1800000000 ELSE 1795000000 END, 1795000300
        FROM generate_series(1, 20000) n;
    INSERT INTO number_locks (number_index, taken_at)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), CASE WHEN n <= 5 THEN 1790000000 ELSE 1795000000 END
        FROM generate_series(1, 20000) n;
    INSERT INTO number_checks (number_index, partner, day, counted)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), 'netflix',
            CASE WHEN n <= 5 THEN 20000 WHEN n <= 10 THEN 21000 ELSE 20775 END, 1
        FROM generate_series(1, 20000) n;
    INSERT INTO sms_receipts (message_id, received_at)
        SELECT n, CASE WHEN n <= 5 THEN 1790000000 ELSE 1795000000 END FROM generate_series(1, 20000) n;
    INSERT INTO sim_swaps (number_index, swapped_at)
        SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), CASE WHEN n <= 5 THEN 1700000000 ELSE 1795000000 END
        FROM generate_series(1, 20000) n;
    INSERT INTO outbox (kind, payload, queued_at, due_at, attempts, dead_lettered_at)
        SELECT 'pin', 'x', 1795000000, 1795000000, 1, CASE WHEN n <= 5 THEN 1795000000 END
        FROM generate_series(1, 20000) n;
    SELECT pg_stat_force_next_flush()";

/// The store, and how many rows its session has read.
struct Counted {
    store: Store,
    db: TestStore,
    schema: String,
}

impl Counted {
    async fn open() -> Self {
        let db = TestStore::in_postgres().await;
        db.place.run_sql(FILL).await;
        let TestDb::Postgres { url, schema } = &db.place else { unreachable!("is on PostgreSQL") };
        let address = PostgresAddress::parse(&format!("{url}&application_name={schema}")).expect("is a URL");
        let store = Store::open_postgres(&address, 1, OpenMode::Migrate, &[]).await.expect("opens");
        let schema = schema.clone();
        Self { store, db, schema }
    }

    /// Ends the sessions of the store, which tell the server's counters what they have read at their end.
    async fn count(&self) -> i64 {
        let end = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = '{}'",
            self.schema
        );
        self.db.place.run_sql(&end).await;
        let read = format!(
            "(SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = '{0}')
             + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = '{0}')",
            self.schema
        );
        self.db.place.count_rows(&format!("generate_series(1, CAST({read} AS BIGINT))")).await
    }

    /// Fails if a page has read more rows than a page may.
    async fn expect_few<T>(&self, page: &str, reading: impl Future<Output = T>) -> T {
        self.expect_at_most(READ_MAX, page, reading).await
    }

    async fn expect_at_most<T>(&self, most: i64, page: &str, reading: impl Future<Output = T>) -> T {
        let before = self.count().await;
        let result = reading.await;
        let read = self.count().await - before;
        assert!(read <= most, "{page} has read {read} rows");
        result
    }
}

fn pai(n: u32) -> Pai {
    Pai::parse(&format!("00000000-0000-4000-8000-{n:012}")).expect("is a PAI")
}

#[tokio::test]
async fn page_reads_few_rows_of_a_ledger_without_statistics() {
    let counted = Counted::open().await;
    look_at_pais(&counted).await;
    look_at_charges(&counted).await;
    look_at_a_person(&counted).await;
}

async fn look_at_pais(counted: &Counted) {
    let (store, netflix, middle) = (&counted.store, partner_id("netflix"), Some(pai(CUSTOMERS / 2)));
    let today = parse_day("2026-11-18");
    let page = counted.expect_few("kv-sync", store.list_pai_statuses(middle, PAGE)).await;
    assert_eq!(page.expect("works").len(), 10);
    let page =
        counted.expect_few("a comparison", store.list_links(netflix.clone(), today, middle, PAGE)).await;
    assert_eq!(page.expect("works").len(), 10);
    let page = store.list_handed_back_pais(netflix, today, middle, PAGE);
    assert_eq!(counted.expect_few("the way back", page).await.expect("works").len(), 10);
    let page = store.count_uncharged(NOW, middle, PAGE);
    assert!(counted.expect_few("a watch of subscriptions", page).await.expect("works").is_some());
}

async fn look_at_charges(counted: &Counted) {
    let (store, netflix) = (&counted.store, partner_id("netflix"));
    // After the last claim but one: of so few claims PostgreSQL reads and sorts all, which costs nothing.
    let after = Cursor { at: Timestamp::from_unix_seconds(1_794_000_000), id: "claim-s-998".to_owned() };
    let page = store.list_handed_back_charges(netflix.clone(), Some(after.clone()), PAGE);
    let page = counted.expect_few("charges on the way back", page).await.expect("works");
    assert_eq!(page.lines.len(), 10);
    let page = store.list_unfitting_charges(netflix, NOW, after, PAGE);
    assert_eq!(counted.expect_few("a watch of charges", page).await.expect("works").lines.len(), 10);
}

async fn look_at_a_person(counted: &Counted) {
    let (store, number) = (&counted.store, CUSTOMERS / 2);
    let mut index = [0; 32];
    index[28..].copy_from_slice(&number.to_be_bytes());
    let person = DeskSubscriber {
        handle: format!("h-{number}"),
        subscriber_id: format!("s-{number}"),
        created_at: Timestamp::from_unix_seconds(1_790_000_000),
    };
    let links = store.list_desk_links(person.subscriber_id.clone(), PAGE);
    assert_eq!(counted.expect_few("a desk", links).await.expect("works").len(), 1);
    let tables = counted.expect_few("an export", store.list_kept_rows(person, NumberIndex(index))).await;
    let tables = tables.expect("works");
    assert_eq!(tables.iter().find(|table| table.table == "transactions").expect("is listed").rows.len(), 2);
    let erased = store.erase_number(None, NOW, stamp("X-1"), None, NumberIndex(index));
    counted.expect_few("an erasure", erased).await.expect("works");
}

#[tokio::test]
async fn sweep_and_dead_letters_read_few_rows_of_a_ledger_without_statistics() {
    let counted = Counted::open().await;
    counted.db.place.run_sql(FILL_FOR_A_SWEEP).await;
    let kinds = counted.expect_few("the dead letters", counted.store.list_dead_letter_kinds()).await;
    assert_eq!(kinds.expect("works"), [JobKind::PinSms]);
    let sweep = counted.store.sweep(NOW, OperatorTimeZone::default());
    counted.expect_at_most(SWEPT_READ_MAX, "a sweep", sweep).await.expect("works");
    for (table, over) in [
        ("nonces", 5),
        ("session_assertions", 5),
        ("flows", 10),
        ("number_locks", 5),
        ("number_checks", 10),
        ("sms_receipts", 5),
        ("sim_swaps", 5),
    ] {
        assert_eq!(counted.db.place.count_rows(table).await, SWEPT - over, "{table}");
    }
}
