//! Days are charged once: a second charge for them is declined, in any order, at once, and in whatever
//! currency, unless the first is refunded or declined.

use crate::adoption::adopted;
use crate::mandates::{charge_for, december, gap};
use crate::outcome::{done, refused};
use crate::races::at_once;
use crate::test_store::{TestStore, declined_by, new_refund, new_subscription, subscription_terms};
use crate::test_values::{NOW, euro, fresh_nonce, parse_day, parse_ext_id, partner_id, usd};
use futures_util::future::join_all;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::mandate::MandateGap;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::config::{ChargeNeeds, RepeatedPeriod};
use onbill_origin::store::{PostChargeResult, RecordSubscriptionResult};

on_each_database!(
    a_period_is_charged_once,
    a_refunded_period_is_charged_again,
    the_next_subscription_charges_its_own_periods,
    an_adopted_month_is_not_charged_again,
    two_charges_at_once_for_one_period_are_one,
    two_currencies_at_once_for_one_period_are_one_charge,
    a_group_charges_a_period_once,
);

async fn a_period_is_charged_once(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.post_gap(december(pai, "n-1", 1000)).await, None);
    let charged = gap(MandateGap::PeriodCharged);
    assert_eq!(db.post_gap(december(pai, "n-2", 1)).await, charged);
    for (id, from, to) in [("n-3", "2026-12-31", "2027-01-30"), ("n-4", "2026-11-02", "2026-12-01")] {
        assert_eq!(db.post_gap(charge_for(pai, id, 1, from, to)).await, charged, "{id}");
    }
    for (id, from, to) in [("n-5", "2027-01-01", "2027-01-31"), ("n-6", "2026-11-18", "2026-11-30")] {
        assert_eq!(db.post_gap(charge_for(pai, id, 1, from, to)).await, None, "{id}");
    }
    // With an alarm instead of a decline, the caller learns of it.
    let mut again = december(pai, "n-7", 1);
    again.rules.repeated_period = RepeatedPeriod::Alarm;
    let PostChargeResult::Created(charge) = db.post(again).await else { panic!("is let pass") };
    assert!(charge.repeats_period);
    let mut first = charge_for(pai, "n-8", 1, "2027-02-01", "2027-02-28");
    first.rules.repeated_period = RepeatedPeriod::Alarm;
    let PostChargeResult::Created(charge) = db.post(first).await else { panic!("is created") };
    assert!(!charge.repeats_period);
}

async fn a_refunded_period_is_charged_again(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let id = db.post_new_charge(december(pai, "n-1", 1599)).await;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    let charged = gap(MandateGap::PeriodCharged);
    let part = db.post_new_refund(new_refund("n-1", "f-1", Some(1598))).await;
    db.store.answer_refund(NOW, part, done()).await.expect("works");
    assert_eq!(db.post_gap(december(pai, "n-2", 1599)).await, charged);
    for (n, (name, outcome)) in [("f-2", refused()), ("f-3", done())].into_iter().enumerate() {
        let rest = db.post_new_refund(new_refund("n-1", name, None)).await;
        assert_eq!(db.post_gap(december(pai, &format!("n-3-{n}"), 1)).await, charged, "{name} is pending");
        db.store.answer_refund(NOW, rest, outcome).await.expect("works");
    }
    let id = db.post_new_charge(december(pai, "n-4", 1599)).await;
    // So is one that billing has declined.
    assert_eq!(db.post_gap(december(pai, "n-5", 1599)).await, charged);
    let declined = crate::outcome::declined(DeclineReason::InsufficientBalance);
    db.store.answer_transaction(NOW, id, declined).await.expect("works");
    assert_eq!(db.post_gap(december(pai, "n-6", 1599)).await, None);
}

/// Who returns later than the same day has a period of the next subscription beside what is left of
/// the last one's. Otherwise the partner could have the same days paid as often as it reports one.
async fn the_next_subscription_charges_its_own_periods(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.post_gap(charge_for(pai, "n-1", 1599, "2026-11-18", "2026-12-17")).await, None);
    let charged = gap(MandateGap::PeriodCharged);
    for (n, id) in ["ps-1", "ps-2"].into_iter().enumerate() {
        db.change_subscription("netflix", id, SubscriptionStatus::Cancelled).await;
        let next = format!("ps-{}", n + 2);
        assert_eq!(db.sign_up_and_subscribe(1, &next, &next).await, pai);
        let again = charge_for(pai, &format!("n-2-{n}"), 1599, "2026-11-18", "2026-12-17");
        assert_eq!(db.post_gap(again).await, charged, "{next}");
        let shifted = charge_for(pai, &format!("n-3-{n}"), 1599, "2026-11-19", "2026-12-18");
        assert_eq!(db.post_gap(shifted).await, charged, "{next}");
    }
    assert_eq!(db.post_gap(charge_for(pai, "n-4", 1599, "2026-12-18", "2027-01-17")).await, None);
    assert_eq!(db.post_gap(charge_for(pai, "n-5", 1599, "2026-12-19", "2027-01-18")).await, charged);
    db.change_subscription("netflix", "ps-3", SubscriptionStatus::Cancelled).await;
    let (later, id) = (NOW.plus_seconds(40 * 86_400), "ps-4".to_owned());
    let (request, netflix) = (new_subscription(pai, "s-4"), partner_id("netflix"));
    let returned =
        db.store.record_subscription(fresh_nonce(), later, netflix, id, request, subscription_terms()).await;
    assert!(matches!(returned, Ok(RecordSubscriptionResult::Created(_))), "{returned:?}");
    assert_eq!(db.post_gap(charge_for(pai, "n-6", 1599, "2026-12-28", "2027-01-27")).await, None);
}

/// The ledger has lost under which mandate the charge was made.
async fn an_adopted_month_is_not_charged_again(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    adopted(&db, pai, "n-1").await;
    assert_eq!(db.post_gap(december(pai, "n-2", 1599)).await, gap(MandateGap::PeriodCharged));
    let (netflix, id) = (partner_id("netflix"), parse_ext_id("ps-1"));
    let found = db.store.find_subscription_mandate(netflix, id, parse_ext_id("c-1")).await.expect("works");
    assert_eq!(found.expect("is there").charged_until, Some(parse_day("2026-12-31")));
}

async fn two_charges_at_once_for_one_period_are_one(db: TestStore) {
    for round in 1..=6 {
        let pai = db.sign_up_and_subscribe(round, &format!("ps-{round}"), &format!("s-{round}")).await;
        let posted = at_once(&db, 8, |store, n| async move {
            let new = december(pai, &format!("n-{round}-{n}"), 100);
            store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
        });
        let posted = posted.await;
        let created = posted.iter().filter(|one| matches!(one, PostChargeResult::Created(_))).count();
        let declined = posted.iter().filter(|one| declined_by(one) == gap(MandateGap::PeriodCharged)).count();
        assert_eq!((created, declined), (1, 7), "{posted:?}");
    }
}

/// Where the partner needs no price, a period may be charged in any currency that is billed. What an
/// account has spent is counted by currency, so it cannot be what keeps such charges apart.
async fn two_currencies_at_once_for_one_period_are_one_charge(db: TestStore) {
    for round in 1..=6 {
        let pai = db.sign_up_and_subscribe(round, &format!("ps-{round}"), &format!("s-{round}")).await;
        let posted = at_once(&db, 8, |store, n| async move {
            let mut new = december(pai, &format!("n-{round}-{n}"), 100);
            new.rules.needs = ChargeNeeds::Subscription;
            // One origin's charges are in dollars, and the other's in euros.
            new.request.amount = if n % 2 == 0 { usd(100) } else { euro(100) };
            store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
        });
        let posted = posted.await;
        let created = posted.iter().filter(|one| matches!(one, PostChargeResult::Created(_))).count();
        let declined = posted.iter().filter(|one| declined_by(one) == gap(MandateGap::PeriodCharged)).count();
        assert_eq!((created, declined), (1, 7), "{posted:?}");
    }
}

async fn a_group_charges_a_period_once(db: TestStore) {
    let subscribers = join_all(
        (1..=4).map(async |n| db.sign_up_and_subscribe(n, &format!("ps-{n}"), &format!("s-{n}")).await),
    );
    let pais = subscribers.await;
    let stranger = db.issue(5).await;
    let news = vec![
        december(pais[0], "n-0", 1599),
        december(pais[0], "n-1", 1599),
        december(pais[1], "n-2", 1600),
        december(stranger, "n-3", 1599),
        december(pais[2], "n-4", 1599),
        charge_for(pais[2], "n-5", 1599, "2027-01-01", "2027-01-31"),
        december(pais[3], "n-6", 1599),
    ];
    let posted = join_all(news.into_iter().map(|new| db.post_gap(new))).await;
    let both = [&posted[0], &posted[1]];
    assert_eq!(both.iter().filter(|gap| gap.is_none()).count(), 1, "{posted:?}");
    assert!(both.contains(&&gap(MandateGap::PeriodCharged)), "{posted:?}");
    assert_eq!((&posted[2], &posted[3]), (&gap(MandateGap::OverPrice), &gap(MandateGap::None)));
    assert_eq!(posted[4..], [None, None, None]);
    assert_eq!(db.place.count_rows("transactions WHERE status = 'PENDING' AND mandate_id IS NULL").await, 0);
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 4);
}
