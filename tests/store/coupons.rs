//! A coupon has one code at a time, and one SMS in progress. Redeeming it is in `redemptions.rs`.

use crate::audit::{stamp, unnamed_stamp};
use crate::outcome::{done, sent};
use crate::test_store::{TestStore, code_sms, job_name, new_coupon, new_redemption};
use crate::test_values::{NOW, fresh_nonce, next_number, parse_ext_id};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::coupon::CouponState;
use onbill_origin::store::{
    AuditFilter, ChangeCouponResult, CouponFilter, IssueCouponResult, Job, LeasedJob, RECEIPT_SECONDS,
    RedeemResult, RedemptionOutcome, SettleResult, SmsJob, SmsReceipt, StoreError,
};

on_each_database!(
    coupon_is_issued_once_by_its_external_id,
    a_coupon_and_its_message_are_there_together_or_not_at_all,
    sms_receipts_may_come_in_any_order,
    another_code_voids_the_first_and_its_message,
    a_message_is_sent_again_once_by_its_name,
    void_coupon_is_not_redeemed,
    an_erased_buyer_is_sent_nothing_and_asked_for_nothing,
);

async fn coupon_is_issued_once_by_its_external_id(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let issue = |new| db.store.issue_coupon(Some(fresh_nonce()), NOW, new);
    let Ok(IssueCouponResult::Created(row)) = issue(new.clone()).await else { panic!("is new") };
    assert_eq!((row.state(NOW), row.texts), (CouponState::Issued, 1));
    let mut again = new_coupon(1, "c-1");
    again.fingerprint = new.fingerprint;
    assert_eq!(issue(again.clone()).await.expect("works"), IssueCouponResult::Replayed(row.clone()));
    again.fingerprint = [9; 32];
    assert_eq!(issue(again).await.expect("works"), IssueCouponResult::Conflict);
    let db = db.reopen().await;
    assert_eq!(db.store.find_coupon(parse_ext_id("c-1")).await.expect("works"), Some(*row));
    assert_eq!(db.store.find_coupon(parse_ext_id("c-2")).await.expect("works"), None);
    // The same subscriber has one PAI, whatever they buy.
    let second = db.issue_new_coupon(new_coupon(1, "c-2")).await;
    let first = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there");
    assert_eq!(first.pai, second.pai);
    let list = db.store.list_coupons(None, CouponFilter::All, 10).await.expect("works");
    assert_eq!(list, [first.clone(), second.clone()]);
    let rest = db.store.list_coupons(Some(parse_ext_id("c-1")), CouponFilter::All, 10).await.expect("works");
    assert_eq!(rest, [second]);
    assert!(db.store.list_coupons(None, CouponFilter::Unpaid, 10).await.expect("works").is_empty());
}

async fn a_coupon_and_its_message_are_there_together_or_not_at_all(db: TestStore) {
    let once = fresh_nonce();
    db.store.issue_coupon(Some(once.clone()), NOW, new_coupon(1, "c-1")).await.expect("works");
    let replayed = db.store.issue_coupon(Some(once), NOW, new_coupon(1, "c-2")).await;
    assert!(matches!(replayed, Err(StoreError::NonceReplayed)));
    assert_eq!(db.store.find_coupon(parse_ext_id("c-2")).await.expect("works"), None);
    let due = db.lease_due(0).await;
    let kinds: Vec<_> = due.iter().map(|entry| job_name(entry).0).collect();
    assert_eq!(kinds, ["coupon", "pai-mapping"], "the edge hears of the new PAI");
    assert!(
        matches!(&due[0].job, Job::Sms(SmsJob::Coupon { message, .. }) if *message == code_sms(1).message)
    );
}

pub(crate) async fn the_text(db: &TestStore, at_seconds: i64) -> LeasedJob {
    let due = db.lease_due(at_seconds).await;
    due.into_iter().find(|entry| job_name(entry).0 == "coupon").expect("is due")
}

pub(crate) async fn find_coupon_state(db: &TestStore, id: &str) -> CouponState {
    db.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there").state(NOW)
}

async fn sms_receipts_may_come_in_any_order(db: TestStore) {
    for (n, receipt_first) in [(1, false), (2, true)] {
        let (id, message_id) = (format!("c-{n}"), format!("m-{n}"));
        db.issue_new_coupon(new_coupon(n, &id)).await;
        let entry = the_text(&db, 0).await;
        let receipt = || db.store.record_sms_receipt(NOW, message_id.clone(), SmsReceipt::Delivered);
        if receipt_first {
            receipt().await.expect("works");
            assert_eq!(find_coupon_state(&db, &id).await, CouponState::Issued);
        }
        let settling = db.settle_job(NOW, entry.clone(), sent(&message_id)).await.expect("works");
        assert_eq!(settling, SettleResult::Written);
        if !receipt_first {
            assert_eq!(find_coupon_state(&db, &id).await, CouponState::Sent);
            receipt().await.expect("works");
        }
        assert_eq!(find_coupon_state(&db, &id).await, CouponState::Delivered);
        assert_eq!(db.settle_job(NOW, entry, sent("m-9")).await.expect("works"), SettleResult::Late);
        receipt().await.expect("says so again");
    }
    // A receipt without a known message is kept for some days.
    db.store.record_sms_receipt(NOW, "m-3".to_owned(), SmsReceipt::Delivered).await.expect("works");
    db.store.record_sms_receipt(NOW, "m-4".to_owned(), SmsReceipt::Delivered).await.expect("works");
    db.issue_new_coupon(new_coupon(3, "c-3")).await;
    db.issue_new_coupon(new_coupon(4, "c-4")).await;
    for (id, message_id, after, leased_after, then) in [
        ("c-3", "m-3", RECEIPT_SECONDS - 1, 200, CouponState::Delivered),
        ("c-4", "m-4", RECEIPT_SECONDS, 400, CouponState::Sent),
    ] {
        db.sweep(NOW.plus_seconds(after)).await;
        let row = db.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there");
        let due = db.lease_due(after + leased_after).await;
        let is_its = |entry: &LeasedJob| job_name(entry) == ("coupon", row.coupon_id.as_str());
        let entry = due.into_iter().find(is_its).expect("is due");
        db.settle_job(NOW, entry, sent(message_id)).await.expect("works");
        assert_eq!(find_coupon_state(&db, id).await, then, "{id}");
    }
}

async fn another_code_voids_the_first_and_its_message(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let first = new.text.code;
    db.issue_new_coupon(new).await;
    let old = the_text(&db, 0).await;
    let renew =
        |n| db.store.resend_sms(Some(fresh_nonce()), NOW, unnamed_stamp(), parse_ext_id("c-1"), code_sms(n));
    let Ok(ChangeCouponResult::Done(row)) = renew(7).await else { panic!("is renewed") };
    assert_eq!((row.texts, row.state(NOW)), (2, CouponState::Issued));
    // The old message was being sent meanwhile: it is not mistaken for the new one.
    assert_eq!(db.settle_job(NOW, old, sent("m-old")).await.expect("works"), SettleResult::Late);
    assert_eq!(find_coupon_state(&db, "c-1").await, CouponState::Issued);
    let entry = the_text(&db, 0).await;
    assert!(
        matches!(&entry.job, Job::Sms(SmsJob::Coupon { message, .. }) if *message == code_sms(7).message)
    );
    db.settle_job(NOW, entry, sent("m-new")).await.expect("works");
    assert_eq!(find_coupon_state(&db, "c-1").await, CouponState::Sent);
    let redeem = |code| db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code));
    assert_eq!(redeem(first).await.expect("works"), RedeemResult::Unknown { wrong: 1 });
    assert!(matches!(redeem(code_sms(7).code).await, Ok(RedeemResult::Created(_))));
    assert!(matches!(renew(8).await, Ok(ChangeCouponResult::NotAllowed(_))), "is redeemed");

    db.issue_new_coupon(new_coupon(2, "c-2")).await;
    for n in 1..COUPON_SMS_MAX {
        let text = code_sms(20 + u8::try_from(n).expect("is small"));
        let change = db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-2"), text).await;
        assert!(matches!(change, Ok(ChangeCouponResult::Done(_))), "{n}");
    }
    let change = db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-2"), code_sms(30)).await;
    assert!(matches!(change, Ok(ChangeCouponResult::NotAllowed(row)) if row.texts == COUPON_SMS_MAX));
    let nobodys = db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-9"), code_sms(31)).await;
    assert_eq!(nobodys.expect("works"), ChangeCouponResult::NotFound);
}

async fn a_message_is_sent_again_once_by_its_name(db: TestStore) {
    db.issue_new_coupon(new_coupon(1, "c-1")).await;
    db.issue_new_coupon(new_coupon(2, "c-2")).await;
    let renew = |id, name, n| {
        db.store.resend_sms(Some(fresh_nonce()), NOW, stamp(name), parse_ext_id(id), code_sms(n))
    };
    for (name, n, texts, code) in [("a", 11, 2, 11), ("a", 12, 2, 11), ("b", 13, 3, 13), ("a", 14, 3, 13)] {
        let change = renew("c-1", name, n).await;
        let row = match change.expect("works") {
            ChangeCouponResult::Done(row) if n == code => row,
            ChangeCouponResult::Repeated(row) if n != code => row,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(row.texts, texts, "{name}");
        let message = the_text_of(&db, "c-1").await;
        assert_eq!(message, code_sms(code).message, "{name}");
    }
    assert!(matches!(renew("c-2", "a", 15).await, Ok(ChangeCouponResult::Done(row)) if row.texts == 2));
    // Also when there is nothing more to send.
    db.store.void_coupon_by_hand(None, NOW, unnamed_stamp(), parse_ext_id("c-1")).await.expect("works");
    let db = db.reopen().await;
    let renew = |name| db.store.resend_sms(None, NOW, stamp(name), parse_ext_id("c-1"), code_sms(16));
    assert!(matches!(renew("b").await, Ok(ChangeCouponResult::Repeated(_))));
    assert!(matches!(renew("c").await, Ok(ChangeCouponResult::NotAllowed(_))));
}

/// The message that is queued for a coupon.
async fn the_text_of(db: &TestStore, id: &str) -> Vec<u8> {
    let row = db.store.find_coupon(parse_ext_id(id)).await.expect("works").expect("is there");
    // An earlier call has leased it.
    let due = db.lease_due(i64::try_from(next_number()).expect("is small") * 300).await;
    let found = due.into_iter().find_map(|entry| match entry.job {
        Job::Sms(SmsJob::Coupon { coupon_id, message }) if coupon_id == row.coupon_id => Some(message),
        _ => None,
    });
    found.expect("is due")
}

async fn void_coupon_is_not_redeemed(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let void = |at| db.store.void_coupon_by_hand(None, at, unnamed_stamp(), parse_ext_id("c-1"));
    let Ok(ChangeCouponResult::Done(row)) = void(NOW).await else { panic!("is void") };
    assert_eq!((row.state(NOW), row.voided_at), (CouponState::Voided, Some(NOW)));
    assert_eq!(void(NOW.plus_seconds(9)).await.expect("works"), ChangeCouponResult::Done(row));
    assert!(db.lease_due(0).await.iter().all(|entry| job_name(entry).0 != "coupon"), "nothing is sent");
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await;
    assert_eq!(redeemed.expect("works"), RedeemResult::Unknown { wrong: 1 });
    let renewed = db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-1"), code_sms(2)).await;
    assert!(matches!(renewed, Ok(ChangeCouponResult::NotAllowed(_))));

    let spent = db.redeem_new_coupon(2, "c-2", "r-2").await;
    let voided =
        db.store.void_coupon_by_hand(None, NOW, unnamed_stamp(), parse_ext_id("c-2")).await.expect("works");
    assert!(matches!(voided, ChangeCouponResult::NotAllowed(row) if row.transaction_id == Some(spent)));
    assert_eq!(
        db.store.void_coupon_by_hand(None, NOW, unnamed_stamp(), parse_ext_id("c-9")).await.expect("works"),
        ChangeCouponResult::NotFound
    );
}

async fn an_erased_buyer_is_sent_nothing_and_asked_for_nothing(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let spent = db.redeem_new_coupon(1, "c-2", "r-2").await;
    db.store.answer_redemption(NOW, spent.clone(), done()).await.expect("works");
    assert!(db.store.queue_reminder(NOW, spent, vec![5; 8]).await.expect("works"));
    let index = crate::test_values::sealed_number(1).index;
    db.store.erase_number(None, NOW, stamp("E-1"), Some(parse_ext_id("e-1")), index).await.expect("works");
    let kinds: Vec<_> = db.lease_due(0).await.iter().map(|entry| job_name(entry).0.to_owned()).collect();
    assert!(kinds.iter().all(|kind| !kind.starts_with("coupon")), "{kinds:?}");
    let row = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is on record");
    assert_eq!(row.fingerprint, None, "nothing in it comes from the number");
    let mut again = new_coupon(2, "c-1");
    again.fingerprint = [9; 32];
    assert!(matches!(db.store.issue_coupon(None, NOW, again).await, Ok(IssueCouponResult::Replayed(_))));
    let renewed = db
        .store
        .resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-1"), code_sms(7))
        .await
        .expect("works");
    assert_eq!(renewed, ChangeCouponResult::BuyerGone(row.pai));
    let buyer = db.store.find_pai_status(row.pai).await.expect("works").expect("is on record");
    let entries = db.store.list_newest_audit_lines(AuditFilter::All, None, 1).await.expect("works");
    assert_eq!((entries[0].act, entries[0].outcome), (AuditAct::SmsResent, AuditOutcome::Refused));
    assert_eq!(entries[0].subscriber, Some(buyer.handle), "the attempt is found by the buyer");
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await;
    let end = RedemptionOutcome::Declined(DeclineReason::AccountClosed);
    assert_eq!(redeemed.expect("works"), RedeemResult::Decided(end));
}
