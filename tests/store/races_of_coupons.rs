//! Several origins that issue, change and redeem coupons concurrently: one redemption of each, no
//! day paid for twice, and no SMS with an unknown code.

use crate::audit::unnamed_stamp;
use crate::outcome::{declined, done, retry_at, sent, settle_attempt};
use crate::races::{at_once, how_many};
use crate::test_store::{
    TestStore, code_sms, declined_by, job_name, new_charge, new_coupon, new_redemption, new_subscription,
    paid_ahead, subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, service_period};
use onbill_domain::day::ServicePeriod;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::wire::coupon::CouponState;
use onbill_origin::store::{
    ChangeCouponResult, CouponFilter, IssueCouponResult, PostChargeResult, Queue, RedeemResult,
    RedemptionOutcome, SettleResult, SmsReceipt,
};

on_each_database!(
    one_name_of_a_coupon_is_one_coupon,
    a_code_redeemed_at_two_origins_is_spent_once,
    coupons_redeemed_at_once_pay_for_days_of_their_own,
    a_charge_and_a_coupon_never_pay_for_one_day,
    a_coupon_and_a_subscription_at_once_agree_whose_months_they_are,
    a_coupon_is_void_or_spent_and_never_both,
    an_answer_and_a_decline_at_once_agree,
    a_receipt_that_comes_with_the_sending_is_not_lost,
);

async fn one_name_of_a_coupon_is_one_coupon(db: TestStore) {
    let made = at_once(&db, 32, |store, n| async move {
        let number = u8::try_from(n % 4).expect("is small");
        store.issue_coupon(None, NOW, new_coupon(number, "c-1")).await.expect("works")
    });
    let made = made.await;
    assert_eq!(how_many(&made, |issue| matches!(issue, IssueCouponResult::Created(_))), 1);
    assert_eq!(how_many(&made, |issue| matches!(issue, IssueCouponResult::Replayed(_))), 7);
    let due = db.lease_due(0).await;
    assert_eq!(how_many(&due, |entry| job_name(entry).0 == "coupon"), 1);
}

async fn a_code_redeemed_at_two_origins_is_spent_once(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let tries = at_once(&db, 64, |store, n| async move {
        let new = new_redemption(&format!("r-{}", n / 2), code);
        match store.redeem_coupon(fresh_nonce(), NOW, new).await.expect("works") {
            RedeemResult::Created(charge) => {
                let id = charge.transaction_id;
                Some(store.answer_redemption(NOW, id, done()).await.expect("works").0)
            }
            RedeemResult::Decided(end) => Some(end),
            RedeemResult::InProgress | RedeemResult::Used => None,
            other => panic!("{other:?}"),
        }
    });
    let ends: Vec<_> = tries.await.into_iter().flatten().collect();
    assert!((1..=2).contains(&ends.len()) && ends.iter().all(|end| *end == ends[0]), "{ends:?}");
    assert!(matches!(ends[0], RedemptionOutcome::Redeemed(_)));
}

async fn coupons_redeemed_at_once_pay_for_days_of_their_own(db: TestStore) {
    let mut codes = Vec::new();
    for n in 0..8 {
        let new = new_coupon(1, &format!("c-{n}"));
        codes.push(new.text.code);
        db.issue_new_coupon(new).await;
    }
    let tries = at_once(&db, 8, |store, n| {
        let code = codes[n];
        async move {
            match store.redeem_coupon(fresh_nonce(), NOW, new_redemption(&format!("r-{n}"), code)).await {
                Ok(RedeemResult::Created(charge)) => charge.service_period,
                other => panic!("{other:?}"),
            }
        }
    });
    let mut periods: Vec<ServicePeriod> = tries.await;
    periods.sort_by_key(|period| period.from());
    assert_eq!(periods[0].from(), parse_day("2026-11-18"));
    for pair in periods.windows(2) {
        assert_eq!(pair[0].to().next(), Some(pair[1].from()));
    }
}

async fn a_charge_and_a_coupon_never_pay_for_one_day(db: TestStore) {
    for round in 1..=12 {
        let subscriber = db.sign_up_subscriber(round).await;
        let new = new_coupon(round, &format!("c-{round}"));
        let code = new.text.code;
        db.issue_new_coupon(new).await;
        let paid = at_once(&db, 4, |store, n| async move {
            if n % 2 == 0 {
                let new = new_redemption(&format!("r-{round}-{n}"), code);
                return match store.redeem_coupon(fresh_nonce(), NOW, new).await.expect("works") {
                    RedeemResult::Created(charge) => Some(charge.service_period),
                    _ => None,
                };
            }
            let mut new = new_charge(subscriber.pai, &format!("n-{round}"), 1599);
            new.request.service_period = service_period("2026-11-18", "2026-12-17");
            match store.post_charge(fresh_nonce(), NOW, new).await.expect("works") {
                PostChargeResult::Created(charge) => Some(charge.service_period),
                // Posted twice: the second may be a replay of the decline.
                PostChargeResult::InProgress | PostChargeResult::Replayed(_) => None,
                other => {
                    assert_eq!(declined_by(&other), paid_ahead(), "{other:?}");
                    None
                }
            }
        });
        let paid: Vec<ServicePeriod> = paid.await.into_iter().flatten().collect();
        assert!((1..=2).contains(&paid.len()), "{paid:?}");
        assert!(paid.len() == 1 || !paid[0].overlaps(paid[1]), "{paid:?}");
    }
}

/// Whichever comes first: the response matches the database, at either origin.
async fn a_coupon_and_a_subscription_at_once_agree_whose_months_they_are(db: TestStore) {
    for round in 1..=8 {
        let subscriber = db.sign_up_subscriber(round).await;
        let new = new_coupon(round, &format!("c-{round}"));
        let code = new.text.code;
        db.issue_new_coupon(new).await;
        let redeem = move || new_redemption(&format!("r-{round}"), code);
        let periods = at_once(&db, 2, |store, n| async move {
            if n == 0 {
                let request = new_subscription(subscriber.pai, &format!("s-{round}"));
                let recorded = store.record_subscription(
                    fresh_nonce(),
                    NOW,
                    partner_id("netflix"),
                    format!("ps-{round}"),
                    request,
                    subscription_terms(),
                );
                recorded.await.expect("works");
                return None;
            }
            match store.redeem_coupon(fresh_nonce(), NOW, redeem()).await.expect("works") {
                RedeemResult::Created(charge) => {
                    Some(store.answer_redemption(NOW, charge.transaction_id, done()).await.expect("works").0)
                }
                other => panic!("{other:?}"),
            }
        });
        let ends: Vec<_> = periods.await.into_iter().flatten().collect();
        let [RedemptionOutcome::Redeemed(redemption)] = &ends[..] else { panic!("{ends:?}") };
        let again = db.store.redeem_coupon(fresh_nonce(), NOW, redeem()).await.expect("works");
        assert_eq!(again, RedeemResult::Decided(ends[0].clone()));
        let row = db
            .store
            .find_coupon(parse_ext_id(&format!("c-{round}")))
            .await
            .expect("works")
            .expect("is there");
        let posting =
            db.store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, &format!("n-{round}"), 1599));
        let is_paid = declined_by(&posting.await.expect("works")) == paid_ahead();
        assert_eq!((redemption.pai.is_none(), is_paid), (row.is_gift, !row.is_gift), "{round}");
    }
}

async fn a_coupon_is_void_or_spent_and_never_both(db: TestStore) {
    for round in 0..8 {
        let (id, reference) = (format!("c-{round}"), format!("r-{round}"));
        let new = new_coupon(1, &id);
        let code = new.text.code;
        db.issue_new_coupon(new).await;
        let done = at_once(&db, 3, |store, n| {
            let (id, reference) = (parse_ext_id(&id), reference.clone());
            async move {
                match n {
                    0 => {
                        let redeeming =
                            store.redeem_coupon(fresh_nonce(), NOW, new_redemption(&reference, code));
                        matches!(redeeming.await.expect("works"), RedeemResult::Created(_))
                    }
                    1 => {
                        let change =
                            store.void_coupon_by_hand(None, NOW, unnamed_stamp(), id).await.expect("works");
                        matches!(change, ChangeCouponResult::Done(_))
                    }
                    _ => {
                        let text = code_sms(100 + u8::try_from(round).expect("is small"));
                        let change =
                            store.resend_sms(None, NOW, unnamed_stamp(), id, text).await.expect("works");
                        matches!(change, ChangeCouponResult::Done(_))
                    }
                }
            }
        });
        let done = done.await;
        assert!(!(done[0] && done[1]), "{done:?}");
        let row = db.store.find_coupon(parse_ext_id(&id)).await.expect("works").expect("is there");
        let state = if done[0] { CouponState::Redeemed } else { CouponState::Voided };
        assert_eq!(row.state(NOW), state, "{done:?}");
    }
}

/// One gets a decline from billing, one times out, and the partner asks again.
async fn an_answer_and_a_decline_at_once_agree(db: TestStore) {
    for round in 0..8 {
        let (id, reference) = (format!("c-{round}"), format!("r-{round}"));
        let charge = db.redeem_new_coupon(1, &id, &reference).await;
        let after = NOW.plus_seconds(60);
        let answers = at_once(&db, 4, |store, n| {
            let charge = charge.clone();
            async move {
                let outcome = match n {
                    0 | 1 => declined(DeclineReason::RiskDeclined),
                    _ => retry_at(after.plus_seconds(300)),
                };
                store.answer_redemption(after, charge, outcome).await.expect("works")
            }
        });
        let answers = answers.await;
        assert!(answers.iter().all(|(end, _)| *end == answers[0].0), "{answers:?}");
        let spent = matches!(answers[0].0, RedemptionOutcome::Redeemed(_));
        let unpaid = how_many(&answers, |(_, settling)| *settling == SettleResult::Unpaid);
        assert_eq!(unpaid, usize::from(spent), "{answers:?}");
        let row = db.store.find_coupon(parse_ext_id(&id)).await.expect("works").expect("is there");
        assert_eq!(
            (row.redeemed_at.is_some(), row.unpaid_at.is_some()),
            (spent, spent),
            "a coupon is free, or spent and unpaid"
        );
    }
    let unpaid = db.store.list_coupons(None, CouponFilter::Unpaid, 10).await.expect("works");
    assert!(unpaid.iter().all(|row| row.state(NOW) == CouponState::Redeemed));
}

async fn a_receipt_that_comes_with_the_sending_is_not_lost(db: TestStore) {
    for round in 1..=16 {
        let (id, message_id) = (format!("c-{round}"), format!("m-{round}"));
        let row = db.issue_new_coupon(new_coupon(round, &id)).await;
        let due = db.store.lease_due(Queue::Coupons, NOW, NOW.plus_seconds(120), 16).await.expect("works");
        let entry = due.into_iter().find(|entry| job_name(entry) == ("coupon", row.coupon_id.as_str()));
        let entry = entry.expect("is due");
        at_once(&db, 2, |store, n| {
            let (entry, message_id) = (entry.clone(), message_id.clone());
            async move {
                if n == 0 {
                    settle_attempt(&store, NOW, entry, sent(&message_id)).await.expect("works");
                } else {
                    store.record_sms_receipt(NOW, message_id, SmsReceipt::Delivered).await.expect("works");
                }
            }
        })
        .await;
        let row = db.store.find_coupon(parse_ext_id(&id)).await.expect("works").expect("is there");
        assert_eq!(row.state(NOW), CouponState::Delivered, "{round}");
    }
}
