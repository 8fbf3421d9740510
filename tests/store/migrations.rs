//! Migrations: sample rows of each version are inserted as that version would have, and read after
//! all later migrations.
//!
//! `samples/` has a file for each migration, with the rows that it made possible. `<0a*32>` in it
//! is 32 bytes 0a, in the syntax of either database.

use crate::audit::stamp;
use crate::outcome::done;
use crate::test_store::{
    CHECK_LIMITS, NOW, TestStore, fresh_nonce, job_name, new_charge, new_redemption, new_refund, parse_day,
    parse_ext_id, partner_id, sealed_number, usd, within,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::ids::OfferId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::coupon::CouponState;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::config::{OperatorTimeZone, PostgresAddress};
use onbill_origin::instruments::Alarm;
use onbill_origin::store::{
    AlarmFilter, ChangeSubscriptionResult, CouponFilter, DevicePin, ErasureState, Job, LeasedJob, MIGRATIONS,
    Migration, NewAccountEvent, NewNotification, OpenMode, PinAttempt, PostChargeResult,
    PostNotificationResult, PostRefundResult, Queue, RecordEventResult, RedeemResult, RedemptionOutcome,
    SettleResult, SmsJob, Store, StoreError, WebhookJob,
};
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
    start_waits_for_a_long_migration,
);

const OPEN: &str = "01010101-0101-4101-8101-010101010101";
const CLOSED: &str = "02020202-0202-4202-8202-020202020202";

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
        let facts = vec![("operator", b"nova".to_vec())];
        assert_eq!(store.compare_ledger_identity(facts).await.expect("works"), Some("operator"));
    }
}

async fn alarms_are_there(store: &Store) {
    let listed = async |filter| {
        let alarms = store.list_alarms(filter).await.expect("works");
        alarms.into_iter().map(|alarm| alarm.alarm).collect::<Vec<_>>()
    };
    assert_eq!(listed(AlarmFilter::All).await, [Alarm::CouponUnpaid, Alarm::DiskLow, Alarm::NumberChecks]);
    assert_eq!(listed(AlarmFilter::Active).await, [Alarm::CouponUnpaid, Alarm::DiskLow]);
    assert_eq!(listed(AlarmFilter::OfOrigin("other".to_owned())).await, [Alarm::CouponUnpaid]);
}

async fn the_ledger_is_there(store: &Store, due: &[LeasedJob]) {
    let (netflix, open, closed) = (partner_id("netflix"), parse_pai(OPEN), parse_pai(CLOSED));
    let account = store.find_account(sealed_number(1).index).await.expect("works").expect("is there");
    assert_eq!(
        (account.subscriber_ref.as_str(), account.account.balance.map(|b| b.amount_minor)),
        ("2024-01-01", Some(5000))
    );
    let flow = store.find_proven_flow(NOW, [0x0a; 32]).await.expect("works").expect("is proven");
    assert_eq!((flow.number, flow.offer), (sealed_number(1), OfferId::parse("netflix-standard")));
    for (pai, state, version) in [(open, PaiState::Active, 1), (closed, PaiState::Closed, 2)] {
        let row = store.find_pai(netflix.clone(), pai).await.expect("works").expect("is there");
        assert_eq!((row.state, row.version), (state, version));
    }
    assert!(
        store
            .pays_on_bill(netflix.clone(), sealed_number(1).index, "2024-01-01".into())
            .await
            .expect("works")
    );
    let end = store.find_signup_result([0x0c; 32]).await.expect("works").expect("is there");
    assert_eq!((end.outcome, end.partner_subscription_id.as_deref()), (SignupOutcome::Success, Some("ps-1")));
    for (id, status, reason) in [
        ("n-approved", TransactionStatus::Approved, None),
        ("n-declined", TransactionStatus::Declined, Some(DeclineReason::AccountClosedTakenOver)),
        ("n-pending", TransactionStatus::Pending, None),
    ] {
        let answer = store
            .find_charge_response(netflix.clone(), parse_ext_id(id))
            .await
            .expect("works")
            .expect("is there");
        assert_eq!((answer.status, answer.decline_reason), (status, reason));
    }
    let charge = store.find_pending_charge("tx-pending".into()).await.expect("works").expect("is pending");
    let holder = charge.subscriber.expect("is known");
    assert_eq!(
        (holder.number, holder.subscriber_ref.as_str(), charge.amount.amount_minor),
        (sealed_number(1), "2024-01-01", 1599)
    );
    assert!(
        due.iter().any(|entry| matches!(&entry.job, Job::Sms(SmsJob::Pin { message }) if message == b"hi"))
    );
    assert!(
        due.iter().any(
            |entry| matches!(&entry.job, Job::Charge { transaction_id } if transaction_id == "tx-pending")
        )
    );
}

async fn refunds_and_spending_are_there(store: &Store, due: &[LeasedJob]) {
    let netflix = partner_id("netflix");
    let pending = store.find_pending_refund("rf-pending".into()).await.expect("works");
    let answer = store
        .find_refund_response(netflix, parse_ext_id("n-approved"), parse_ext_id("r-pending"))
        .await
        .expect("works");
    assert_eq!(pending.map(|refund| refund.amount), Some(usd(600)));
    assert_eq!(
        answer.map(|answer| (answer.status, answer.remaining)),
        Some((TransactionStatus::Pending, usd(999)))
    );
    let posting = store.post_refund(fresh_nonce(), NOW, new_refund("n-approved", "r-rest", None)).await;
    let Ok(PostRefundResult::Created(rest)) = posting else { panic!("not created: {posting:?}") };
    assert_eq!((rest.transaction_id.as_str(), rest.amount), ("tx-approved", usd(999)));

    let mut over = new_charge(parse_pai(OPEN), "n-over", 2);
    over.limits = Some(SpendingLimits { month_minor: Some(3199), ..SpendingLimits::default() });
    let posting = store.post_charge(fresh_nonce(), NOW, over).await.expect("works");
    assert!(matches!(posting, PostChargeResult::Declined(_)), "{posting:?}");

    let refunds =
        |entry: &&LeasedJob| matches!(&entry.job, Job::Refund { refund_id } if refund_id == "rf-pending");
    let notices = |entry: &&LeasedJob| matches!(&entry.job, Job::Webhook(WebhookJob::Charge { transaction_id }) if transaction_id == "tx-declined");
    let reports = |entry: &&LeasedJob| job_name(entry) == ("dispute-notice", "dp-open");
    assert_eq!(due.iter().filter(reports).count(), 1);
    let disputed = store.list_disputes_of_charges(vec!["tx-approved".to_owned()], 10).await.expect("works");
    assert_eq!(disputed.len(), 2, "{disputed:?}");
    assert_eq!(due.iter().filter(refunds).count(), 1);
    assert_eq!(due.iter().filter(notices).count(), 1);
    assert_eq!(
        due.iter()
            .filter(|entry| !is_pai_notice(entry) && !["coupon", "notification"].contains(&job_name(entry).0))
            .count(),
        5
    );
}

fn is_pai_notice(entry: &LeasedJob) -> bool {
    matches!(&entry.job, Job::Webhook(WebhookJob::Pai { pai: of }) if *of == parse_pai(CLOSED))
}

async fn account_events_are_there(store: &Store, due: &[LeasedJob]) {
    assert_eq!(due.iter().filter(|entry| is_pai_notice(entry)).count(), 1);
    let swapped_at = store.find_sim_swap_time(sealed_number(1).index).await.expect("works");
    assert_eq!(swapped_at, Some(NOW));
    let known = NewAccountEvent {
        event_id: parse_ext_id("e-1"),
        fingerprint: [0x11; 32],
        event: AccountEvent::SimSwapped,
        number: sealed_number(1).index,
        new_number: None,
        occurred_at: NOW,
    };
    let older = NewAccountEvent {
        event_id: parse_ext_id("e-2"),
        event: AccountEvent::Suspended,
        occurred_at: NOW.plus_seconds(5),
        ..known.clone()
    };
    let record = async |new| store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works");
    assert_eq!(record(known).await, RecordEventResult::Replayed(AccountEventOutcome::Applied));
    assert_eq!(record(older).await, RecordEventResult::Recorded(AccountEventOutcome::Superseded));
}

async fn files_are_there(store: &Store) {
    let files = store.list_unwritten_files().await.expect("works");
    assert_eq!(files.len(), 1);
    for file in files {
        let lines = store.list_file_lines(file.file_id.clone()).await.expect("works");
        assert_eq!(lines.iter().map(|line| line.bill.id()).collect::<Vec<_>>(), ["tx-filed"]);
        let settling = store.settle_line(NOW, file.file_id, 1, done()).await;
        assert_eq!(settling.expect("works"), SettleResult::Written);
    }
}

async fn flows_of_devices_are_there(store: &Store) {
    let (partner, number, flow) = (partner_id("netflix"), sealed_number(1).index, [0x12; 32]);
    let newest = store.find_newest_device_flow(partner.clone(), number).await.expect("works");
    assert_eq!(newest, Some(flow));
    let pin = DevicePin { partner, number, flow, mac: [0x13; 32], limits: CHECK_LIMITS };
    let tried = store.try_device_pin(fresh_nonce(), NOW, pin).await.expect("works");
    assert!(matches!(within(tried), PinAttempt::Proven(_)));
}

async fn own_pages_are_there(store: &Store) {
    let flow = store.find_proven_flow(NOW, [0x14; 32]).await.expect("works");
    assert_eq!(flow.map(|flow| flow.offer), Some(None));
    let links =
        store.list_partner_links(sealed_number(1).index, "2024-01-01".to_owned()).await.expect("works");
    let [link] = &links[..] else { panic!("not one: {links:?}") };
    assert_eq!((link.pai, link.since), (parse_pai(OPEN), NOW.plus_seconds(120)));
    let charges = store.list_own_charges(vec![link.pai], None, 20).await.expect("works");
    assert!(charges.lines.iter().any(|charge| charge.transaction_id == "tx-approved"));
    // The closed one's subscriber has left; a person reads the ledger.
    let closed = store.list_own_charges(vec![parse_pai(CLOSED)], None, 20).await.expect("works");
    assert!(!closed.lines.is_empty());
}

async fn messages_are_there(store: &Store, due: &[LeasedJob]) {
    let waits = due.iter().filter(|entry| job_name(entry) == ("notification", "message-new")).count();
    assert_eq!(waits, 1);
    for (named, contents, taken) in [
        ("m-sent", 0x1a, PostNotificationResult::Replayed),
        ("m-new", 0x1c, PostNotificationResult::Conflict),
    ] {
        let new = NewNotification {
            notification_id: format!("again-{named}"),
            partner: partner_id("netflix"),
            pai: parse_pai(OPEN),
            named: Some((parse_ext_id(named), [contents; 32])),
            message: b"sealed".to_vec(),
        };
        assert_eq!(store.post_notification(fresh_nonce(), NOW, new).await.expect("works"), taken, "{named}");
    }
}

async fn subscriptions_change(store: &Store) {
    for (status, update) in [
        (SubscriptionStatus::Active, ChangeSubscriptionResult::Current),
        (SubscriptionStatus::Cancelled, ChangeSubscriptionResult::Current),
        (SubscriptionStatus::Active, ChangeSubscriptionResult::Cancelled),
    ] {
        let (netflix, change) = (partner_id("netflix"), SubscriptionChange { status, reason: None });
        let changed =
            store.change_subscription(fresh_nonce(), NOW, netflix, parse_ext_id("ps-1"), change).await;
        assert_eq!(changed.expect("works"), update);
    }
}

async fn erasures_are_there(store: &Store) {
    let erased = parse_pai("03030303-0303-4303-8303-030303030303");
    let posting =
        store.post_charge(fresh_nonce(), NOW, new_charge(erased, "n-late", 100)).await.expect("works");
    assert!(matches!(posting, PostChargeResult::Declined(_)), "{posting:?}");
    let erase = async |id, number| {
        store.erase_number(None, NOW, stamp("E-1"), Some(parse_ext_id(id)), number).await.expect("works")
    };
    assert_eq!(erase("er-1", sealed_number(4).index).await, ErasureState::Erasing);
    store.sweep(NOW, OperatorTimeZone::default()).await.expect("works");
    assert_eq!(erase("er-1", sealed_number(4).index).await, ErasureState::Erased);
    // The sample's file is not written yet, and has a line of this subscriber's.
    assert_eq!(erase("er-2", sealed_number(1).index).await, ErasureState::Erasing);
}

async fn coupons_are_there(store: &Store, due: &[LeasedJob]) {
    let sent = due.iter().filter(|entry| job_name(entry) == ("coupon", "coupon-new")).count();
    assert_eq!(sent, 1);
    let all = store.list_coupons(None, CouponFilter::All, 10).await.expect("works");
    let states: Vec<_> = all.iter().map(|row| (row.ext_coupon_id.as_str(), row.state(NOW))).collect();
    let expected = [
        ("c-given", CouponState::Redeemed),
        ("c-lost", CouponState::Sent),
        ("c-new", CouponState::Issued),
        ("c-spent", CouponState::Redeemed),
    ];
    assert_eq!(states, expected);
    assert!(all.iter().all(|row| row.is_gift == (row.ext_coupon_id.as_str() == "c-given")));
    let lost = store.list_coupons(None, CouponFilter::Undelivered(NOW), 10).await.expect("works");
    let codes: Vec<_> = lost.iter().filter_map(|row| row.undelivered.clone()?.code).collect();
    assert_eq!(codes, ["011"]);
    let paid = store.find_paid_until(parse_pai(CLOSED), parse_day("2027-06-30")).await.expect("works");
    assert_eq!(paid, Some(parse_day("2027-06-30")));
    let redeem =
        |reference, code| store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, [code; 32]));
    let again = redeem("r-coupon", 0x17).await.expect("works");
    assert!(matches!(again, RedeemResult::Decided(RedemptionOutcome::Redeemed(_))), "{again:?}");
    assert_eq!(redeem("r-2", 0x19).await.expect("works"), RedeemResult::Unknown { wrong: 8 });
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

async fn open_with(place: &TestDb, migrations: &[Migration]) -> Result<Store, StoreError> {
    match place {
        TestDb::Sqlite(path) => Store::open_sqlite_with(path, 1, OpenMode::Migrate, migrations),
        TestDb::Postgres { url, .. } => {
            let address = PostgresAddress::parse(url).expect("is well formed");
            Store::open_postgres_with(&address, 1, OpenMode::Migrate, migrations).await
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
    let (migrated, ()) = tokio::join!(open_with(&db.place, &next), async {
        if let Some(reader) = reader {
            until_one_attempt_is_over(&db.place, "pais").await;
            reader.batch_execute("COMMIT").await.expect("ends");
        }
    });
    migrated.expect("migrates in the end");
    assert_eq!(db.place.count_rows("pais WHERE next_release IS NOT NULL").await, 0);
    assert_eq!(db.store.check_writable(NOW, "a".to_owned(), NOW).await, Ok(next.len()));
    open_with(&db.place, &next).await.expect("has nothing left to do");
    assert_eq!(db.place.count_rows("migrations").await, i64::try_from(next.len()).expect("is small"));
}

/// Eight seconds: every other statement has seven at most.
async fn start_waits_for_a_long_migration(db: TestStore) {
    let TestDb::Postgres { url, .. } = &db.place else { return };
    let other = hold(url, "SELECT 1 FROM schema_version FOR UPDATE").await;
    let (opened, ()) = tokio::join!(open_with(&db.place, &MIGRATIONS), async {
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
