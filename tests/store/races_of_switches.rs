//! A PAI that is turned on or off, or loaded, at the moment at which something else is about it. SQLite has one
//! writer, so these are about PostgreSQL alone.

use crate::audit::stamp;
use crate::cut_over::{CLAIMS, LINES, cut_over_all, live_on, load, write_back};
use crate::dark_pais::pai_of;
use crate::test_store::{TestStore, new_charge, new_coupon, new_redemption, new_refund, new_signup};
use crate::test_values::{
    NOW, fresh_nonce, next_number, parse_ext_id, partner_id, sealed_number, service_period, usd,
};
use onbill_domain::pai::Pai;
use onbill_domain::wire::dispute::DisputeReason;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::store::{
    AdoptResult, ChangeSubscriptionResult, ChangeTermsResult, Claim, CutOverPaiResult, DisputeChange,
    DisputeStep, IssueSignupResult, LineFingerprint, LoadOutcome, LoadPlace, LoadRefusal, LostCharge,
    LostRedemption, LostRefund, NewRedemption, PostChargeResult, PostDisputeResult, PostRefundResult,
    RedeemResult, TurnOffPaiResult,
};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::other_system::{charges_csv, pais_csv};
use onbill_test_harness::wait::wait_until;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use tokio_postgres::{Client, NoTls, Transaction};

/// What becomes of an act that waits for this lock, and goes on once it is released.
async fn while_locked<T: Debug>(lock: Transaction<'_>, act: impl Future<Output = T>) -> T {
    let mut act = pin!(act);
    tokio::select! {
        early = &mut act => panic!("it has not waited: {early:?}"),
        () = wait_for_another(&lock) => {}
    }
    lock.commit().await.expect("commits");
    act.await
}

async fn wait_for_another(lock: &Transaction<'_>) {
    let waiting =
        "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
    let is_waited_for = async || !lock.query(waiting, &[]).await.expect("reads").is_empty();
    wait_until("another session waits", is_waited_for).await;
}

async fn connect(db: &TestStore) -> Client {
    let TestDb::Postgres { url, .. } = &db.place else { panic!("is in PostgreSQL") };
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client
}

/// What becomes of an act that begins while another session has run these statements, and waits until they
/// are committed.
pub(crate) async fn while_uncommitted<T: Debug>(
    db: &TestStore,
    sql: &str,
    act: impl Future<Output = T>,
) -> T {
    let mut client = connect(db).await;
    let lock = client.transaction().await.expect("begins");
    lock.batch_execute(sql).await.expect("is written");
    while_locked(lock, act).await
}

/// What becomes of an act that begins while another session turns the PAI off.
async fn while_turned_off<T: Debug>(db: &TestStore, pai: Pai, act: impl Future<Output = T>) -> T {
    let turn = format!("UPDATE pais SET dark_since = 1795000000, dark_version = version WHERE pai = '{pai}'");
    while_uncommitted(db, &turn, act).await
}

async fn turn_on(db: &TestStore, pai: Pai) {
    let turned_on = db.store.cut_over_pai(NOW, partner_id("netflix"), pai).await;
    assert_eq!(turned_on, Ok(CutOverPaiResult::TurnedOn));
}

/// As a charge or a refund does that is posted at the same moment.
#[tokio::test]
async fn what_is_posted_while_a_pai_is_turned_off_keeps_it_on() {
    let db = TestStore::in_postgres().await;
    load(&db).await;
    cut_over_all(&db.store).await;
    db.post_approved_charge(pai_of("ENT-1"), "n-1", 1599).await;
    let mut client = connect(&db).await;
    let lock = client.transaction().await.expect("begins");
    lock.batch_execute(
        "SELECT 1 FROM pais WHERE pai = 'ENT-1' FOR SHARE;
         INSERT INTO refunds (refund_id, partner, ext_refund_id, transaction_id, amount_minor, reason, status,
             responding_until, created_at)
         SELECT 'refund-1', partner, 'r-1', transaction_id, 100, 'test', 'PENDING', created_at, created_at
         FROM transactions WHERE ext_transaction_id = 'n-1'",
    )
    .await
    .expect("is written");
    let turn_off = db.store.turn_off_pai(NOW, partner_id("netflix"), pai_of("ENT-1"));
    let turned = while_locked(lock, turn_off).await;
    assert_eq!(turned, Ok(TurnOffPaiResult::UnderWay));
}

#[tokio::test]
async fn what_is_posted_once_a_pai_is_turned_off_finds_it_dark() {
    let db = TestStore::in_postgres().await;
    load(&db).await;
    cut_over_all(&db.store).await;
    let pai = pai_of("ENT-1");
    db.post_approved_charge(pai, "n-1", 1599).await;
    let refund = db.store.post_refund(fresh_nonce(), NOW, new_refund("n-1", "r-1", None));
    assert_eq!(while_turned_off(&db, pai, refund).await, Ok(PostRefundResult::NotCutOver));
    turn_on(&db, pai).await;
    let charge = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, "n-2", 1599));
    assert_eq!(while_turned_off(&db, pai, charge).await, Ok(PostChargeResult::NotCutOver));
}

#[tokio::test]
async fn coupon_is_not_redeemed_once_its_buyer_or_user_is_turned_off() {
    let db = TestStore::in_postgres().await;
    let user = db.sign_up_subscriber(2).await.pai;
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    let buyer = db.issue_new_coupon(new).await.pai;
    for (named, turned_off) in [(None, buyer), (Some(user), buyer), (Some(user), user)] {
        let new = NewRedemption { pai: named, ..new_redemption("r-1", code) };
        let redeem = db.store.redeem_coupon(fresh_nonce(), NOW, new);
        assert_eq!(
            while_turned_off(&db, turned_off, redeem).await,
            Ok(RedeemResult::NotCutOver),
            "{named:?}"
        );
        turn_on(&db, turned_off).await;
    }
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await;
    assert!(matches!(redeemed, Ok(RedeemResult::Created(_))), "{redeemed:?}");
}

#[tokio::test]
async fn what_was_lost_is_not_submitted_once_its_pai_is_turned_off() {
    let db = TestStore::in_postgres().await;
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_approved_charge(pai, "n-1", 1599).await;
    let buyer = db.issue_new_coupon(new_coupon(1, "k-1")).await.pai;
    assert_eq!(buyer, pai);
    db.lease_due(0).await;
    let charge = LostCharge {
        transaction_id: format!("tx-{}", next_number()),
        partner: partner_id("netflix"),
        ext_transaction_id: parse_ext_id("n-2"),
        pai,
        amount: usd(1599),
        tax_minor: None,
        description: "Netflix Standard".to_owned(),
        service_period: service_period("2027-01-01", "2027-01-31"),
        codes: Arc::default(),
        is_billed: false,
        informs_partner: false,
    };
    let adopted = while_turned_off(&db, pai, db.store.adopt_charge(NOW, charge)).await;
    assert_eq!(adopted, Ok(AdoptResult::NotCutOver));
    turn_on(&db, pai).await;
    let refund = LostRefund {
        refund_id: format!("rf-{}", next_number()),
        partner: partner_id("netflix"),
        ext_refund_id: parse_ext_id("r-1"),
        ext_transaction_id: parse_ext_id("n-1"),
        amount: usd(100),
        reason: "Left".to_owned(),
        is_billed: false,
        informs_partner: false,
    };
    let adopted = while_turned_off(&db, pai, db.store.adopt_refund(NOW, refund)).await;
    assert_eq!(adopted, Ok(AdoptResult::NotCutOver));
    turn_on(&db, pai).await;
    let redemption = LostRedemption {
        ext_coupon_id: parse_ext_id("k-1"),
        transaction_id: format!("tx-{}", next_number()),
        amount: usd(8999),
        codes: Arc::default(),
        is_billed: false,
        ext_reference: None,
        pai: None,
        service_period: None,
    };
    let adopted = while_turned_off(&db, pai, db.store.adopt_redemption(NOW, redemption)).await;
    assert_eq!(adopted, Ok(AdoptResult::NotCutOver));
    assert_eq!(db.place.count_rows("transactions").await, 1);
}

#[tokio::test]
async fn desk_partner_and_customer_change_nothing_of_a_pai_that_is_turned_off() {
    let db = TestStore::in_postgres().await;
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let transaction_id = db.post_approved_charge(pai, "n-1", 1599).await;

    let step = DisputeStep::Open(DisputeReason::Fraud);
    let change =
        DisputeChange { dispute_id: "dp-1".to_owned(), transaction_id, reference: parse_ext_id("D-1"), step };
    let opened = db.store.post_dispute(Some(fresh_nonce()), NOW, stamp("T-1"), change);
    assert_eq!(while_turned_off(&db, pai, opened).await, Ok(PostDisputeResult::NotCutOver));
    turn_on(&db, pai).await;

    let cancel = SubscriptionChange { status: SubscriptionStatus::Cancelled, reason: None };
    let (netflix, id) = (partner_id("netflix"), parse_ext_id("ps-1"));
    let changed = db.store.change_subscription(fresh_nonce(), NOW, netflix, id, cancel);
    assert_eq!(while_turned_off(&db, pai, changed).await, Ok(ChangeSubscriptionResult::NotCutOver));
    turn_on(&db, pai).await;

    let found = db.find_terms("ch-1").await;
    let changed = while_turned_off(&db, pai, db.change(pai, &found, "ch-1")).await;
    assert_eq!(changed, ChangeTermsResult::NotCutOver);
    turn_on(&db, pai).await;

    let (number, subscriber_ref) = (sealed_number(1).index, "2024-01-01".to_owned());
    let unlinked = db.store.unlink_partner(fresh_nonce(), NOW, number, subscriber_ref, pai);
    assert_eq!(while_turned_off(&db, pai, unlinked).await, Ok(None), "it is the other system's to end");
    assert_eq!(db.place.count_rows("pais WHERE state = 'ACTIVE'").await, 1);
    turn_on(&db, pai).await;

    db.place.run_sql("UPDATE partner_subscriptions SET status = 'CANCELLED', ended_at = 1").await;
    let signup = db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2024-01-01"));
    assert_eq!(while_turned_off(&db, pai, signup).await, Ok(IssueSignupResult::AlreadyOnBill));
}

/// A load begins, and has the PAI's row, while the PAI is to be switched.
#[tokio::test]
async fn load_that_begins_while_a_pai_is_switched_leaves_it_as_it_is() {
    let db = TestStore::in_postgres().await;
    load(&db).await;
    let begin = "UPDATE migration_files SET state = 'LOADING', loaded_at = NULL WHERE kind = 'charges';
         SELECT 1 FROM pais WHERE pai = 'ENT-1' FOR NO KEY UPDATE";
    let (netflix, pai) = (partner_id("netflix"), pai_of("ENT-1"));
    let mut client = connect(&db).await;

    let lock = client.transaction().await.expect("begins");
    lock.batch_execute(begin).await.expect("is written");
    let turn_on = db.store.cut_over_pai(NOW, netflix.clone(), pai);
    let turned = while_locked(lock, turn_on).await;
    assert_eq!(turned, Ok(CutOverPaiResult::LoadUnfinished));

    db.place.run_sql("UPDATE migration_files SET state = 'LOADED', loaded_at = begun_at").await;
    cut_over_all(&db.store).await;
    let lock = client.transaction().await.expect("begins");
    lock.batch_execute(begin).await.expect("is written");
    let turn_off = db.store.turn_off_pai(NOW, netflix, pai);
    let turned = while_locked(lock, turn_off).await;
    assert_eq!(turned, Ok(TurnOffPaiResult::LoadUnfinished));
}

/// A charge of onbill's comes back from the other system while its PAI is just turned on.
#[tokio::test]
async fn charges_are_loaded_by_how_their_pai_is_by_then() {
    let db = TestStore::in_postgres().await;
    load(&db).await;
    cut_over_all(&db.store).await;
    let (netflix, pai) = (partner_id("netflix"), pai_of("ENT-1"));
    let transaction_id = db.post_approved_charge(pai, "n-1", 1599).await;
    let turned_off = db.store.turn_off_pai(NOW, netflix.clone(), pai).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let claim = Claim {
        line: 2,
        fingerprint: LineFingerprint { stays: [1; 16], changes: [2; 16] },
        transaction_id,
        partner: netflix,
        ext_transaction_id: parse_ext_id("n-1"),
        pai,
        amount: usd(1599),
        refunded_minor: 100,
        status: TransactionStatus::Approved,
        billing_ref: None,
        description: "Netflix Standard".to_owned(),
        posted_at: NOW,
        service_period: service_period("2026-12-01", "2026-12-31"),
    };
    let mut client = connect(&db).await;
    let lock = client.transaction().await.expect("begins");
    lock.batch_execute("UPDATE pais SET dark_since = NULL WHERE pai = 'ENT-1'").await.expect("is written");
    let loaded = while_locked(lock, db.store.load_claims(LoadPlace { file_id: 1, through: 2 }, vec![claim]));
    assert_eq!(loaded.await, Ok(vec![LoadOutcome::Refused(LoadRefusal::ChargeTaken)]), "it is on");
}

/// What a restored ledger had lost is adopted while a later file of the other system is loaded.
#[tokio::test]
async fn refund_adopted_beside_a_load_is_kept() {
    let db = TestStore::in_postgres().await;
    let other = load(&db).await;
    let adopt =
        "INSERT INTO refunds (refund_id, partner, ext_refund_id, transaction_id, amount_minor, reason,
             status, responding_until, created_at, settled_at)
         SELECT 'refund-1', partner, 'r-1', transaction_id, 100, 'test', 'APPROVED', created_at, created_at,
             created_at FROM transactions WHERE ext_transaction_id = 'old-1';
         UPDATE transactions SET refunded_minor = 100 WHERE ext_transaction_id = 'old-1'";
    let pais = pais_csv(&LINES);
    let later = charges_csv(&[CLAIMS[0].replace(",USD,0,", ",USD,200,")]);
    let files = [pais.as_str()];
    let loading = other.load(&db.store, &files, Some(&later));
    let (_, complaints) = while_uncommitted(&db, adopt, loading).await;
    assert_eq!(complaints, Vec::<String>::new());
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 300").await, 1, "by both systems");
}

/// Two accounts of which more was given back elsewhere, in the file in the order that is not that of the locks.
#[tokio::test]
async fn load_locks_accounts_in_the_order_in_which_everyone_does() {
    let db = TestStore::in_postgres().await;
    let other = load(&db).await;
    live_on(&db, &other).await;
    let turned_off = "UPDATE pais SET dark_since = 1795000000, dark_version = version";
    db.place.run_sql(turned_off).await;
    let [pais, charges] = write_back(&other, &db.store, true).await;
    let mut client = connect(&db).await;
    let lock = client.transaction().await.expect("begins");
    let accounts = "SELECT t.ext_transaction_id, s.subscriber_id FROM transactions t JOIN pais p USING (pai)
         JOIN spending s USING (subscriber_id) WHERE t.ext_transaction_id IN ('n-1', 'n-3') ORDER BY subscriber_id";
    let accounts = lock.query(accounts, &[]).await.expect("reads");
    let [first, last] = &accounts[..] else { panic!("two: {accounts:?}") };
    let line = |account: &tokio_postgres::Row| {
        let id: &str = account.get(0);
        let line = charges.iter().find(|line| line.contains(&format!(",{id},"))).expect("is there");
        line.replace(",USD,0,", ",USD,700,")
    };
    let file = charges_csv(&[line(last), line(first)]);
    let take = "SELECT 1 FROM spending WHERE subscriber_id = $1 FOR UPDATE NOWAIT";
    lock.query(take, &[&first.get::<_, &str>(1)]).await.expect("is free");
    let pais = pais_csv(&pais);
    let files = [pais.as_str()];
    let mut loading = pin!(other.load(&db.store, &files, Some(&file)));
    tokio::select! {
        early = &mut loading => panic!("it has not waited: {early:?}"),
        () = wait_for_another(&lock) => {}
    }
    let taken = lock.query(take, &[&last.get::<_, &str>(1)]).await;
    assert!(taken.is_ok(), "the load waits with the last one in its hand");
    lock.commit().await.expect("commits");
    let loaded = loading.await.0.expect("loads");
    assert_eq!(loaded.last().map(|file| file.updated), Some(2), "{loaded:?}");
}
