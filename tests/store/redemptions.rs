//! A coupon is redeemed once, by whom and for which days is decided once, and a decline frees it or
//! leaves it unpaid.

use crate::audit::unnamed_stamp;
use crate::coupons::find_coupon_state;
use crate::outcome::{declined, done, later};
use crate::test_store::{TestStore, code_sms, job_name, new_coupon, new_redemption};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, service_period};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::coupon::CouponState;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{
    ChangeCouponResult, CouponFilter, NewRedemption, RedeemResult, RedemptionOutcome, SettleResult,
};

on_each_database!(
    coupon_is_redeemed_once_and_its_replay_is_permanent,
    a_reference_is_one_redemption,
    wrong_codes_are_counted_for_each_partner_and_hour,
    an_old_coupon_is_spent_no_more,
    a_decline_before_the_answer_frees_the_coupon,
    the_charge_of_a_coupon_is_named_by_its_declines,
    a_decline_after_the_answer_leaves_it_spent_and_unpaid,
    an_answer_that_was_never_given_is_the_next_askers,
    a_held_or_closed_pai_declines_at_once,
);

async fn coupon_is_redeemed_once_and_its_replay_is_permanent(db: TestStore) {
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
    let renewed =
        db.store.resend_sms(None, expires_at, unnamed_stamp(), parse_ext_id("c-1"), code_sms(2)).await;
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
