//! What waits for the transaction of another session decides by what that has written. SQLite has one
//! writer, so these are about PostgreSQL alone.

use crate::outcome::done;
use crate::races_of_switches::while_uncommitted;
use crate::test_store::{
    TestStore, device_flow, new_charge, new_coupon, new_flow, new_pai, new_redemption, within,
};
use crate::test_values::{CHECK_LIMITS, NOW, fresh_nonce, partner_id, sealed_number};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::store::{
    ChangeSubscriptionResult, DevicePin, Hash, NewCharge, NewPai, PinAttempt, PostChargeResult, RedeemResult,
    RedemptionOutcome, SettleResult,
};

/// As a worker does whose attempt ends first.
#[tokio::test]
async fn charge_settled_meanwhile_is_settled_by_no_group() {
    let db = TestStore::in_postgres().await;
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = db.post_new_charge(new_charge(pai, "n-1", 1599)).await;
    let settle = "UPDATE transactions SET status = 'DECLINED', decline_reason = 'risk-declined',
         settled_at = created_at";
    let answered = while_uncommitted(&db, settle, db.store.answer_transaction(NOW, id, done())).await;
    let (_, settled) = answered.expect("works");
    assert_eq!(settled, SettleResult::Contradicted);
    assert_eq!(db.find_charge("n-1").await.status, TransactionStatus::Declined);
}

/// The partner repeats the post at the moment at which its first call is answered late.
#[tokio::test]
async fn replay_gets_the_answer_that_was_just_given() {
    let db = TestStore::in_postgres().await;
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_new_charge(new_charge(pai, "n-1", 1599)).await;
    let answer =
        "UPDATE transactions SET status = 'APPROVED', settled_at = created_at, stored_response = 'first'";
    // The currency is billed no more, so that it is posted in no group, which would wait for the id.
    let again = NewCharge { limits: None, ..new_charge(pai, "n-1", 1599) };
    let after = NOW.plus_seconds(60);
    let replayed = while_uncommitted(&db, answer, db.store.post_charge(fresh_nonce(), after, again)).await;
    assert_eq!(replayed, Ok(PostChargeResult::Replayed(b"first".to_vec())));
}

/// The PAI changes once more while its last state is reported.
#[tokio::test]
async fn report_of_a_newer_state_is_not_ended() {
    let db = TestStore::in_postgres().await;
    db.issue(1).await;
    let leased = db.lease_due(0).await.pop().expect("the edge is to learn of the PAI");
    let change = "UPDATE outbox SET attempts = attempts + 1";
    let ended = while_uncommitted(&db, change, db.settle_job(NOW, leased, done())).await;
    assert_eq!(ended, Ok(SettleResult::Late));
    assert_eq!(db.place.count_rows("outbox").await, 1);
}

#[tokio::test]
async fn subscription_cancelled_meanwhile_is_not_revived() {
    let db = TestStore::in_postgres().await;
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let cancel = "UPDATE partner_subscriptions SET status = 'CANCELLED', ended_at = 1795000000";
    let suspend = db.change_subscription("netflix", "ps-1", SubscriptionStatus::Suspended);
    assert_eq!(while_uncommitted(&db, cancel, suspend).await, ChangeSubscriptionResult::Cancelled);
}

/// As an event does about the number of these flows.
const END_FLOWS: &str =
    "UPDATE number_locks SET taken_at = taken_at; UPDATE flows SET expires_at = 1795000000";

#[tokio::test]
async fn visit_ended_meanwhile_proves_no_number() {
    let db = TestStore::in_postgres().await;
    let flow = new_flow(1, Some([1; 32]));
    db.store.start_flow(fresh_nonce(), NOW, flow.clone()).await.expect("works");
    let tried = db.store.try_pin(fresh_nonce(), NOW, flow.flow, [1; 32]).await;
    assert!(matches!(tried, Ok(PinAttempt::Proven(_))), "{tried:?}");
    let new = NewPai { proved_in: Some(flow.flow), ..new_pai("netflix", 1, "2024-01-01") };
    let issued = while_uncommitted(&db, END_FLOWS, db.store.issue_pai(Some(fresh_nonce()), NOW, new)).await;
    assert_eq!(issued, Ok(None));
}

#[tokio::test]
async fn pin_of_an_app_ended_meanwhile_proves_nothing() {
    let db = TestStore::in_postgres().await;
    let flow = device_flow("netflix", 1, [1; 32]);
    db.store.start_flow(fresh_nonce(), NOW, flow.clone()).await.expect("works");
    let pin = DevicePin {
        partner: partner_id("netflix"),
        number: sealed_number(1).index,
        flow: flow.flow,
        mac: [1; 32],
        limits: CHECK_LIMITS,
    };
    let tried = while_uncommitted(&db, END_FLOWS, db.store.try_device_pin(fresh_nonce(), NOW, pin)).await;
    let tried = within(tried.expect("works"));
    assert!(matches!(tried, PinAttempt::Expired), "{tried:?}");
}

/// A coupon that is redeemed under this reference, and its code.
async fn redeem(db: &TestStore, reference: &str) -> Hash {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, code)).await;
    assert!(matches!(redeemed, Ok(RedeemResult::Created(_))), "{redeemed:?}");
    code
}

#[tokio::test]
async fn replay_gets_the_decline_that_was_just_written() {
    let db = TestStore::in_postgres().await;
    let code = redeem(&db, "r-1").await;
    let decline = "UPDATE transactions SET status = 'DECLINED', decline_reason = 'risk-declined',
             settled_at = created_at;
         UPDATE coupons SET redeemed_at = NULL, transaction_id = NULL;
         UPDATE coupon_redemptions SET outcome = 'DECLINED'";
    let again = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code));
    let replayed = while_uncommitted(&db, decline, again).await;
    let declined = RedemptionOutcome::Declined(DeclineReason::RiskDeclined);
    assert_eq!(replayed, Ok(RedeemResult::Decided(declined)));
}

/// Two calls with one reference come at once: the first one's redemption is not to be seen yet when the
/// second looks for it.
#[tokio::test]
async fn reference_used_meanwhile_is_replayed() {
    let db = TestStore::in_postgres().await;
    let code = redeem(&db, "not-committed").await;
    let commit = "UPDATE coupon_redemptions SET ext_reference = 'r-1'; SELECT 1 FROM coupons FOR UPDATE";
    let second = db.store.redeem_coupon(fresh_nonce(), NOW.plus_seconds(60), new_redemption("r-1", code));
    let replayed = while_uncommitted(&db, commit, second).await;
    let is_replay = matches!(&replayed, Ok(RedeemResult::Decided(RedemptionOutcome::Redeemed(_))));
    assert!(is_replay, "{replayed:?}");
}
