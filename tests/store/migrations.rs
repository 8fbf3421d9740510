//! Migrations: sample rows of each version are inserted as that version would have, and read after
//! all later migrations.
//!
//! `samples/` has a file for each migration, with the rows that it made possible. `<0a*32>` in it
//! is 32 bytes 0a, in the syntax of either database.

mod kept_rows;

use crate::test_store::TestStore;
use crate::test_values::NOW;
use kept_rows::{
    account_events_are_there, alarms_are_there, coupons_are_there, erasures_are_there, files_are_there,
    flows_of_devices_are_there, messages_are_there, own_pages_are_there, refunds_and_spending_are_there,
    subscriptions_change, the_ledger_is_there,
};
use onbill_domain::digest::sha256;
use onbill_domain::pai::Pai;
use onbill_origin::config::PostgresAddress;
use onbill_origin::store::{LedgerFact, MIGRATIONS, Migration, OpenMode, Queue, Store, StoreError};
use onbill_test_harness::database::{TestDb, run_batch};
use onbill_test_harness::wait::wait_until;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

on_each_database!(
    rows_of_every_version_survive_all_later_migrations,
    newer_schema_is_served_only_if_it_says_so,
    next_release_migrates_what_others_use,
    ledger_of_another_operator_is_not_migrated,
    start_waits_for_a_long_migration,
);

const OPEN: &str = "01010101-0101-4101-8101-010101010101";
const CLOSED: &str = "02020202-0202-4202-8202-020202020202";
const ANOTHER_OPERATORS: StoreError = StoreError::AnotherLedger { fact: "operator", has_subscribers: true };

fn parse_pai(text: &str) -> Pai {
    Pai::parse(text).expect("is a PAI")
}

fn migration_folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn file_names(name: &str) -> Vec<String> {
    let entries = fs::read_dir(migration_folder(name)).expect("is a folder");
    let names: BTreeSet<String> =
        entries.map(|entry| entry.expect("is there").file_name().into_string().expect("is UTF-8")).collect();
    names.into_iter().collect()
}

/// The statements of a sample in the syntax of one database.
fn read_sample(name: &str, is_sqlite: bool) -> String {
    let text = fs::read_to_string(migration_folder("store/samples").join(name)).expect("is there");
    let mut statements = String::new();
    let mut rest = text.as_str();
    while let Some((before, bytes)) = rest.split_once('<') {
        let (bytes, after) = bytes.split_once('>').expect("is closed");
        let (byte, count) = bytes.split_once('*').unwrap_or((bytes, "1"));
        let hex = byte.repeat(count.parse().expect("is a count"));
        let literal = if is_sqlite { format!("x'{hex}'") } else { format!("'\\x{hex}'::BYTEA") };
        statements = statements + before + &literal;
        rest = after;
    }
    statements + rest
}

/// The statement by which an onbill records a migration that it has applied.
fn record_of(number: usize, served_from: usize) -> String {
    format!(
        "INSERT INTO migrations (number, served_from, onbill) VALUES ({number}, {served_from}, '99.0.0');"
    )
}

/// A database as an onbill of the first `version` migrations has left it.
async fn insert_samples(place: &TestDb, version: usize) {
    let is_sqlite = matches!(place, TestDb::Sqlite(_));
    let migrations = if is_sqlite { "../origin/migrations/sqlite" } else { "../origin/migrations/postgres" };
    let mut statements = String::new();
    for name in file_names(migrations).into_iter().take(version) {
        let migration = fs::read_to_string(migration_folder(migrations).join(&name)).expect("is there");
        for part in [migration, read_sample(&name, is_sqlite)] {
            statements.push_str(&part);
            statements.push_str("\n;");
        }
    }
    for number in 1..=version {
        statements.push_str(&record_of(number, number));
    }
    match place {
        TestDb::Sqlite(path) => {
            let connection = rusqlite::Connection::open(path).expect("opens");
            connection.execute_batch(&statements).expect("is SQL");
            connection
                .pragma_update(None, "user_version", i64::try_from(version).expect("is small"))
                .expect("is noted");
        }
        TestDb::Postgres { url, .. } => {
            let noted = format!(
                "CREATE TABLE schema_version (only_row BOOLEAN PRIMARY KEY CHECK (only_row), version BIGINT NOT NULL);
                 INSERT INTO schema_version (only_row, version) VALUES (TRUE, {version});"
            );
            run_batch(url, &(noted + &statements)).await.expect("is SQL");
        }
    }
}

async fn rows_of_every_version_survive_all_later_migrations(db: TestStore) {
    for version in 1..=file_names("../origin/migrations/sqlite").len() {
        let place = db.place.new_beside().await;
        insert_samples(&place, version).await;
        let store = place.open_store(1).await.expect("opens");
        let later = NOW.plus_seconds(60);
        let due = store.lease_due(Queue::All, later, later.plus_seconds(120), 16).await.expect("works");
        the_ledger_is_there(&store, &due).await;
        refunds_and_spending_are_there(&store, &due).await;
        flows_of_devices_are_there(&store).await;
        own_pages_are_there(&store).await;
        account_events_are_there(&store, &due).await;
        files_are_there(&store).await;
        coupons_are_there(&store, &due).await;
        messages_are_there(&store, &due).await;
        subscriptions_change(&store).await;
        erasures_are_there(&store).await;
        alarms_are_there(&store).await;
        let others = [("operator", b"nova".to_vec())];
        let refused = place.open_with_facts(OpenMode::Migrate, 1, &others).await.err();
        assert_eq!(refused, Some(ANOTHER_OPERATORS));
    }
}

async fn newer_schema_is_served_only_if_it_says_so(db: TestStore) {
    let (known, schema) = (MIGRATIONS.len(), MIGRATIONS.len() + 1);
    let noted = match &db.place {
        TestDb::Sqlite(_) => format!("PRAGMA user_version = {schema}"),
        TestDb::Postgres { .. } => format!("UPDATE schema_version SET version = {schema}"),
    };
    db.place.run_sql(&noted).await;
    let refused = |onbill: Option<&str>| {
        Some(StoreError::NewerSchema { schema, known, onbill: onbill.map(str::to_owned) })
    };
    for (record, refusal) in [
        (String::new(), refused(None)),
        (record_of(schema, schema), refused(Some("99.0.0"))),
        (format!("UPDATE migrations SET served_from = {known}"), None),
    ] {
        if !record.is_empty() {
            db.place.run_sql(&record).await;
        }
        for mode in [OpenMode::Migrate, OpenMode::ReadOnly] {
            assert_eq!(db.place.open_as(mode, 1).await.err(), refusal, "{mode:?} {record}");
        }
        assert_eq!(
            db.store.check_writable(NOW, "a".to_owned(), NOW).await.err(),
            refusal,
            "it is served already: {record}"
        );
        let leased = db.store.lease_due(Queue::All, NOW, NOW.plus_seconds(60), 16).await;
        let counted = db.store.next_due(Queue::All).await;
        assert_eq!((leased.err(), counted.err()), (refusal.clone(), refusal), "nothing else runs: {record}");
    }
}

/// The migrations of a release after this one.
fn next_migrations(served_from: usize) -> Vec<Migration> {
    let mut migrations = MIGRATIONS.to_vec();
    let sql = "ALTER TABLE pais ADD COLUMN next_release TEXT";
    migrations.push(Migration { sqlite: sql.into(), postgres: sql.into(), served_from });
    migrations
}

async fn open_with(
    place: &TestDb,
    facts: &[LedgerFact],
    migrations: &[Migration],
) -> Result<Store, StoreError> {
    match place {
        TestDb::Sqlite(path) => Store::open_sqlite_with(path, 1, OpenMode::Migrate, facts, migrations),
        TestDb::Postgres { url, .. } => {
            let address = PostgresAddress::parse(url).expect("is well formed");
            Store::open_postgres_with(&address, 1, OpenMode::Migrate, facts, migrations).await
        }
    }
}

async fn next_release_migrates_what_others_use(db: TestStore) {
    let next = next_migrations(MIGRATIONS.len());
    // Somebody reads the table, in a transaction that is open for longer than one attempt waits.
    let reader = match &db.place {
        TestDb::Postgres { url, .. } => Some(hold(url, "SELECT count(*) FROM pais").await),
        TestDb::Sqlite(_) => None,
    };
    let (migrated, ()) = tokio::join!(open_with(&db.place, &[], &next), async {
        if let Some(reader) = reader {
            until_one_attempt_is_over(&db.place, "pais").await;
            reader.batch_execute("COMMIT").await.expect("ends");
        }
    });
    migrated.expect("migrates in the end");
    assert_eq!(db.place.count_rows("pais WHERE next_release IS NOT NULL").await, 0);
    assert_eq!(db.store.check_writable(NOW, "a".to_owned(), NOW).await, Ok(next.len()));
    open_with(&db.place, &[], &next).await.expect("has nothing left to do");
    assert_eq!(db.place.count_rows("migrations").await, i64::try_from(next.len()).expect("is small"));
}

async fn ledger_of_another_operator_is_not_migrated(db: TestStore) {
    let facts = |operator: &str| [("operator", operator.as_bytes().to_vec())];
    let place = db.place.new_beside().await;
    let store = place.open_with_facts(OpenMode::Create, 1, &facts("acme")).await.expect("begins");
    let db = TestStore { store, place };
    db.sign_up_subscriber(1).await;
    let next = next_migrations(MIGRATIONS.len());
    let refused = open_with(&db.place, &facts("nova"), &next).await.err();
    assert_eq!(refused, Some(ANOTHER_OPERATORS));
    let known = i64::try_from(MIGRATIONS.len()).expect("is small");
    assert_eq!(db.place.count_rows("migrations").await, known, "nothing was applied");
    assert_eq!(db.store.check_writable(NOW, "a".to_owned(), NOW).await, Ok(MIGRATIONS.len()));
    open_with(&db.place, &facts("acme"), &next).await.expect("is its own");
    assert_eq!(db.place.count_rows("migrations").await, known + 1);
}

/// Eight seconds: every other statement has seven at most.
async fn start_waits_for_a_long_migration(db: TestStore) {
    let TestDb::Postgres { url, .. } = &db.place else { return };
    let other = hold(url, "SELECT 1 FROM schema_version FOR UPDATE").await;
    let (opened, ()) = tokio::join!(open_with(&db.place, &[], &MIGRATIONS), async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        other.batch_execute("COMMIT").await.expect("ends");
    });
    opened.expect("its turn comes");
}

/// A session in a transaction that has what this statement locks.
async fn hold(url: &str, statement: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.batch_execute(&format!("BEGIN; {statement}")).await.expect("is SQL");
    client
}

/// Until somebody has waited for the table, and waits no longer: others may use it meanwhile.
async fn until_one_attempt_is_over(place: &TestDb, table: &str) {
    let waiting = format!("pg_locks WHERE NOT granted AND relation = '{table}'::regclass");
    wait_until("the migration waits for the table", async || place.count_rows(&waiting).await > 0).await;
    wait_until("the migration lets others go on", async || place.count_rows(&waiting).await == 0).await;
}

#[test]
fn migrations_come_in_pairs_with_a_sample() {
    let sqlite = file_names("../origin/migrations/sqlite");
    assert_eq!(file_names("../origin/migrations/postgres"), sqlite);
    assert_eq!(file_names("store/samples"), sqlite);
    assert_eq!(MIGRATIONS.len(), sqlite.len());
}

#[test]
fn released_migrations_never_change() {
    let folder = migration_folder("../origin/migrations");
    let released = fs::read_to_string(folder.join("released.txt")).expect("is there");
    let released: Vec<(&str, &str)> = released
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once("  ").expect("is a line of sha256sum"))
        .collect();
    for (checksum, name) in &released {
        let text = fs::read(folder.join(name)).expect("a released migration stays");
        let actual = sha256(&text).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(actual, *checksum, "{name} was released, and may not change: add a migration");
    }
    // Both of a pair, and none before one that was released.
    let pairs = released.len() / 2;
    let expected: Vec<String> = file_names("../origin/migrations/sqlite")
        .into_iter()
        .take(pairs)
        .flat_map(|name| [format!("sqlite/{name}"), format!("postgres/{name}")])
        .collect();
    assert_eq!(released.iter().map(|(_, name)| *name).collect::<Vec<_>>(), expected);
}
