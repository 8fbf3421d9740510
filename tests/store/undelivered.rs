//! SMS with a code that do not arrive: the operator can see it for the newest one, until it arrives
//! after all or another is sent.

use crate::audit::unnamed_stamp;
use crate::coupons::{find_coupon_state, the_text};
use crate::outcome::{dead_letter, done, dropped, later, refused, sent, settle_attempt};
use crate::races::at_once;
use crate::test_store::{TestStore, code_sms, job_name, new_coupon, new_redemption};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id};
use onbill_domain::wire::coupon::{CouponState, UndeliveredReason};
use onbill_origin::store::{
    ChangeCouponResult, CouponFilter, LeasedJob, Queue, RedeemResult, SettleResult, SmsReceipt,
};

on_each_database!(
    a_report_that_it_does_not_arrive_stays_until_it_has,
    a_report_that_comes_first_is_not_lost,
    a_report_of_an_older_message_says_nothing_of_the_newer,
    a_name_that_is_given_again_is_the_newer_messages,
    what_is_refused_or_given_up_waits_for_a_person_who_can_see_it,
    only_those_that_somebody_waits_for_are_listed,
    a_report_that_comes_with_the_sending_is_not_lost,
);

fn undelivered_receipt(reason: UndeliveredReason) -> SmsReceipt {
    SmsReceipt::Undelivered { reason, code: Some("011".to_owned()) }
}

impl TestStore {
    /// A coupon whose message is sent; returns our id of the coupon.
    async fn issue_sent_coupon(&self, n: u8, id: &str, message_id: &str) -> String {
        let row = self.issue_new_coupon(new_coupon(n, id)).await;
        self.send_code_sms(message_id).await;
        row.coupon_id
    }

    /// Sends the only queued message.
    async fn send_code_sms(&self, message_id: &str) {
        let entry = the_text(self, 0).await;
        self.settle_job(NOW, entry, sent(message_id)).await.expect("works");
    }

    async fn report_sms(&self, message_id: &str, end: SmsReceipt) -> Option<String> {
        self.store.record_sms_receipt(NOW.plus_seconds(9), message_id.to_owned(), end).await.expect("works")
    }

    /// Why a coupon's message is undelivered, and the gateway's code.
    async fn find_undelivered(&self, id: &str) -> Option<(UndeliveredReason, Option<String>)> {
        let row = self.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there");
        let view = row.view(NOW);
        assert_eq!(row.undelivered, view.undelivered);
        view.undelivered.map(|undelivered| (undelivered.reason, undelivered.code))
    }

    async fn list_undelivered(&self) -> Vec<String> {
        let which = CouponFilter::Undelivered(NOW);
        let rows = self.store.list_coupons(None, which, 10).await.expect("works");
        rows.into_iter().map(|row| row.ext_coupon_id.to_string()).collect()
    }
}

async fn a_report_that_it_does_not_arrive_stays_until_it_has(db: TestStore) {
    let coupon_id = db.issue_sent_coupon(1, "c-1", "m-1").await;
    assert_eq!(
        db.report_sms("m-1", undelivered_receipt(UndeliveredReason::Undeliverable)).await,
        Some(coupon_id)
    );
    for again in [UndeliveredReason::Undeliverable, UndeliveredReason::Expired] {
        assert_eq!(db.report_sms("m-1", undelivered_receipt(again)).await, None, "it is no news");
    }
    let db = db.reopen().await;
    let said = db.find_undelivered("c-1").await;
    assert_eq!(said, Some((UndeliveredReason::Undeliverable, Some("011".to_owned()))));
    let row = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there");
    assert_eq!(row.undelivered.map(|undelivered| undelivered.at), Some(NOW.plus_seconds(9)));
    assert_eq!(
        (find_coupon_state(&db, "c-1").await, db.list_undelivered().await),
        (CouponState::Sent, vec!["c-1".to_owned()])
    );
    // It has arrived after all, and that is final.
    assert_eq!(db.report_sms("m-1", SmsReceipt::Delivered).await, None);
    assert_eq!(db.report_sms("m-1", undelivered_receipt(UndeliveredReason::Expired)).await, None);
    assert_eq!(
        (find_coupon_state(&db, "c-1").await, db.find_undelivered("c-1").await),
        (CouponState::Delivered, None)
    );
    assert!(db.list_undelivered().await.is_empty());
}

async fn a_report_that_comes_first_is_not_lost(db: TestStore) {
    for (n, reports, settling, then) in [
        (
            1,
            vec![undelivered_receipt(UndeliveredReason::Rejected)],
            SettleResult::Undelivered,
            CouponState::Sent,
        ),
        (
            2,
            vec![undelivered_receipt(UndeliveredReason::Rejected), SmsReceipt::Delivered],
            SettleResult::Written,
            CouponState::Delivered,
        ),
        (
            3,
            vec![SmsReceipt::Delivered, undelivered_receipt(UndeliveredReason::Rejected)],
            SettleResult::Written,
            CouponState::Delivered,
        ),
    ] {
        let (id, message_id) = (format!("c-{n}"), format!("m-{n}"));
        db.issue_new_coupon(new_coupon(n, &id)).await;
        let entry = the_text(&db, 0).await;
        for report in reports {
            assert_eq!(db.report_sms(&message_id, report).await, None, "whose it is, is not known yet");
        }
        assert_eq!(db.settle_job(NOW, entry, sent(&message_id)).await.expect("works"), settling, "{id}");
        assert_eq!(find_coupon_state(&db, &id).await, then, "{id}");
        assert_eq!(db.find_undelivered(&id).await.is_some(), settling == SettleResult::Undelivered, "{id}");
    }
}

async fn a_report_of_an_older_message_says_nothing_of_the_newer(db: TestStore) {
    db.issue_sent_coupon(1, "c-1", "m-1").await;
    db.report_sms("m-1", undelivered_receipt(UndeliveredReason::Expired)).await;
    let renew = db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-1"), code_sms(7)).await;
    assert!(matches!(renew, Ok(ChangeCouponResult::Done(row)) if row.undelivered.is_none()));
    for old in [undelivered_receipt(UndeliveredReason::Undeliverable), SmsReceipt::Delivered] {
        assert_eq!(db.report_sms("m-1", old).await, None);
        assert_eq!(
            (find_coupon_state(&db, "c-1").await, db.find_undelivered("c-1").await),
            (CouponState::Issued, None)
        );
    }
    db.send_code_sms("m-2").await;
    db.report_sms("m-1", undelivered_receipt(UndeliveredReason::Undeliverable)).await;
    assert_eq!(
        (find_coupon_state(&db, "c-1").await, db.find_undelivered("c-1").await),
        (CouponState::Sent, None)
    );
    db.report_sms("m-2", SmsReceipt::Delivered).await;
    assert_eq!(find_coupon_state(&db, "c-1").await, CouponState::Delivered);
}

async fn a_name_that_is_given_again_is_the_newer_messages(db: TestStore) {
    for (n, id, sent_at) in [(1, "c-1", 200), (2, "c-2", 300), (3, "c-3", 100)] {
        db.issue_new_coupon(new_coupon(n, id)).await;
        let entry = the_text(&db, 0).await;
        db.settle_job(NOW.plus_seconds(sent_at), entry, sent("m-1")).await.expect("works");
    }
    db.report_sms("m-1", SmsReceipt::Delivered).await;
    let states = [
        find_coupon_state(&db, "c-1").await,
        find_coupon_state(&db, "c-2").await,
        find_coupon_state(&db, "c-3").await,
    ];
    assert_eq!(states, [CouponState::Sent, CouponState::Delivered, CouponState::Sent]);
}

async fn what_is_refused_or_given_up_waits_for_a_person_who_can_see_it(db: TestStore) {
    use UndeliveredReason::{GivenUp, NotSent, Refused};
    for (n, outcome, reason, parked) in [
        (1, refused(), (Refused, Some("17".to_owned())), 1),
        (2, dead_letter(), (GivenUp, None), 2),
        (3, dropped(), (NotSent, None), 2),
    ] {
        let id = format!("c-{n}");
        db.issue_new_coupon(new_coupon(n, &id)).await;
        let entry = the_text(&db, 0).await;
        let put_off = db.settle_job(NOW, entry, later(0)).await.expect("works");
        assert_eq!(
            (put_off, db.find_undelivered(&id).await),
            (SettleResult::Written, None),
            "it is tried again"
        );
        let entry = the_text(&db, 0).await;
        assert_eq!(db.settle_job(NOW, entry.clone(), outcome).await.expect("works"), SettleResult::Written);
        assert_eq!(db.find_undelivered(&id).await, Some(reason));
        assert_eq!(find_coupon_state(&db, &id).await, CouponState::Issued);
        assert_eq!(db.store.dead_letters(None, 9).await.expect("works").len(), parked);
    }
    assert_eq!(db.list_undelivered().await, ["c-1", "c-2", "c-3"]);
    // An employee redrives it, and it is sent.
    let parked = db.store.dead_letters(None, 9).await.expect("works");
    assert!(db.store.redrive_dead_letter(NOW, parked[0].job_id).await.expect("works"));
    db.send_code_sms("m-1").await;
    assert_eq!(db.list_undelivered().await, ["c-2", "c-3"]);
    // Or sends another code, or voids the coupon.
    db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-2"), code_sms(8)).await.expect("works");
    db.store.void_coupon_by_hand(None, NOW, unnamed_stamp(), parse_ext_id("c-3")).await.expect("works");
    assert!(
        db.list_undelivered().await.is_empty()
            && db.store.dead_letters(None, 9).await.expect("works").is_empty()
    );
    // A reminder that is refused waits as well.
    let spent = db.redeem_new_coupon(4, "c-4", "r-4").await;
    db.store.answer_redemption(NOW, spent.clone(), done()).await.expect("works");
    assert!(db.store.queue_reminder(NOW, spent, vec![5; 8]).await.expect("works"));
    let due = db.lease_due(0).await;
    let reminder = due.into_iter().find(|entry| job_name(entry).0 == "coupon-reminder").expect("is due");
    db.settle_job(NOW, reminder, refused()).await.expect("works");
    assert_eq!(db.store.dead_letters(None, 9).await.expect("works").len(), 1);
    assert_eq!(db.find_undelivered("c-4").await, None, "its code has nothing to do with it");
}

async fn only_those_that_somebody_waits_for_are_listed(db: TestStore) {
    for n in 1..=3 {
        db.issue_sent_coupon(n, &format!("c-{n}"), &format!("m-{n}")).await;
    }
    // A customer types the code of a message that was reported as undelivered.
    let new = new_coupon(4, "c-4");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    db.send_code_sms("m-4").await;
    for n in 1..=4 {
        assert!(
            db.report_sms(&format!("m-{n}"), undelivered_receipt(UndeliveredReason::Expired)).await.is_some()
        );
    }
    assert!(matches!(
        db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-4", code)).await,
        Ok(RedeemResult::Created(_))
    ));
    db.store.void_coupon_by_hand(None, NOW, unnamed_stamp(), parse_ext_id("c-2")).await.expect("works");
    assert_eq!(db.list_undelivered().await, ["c-1", "c-3"]);
    let page = |after, at, limit| db.store.list_coupons(after, CouponFilter::Undelivered(at), limit);
    let first = page(None, NOW, 1).await.expect("works");
    let second = page(Some(first[0].ext_coupon_id.clone()), NOW, 1).await.expect("works");
    assert_eq!(second[0].ext_coupon_id, parse_ext_id("c-3"));
    assert!(page(None, NOW.plus_seconds(365 * 86_400), 9).await.expect("works").is_empty(), "it is too late");
}

async fn a_report_that_comes_with_the_sending_is_not_lost(db: TestStore) {
    for round in 1..=8 {
        let (id, message_id) = (format!("c-{round}"), format!("m-{round}"));
        let row = db.issue_new_coupon(new_coupon(round, &id)).await;
        let due = db.store.lease_due(Queue::Coupons, NOW, NOW.plus_seconds(120), 16).await.expect("works");
        let is_its = |entry: &LeasedJob| job_name(entry) == ("coupon", row.coupon_id.as_str());
        let entry = due.into_iter().find(is_its).expect("is due");
        let alarms = at_once(&db, 3, |store, n| {
            let (entry, message_id) = (entry.clone(), message_id.clone());
            async move {
                if n == 0 {
                    let settling =
                        settle_attempt(&store, NOW, entry, sent(&message_id)).await.expect("works");
                    usize::from(settling == SettleResult::Undelivered)
                } else {
                    let end = undelivered_receipt(UndeliveredReason::Undeliverable);
                    usize::from(
                        store.record_sms_receipt(NOW, message_id, end).await.expect("works").is_some(),
                    )
                }
            }
        });
        assert_eq!(alarms.await.into_iter().sum::<usize>(), 1, "{round}");
        assert!(db.find_undelivered(&id).await.is_some(), "{round}");
    }
}
