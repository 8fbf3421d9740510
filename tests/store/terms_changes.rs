//! A change of plan or price is another mandate of the same subscription, and the list of all.

use crate::outcome::{declined, done, later};
use crate::races::{at_once, how_many};
use crate::test_store::{
    TestStore, declined_by, job_name, new_charge, new_pai, new_refund, new_subscription, subscription_terms,
};
use crate::test_values::{
    NOW, fresh_nonce, next_number, parse_day, parse_ext_id, partner_id, service_period, usd,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::Pai;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::config::ChargeNeeds;
use onbill_origin::store::{
    ChangeTermsResult, LEASE_SECONDS_MAX, LeasedJob, MandateEvidence, MandateRow, NewNotification, NewTerms,
    Period, Queue, RecordSubscriptionResult, SettleResult, SubscriptionMandate,
};

on_each_database!(
    a_change_supersedes_what_it_was_checked_against,
    one_of_many_changes_at_once_is_recorded,
    days_are_charged_until_billing_gives_them_back,
    id_of_a_change_is_its_partners_own,
    a_withdrawal_is_for_those_who_were_notified,
    a_withdrawal_arrives_after_the_announcement,
    every_withdrawal_is_for_those_who_know_of_any_announcement,
    what_is_withdrawn_is_not_in_force,
    mandates_are_listed_in_the_order_of_recording,
);

/// A higher price from January on.
fn new_terms(pai: Pai, found: &SubscriptionMandate, change_id: &str) -> NewTerms {
    let mut mandate = found.latest.clone();
    mandate.mandate_id = format!("mandate-{}", next_number());
    mandate.supersedes = Some(found.latest.mandate_id.clone());
    mandate.price = Some(usd(1799));
    mandate.in_force = Some(("ps-1".to_owned(), parse_day("2027-01-01")));
    mandate.change_id = Some(parse_ext_id(change_id));
    let message = NewNotification {
        notification_id: mandate.mandate_id.clone(),
        partner: partner_id("netflix"),
        pai,
        named: None,
        message: vec![7; 8],
    };
    let replaced = found.latest.change_id.as_ref().map(|_| found.latest.mandate_id.clone());
    NewTerms { mandate, message, replaced, withdraws: false }
}

impl TestStore {
    pub(crate) async fn find_terms(&self, change_id: &str) -> SubscriptionMandate {
        let found = self.store.find_subscription_mandate(
            partner_id("netflix"),
            parse_ext_id("ps-1"),
            parse_ext_id(change_id),
        );
        found.await.expect("works").expect("is there")
    }

    pub(crate) async fn change(
        &self,
        pai: Pai,
        found: &SubscriptionMandate,
        change_id: &str,
    ) -> ChangeTermsResult {
        let new = new_terms(pai, found, change_id);
        self.store.change_terms(fresh_nonce(), NOW, new).await.expect("works")
    }

    /// The messages that are due `at_seconds` from now.
    async fn lease_messages(&self, at_seconds: i64) -> Vec<LeasedJob> {
        let now = NOW.plus_seconds(at_seconds);
        let due = self.store.lease_due(Queue::Notifications, now, now.plus_seconds(60), 16).await;
        due.expect("works")
    }

    /// Takes the announced change back, by another change for its day.
    async fn withdraw(&self, pai: Pai, announced: &SubscriptionMandate, change_id: &str) {
        let before = announced.before.clone().expect("is there");
        let mandate = MandateRow {
            mandate_id: format!("mandate-{}", next_number()),
            supersedes: Some(announced.latest.mandate_id.clone()),
            in_force: announced.latest.in_force.clone(),
            change_id: Some(parse_ext_id(change_id)),
            ..before
        };
        let message = NewNotification {
            notification_id: mandate.mandate_id.clone(),
            partner: partner_id("netflix"),
            pai,
            named: None,
            message: vec![7; 8],
        };
        let replaced = Some(announced.latest.mandate_id.clone());
        let new = NewTerms { mandate, message, replaced, withdraws: true };
        let changed = self.store.change_terms(fresh_nonce(), NOW, new).await.expect("works");
        assert_eq!(changed, ChangeTermsResult::Recorded);
    }
}

async fn a_change_supersedes_what_it_was_checked_against(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let before = db.find_terms("ch-1").await;
    assert_eq!((before.latest.price, before.charged_until), (Some(usd(1599)), None));
    assert_eq!(db.change(pai, &before, "ch-1").await, ChangeTermsResult::Recorded);
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'notification'").await, 1);
    let after = db.find_terms("ch-1").await;
    assert_eq!((after.latest.price, after.of_change.as_ref()), (Some(usd(1799)), Some(&after.latest)));
    // What was checked against an older row, or under a used id, changes nothing.
    assert_eq!(db.change(pai, &before, "ch-2").await, ChangeTermsResult::Stale);
    assert_eq!(db.change(pai, &after, "ch-1").await, ChangeTermsResult::Stale);
    // Nor when its first day was charged meanwhile, or the subscription was cancelled.
    let mut charge = new_charge(pai, "n-1", 100);
    charge.request.service_period = service_period("2026-12-02", "2027-01-01");
    db.post_new_charge(charge).await;
    assert_eq!(db.find_terms("ch-2").await.charged_until, Some(parse_day("2027-01-01")));
    assert_eq!(db.change(pai, &after, "ch-2").await, ChangeTermsResult::Stale);
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    let cancelled = db.find_terms("ch-2").await;
    assert_eq!(cancelled.status, SubscriptionStatus::Cancelled);
    assert_eq!(db.change(pai, &cancelled, "ch-2").await, ChangeTermsResult::Stale);
    assert_eq!(db.place.count_rows("mandates").await, 2);
    assert_eq!(db.place.count_rows("notifications").await, 1);
    let other =
        db.store.find_subscription_mandate(partner_id("tunes"), parse_ext_id("ps-1"), parse_ext_id("ch-1"));
    assert!(other.await.expect("works").is_none(), "it is its partner's alone");
}

async fn one_of_many_changes_at_once_is_recorded(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let found = db.find_terms("ch-0").await;
    let changed = at_once(&db, 16, |store, n| {
        let new = new_terms(pai, &found, &format!("ch-{n}"));
        async move { store.change_terms(fresh_nonce(), NOW, new).await.expect("works") }
    })
    .await;
    assert_eq!(how_many(&changed, |change| *change == ChangeTermsResult::Recorded), 1, "{changed:?}");
    assert_eq!(db.place.count_rows("mandates").await, 2);
}

async fn days_are_charged_until_billing_gives_them_back(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let charged_until = async || db.find_terms("ch-1").await.charged_until;
    let last_day = Some(parse_day("2026-12-31"));
    let id = db.post_new_charge(new_charge(pai, "n-1", 1599)).await;
    assert_eq!(charged_until().await, last_day, "it may be on the bill");
    let reason = DeclineReason::InsufficientBalance;
    db.store.answer_transaction(NOW, id, declined(reason)).await.expect("works");
    assert_eq!(charged_until().await, None);
    db.post_approved_charge(pai, "n-2", 1599).await;
    let refund = db.post_new_refund(new_refund("n-2", "r-1", None)).await;
    assert_eq!(charged_until().await, last_day, "billing may refuse the refund");
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    assert_eq!(charged_until().await, None);
}

async fn id_of_a_change_is_its_partners_own(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.change(pai, &db.find_terms("ch-1").await, "ch-1").await, ChangeTermsResult::Recorded);
    let others = db.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("tunes", 1, "2024-01-01")).await;
    let others = others.expect("works").expect("is issued").pai;
    let recorded = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("tunes"),
        "ps-2".to_owned(),
        new_subscription(others, "s-1"),
        subscription_terms(),
    );
    let recorded = recorded.await.expect("works");
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
    let (tunes, id) = (partner_id("tunes"), parse_ext_id("ps-2"));
    let found = db.store.find_subscription_mandate(tunes, id, parse_ext_id("ch-1")).await.expect("works");
    assert_eq!(found.expect("is there").of_change, None);
}

async fn a_withdrawal_is_for_those_who_were_notified(db: TestStore) {
    let waiting = "outbox WHERE kind = 'notification'";
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change(pai, &db.find_terms("ch-1").await, "ch-1").await;
    let announced = db.find_terms("ch-2").await;
    db.withdraw(pai, &announced, "ch-2").await;
    assert_eq!(db.place.count_rows(waiting).await, 0, "neither message is sent");
    assert_eq!(db.place.count_rows("notifications").await, 0, "nor does either count for the day");
}

async fn a_withdrawal_arrives_after_the_announcement(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change(pai, &db.find_terms("ch-1").await, "ch-1").await;
    let mut first = db.lease_messages(0).await;
    let announcement = first.pop().expect("is due");
    let announced = db.find_terms("ch-2").await;
    db.withdraw(pai, &announced, "ch-2").await;
    // The attempt may still be under way, and is the last one.
    assert!(db.lease_messages(LEASE_SECONDS_MAX - 1).await.is_empty());
    assert_eq!(db.settle_job(NOW, announcement, later(2)).await, Ok(SettleResult::Late));
    let due = db.lease_messages(LEASE_SECONDS_MAX).await;
    let withdrawal = db.find_terms("ch-3").await.latest.mandate_id;
    assert_eq!(due.iter().map(job_name).collect::<Vec<_>>(), [("notification", withdrawal.as_str())]);
}

/// What was announced first has been sent; what takes its place is never sent before the next change.
async fn every_withdrawal_is_for_those_who_know_of_any_announcement(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change(pai, &db.find_terms("ch-1").await, "ch-1").await;
    let announcement = db.lease_messages(0).await.pop().expect("is due");
    assert_eq!(db.settle_job(NOW, announcement, done()).await, Ok(SettleResult::Written));
    for (withdrawn_by, announced_by) in [("ch-2", "ch-3"), ("ch-4", "ch-5"), ("ch-6", "ch-7")] {
        db.withdraw(pai, &db.find_terms(withdrawn_by).await, withdrawn_by).await;
        assert_eq!(db.place.count_rows("outbox WHERE kind = 'notification'").await, 1, "{withdrawn_by}");
        db.change(pai, &db.find_terms(announced_by).await, announced_by).await;
        assert_eq!(db.place.count_rows("outbox WHERE kind = 'notification'").await, 1, "{announced_by}");
    }
    db.withdraw(pai, &db.find_terms("ch-8").await, "ch-8").await;
    let due = db.lease_messages(0).await;
    let withdrawal = db.find_terms("ch-9").await.latest.mandate_id;
    assert_eq!(due.iter().map(job_name).collect::<Vec<_>>(), [("notification", withdrawal.as_str())]);
}

async fn what_is_withdrawn_is_not_in_force(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change(pai, &db.find_terms("ch-1").await, "ch-1").await;
    let announced = db.find_terms("ch-2").await;
    let before = announced.before.as_ref().expect("is there");
    assert_eq!((before.price, announced.latest.price), (Some(usd(1599)), Some(usd(1799))));
    db.withdraw(pai, &announced, "ch-2").await;
    let after = db.find_terms("ch-3").await;
    assert_eq!((after.latest.price, after.latest.words_sha256), (Some(usd(1599)), before.words_sha256));
    let still_before = after.before.expect("is there");
    assert_eq!(still_before.mandate_id, before.mandate_id, "until then it is the first one");
    let mut january = new_charge(pai, "n-1", 1799);
    january.request.service_period = service_period("2027-01-01", "2027-01-31");
    january.rules.needs = ChargeNeeds::Mandate;
    let over = db.store.post_charge(fresh_nonce(), NOW, january.clone()).await.expect("works");
    assert_eq!(declined_by(&over), Some(("mandate".to_owned(), "over-price".to_owned())));
    (january.request.amount, january.request.ext_transaction_id) = (usd(1599), parse_ext_id("n-2"));
    january.transaction_id = format!("tx-{}", next_number());
    db.post_new_charge(january).await;
    assert_eq!(db.place.count_rows("mandates").await, 3, "nothing that was agreed is gone");
}

async fn mandates_are_listed_in_the_order_of_recording(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let found = db.find_terms("ch-1").await;
    db.change(pai, &found, "ch-1").await;
    db.sign_up_subscriber(2).await;
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    let november = Period::of_days(parse_day("2026-11-01"), parse_day("2026-11-30")).expect("is in order");
    let mut listed: Vec<MandateEvidence> = Vec::new();
    loop {
        let after = listed.last().map(|line| line.place);
        let page = db.store.list_mandates(november, after, 2).await.expect("works");
        let is_last = page.len() < 2;
        listed.extend(page);
        if is_last {
            break;
        }
    }
    let [first, changed, visit] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&first.mandate, first.ended_at), (&found.latest, Some(NOW)));
    assert_eq!((changed.mandate.supersedes.as_deref(), changed.ended_at), (Some("ps-1"), Some(NOW)));
    assert_eq!((visit.mandate.in_force.as_ref(), visit.ended_at), (None, None));
    assert!(visit.mandate.words_sha256.is_some() && visit.mandate.terms.is_some());
    let december = Period::of_days(parse_day("2026-12-01"), parse_day("2026-12-31")).expect("is in order");
    assert!(db.store.list_mandates(december, None, 2).await.expect("works").is_empty());
}
