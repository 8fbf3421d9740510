//! Calls that wait together: `PostgreSQL` runs them in one transaction, and `SQLite` in one commit.
//! Each is answered as if it had come alone, whatever becomes of the others.

use crate::outcome::{declined, done, later};
use crate::test_store::{TestStore, declined_by, new_charge, paid_ahead};
use crate::test_values::{NOW, fresh_nonce, fresh_pai, parse_ext_id, partner_id, service_period};
use futures_util::future::join_all;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::Pai;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_origin::store::{NewCharge, PostChargeResult, SettleResult, StoreError};
use onbill_test_harness::database::TestDb;
use tokio_postgres::NoTls;

on_each_database!(
    each_charge_of_a_group_is_posted_as_if_alone,
    two_calls_of_a_group_with_one_nonce_are_one_charge,
    charges_of_one_account_in_a_group_keep_its_limit,
    each_charge_of_a_group_is_answered_as_if_alone,
    more_than_a_group_at_once_are_all_posted,
);

async fn post_together(db: &TestStore, charges: Vec<NewCharge>) -> Vec<Result<PostChargeResult, StoreError>> {
    join_all(charges.into_iter().map(|new| db.store.post_charge(fresh_nonce(), NOW, new))).await
}

fn is_created(posted: &Result<PostChargeResult, StoreError>) -> bool {
    matches!(posted, Ok(PostChargeResult::Created(_)))
}

async fn each_charge_of_a_group_is_posted_as_if_alone(db: TestStore) {
    let pais: Vec<Pai> = join_all((1..=6).map(async |n| db.sign_up_subscriber(n).await.pai)).await;
    let closed = pais[5];
    db.store
        .close_pai(NOW, partner_id("netflix"), closed, DeclineReason::PaiRevokedByUser)
        .await
        .expect("works");
    db.post_approved_charge(pais[0], "old", 1599).await;
    db.redeem_new_coupon(7, "c-1", "r-1").await;
    let buyer = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    let mut covered = new_charge(buyer, "covered", 1599);
    covered.request.service_period = service_period("2026-11-20", "2026-12-19");
    let limited = SpendingLimits { charge_minor_max: Some(1000), ..SpendingLimits::default() };
    let posted = post_together(
        &db,
        vec![
            new_charge(pais[0], "n-1", 1599),
            new_charge(pais[0], "old", 1599),
            new_charge(pais[1], "old", 1599),
            new_charge(fresh_pai(), "n-2", 1599),
            NewCharge { limits: None, ..new_charge(pais[1], "n-3", 1599) },
            new_charge(closed, "n-4", 1599),
            NewCharge { limits: Some(limited), ..new_charge(pais[2], "n-5", 1599) },
            covered,
            new_charge(pais[3], "twice", 1599),
            new_charge(pais[3], "twice", 1599),
            new_charge(pais[4], "n-6", 1599),
        ],
    )
    .await;
    let is_declined = |posted: &Result<PostChargeResult, StoreError>| match posted {
        Ok(PostChargeResult::Declined(response)) => {
            let response: TransactionResponse = serde_json::from_slice(response).expect("is a response");
            response.status == TransactionStatus::Declined
        }
        _ => false,
    };
    assert!(is_created(&posted[0]) && is_created(&posted[10]), "{posted:?}");
    assert!(matches!(posted[1], Ok(PostChargeResult::Replayed(_))), "{:?}", posted[1]);
    assert_eq!(posted[2], Ok(PostChargeResult::Conflict));
    assert_eq!(posted[3], Ok(PostChargeResult::PaiNotFound));
    assert_eq!(posted[4], Ok(PostChargeResult::CurrencyNotBilled));
    assert!(is_declined(&posted[5]) && is_declined(&posted[6]), "{posted:?}");
    assert_eq!(posted[7].as_ref().ok().and_then(declined_by), paid_ahead(), "{:?}", posted[7]);
    assert!(is_created(&posted[8]), "{:?}", posted[8]);
    assert_eq!(posted[9], Ok(PostChargeResult::InProgress));
    // A job for each that is pending, and nothing of what was refused.
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge' AND attempts = 1 AND transaction_id IN (SELECT transaction_id FROM transactions WHERE ext_transaction_id IN ('n-1', 'twice', 'n-6'))").await, 3);
    for ext_id in ["n-2", "n-3"] {
        let found = db.store.find_charge_response(partner_id("netflix"), parse_ext_id(ext_id)).await;
        assert_eq!(found, Ok(None), "{ext_id}");
    }
}

async fn two_calls_of_a_group_with_one_nonce_are_one_charge(db: TestStore) {
    let [one, other] = [db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai];
    let shared = fresh_nonce();
    let calls = [(shared.clone(), one, "n-1"), (shared, one, "n-2"), (fresh_nonce(), other, "n-3")];
    let results = join_all(
        calls.map(|(nonce, pai, ext_id)| db.store.post_charge(nonce, NOW, new_charge(pai, ext_id, 1599))),
    )
    .await;
    assert_eq!(results.iter().filter(|result| is_created(result)).count(), 2, "{results:?}");
    assert!(results[..2].contains(&Err(StoreError::NonceReplayed)) && is_created(&results[2]), "{results:?}");
    assert_eq!(db.place.count_rows("transactions").await, 2);
}

async fn charges_of_one_account_in_a_group_keep_its_limit(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let limits = Some(SpendingLimits { day_minor: Some(5 * 100), ..SpendingLimits::default() });
    for (first, expected) in [(0, 5), (10, 0)] {
        let charges =
            (first..first + 8).map(|n| NewCharge { limits, ..new_charge(pai, &format!("n-{n}"), 100) });
        let posted = post_together(&db, charges.collect()).await;
        assert_eq!(posted.iter().filter(|posted| is_created(posted)).count(), expected, "{posted:?}");
        assert!(
            posted
                .iter()
                .all(|posted| is_created(posted) || matches!(posted, Ok(PostChargeResult::Declined(_))))
        );
    }
    assert_eq!(db.place.count_rows("spending WHERE day_minor = 500 AND month_minor = 500").await, 1);
}

async fn each_charge_of_a_group_is_answered_as_if_alone(db: TestStore) {
    use TransactionStatus::{Approved, Declined, Pending};
    let pai = db.sign_up_subscriber(1).await.pai;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(db.post_new_charge(new_charge(pai, &format!("n-{n}"), 1599)).await);
    }
    // The last one was answered before, because a replay came after its time.
    let after = NOW.plus_seconds(61);
    let replayed = db.store.post_charge(fresh_nonce(), after, new_charge(pai, "n-4", 1599)).await;
    assert!(matches!(replayed, Ok(PostChargeResult::Replayed(_))), "{replayed:?}");
    let outcomes = [done(), declined(DeclineReason::RiskDeclined), later(300), done(), done()];
    let answered = join_all(
        ids.iter().zip(outcomes).map(|(id, outcome)| db.store.answer_transaction(after, id.clone(), outcome)),
    )
    .await;
    let statuses: Vec<TransactionStatus> = answered
        .iter()
        .map(|answered| {
            let (response, result) = answered.as_ref().expect("works");
            assert_eq!(*result, SettleResult::Written);
            serde_json::from_slice::<TransactionResponse>(response).expect("is a response").status
        })
        .collect();
    assert_eq!(statuses, [Approved, Declined, Pending, Approved, Pending]);
    for (n, status) in [Approved, Declined, Pending, Approved, Approved].into_iter().enumerate() {
        assert_eq!(db.find_charge(&format!("n-{n}")).await.status, status, "{n}");
    }
    // The outcome of the last one is reported by a webhook; one is submitted again.
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge-notice'").await, 1);
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 1);
    // Each replay gets the bytes that were answered.
    for (n, answered) in answered.into_iter().enumerate().take(4) {
        let replayed =
            db.store.post_charge(fresh_nonce(), after, new_charge(pai, &format!("n-{n}"), 1599)).await;
        assert_eq!(replayed, Ok(PostChargeResult::Replayed(answered.expect("works").0)), "{n}");
    }
}

async fn more_than_a_group_at_once_are_all_posted(db: TestStore) {
    let pais: Vec<Pai> = join_all((1..=20).map(async |n| db.sign_up_subscriber(n).await.pai)).await;
    let charges = (0..400).map(|n| new_charge(pais[n % 20], &format!("n-{n}"), 100)).collect();
    let posted = post_together(&db, charges).await;
    assert!(posted.iter().all(is_created), "{:?}", posted.iter().find(|posted| !is_created(posted)));
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 400);
    assert_eq!(db.place.count_rows("spending WHERE day_minor = 2000").await, 20);
}

/// A member of the group that waits for a lock does not keep the others from their answers.
#[tokio::test]
async fn lock_that_one_charge_waits_for_delays_no_other() {
    let db = TestStore::in_postgres().await;
    let [one, other] = [db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai];
    let TestDb::Postgres { url, .. } = &db.place else { panic!("is in PostgreSQL") };
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    let lock = client.transaction().await.expect("begins");
    lock.execute("SELECT 1 FROM pais WHERE pai = $1 FOR UPDATE", &[&one.to_string()]).await.expect("locks");
    let post = |pai, ext_id: &str| db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, ext_id, 1599));
    let (waited, ()) = tokio::join!(post(one, "n-1"), async {
        let posted = post(other, "n-2").await;
        assert!(is_created(&posted), "{posted:?}");
        lock.rollback().await.expect("ends");
    });
    assert!(is_created(&waited), "{waited:?}");
}
