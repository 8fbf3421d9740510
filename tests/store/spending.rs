//! What an account may be charged: its own subscriber's charges count, each for as long as it is
//! not declined or refunded.

use crate::outcome::{declined, done, later, refused};
use crate::test_store::{TestStore, new_charge, new_coupon, new_redemption, new_refund, new_signup};
use crate::test_values::{NOW, euro, fresh_nonce, partner_id};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::Pai;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use onbill_origin::store::{
    IssueSignupResult, NewCharge, NewRedemption, PostChargeResult, PostRefundResult, Queue, RedeemResult,
};

on_each_database!(
    each_limit_declines_with_its_own_reason,
    decline_by_a_limit_is_replayed_permanently,
    a_declined_charge_takes_no_room,
    spending_begins_at_zero_each_day_and_month,
    charges_of_a_clock_ahead_do_not_count_today,
    charges_of_tomorrow_count_in_the_month_of_today,
    sums_of_today_are_taken_from_the_ledger,
    the_room_of_a_charge_that_is_declined_later_comes_back,
    the_room_of_a_refund_comes_back_when_billing_gave_it_back,
    pending_refund_gives_no_room_after_clock_ahead,
    a_refund_gives_room_to_the_day_of_its_charge,
    all_partners_of_an_account_share_its_limits,
    another_account_and_another_currency_count_by_themselves,
    next_subscriber_of_a_number_has_spent_nothing,
    a_currency_that_is_not_billed_leaves_nothing,
);

const DAY_SECONDS: i64 = 86_400;

fn limited_charge(pai: Pai, ext_id: &str, amount_minor: i64) -> NewCharge {
    let limits = SpendingLimits {
        charge_minor_min: Some(50),
        charge_minor_max: Some(1000),
        day_minor: Some(1500),
        month_minor: Some(2000),
    };
    NewCharge { limits: Some(limits), ..new_charge(pai, ext_id, amount_minor) }
}

/// The immediate decline reason of a charge, `days` from now; `None` when it is submitted to
/// billing.
async fn try_charge(db: &TestStore, days: i64, new: NewCharge) -> Option<DeclineReason> {
    let now = NOW.plus_seconds(days * DAY_SECONDS);
    match db.store.post_charge(fresh_nonce(), now, new).await.expect("works") {
        PostChargeResult::Created(_) => None,
        PostChargeResult::Declined(answer) => {
            let answer: TransactionResponse = serde_json::from_slice(&answer).expect("is an answer");
            assert_eq!(answer.status, TransactionStatus::Declined);
            answer.decline_reason
        }
        other => panic!("not new: {other:?}"),
    }
}

async fn charges_of_a_clock_ahead_do_not_count_today(db: TestStore) {
    for (n, days) in [(1, 365), (2, 40)] {
        let pai = db.sign_up_subscriber(n).await.pai;
        for (days, id, amount, reason) in [
            (0, "1", 600, None),
            (days, "2", 900, None),
            (days, "3", 601, OVER_DAY),
            (0, "4", 901, OVER_DAY),
            (0, "5", 900, None),
            (0, "6", 50, OVER_DAY),
        ] {
            let new = limited_charge(pai, &format!("n-{n}-{id}"), amount);
            assert_eq!(try_charge(&db, days, new).await, reason, "{days} days, {id}");
        }
    }
}

async fn charges_of_tomorrow_count_in_the_month_of_today(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for (days, id, amount, reason) in [
        (0, "n-1", 600, None),
        (1, "n-2", 900, None),
        (0, "n-3", 901, OVER_DAY),
        (0, "n-4", 501, OVER_MONTH),
        (0, "n-5", 500, None),
    ] {
        assert_eq!(try_charge(&db, days, limited_charge(pai, id, amount)).await, reason, "{id}");
    }
}

/// What the ledger says of today is what was counted: without what was declined, given back or paid
/// by a coupon.
async fn sums_of_today_are_taken_from_the_ledger(db: TestStore) {
    let (pai, user) = (db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai);
    let bought = new_coupon(1, "coupon-1");
    let redeeming = NewRedemption { pai: Some(user), ..new_redemption("r-1", bought.text.code) };
    db.issue_new_coupon(bought).await;
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, redeeming).await.expect("works");
    assert!(matches!(redeemed, RedeemResult::Created(_)), "{redeemed:?}");
    let mut ids = Vec::new();
    for (id, amount) in [("n-1", 100), ("n-2", 200), ("n-3", 400)] {
        ids.push(db.post_new_charge(limited_charge(pai, id, amount)).await);
    }
    for (id, outcome) in ids.into_iter().zip([done(), done(), declined(DeclineReason::RiskDeclined)]) {
        db.store.answer_transaction(NOW, id, outcome).await.expect("works");
    }
    let refunded = db.post_new_refund(new_refund("n-2", "r-2", Some(150))).await;
    db.store.answer_refund(NOW, refunded, done()).await.expect("works");
    // 150 count. A charge of next year makes the origin forget it, and the ledger knows it.
    assert_eq!(try_charge(&db, 365, limited_charge(pai, "n-4", 1000)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-5", 1000)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-6", 351)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-7", 350)).await, None);
}

const OVER_DAY: Option<DeclineReason> = Some(DeclineReason::ChargeExceedsDailyLimit);
const OVER_MONTH: Option<DeclineReason> = Some(DeclineReason::ChargeExceedsMonthlyLimit);

async fn each_limit_declines_with_its_own_reason(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for (days, id, amount, reason) in [
        (0, "n-1", 1001, Some(DeclineReason::ChargeExceedsTransactionLimit)),
        (0, "n-2", 49, Some(DeclineReason::ChargeUnderLimit)),
        (0, "n-3", 1000, None),
        (0, "n-4", 501, OVER_DAY),
        (0, "n-5", 500, None),
        (1, "n-6", 501, OVER_MONTH),
        (1, "n-7", 500, None),
    ] {
        assert_eq!(try_charge(&db, days, limited_charge(pai, id, amount)).await, reason, "{id}");
    }
    // Without limits no amount is too much.
    assert_eq!(try_charge(&db, 1, new_charge(pai, "n-8", 1_000_000)).await, None);
}

async fn decline_by_a_limit_is_replayed_permanently(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let new = limited_charge(pai, "n-1", 1001);
    let id = new.transaction_id.clone();
    let posting = db.store.post_charge(fresh_nonce(), NOW, new).await.expect("works");
    let PostChargeResult::Declined(answer) = posting else { panic!("not decided: {posting:?}") };
    let db = db.reopen().await;
    // The limits may have changed by then: the response stays.
    let again = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, "n-1", 1001)).await;
    assert_eq!(again.expect("works"), PostChargeResult::Replayed(answer.clone()));
    let standing = db.find_charge("n-1").await;
    assert_eq!(standing, serde_json::from_slice(&answer).expect("is an answer"));
    assert_eq!(db.store.find_pending_charge(id).await.expect("works"), None, "it is not on its way");
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
}

async fn a_declined_charge_takes_no_room(db: TestStore) {
    let netflix = db.sign_up_subscriber(1).await.pai;
    let issue = db.store.issue_signup(fresh_nonce(), NOW, new_signup("other", 1, "2024-01-01")).await;
    let Ok(IssueSignupResult::Issued(other)) = issue else { panic!("no PAI: {issue:?}") };
    assert_eq!(try_charge(&db, 0, limited_charge(netflix, "n-1", 600)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(netflix, "n-2", 901)).await, OVER_DAY);
    // Nor does a charge that is declined for the state of its PAI.
    let id = db.post_new_charge(new_charge(netflix, "n-3", 900)).await;
    let closed = declined(DeclineReason::AccountClosed);
    db.store.answer_transaction(NOW, id, closed).await.expect("works");
    let on_closed = try_charge(&db, 0, limited_charge(netflix, "n-4", 900)).await;
    assert_eq!(on_closed, Some(DeclineReason::AccountClosed));
    let rest = NewCharge { partner: partner_id("other"), ..limited_charge(other.pai, "n-5", 900) };
    assert_eq!(try_charge(&db, 0, rest).await, None);
}

async fn spending_begins_at_zero_each_day_and_month(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-1", 1000)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-2", 500)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-3", 50)).await, OVER_DAY);
    let db = db.reopen().await;
    assert_eq!(try_charge(&db, 12, limited_charge(pai, "n-4", 500)).await, None, "the last of November");
    assert_eq!(try_charge(&db, 12, limited_charge(pai, "n-5", 50)).await, OVER_MONTH);
    assert_eq!(try_charge(&db, 13, limited_charge(pai, "n-6", 1000)).await, None, "the first of December");
    assert_eq!(try_charge(&db, 13, limited_charge(pai, "n-7", 500)).await, None);
    assert_eq!(try_charge(&db, 13, limited_charge(pai, "n-8", 50)).await, OVER_DAY);
}

async fn the_room_of_a_charge_that_is_declined_later_comes_back(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let reason = DeclineReason::InsufficientBalance;
    // By the post's own outcome, and by the outbox.
    let id = db.post_new_charge(limited_charge(pai, "n-1", 1000)).await;
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-2", 501)).await, OVER_DAY);
    db.store.answer_transaction(NOW, id.clone(), declined(reason)).await.expect("works");
    // Reported twice, its amount is released once.
    db.store.answer_transaction(NOW, id, declined(reason)).await.expect("works");
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-3", 900)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-4", 601)).await, OVER_DAY);
    for entry in db.lease_due(60).await {
        db.settle_job(NOW, entry, declined(reason)).await.expect("works");
    }
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-5", 1000)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-6", 501)).await, OVER_DAY);
    // Approved charges, and those with an unknown outcome, stay counted.
    let id = db.post_new_charge(limited_charge(pai, "n-7", 500)).await;
    for (ext_id, outcome) in [("n-8", later(300)), ("n-9", done())] {
        db.store.answer_transaction(NOW, id.clone(), outcome).await.expect("works");
        assert_eq!(try_charge(&db, 0, limited_charge(pai, ext_id, 50)).await, OVER_DAY);
    }
}

async fn the_room_of_a_refund_comes_back_when_billing_gave_it_back(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = db.post_new_charge(limited_charge(pai, "n-1", 1000)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-2", 500)).await, None);
    let first = db.post_new_refund(new_refund("n-1", "r-1", Some(400))).await;
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-3", 50)).await, OVER_DAY, "it is only on its way");
    db.store.answer_refund(NOW, first.clone(), done()).await.expect("works");
    db.store.answer_refund(NOW, first, done()).await.expect("works");
    assert_eq!(
        try_charge(&db, 0, limited_charge(pai, "n-4", 401)).await,
        OVER_DAY,
        "no more than was given back"
    );
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-5", 400)).await, None);
    let second = db.post_new_refund(new_refund("n-1", "r-2", Some(600))).await;
    db.store.answer_refund(NOW, second, refused()).await.expect("works");
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-6", 50)).await, OVER_DAY);
}

async fn pending_refund_gives_no_room_after_clock_ahead(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = db.post_new_charge(limited_charge(pai, "n-1", 1000)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    db.post_new_refund(new_refund("n-1", "r-1", Some(400))).await;
    // As above, the sums of today are taken from the ledger, and billing may still refuse the refund.
    assert_eq!(try_charge(&db, 365, limited_charge(pai, "n-2", 1000)).await, None);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-3", 501)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 0, limited_charge(pai, "n-4", 500)).await, None);
}

async fn a_refund_gives_room_to_the_day_of_its_charge(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = db.post_new_charge(limited_charge(pai, "n-1", 1000)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    assert_eq!(try_charge(&db, 1, limited_charge(pai, "n-2", 1000)).await, None);
    let tomorrow = NOW.plus_seconds(DAY_SECONDS);
    let posting = db.store.post_refund(fresh_nonce(), tomorrow, new_refund("n-1", "r-1", None)).await;
    let Ok(PostRefundResult::Created(back)) = posting else { panic!("not created: {posting:?}") };
    db.store.answer_refund(tomorrow, back.refund_id, done()).await.expect("works");
    // The month's limit is released, and that of the day of the refund is not raised.
    assert_eq!(try_charge(&db, 1, limited_charge(pai, "n-3", 501)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 1, limited_charge(pai, "n-4", 500)).await, None);
    assert_eq!(try_charge(&db, 2, limited_charge(pai, "n-5", 501)).await, OVER_MONTH);
}

async fn all_partners_of_an_account_share_its_limits(db: TestStore) {
    let netflix = db.sign_up_subscriber(1).await.pai;
    let issue = db.store.issue_signup(fresh_nonce(), NOW, new_signup("other", 1, "2024-01-01")).await;
    let Ok(IssueSignupResult::Issued(other)) = issue else { panic!("no PAI: {issue:?}") };
    assert_eq!(try_charge(&db, 0, limited_charge(netflix, "n-1", 1000)).await, None);
    for (id, amount, reason) in [("n-1", 501, OVER_DAY), ("n-2", 500, None)] {
        let new = NewCharge { partner: partner_id("other"), ..limited_charge(other.pai, id, amount) };
        assert_eq!(try_charge(&db, 0, new).await, reason);
    }
}

async fn another_account_and_another_currency_count_by_themselves(db: TestStore) {
    let (one, another) = (db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai);
    let in_euro = |id: &str, amount_minor: i64| {
        let mut new = limited_charge(one, id, amount_minor);
        new.request.amount = euro(amount_minor);
        new
    };
    let first = db.post_new_charge(limited_charge(one, "n-1", 1000)).await;
    for new in [limited_charge(another, "m-1", 1000), in_euro("e-1", 1000)] {
        assert_eq!(try_charge(&db, 0, new).await, None);
    }
    for new in [limited_charge(one, "n-2", 500), limited_charge(another, "m-2", 500), in_euro("e-2", 500)] {
        assert_eq!(try_charge(&db, 0, new).await, None);
    }
    // The release of one of them changes none of the others.
    let reason = DeclineReason::InsufficientBalance;
    db.store.answer_transaction(NOW, first, declined(reason)).await.expect("works");
    assert_eq!(try_charge(&db, 0, limited_charge(another, "m-3", 50)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 0, in_euro("e-3", 50)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 0, limited_charge(one, "n-3", 1000)).await, None);
}

async fn next_subscriber_of_a_number_has_spent_nothing(db: TestStore) {
    let old = db.sign_up_subscriber(1).await.pai;
    let id = db.post_new_charge(limited_charge(old, "n-1", 1000)).await;
    let issue = db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01")).await;
    let Ok(IssueSignupResult::Issued(new)) = issue else { panic!("no PAI: {issue:?}") };
    assert_eq!(try_charge(&db, 0, limited_charge(new.pai, "n-2", 1000)).await, None);
    // A release for the previous subscriber does not count for the new one.
    let taken_over = declined(DeclineReason::AccountClosedTakenOver);
    db.store.answer_transaction(NOW, id, taken_over).await.expect("works");
    assert_eq!(try_charge(&db, 0, limited_charge(new.pai, "n-3", 501)).await, OVER_DAY);
    assert_eq!(try_charge(&db, 0, limited_charge(new.pai, "n-4", 500)).await, None);
}

async fn a_currency_that_is_not_billed_leaves_nothing(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_approved_charge(pai, "n-1", 1599).await;
    let not_billed = |id: &str| NewCharge { limits: None, ..new_charge(pai, id, 1599) };
    let post =
        async |id: &str| db.store.post_charge(fresh_nonce(), NOW, not_billed(id)).await.expect("works");
    assert_eq!(post("n-2").await, PostChargeResult::CurrencyNotBilled);
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    // The id is still free, and charges from when the currency was billed still get their
    // responses.
    db.post_new_charge(new_charge(pai, "n-2", 1599)).await;
    assert!(matches!(post("n-1").await, PostChargeResult::Replayed(_)));
}
