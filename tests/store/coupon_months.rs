//! What a coupon pays for: whose days, which of them, and what that means for other charges.

use crate::coupons::find_coupon_state;
use crate::outcome::{declined, done, later, refused, sent};
use crate::test_store::{
    TestStore, declined_by, job_name, new_charge, new_coupon, new_redemption, new_refund, new_subscription,
    paid_ahead, subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, service_period};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::coupon::CouponState;
use onbill_origin::store::{
    CutOverPaiResult, LeasedJob, PostChargeResult, RedeemResult, SettleResult, TurnOffPaiResult,
};

on_each_database!(
    months_begin_when_nothing_is_paid_for,
    a_gift_pays_for_the_named_subscriber,
    a_charge_for_days_of_a_coupons_is_declined,
    declined_redemption_pays_for_nothing,
    days_of_declined_and_refunded_redemptions_are_charged,
    what_was_refunded_whole_pays_for_nothing,
    months_begin_today_when_the_charge_of_these_days_was_refunded,
    a_coupons_charge_counts_against_no_limit,
    coupons_charge_is_reported_to_no_partner,
    reminder_goes_once_to_those_who_do_not_continue,
    months_that_were_refunded_follow_nothing,
    no_one_is_reminded_while_their_pai_is_dark,
);

async fn months_begin_when_nothing_is_paid_for(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let mut monthly = new_charge(subscriber.pai, "n-1", 1599);
    monthly.request.service_period = service_period("2026-11-05", "2026-12-04");
    db.post_new_charge(monthly).await;
    let mut refused = new_charge(subscriber.pai, "n-2", 1599);
    refused.request.service_period = service_period("2027-01-05", "2027-02-04");
    let id = db.post_new_charge(refused).await;
    let end = declined(DeclineReason::RiskDeclined);
    db.store.answer_transaction(NOW, id, end).await.expect("works");
    let first = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let second = db.redeem_new_coupon(1, "c-2", "r-2").await;
    for (id, days) in [(first, ("2026-12-05", "2027-06-04")), (second, ("2027-06-05", "2027-12-04"))] {
        let charge = db.store.find_pending_charge(id).await.expect("works").expect("is on its way");
        assert_eq!(charge.service_period, service_period(days.0, days.1));
    }
    let until = |day: &'static str| db.store.find_paid_until(subscriber.pai, parse_day(day));
    assert_eq!(until("2027-12-04").await.expect("works"), Some(parse_day("2027-12-04")));
    assert_eq!(until("2027-12-05").await.expect("works"), None);
}

async fn a_gift_pays_for_the_named_subscriber(db: TestStore) {
    let friend = db.sign_up_subscriber(2).await.pai;
    db.sign_up_subscriber(3).await;
    let gift = |n: u8, pai| {
        let new = new_coupon(1, &format!("c-{n}"));
        let code = new.text.code;
        let redeem = new_redemption(&format!("r-{n}"), code);
        (new, onbill_origin::store::NewRedemption { pai: Some(pai), ..redeem })
    };
    let (new, redeem) = gift(1, friend);
    let buyer = db.issue_new_coupon(new).await.pai;
    let Ok(RedeemResult::Created(charge)) = db.store.redeem_coupon(fresh_nonce(), NOW, redeem).await else {
        panic!("is claimed")
    };
    assert_eq!(
        charge.subscriber.map(|subscriber| subscriber.number),
        Some(crate::test_values::sealed_number(1)),
        "the buyer pays"
    );
    let paid = |pai| db.store.find_paid_until(pai, parse_day("2026-11-18"));
    assert_eq!(paid(friend).await.expect("works"), Some(parse_day("2027-05-17")));
    assert_eq!(paid(buyer).await.expect("works"), None);
    db.post_new_charge(crate::test_store::new_charge(buyer, "n-1", 1599)).await;

    // An unknown PAI, another subscriber's, and one that is closed.
    let closed = db.sign_up_subscriber(4).await.pai;
    let reason = DeclineReason::PaiRevokedByUser;
    db.store.close_pai(NOW, partner_id("netflix"), closed, reason).await.expect("works");
    for (n, pai) in [(2, crate::test_values::fresh_pai()), (3, closed)] {
        let (new, redeem) = gift(n, pai);
        db.issue_new_coupon(new).await;
        let redeeming = db.store.redeem_coupon(fresh_nonce(), NOW, redeem).await;
        assert_eq!(redeeming.expect("works"), RedeemResult::PaiNotFound, "{n}");
        assert_eq!(find_coupon_state(&db, &format!("c-{n}")).await, CouponState::Issued);
    }
}

async fn a_charge_for_days_of_a_coupons_is_declined(db: TestStore) {
    db.redeem_new_coupon(1, "c-1", "r-1").await;
    let pai = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    let post = |id: &str, from: &str, to: &str| {
        let mut new = new_charge(pai, id, 1599);
        new.request.service_period = service_period(from, to);
        db.store.post_charge(fresh_nonce(), NOW, new)
    };
    let days = [("2026-12-01", "2026-12-31"), ("2026-10-19", "2026-11-18"), ("2027-05-17", "2027-06-16")];
    for (n, (from, to)) in days.into_iter().enumerate() {
        let posted = post(&format!("paid-{n}"), from, to).await.expect("works");
        assert_eq!(declined_by(&posted), paid_ahead(), "{from}");
        // It is recorded: a replay gets the same response.
        let PostChargeResult::Declined(response) = posted else { panic!("{posted:?}") };
        let again = post(&format!("paid-{n}"), from, to).await.expect("works");
        assert_eq!(again, PostChargeResult::Replayed(response));
    }
    assert!(matches!(post("n-1", "2027-05-18", "2027-06-17").await, Ok(PostChargeResult::Created(_))));
    assert!(matches!(post("n-2", "2026-10-18", "2026-11-17").await, Ok(PostChargeResult::Created(_))));
}

async fn declined_redemption_pays_for_nothing(db: TestStore) {
    let id = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let pai = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    let post = async |id: &str| {
        db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, id, 1599)).await.expect("works")
    };
    assert_eq!(declined_by(&post("n-1").await), paid_ahead(), "billing may approve it");
    let reason = declined(DeclineReason::RiskDeclined);
    db.store.answer_redemption(NOW, id, reason).await.expect("works");
    let posted = post("n-2").await;
    assert!(matches!(posted, PostChargeResult::Created(_)), "{posted:?}");
}

/// PostgreSQL looks closer at a charge for days for which a redemption may have paid.
async fn days_of_declined_and_refunded_redemptions_are_charged(db: TestStore) {
    let first = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let reason = declined(DeclineReason::RiskDeclined);
    db.store.answer_redemption(NOW, first, reason).await.expect("works");
    let second = db.redeem_new_coupon(1, "c-2", "r-2").await;
    db.store.answer_redemption(NOW, second.clone(), done()).await.expect("works");
    let refund = new_refund(&format!("onbill-coupon-{second}"), "f-1", None);
    let refund = db.post_new_refund(refund).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    let pai = db.store.find_coupon(parse_ext_id("c-2")).await.expect("works").expect("is there").pai;
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, "n-1", 1599)).await;
    assert!(matches!(posted, Ok(PostChargeResult::Created(_))), "{posted:?}");
}

async fn what_was_refunded_whole_pays_for_nothing(db: TestStore) {
    let id = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let pai = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    db.store.answer_redemption(NOW, id.clone(), done()).await.expect("works");
    let ext_id = format!("onbill-coupon-{id}");
    let part = db.post_new_refund(new_refund(&ext_id, "f-1", Some(1))).await;
    db.store.answer_refund(NOW, part, done()).await.expect("works");
    let paid = || db.store.find_paid_until(pai, parse_day("2026-11-18"));
    assert!(paid().await.expect("works").is_some());
    // The refund of the rest is submitted twice: billing declines it the first time. Until it is
    // approved, the days are paid for.
    let charged = |id: &str| db.store.post_charge(fresh_nonce(), NOW, new_charge(pai, id, 1599));
    for (name, outcome) in [("f-2", refused()), ("f-3", done())] {
        let refund_id = db.post_new_refund(new_refund(&ext_id, name, None)).await;
        assert!(paid().await.expect("works").is_some(), "{name}");
        let posted = charged(&format!("n-{name}")).await.expect("works");
        assert_eq!(declined_by(&posted), paid_ahead(), "{name}");
        db.store.answer_refund(NOW, refund_id, outcome).await.expect("works");
    }
    assert_eq!(paid().await.expect("works"), None);
    assert!(matches!(charged("n-1").await, Ok(PostChargeResult::Created(_))));
}

async fn months_begin_today_when_the_charge_of_these_days_was_refunded(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let mut monthly = new_charge(pai, "n-1", 1599);
    monthly.request.service_period = service_period("2026-11-05", "2026-12-04");
    let id = db.post_new_charge(monthly).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    let redeemed_for = async |n: &str| {
        let id = db.redeem_new_coupon(1, &format!("c-{n}"), &format!("r-{n}")).await;
        let charge = db.store.find_pending_charge(id.clone()).await.expect("works").expect("is on its way");
        let reason = declined(DeclineReason::RiskDeclined);
        db.store.answer_redemption(NOW, id, reason).await.expect("works");
        charge.service_period
    };
    // Most of it is refunded, and billing may decline the refund of the rest.
    let refund_id = db.post_new_refund(new_refund("n-1", "f-1", Some(1598))).await;
    db.store.answer_refund(NOW, refund_id, done()).await.expect("works");
    let refund_id = db.post_new_refund(new_refund("n-1", "f-2", None)).await;
    assert_eq!(redeemed_for("1").await, service_period("2026-12-05", "2027-06-04"));
    db.store.answer_refund(NOW, refund_id, done()).await.expect("works");
    assert_eq!(redeemed_for("2").await, service_period("2026-11-18", "2027-05-17"));
}

async fn a_coupons_charge_counts_against_no_limit(db: TestStore) {
    let limited = |pai, id: &str| {
        let mut new = new_charge(pai, id, 1599);
        new.request.service_period = service_period("2026-10-01", "2026-10-31");
        new.limits =
            Some(onbill_domain::spending::SpendingLimits { month_minor: Some(1599), ..Default::default() });
        new
    };
    let id = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let pai = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    db.post_new_charge(limited(pai, "n-1")).await;
    // Nor does it free the days when it is declined.
    let reason = declined(DeclineReason::RiskDeclined);
    db.store.answer_redemption(NOW, id, reason).await.expect("works");
    let posting = db.store.post_charge(fresh_nonce(), NOW, limited(pai, "n-2")).await;
    assert!(matches!(posting, Ok(PostChargeResult::Declined(_))), "{posting:?}");
}

async fn coupons_charge_is_reported_to_no_partner(db: TestStore) {
    let id = db.redeem_new_coupon(1, "c-1", "r-1").await;
    db.store.answer_redemption(NOW, id, later(60)).await.expect("works");
    let due = db.lease_due(60).await;
    let entry = due.into_iter().find(|entry| job_name(entry).0 == "charge").expect("is due");
    assert_eq!(db.settle_job(NOW, entry, done()).await.expect("works"), SettleResult::Written);
    assert!(db.lease_due(3_600).await.iter().all(|entry| job_name(entry).0 != "charge-notice"));
}

async fn reminder_goes_once_to_those_who_do_not_continue(db: TestStore) {
    for n in 1..=4 {
        let id = db.redeem_new_coupon(n, &format!("c-{n}"), &format!("r-{n}")).await;
        db.store.answer_redemption(NOW, id, done()).await.expect("works");
    }
    let pai =
        async |id: &str| db.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there").pai;
    // The second continues, the third has another coupon, the fourth has left.
    let goes_on = new_subscription(pai("c-2").await, "s-2");
    db.store
        .record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            "ps-2".to_owned(),
            goes_on,
            subscription_terms(),
        )
        .await
        .expect("works");
    db.redeem_new_coupon(3, "c-5", "r-5").await;
    let reason = DeclineReason::PaiRevokedByUser;
    db.store.close_pai(NOW, partner_id("netflix"), pai("c-4").await, reason).await.expect("works");

    let due = |today, ends_by| db.store.list_due_reminders(parse_day(today), parse_day(ends_by), 10);
    assert!(due("2027-05-02", "2027-05-16").await.expect("works").is_empty(), "too early");
    assert!(due("2027-05-18", "2027-06-01").await.expect("works").is_empty(), "too late");
    let found = due("2027-05-03", "2027-05-17").await.expect("works");
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].number.index, found[0].paid_until),
        (crate::test_values::sealed_number(1).index, parse_day("2027-05-17"))
    );
    let remind = || db.store.queue_reminder(NOW, found[0].transaction_id.clone(), vec![5; 8]);
    assert!(remind().await.expect("works"));
    assert!(!remind().await.expect("works"), "once");
    assert!(due("2027-05-03", "2027-05-17").await.expect("works").is_empty());
    let reminders: Vec<LeasedJob> =
        db.lease_due(0).await.into_iter().filter(|entry| job_name(entry).0 == "coupon-reminder").collect();
    assert_eq!(reminders.len(), 1);
    let entry = reminders[0].clone();
    assert_eq!(db.settle_job(NOW, entry, sent("m-1")).await.expect("works"), SettleResult::Written);
    assert_eq!(find_coupon_state(&db, "c-1").await, CouponState::Redeemed);
}

async fn months_that_were_refunded_follow_nothing(db: TestStore) {
    let first = db.redeem_new_coupon(1, "c-1", "r-1").await;
    let second = db.redeem_new_coupon(1, "c-2", "r-2").await;
    for id in [&first, &second] {
        db.store.answer_redemption(NOW, id.clone(), done()).await.expect("works");
    }
    let due = async || {
        let due = db
            .store
            .list_due_reminders(parse_day("2027-05-03"), parse_day("2027-05-17"), 10)
            .await
            .expect("works");
        due.into_iter().map(|due| due.transaction_id).collect::<Vec<_>>()
    };
    assert!(due().await.is_empty(), "they go on");
    let ext_id = format!("onbill-coupon-{second}");
    let part = db.post_new_refund(new_refund(&ext_id, "f-1", Some(1))).await;
    db.store.answer_refund(NOW, part, done()).await.expect("works");
    assert!(due().await.is_empty(), "most of it is paid");
    let rest = db.post_new_refund(new_refund(&ext_id, "f-2", None)).await;
    assert!(due().await.is_empty(), "billing may refuse it");
    db.store.answer_refund(NOW, rest, done()).await.expect("works");
    assert_eq!(due().await, std::slice::from_ref(&first));
    assert!(db.store.queue_reminder(NOW, first, vec![5; 8]).await.expect("works"));
}

async fn no_one_is_reminded_while_their_pai_is_dark(db: TestStore) {
    let id = db.redeem_new_coupon(1, "c-1", "r-1").await;
    db.store.answer_redemption(NOW, id.clone(), done()).await.expect("works");
    let pai = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there").pai;
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), pai).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let due = || db.store.list_due_reminders(parse_day("2027-05-03"), parse_day("2027-05-17"), 10);
    let remind = || db.store.queue_reminder(NOW, id.clone(), vec![5; 8]);
    assert!(due().await.expect("works").is_empty());
    assert!(!remind().await.expect("works"), "it was turned off meanwhile");
    let turned_on = db.store.cut_over_pai(NOW, partner_id("netflix"), pai).await;
    assert_eq!(turned_on, Ok(CutOverPaiResult::TurnedOn));
    assert_eq!(due().await.expect("works").len(), 1);
    assert!(remind().await.expect("works"));
}
