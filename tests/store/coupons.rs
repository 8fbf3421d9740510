//! A coupon has one code at a time, one SMS in progress, and is redeemed once.

use crate::outcome::{declined, done, later, sent};
use crate::test_store::{
    NOW, TestStore, code_sms, fresh_nonce, job_name, new_coupon, new_redemption, next_number, parse_day,
    parse_ext_id, partner_id, service_period,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::wire::coupon::CouponState;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{
    ChangeCouponResult, CouponFilter, IssueCouponResult, Job, LeasedJob, NewRedemption, RECEIPT_SECONDS,
    RedeemResult, RedemptionOutcome, SettleResult, SmsJob, SmsReceipt, StoreError,
};

on_each_database!(
    a_coupon_is_made_once_by_its_name_for_ever,
    a_coupon_and_its_message_are_there_together_or_not_at_all,
    a_message_is_sent_and_delivered_in_whichever_order_that_is_heard,
    another_code_voids_the_first_and_its_message,
    a_message_is_sent_again_once_by_its_name,
    a_void_coupon_is_nobodys,
    a_coupon_is_spent_once_and_its_end_is_told_for_ever,
    a_reference_is_one_redemption,
    wrong_codes_are_counted_for_each_partner_and_hour,
    an_old_coupon_is_spent_no_more,
    a_decline_before_the_answer_frees_the_coupon,
    the_charge_of_a_coupon_is_named_by_its_declines,
    a_decline_after_the_answer_leaves_it_spent_and_unpaid,
    an_answer_that_was_never_given_is_the_next_askers,
    a_held_or_closed_pai_declines_at_once,
    an_erased_buyer_is_sent_nothing_and_asked_for_nothing,
);

async fn a_coupon_is_made_once_by_its_name_for_ever(db: TestStore) {
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

async fn a_message_is_sent_and_delivered_in_whichever_order_that_is_heard(db: TestStore) {
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
        db.store.sweep(NOW.plus_seconds(after)).await.expect("works");
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
    let renew = |n| db.store.resend_coupon(Some(fresh_nonce()), NOW, parse_ext_id("c-1"), None, code_sms(n));
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
        let change = db.store.resend_coupon(None, NOW, parse_ext_id("c-2"), None, text).await;
        assert!(matches!(change, Ok(ChangeCouponResult::Done(_))), "{n}");
    }
    let change = db.store.resend_coupon(None, NOW, parse_ext_id("c-2"), None, code_sms(30)).await;
    assert!(matches!(change, Ok(ChangeCouponResult::NotAllowed(row)) if row.texts == COUPON_SMS_MAX));
    let nobodys = db.store.resend_coupon(None, NOW, parse_ext_id("c-9"), None, code_sms(31)).await;
    assert_eq!(nobodys.expect("works"), ChangeCouponResult::NotFound);
}

async fn a_message_is_sent_again_once_by_its_name(db: TestStore) {
    db.issue_new_coupon(new_coupon(1, "c-1")).await;
    db.issue_new_coupon(new_coupon(2, "c-2")).await;
    let renew = |id, name, n| {
        db.store.resend_coupon(
            Some(fresh_nonce()),
            NOW,
            parse_ext_id(id),
            Some(parse_ext_id(name)),
            code_sms(n),
        )
    };
    for (name, n, texts, code) in [("a", 11, 2, 11), ("a", 12, 2, 11), ("b", 13, 3, 13), ("a", 14, 3, 13)] {
        let change = renew("c-1", name, n).await;
        assert!(
            matches!(&change, Ok(ChangeCouponResult::Done(row)) if row.texts == texts),
            "{name}: {change:?}"
        );
        let message = the_text_of(&db, "c-1").await;
        assert_eq!(message, code_sms(code).message, "{name}");
    }
    assert!(matches!(renew("c-2", "a", 15).await, Ok(ChangeCouponResult::Done(row)) if row.texts == 2));
    // Also when there is nothing more to send.
    db.store.void_coupon(None, NOW, parse_ext_id("c-1")).await.expect("works");
    let db = db.reopen().await;
    let renew =
        |name| db.store.resend_coupon(None, NOW, parse_ext_id("c-1"), Some(parse_ext_id(name)), code_sms(16));
    assert!(matches!(renew("b").await, Ok(ChangeCouponResult::Done(_))));
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

async fn a_void_coupon_is_nobodys(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let void = |at| db.store.void_coupon(None, at, parse_ext_id("c-1"));
    let Ok(ChangeCouponResult::Done(row)) = void(NOW).await else { panic!("is void") };
    assert_eq!((row.state(NOW), row.voided_at), (CouponState::Voided, Some(NOW)));
    assert_eq!(void(NOW.plus_seconds(9)).await.expect("works"), ChangeCouponResult::Done(row));
    assert!(db.lease_due(0).await.iter().all(|entry| job_name(entry).0 != "coupon"), "nothing is sent");
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await;
    assert_eq!(redeemed.expect("works"), RedeemResult::Unknown { wrong: 1 });
    let renewed = db.store.resend_coupon(None, NOW, parse_ext_id("c-1"), None, code_sms(2)).await;
    assert!(matches!(renewed, Ok(ChangeCouponResult::NotAllowed(_))));

    let spent = db.redeem_new_coupon(2, "c-2", "r-2").await;
    let voided = db.store.void_coupon(None, NOW, parse_ext_id("c-2")).await.expect("works");
    assert!(matches!(voided, ChangeCouponResult::NotAllowed(row) if row.transaction_id == Some(spent)));
    assert_eq!(
        db.store.void_coupon(None, NOW, parse_ext_id("c-9")).await.expect("works"),
        ChangeCouponResult::NotFound
    );
}

async fn a_coupon_is_spent_once_and_its_end_is_told_for_ever(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let (code, amount) = (new.text.code, new.amount);
    let buyer = db.issue_new_coupon(new).await.pai;
    let redeem = |reference, at| db.store.redeem_coupon(fresh_nonce(), at, new_redemption(reference, code));
    let Ok(RedeemResult::Created(charge)) = redeem("r-1", NOW).await else { panic!("is claimed") };
    assert_eq!((charge.amount, charge.service_period), (amount, service_period("2026-11-18", "2027-05-17")));
    for reference in ["r-1", "r-2"] {
        assert_eq!(redeem(reference, NOW).await.expect("works"), RedeemResult::InProgress, "{reference}");
    }
    let (end, settling) =
        db.store.answer_redemption(NOW, charge.transaction_id.clone(), done()).await.expect("works");
    assert_eq!(settling, SettleResult::Written);
    let RedemptionOutcome::Redeemed(redemption) = &end else { panic!("is spent") };
    assert_eq!((redemption.pai, redemption.amount, redemption.months), (Some(buyer), amount, 6));
    assert_eq!(redemption.service_period, charge.service_period);
    let ext_id = redemption.ext_transaction_id().expect("is a name");
    let standing = db.find_charge(ext_id.as_str()).await;
    assert_eq!(standing.status, TransactionStatus::Approved);

    let db = db.reopen().await;
    let late = NOW.plus_seconds(700 * 86_400);
    let redeem =
        |reference| db.store.redeem_coupon(fresh_nonce(), late, self::new_redemption(reference, code));
    assert_eq!(redeem("r-1").await.expect("works"), RedeemResult::Decided(end));
    assert_eq!(redeem("r-2").await.expect("works"), RedeemResult::Used);
    let row = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is there");
    assert_eq!((row.state(late), row.redeemed_at), (CouponState::Redeemed, Some(NOW)));
    assert_eq!(row.service_period, Some(charge.service_period));
}

async fn a_reference_is_one_redemption(db: TestStore) {
    let other = new_coupon(2, "c-2");
    let code = other.text.code;
    let pai = db.issue_new_coupon(other).await.pai;
    db.redeem_new_coupon(1, "c-1", "r-1").await;
    let redeem = |new| db.store.redeem_coupon(fresh_nonce(), NOW, new);
    assert_eq!(redeem(new_redemption("r-1", code)).await.expect("works"), RedeemResult::Conflict);
    let mut gift = new_redemption("r-2", code);
    gift.pai = Some(pai);
    assert!(matches!(redeem(gift).await, Ok(RedeemResult::Created(_))));
    assert_eq!(redeem(new_redemption("r-2", code)).await.expect("works"), RedeemResult::Conflict);
}

async fn wrong_codes_are_counted_for_each_partner_and_hour(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let wrong = |who, at_seconds| {
        let mut new = new_redemption("r-1", [9; 32]);
        new.partner = partner_id(who);
        db.store.redeem_coupon(fresh_nonce(), NOW.plus_seconds(at_seconds), new)
    };
    for n in 1..=3 {
        assert_eq!(wrong("netflix", 0).await.expect("works"), RedeemResult::Unknown { wrong: n });
    }
    assert_eq!(wrong("tunes", 0).await.expect("works"), RedeemResult::Unknown { wrong: 1 });
    assert_eq!(wrong("netflix", 3_600).await.expect("works"), RedeemResult::Unknown { wrong: 1 });
    // Another partner's code is unknown there.
    let mut foreign = new_redemption("r-1", code);
    foreign.partner = partner_id("tunes");
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, foreign).await.expect("works");
    assert_eq!(redeemed, RedeemResult::Unknown { wrong: 2 });
}

async fn an_old_coupon_is_spent_no_more(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let (code, expires_at) = (new.text.code, new.expires_at);
    db.issue_new_coupon(new).await;
    let redeem = |at| db.store.redeem_coupon(fresh_nonce(), at, new_redemption("r-1", code));
    assert_eq!(redeem(expires_at).await.expect("works"), RedeemResult::Expired);
    let renewed = db.store.resend_coupon(None, expires_at, parse_ext_id("c-1"), None, code_sms(2)).await;
    assert!(matches!(renewed, Ok(ChangeCouponResult::NotAllowed(_))));
    assert!(matches!(redeem(expires_at.plus_seconds(-1)).await, Ok(RedeemResult::Created(_))));
}

async fn a_decline_before_the_answer_frees_the_coupon(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let redeem = |reference| db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, code));
    let Ok(RedeemResult::Created(charge)) = redeem("r-1").await else { panic!("is claimed") };
    let reason = DeclineReason::InsufficientBalance;
    let (end, settling) =
        db.store.answer_redemption(NOW, charge.transaction_id, declined(reason)).await.expect("works");
    assert_eq!((&end, settling), (&RedemptionOutcome::Declined(reason), SettleResult::Written));
    assert_eq!(find_coupon_state(&db, "c-1").await, CouponState::Issued);
    assert_eq!(
        redeem("r-1").await.expect("works"),
        RedeemResult::Decided(end),
        "this reference has its answer"
    );
    let Ok(RedeemResult::Created(charge)) = redeem("r-2").await else { panic!("is free") };
    assert_eq!(charge.service_period, service_period("2026-11-18", "2027-05-17"), "its days are free, too");
}

async fn the_charge_of_a_coupon_is_named_by_its_declines(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let charge_id = std::sync::Arc::new(|id: &ExtId, declined: u32| format!("{id}/{declined}"));
    for attempt in ["c-1/0", "c-1/1", "c-1/2"] {
        let new =
            NewRedemption { charge_id: charge_id.clone(), ..new_redemption(&format!("r-{attempt}"), code) };
        let claimed = db.store.redeem_coupon(fresh_nonce(), NOW, new).await.expect("works");
        let RedeemResult::Created(charge) = claimed else { panic!("is free") };
        assert_eq!(charge.transaction_id, attempt);
        let refused = declined(DeclineReason::InsufficientBalance);
        db.store.answer_redemption(NOW, charge.transaction_id, refused).await.expect("works");
    }
}

async fn a_decline_after_the_answer_leaves_it_spent_and_unpaid(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    let pai = db.issue_new_coupon(new).await.pai;
    let redeem = |reference| db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, code));
    let Ok(RedeemResult::Created(charge)) = redeem("r-1").await else { panic!("is claimed") };
    let (end, _) = db.store.answer_redemption(NOW, charge.transaction_id, later(60)).await.expect("works");
    assert!(matches!(end, RedemptionOutcome::Redeemed(_)));
    let due = db.lease_due(60).await;
    let entry = due.into_iter().find(|entry| job_name(entry).0 == "charge").expect("is due");
    let settled = db.settle_job(NOW, entry, declined(DeclineReason::RiskDeclined)).await;
    assert_eq!(settled.expect("works"), SettleResult::Unpaid);
    assert_eq!(redeem("r-1").await.expect("works"), RedeemResult::Decided(end));
    assert_eq!(redeem("r-2").await.expect("works"), RedeemResult::Used);
    let unpaid = db.store.list_coupons(None, CouponFilter::Unpaid, 10).await.expect("works");
    assert_eq!(unpaid.iter().map(|row| row.ext_coupon_id.as_str()).collect::<Vec<_>>(), ["c-1"]);
    assert!(unpaid[0].view(NOW).unpaid);
    let until = db.store.find_paid_until(pai, parse_day("2026-11-18")).await.expect("works");
    assert_eq!(until, Some(parse_day("2027-05-17")), "the operator has sold these days");
}

async fn an_answer_that_was_never_given_is_the_next_askers(db: TestStore) {
    // The caller has crashed. The outbox continues, and decides before any retry.
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let redeem = |reference, at_seconds| {
        let at = NOW.plus_seconds(at_seconds);
        db.store.redeem_coupon(fresh_nonce(), at, new_redemption(reference, code))
    };
    assert!(matches!(redeem("r-1", 0).await, Ok(RedeemResult::Created(_))));
    let due = db.lease_due(60).await;
    let entry = due.into_iter().find(|entry| job_name(entry).0 == "charge").expect("is due");
    let reason = DeclineReason::AccountOnHold;
    assert_eq!(db.settle_job(NOW, entry, declined(reason)).await.expect("works"), SettleResult::Written);
    let end = RedeemResult::Decided(RedemptionOutcome::Declined(reason));
    assert_eq!(redeem("r-1", 1).await.expect("works"), end);
    // Or a retry comes first: then it is redeemed.
    assert!(matches!(redeem("r-2", 0).await, Ok(RedeemResult::Created(_))));
    assert_eq!(redeem("r-3", 59).await.expect("works"), RedeemResult::InProgress);
    assert_eq!(redeem("r-3", 60).await.expect("works"), RedeemResult::Used);
    assert!(matches!(redeem("r-2", 60).await, Ok(RedeemResult::Decided(RedemptionOutcome::Redeemed(_)))));
}

async fn a_held_or_closed_pai_declines_at_once(db: TestStore) {
    for (n, reason) in [(1, DeclineReason::PaiRevokedByUser), (2, DeclineReason::AccountClosed)] {
        let (id, reference) = (format!("c-{n}"), format!("r-{n}"));
        let new = new_coupon(n, &id);
        let code = new.text.code;
        let pai = db.issue_new_coupon(new).await.pai;
        db.store.close_pai(NOW, partner_id("netflix"), pai, reason).await.expect("works");
        let redeem = || db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(&reference, code));
        let end = RedeemResult::Decided(RedemptionOutcome::Declined(reason));
        assert_eq!(redeem().await.expect("works"), end);
        assert_eq!(redeem().await.expect("works"), end);
        assert_eq!(find_coupon_state(&db, &id).await, CouponState::Issued);
        assert!(db.store.find_coupon_buyer(parse_ext_id(&id)).await.expect("works").is_none());
    }
    assert!(db.lease_due(0).await.iter().all(|entry| job_name(entry).0 != "charge"), "nothing is charged");
}

async fn an_erased_buyer_is_sent_nothing_and_asked_for_nothing(db: TestStore) {
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    let spent = db.redeem_new_coupon(1, "c-2", "r-2").await;
    db.store.answer_redemption(NOW, spent.clone(), done()).await.expect("works");
    assert!(db.store.queue_reminder(NOW, spent, vec![5; 8]).await.expect("works"));
    let index = crate::test_store::sealed_number(1).index;
    db.store.erase_number(None, NOW, Some(parse_ext_id("e-1")), index).await.expect("works");
    let kinds: Vec<_> = db.lease_due(0).await.iter().map(|entry| job_name(entry).0.to_owned()).collect();
    assert!(kinds.iter().all(|kind| !kind.starts_with("coupon")), "{kinds:?}");
    let row = db.store.find_coupon(parse_ext_id("c-1")).await.expect("works").expect("is on record");
    assert_eq!(row.fingerprint, None, "nothing in it comes from the number");
    let mut again = new_coupon(2, "c-1");
    again.fingerprint = [9; 32];
    assert!(matches!(db.store.issue_coupon(None, NOW, again).await, Ok(IssueCouponResult::Replayed(_))));
    let renewed =
        db.store.resend_coupon(None, NOW, parse_ext_id("c-1"), None, code_sms(7)).await.expect("works");
    assert_eq!(renewed, ChangeCouponResult::BuyerGone);
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await;
    let end = RedemptionOutcome::Declined(DeclineReason::AccountClosed);
    assert_eq!(redeemed.expect("works"), RedeemResult::Decided(end));
}
