//! Coupons of a buyer who already pays on the bill: without the buyer's PAI they are a gift to a
//! person unknown to the database, and pay for no known subscriber's days.

use crate::outcome::{declined, done};
use crate::test_store::{TestStore, new_charge, new_coupon, new_redemption, new_refund};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, service_period};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::Pai;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::store::{Charge, NewRedemption, RedeemResult, Redemption, RedemptionOutcome};

on_each_database!(
    without_their_pai_it_pays_for_none_of_the_buyers_days,
    with_their_pai_it_follows_what_is_paid,
    what_was_answered_stays_whatever_becomes_of_the_subscription,
    declined_gift_is_decided_again,
);

impl TestStore {
    /// Claims a coupon of this number's that is issued now, for the PAI that the partner names.
    async fn claim_coupon(&self, n: u8, id: &str, pai: Option<Pai>) -> (NewRedemption, Charge) {
        let new = new_coupon(n, &format!("c-{id}"));
        let redeem = NewRedemption { pai, ..new_redemption(&format!("r-{id}"), new.text.code) };
        self.issue_new_coupon(new).await;
        match self.store.redeem_coupon(fresh_nonce(), NOW, redeem.clone()).await {
            Ok(RedeemResult::Created(charge)) => (redeem, *charge),
            other => panic!("not claimed: {other:?}"),
        }
    }

    /// Claims and redeems it.
    async fn spend_coupon(&self, n: u8, id: &str, pai: Option<Pai>) -> (NewRedemption, Redemption) {
        let (redeem, charge) = self.claim_coupon(n, id, pai).await;
        match self.store.answer_redemption(NOW, charge.transaction_id, done()).await {
            Ok((RedemptionOutcome::Redeemed(redemption), _)) => (redeem, *redemption),
            other => panic!("not redeemed: {other:?}"),
        }
    }

    async fn is_gift(&self, id: &str) -> bool {
        self.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there").is_gift
    }
}

async fn without_their_pai_it_pays_for_none_of_the_buyers_days(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.post_new_charge(new_charge(pai, "n-1", 1599)).await;
    for status in [SubscriptionStatus::Active, SubscriptionStatus::Suspended] {
        db.change_subscription("netflix", "ps-1", status).await;
        let id = status.as_str();
        let (_, redemption) = db.spend_coupon(1, id, None).await;
        // From today on, though the buyer has paid for December.
        let recorded = (redemption.pai, redemption.service_period);
        assert_eq!(recorded, (None, service_period("2026-11-18", "2027-05-17")), "{id}");
        assert!(db.is_gift(&format!("c-{id}")).await, "{id}");
    }
    assert_eq!(db.store.find_paid_until(pai, parse_day("2026-11-18")).await.expect("works"), None);
    let mut next = new_charge(pai, "n-2", 1599);
    next.request.service_period = service_period("2027-01-01", "2027-01-31");
    db.post_new_charge(next).await;
    let due = db
        .store
        .list_due_reminders(parse_day("2027-05-03"), parse_day("2027-05-17"), 10)
        .await
        .expect("works");
    assert!(due.is_empty(), "whose months end is not known");
    // The buyer has paid for it, and gets it refunded like any other charge.
    let (_, redemption) = db.spend_coupon(1, "refunded", None).await;
    let name = redemption.ext_transaction_id().expect("is a name");
    db.post_new_refund(new_refund(name.as_str(), "f-1", None)).await;
}

async fn with_their_pai_it_follows_what_is_paid(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.post_new_charge(new_charge(pai, "n-1", 1599)).await;
    // A gift beside it conflicts with nothing.
    db.spend_coupon(1, "gift", None).await;
    let (_, first) = db.spend_coupon(1, "1", Some(pai)).await;
    assert_eq!((first.pai, first.service_period), (Some(pai), service_period("2027-01-01", "2027-06-30")));
    let (_, second) = db.spend_coupon(1, "2", Some(pai)).await;
    assert_eq!((second.pai, second.service_period.from()), (Some(pai), parse_day("2027-07-01")));
    assert!(!db.is_gift("c-1").await, "it is the buyer's own");
    let until = db.store.find_paid_until(pai, parse_day("2026-11-18")).await.expect("works");
    assert_eq!(until, Some(second.service_period.to()));
    // A named subscriber gets it, whatever the buyer's own subscription.
    let friend = db.sign_up_subscriber(2).await.pai;
    let (_, given) = db.spend_coupon(1, "3", Some(friend)).await;
    assert_eq!((given.pai, given.service_period.from()), (Some(friend), parse_day("2026-11-18")));
    assert!(db.is_gift("c-3").await);
}

async fn what_was_answered_stays_whatever_becomes_of_the_subscription(db: TestStore) {
    let giver = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let own = db.sign_up_subscriber(2).await.pai;
    let (first, gift) = db.spend_coupon(1, "gift", None).await;
    let (second, redeemed) = db.spend_coupon(2, "own", None).await;
    assert_eq!((gift.pai, redeemed.pai), (None, Some(own)));
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    db.record_subscription(own, "ps-2", "s-2").await;
    let db = db.reopen().await;
    for (redeem, end) in [(first, gift), (second, redeemed)] {
        let again = db.store.redeem_coupon(fresh_nonce(), NOW, redeem).await.expect("works");
        assert_eq!(again, RedeemResult::Decided(RedemptionOutcome::Redeemed(Box::new(end))));
    }
    let paid = |pai| db.store.find_paid_until(pai, parse_day("2026-11-18"));
    assert_eq!(paid(giver).await.expect("works"), None);
    assert_eq!(paid(own).await.expect("works"), Some(parse_day("2027-05-17")));
    // A subscriber who has left pays on no bill: the next one is their own.
    let (_, next) = db.spend_coupon(1, "next", None).await;
    assert_eq!((next.pai, next.service_period.from()), (Some(giver), parse_day("2026-11-18")));
}

async fn declined_gift_is_decided_again(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let (redeem, charge) = db.claim_coupon(1, "1", None).await;
    let reason = DeclineReason::InsufficientBalance;
    db.store.answer_redemption(NOW, charge.transaction_id, declined(reason)).await.expect("works");
    assert!(!db.is_gift("c-1").await, "it is nobody's yet");
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    let again = new_redemption("r-2", redeem.code);
    let Ok(RedeemResult::Created(charge)) = db.store.redeem_coupon(fresh_nonce(), NOW, again).await else {
        panic!("is free")
    };
    assert_eq!(charge.service_period.from(), parse_day("2026-11-18"));
    let until = db.store.find_paid_until(pai, parse_day("2026-11-18")).await.expect("works");
    assert_eq!(until, Some(parse_day("2027-05-17")));
}
