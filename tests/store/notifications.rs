//! Messages of partners to subscribers: each is accepted once, a limited number per day, and goes
//! to the subscriber of its PAI.

use crate::audit::stamp;
use crate::outcome::{done, dropped, later};
use crate::races::{at_once, how_many};
use crate::test_store::{TestStore, job_name, new_pai, new_signup};
use crate::test_values::{NOW, fresh_nonce, next_number, parse_ext_id, partner_id, sealed_number};
use PostNotificationResult::{Accepted, Conflict, PaiNotFound, Replayed, TooMany};
use onbill_domain::account_event::AccountEvent::{self, NumberChanged, Suspended};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::{
    ClosePaiResult, IssueSignupResult, Job, LeasedJob, NewAccountEvent, NewNotification,
    PostNotificationResult, Queue, SealedColumn, SettleResult, SmsJob, StoreError,
};

on_each_database!(
    a_message_is_taken_once_by_its_name,
    a_message_without_a_name_is_one_each_time,
    a_day_has_room_for_so_many,
    messages_of_a_clock_ahead_do_not_count_today,
    only_an_open_pai_of_the_partners_own_is_written_to,
    sms_goes_to_the_present_number_only,
    what_was_sent_is_nowhere_any_more,
    a_message_is_put_off_by_who_has_it,
    a_spent_nonce_takes_nothing,
    who_is_erased_is_sent_nothing,
    messages_without_a_name_are_forgotten,
    the_last_of_the_day_is_taken_once,
    one_name_at_once_is_one_message,
);

/// Seconds between the beginning of the UTC day and [`NOW`].
const OF_TODAY: i64 = 40_000;

fn new_notification(pai: Pai, named: Option<(&str, u8)>) -> NewNotification {
    NewNotification {
        notification_id: format!("message-{}", next_number()),
        partner: partner_id("netflix"),
        pai,
        named: named.map(|(name, contents)| (parse_ext_id(name), [contents; 32])),
        message: b"sealed".to_vec(),
    }
}

impl TestStore {
    async fn notify_at(&self, now: Timestamp, new: NewNotification) -> PostNotificationResult {
        self.store.post_notification(fresh_nonce(), now, new).await.expect("works")
    }

    async fn post_notification(&self, pai: Pai, named: Option<(&str, u8)>) -> PostNotificationResult {
        self.notify_at(NOW, new_notification(pai, named)).await
    }

    /// The messages that are due `at_seconds` from now.
    async fn lease_notifications(&self, at_seconds: i64) -> Vec<LeasedJob> {
        let now = NOW.plus_seconds(at_seconds);
        let due = self.store.lease_due(Queue::Notifications, now, now.plus_seconds(120), 100).await;
        due.expect("works")
    }

    /// The first byte of the number that a message is for now, and its `subscriber_ref`.
    async fn find_addressee(&self, id: &str) -> Option<(u8, String)> {
        let addressee =
            self.store.find_notification_recipient(id.to_owned()).await.expect("works").expect("is known");
        assert_eq!(addressee.accepted_at, NOW);
        addressee.subscriber.map(|subscriber| (subscriber.number.sealed[0], subscriber.subscriber_ref))
    }

    async fn record_account_event(&self, event: AccountEvent, n: u8, to: Option<u8>) {
        let new = NewAccountEvent {
            event_id: parse_ext_id(&format!("e-{}", next_number())),
            fingerprint: [n; 32],
            event,
            number: sealed_number(n).index,
            new_number: to.map(sealed_number),
            occurred_at: NOW,
        };
        self.store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works");
    }
}

async fn a_message_is_taken_once_by_its_name(db: TestStore) {
    let (ann, ben) = (db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai);
    assert_eq!(db.post_notification(ann, Some(("m-1", 7))).await, Accepted);
    for seconds in [0, 1, 86_400 * 400] {
        let again = db.notify_at(NOW.plus_seconds(seconds), new_notification(ann, Some(("m-1", 7)))).await;
        assert_eq!(again, Replayed);
    }
    assert_eq!(db.post_notification(ann, Some(("m-1", 8))).await, Conflict);
    assert_eq!(db.post_notification(ben, Some(("m-1", 8))).await, Conflict, "one name, whomever it is for");
    // Ids of two partners are different ids.
    let tunes = match db.store.issue_signup(fresh_nonce(), NOW, new_signup("tunes", 1, "2024-01-01")).await {
        Ok(IssueSignupResult::Issued(row)) => row.pai,
        other => panic!("no PAI: {other:?}"),
    };
    let of_tunes =
        NewNotification { partner: partner_id("tunes"), ..new_notification(tunes, Some(("m-1", 9))) };
    assert_eq!(db.notify_at(NOW, of_tunes).await, Accepted);
    // Also when the PAI is closed by now.
    let end = db.store.close_pai(NOW, partner_id("netflix"), ann, DeclineReason::AccountClosed).await;
    assert_eq!(end.expect("works"), ClosePaiResult::Closed);
    let db = db.reopen().await;
    assert_eq!(db.post_notification(ann, Some(("m-1", 7))).await, Replayed);
    assert_eq!(db.lease_notifications(0).await.len(), 2);
}

async fn a_message_without_a_name_is_one_each_time(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for _ in 0..2 {
        assert_eq!(db.post_notification(pai, None).await, Accepted);
    }
    let due = db.lease_notifications(0).await;
    assert_eq!(due.len(), 2);
    assert!(due.iter().all(|entry| job_name(entry).0 == "notification"));
    assert!(due.iter().all(
        |entry| matches!(&entry.job, Job::Sms(SmsJob::Notification { message, .. }) if message == b"sealed")
    ));
    for lane in [Queue::Billing, Queue::Pins, Queue::Coupons, Queue::PartnerWebhooks, Queue::Edge] {
        assert_eq!(db.store.next_due(lane).await.expect("works"), None, "{lane:?}");
    }
}

async fn a_day_has_room_for_so_many(db: TestStore) {
    let (ann, ben) = (db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai);
    let day = NOW.plus_seconds(-OF_TODAY);
    // The last second of the day before is another day.
    for _ in 0..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(db.notify_at(day.plus_seconds(-1), new_notification(ann, None)).await, Accepted);
    }
    for n in 0..NOTIFICATIONS_PER_DAY_MAX {
        let named = format!("m-{n}");
        let new = new_notification(ann, (n % 2 == 0).then_some((named.as_str(), 1)));
        assert_eq!(db.notify_at(day.plus_seconds(i64::from(n)), new).await, Accepted);
    }
    for (at, named) in [(day, None), (NOW, Some(("m-9", 1))), (day.plus_seconds(86_399), None)] {
        assert_eq!(db.notify_at(at, new_notification(ann, named)).await, TooMany);
    }
    assert_eq!(db.post_notification(ann, Some(("m-0", 1))).await, Replayed, "what was taken was taken");
    assert_eq!(db.post_notification(ann, Some(("m-0", 2))).await, Conflict);
    assert_eq!(db.post_notification(ben, None).await, Accepted, "each subscriber has their own");
    let next = new_notification(ann, Some(("m-9", 1)));
    assert_eq!(
        db.notify_at(day.plus_seconds(86_400), next).await,
        Accepted,
        "a name that was refused is free"
    );
    // Another origin's clock may show the next day already: what it has taken counts.
    for _ in 1..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(db.notify_at(day.plus_seconds(86_400), new_notification(ann, None)).await, Accepted);
    }
    assert_eq!(db.notify_at(day.plus_seconds(86_399), new_notification(ann, None)).await, TooMany);
}

async fn messages_of_a_clock_ahead_do_not_count_today(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for days in [1, 365] {
        for _ in 0..NOTIFICATIONS_PER_DAY_MAX {
            let at = NOW.plus_seconds(days * 86_400);
            assert_eq!(db.notify_at(at, new_notification(pai, None)).await, Accepted);
        }
    }
    for _ in 0..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(db.post_notification(pai, None).await, Accepted);
    }
    assert_eq!(db.post_notification(pai, None).await, TooMany, "today has its own");
}

async fn only_an_open_pai_of_the_partners_own_is_written_to(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    assert_eq!(db.post_notification(Pai::from_random([9; 16]), None).await, PaiNotFound);
    let foreign = NewNotification { partner: partner_id("tunes"), ..new_notification(pai, None) };
    assert_eq!(db.notify_at(NOW, foreign).await, PaiNotFound);
    db.record_account_event(Suspended, 1, None).await;
    assert_eq!(db.post_notification(pai, None).await, Accepted, "it may be about that");
    db.store.issue_pai(None, NOW, new_pai("netflix", 1, "2026-11-01")).await.expect("works");
    assert_eq!(db.post_notification(pai, Some(("m-1", 1))).await, PaiNotFound);
    assert_eq!(db.lease_notifications(0).await.len(), 1);
}

async fn sms_goes_to_the_present_number_only(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let new = new_notification(pai, None);
    let id = new.notification_id.clone();
    assert_eq!(db.notify_at(NOW, new).await, Accepted);
    assert_eq!(db.find_addressee(&id).await, Some((1, "2024-01-01".to_owned())));
    db.record_account_event(NumberChanged, 1, Some(11)).await;
    assert_eq!(db.find_addressee(&id).await, Some((11, "2024-01-01".to_owned())));
    db.record_account_event(Suspended, 11, None).await;
    assert_eq!(db.find_addressee(&id).await, Some((11, "2024-01-01".to_owned())));
    // The number's next subscriber.
    db.store.issue_pai(None, NOW, new_pai("netflix", 11, "2026-11-01")).await.expect("works");
    assert_eq!(db.find_addressee(&id).await, None);
    assert_eq!(
        db.store.find_notification_recipient("message-of-nobodys".to_owned()).await.expect("works"),
        None
    );
}

async fn what_was_sent_is_nowhere_any_more(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let sealed = async || {
        let values = db.store.list_sealed_values(SealedColumn::Messages, None, 10).await.expect("works");
        values.len()
    };
    for outcome in [done(), dropped(), done()] {
        assert_eq!(db.post_notification(pai, None).await, Accepted);
        assert_eq!(sealed().await, 1);
        let entry = db.lease_notifications(0).await.remove(0);
        assert_eq!(db.settle_job(NOW, entry, outcome).await.expect("works"), SettleResult::Written);
        assert_eq!(sealed().await, 0);
    }
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None, "and nothing is reported");
}

async fn a_message_is_put_off_by_who_has_it(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_notification(pai, None).await;
    let first = db.lease_notifications(0).await.remove(0);
    let second = db.lease_notifications(130).await.remove(0);
    assert_eq!((first.attempts, second.attempts), (1, 2));
    assert_eq!(db.settle_job(NOW, first, later(1)).await.expect("works"), SettleResult::Late);
    assert_eq!(db.settle_job(NOW, second, later(600)).await.expect("works"), SettleResult::Written);
    assert_eq!(db.lease_notifications(599).await.len(), 0);
    assert_eq!(db.lease_notifications(600).await.len(), 1);
}

async fn a_spent_nonce_takes_nothing(db: TestStore) {
    let (pai, once) = (db.sign_up_subscriber(1).await.pai, fresh_nonce());
    for is_first in [true, false] {
        let taken = db.store.post_notification(once.clone(), NOW, new_notification(pai, None)).await;
        assert_eq!(matches!(taken, Err(StoreError::NonceReplayed)), !is_first);
    }
    assert_eq!(db.lease_notifications(0).await.len(), 1);
    // Nor can a refused nonce be used another time.
    let once = fresh_nonce();
    let unknown = new_notification(Pai::from_random([9; 16]), None);
    assert_eq!(db.store.post_notification(once.clone(), NOW, unknown).await.expect("works"), PaiNotFound);
    assert!(matches!(
        db.store.post_notification(once, NOW, new_notification(pai, None)).await,
        Err(StoreError::NonceReplayed)
    ));
}

async fn who_is_erased_is_sent_nothing(db: TestStore) {
    let (ann, ben) = (db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai);
    assert_eq!(db.post_notification(ann, Some(("m-1", 1))).await, Accepted);
    assert_eq!(db.post_notification(ann, None).await, Accepted);
    assert_eq!(db.post_notification(ben, Some(("m-2", 1))).await, Accepted);
    // In progress at this moment.
    let leased = db.lease_notifications(0).await.remove(0);
    db.store.erase_number(None, NOW, stamp("E-1"), None, sealed_number(1).index).await.expect("works");
    let left = db.lease_notifications(130).await;
    assert_eq!(left.len(), 1);
    assert!(matches!(&left[0].job, Job::Sms(SmsJob::Notification { notification_id, .. })
        if db.find_addressee(notification_id).await == Some((2, "2024-01-01".to_owned()))));
    assert_eq!(db.settle_job(NOW, leased, later(0)).await.expect("works"), SettleResult::Late);
    // Its contents are no longer stored for comparison.
    assert_eq!(db.post_notification(ann, Some(("m-1", 2))).await, Replayed);
    assert_eq!(db.post_notification(ben, Some(("m-2", 2))).await, Conflict);
    assert_eq!(db.post_notification(ann, None).await, PaiNotFound);
}

async fn messages_without_a_name_are_forgotten(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for named in [None, None, Some(("m-1", 1))] {
            let new = new_notification(pai, named);
            ids.push(new.notification_id.clone());
            assert_eq!(db.notify_at(NOW, new).await, Accepted);
        }
        ids
    };
    for entry in db.lease_notifications(0).await {
        if job_name(&entry).1 != ids[1] {
            db.settle_job(NOW, entry, done()).await.expect("works");
        }
    }
    let known = async || {
        let mut known = Vec::new();
        for id in &ids {
            known.push(db.store.find_notification_recipient(id.clone()).await.expect("works").is_some());
        }
        known
    };
    db.sweep(NOW.plus_seconds(86_400)).await;
    assert_eq!(known().await, [true; 3]);
    db.sweep(NOW.plus_seconds(2 * 86_400)).await;
    assert_eq!(known().await, [false, true, true], "not what waits, nor what has a name");
}

async fn the_last_of_the_day_is_taken_once(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for _ in 1..NOTIFICATIONS_PER_DAY_MAX {
        assert_eq!(db.post_notification(pai, None).await, Accepted);
    }
    // Every other call is one and the same message.
    let taken = at_once(&db, 24, |store, n| async move {
        let named = (n % 2 == 0).then_some(("m-1", 1));
        store.post_notification(fresh_nonce(), NOW, new_notification(pai, named)).await.expect("works")
    });
    let taken = taken.await;
    assert_eq!(how_many(&taken, |one| *one == Accepted), 1, "{taken:?}");
    assert_eq!(how_many(&taken, |one| matches!(one, TooMany | Replayed)), 23, "{taken:?}");
    let due = db.lease_notifications(0).await.len();
    assert_eq!(due, usize::try_from(NOTIFICATIONS_PER_DAY_MAX).expect("is small"));
}

async fn one_name_at_once_is_one_message(db: TestStore) {
    let pais = [db.sign_up_subscriber(1).await.pai, db.sign_up_subscriber(2).await.pai];
    let taken = at_once(&db, 24, |store, n| async move {
        let contents = u8::try_from(n % 2).expect("is small");
        let new = new_notification(pais[n % 2], Some(("m-1", contents)));
        store.post_notification(fresh_nonce(), NOW, new).await.expect("works")
    });
    let taken = taken.await;
    assert_eq!(how_many(&taken, |one| *one == Accepted), 1, "{taken:?}");
    assert_eq!(how_many(&taken, |one| *one == Replayed), 11, "{taken:?}");
    assert_eq!(how_many(&taken, |one| *one == Conflict), 12, "{taken:?}");
    assert_eq!(db.lease_notifications(0).await.len(), 1);
}
