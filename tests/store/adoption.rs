//! What a restored ledger has lost is adopted once, and replays find it.

use crate::dark_pais::{self, LINE, pai_of, with_dark_pai};
use crate::outcome::declined;
use crate::test_store::{TestStore, job_name, new_charge, new_coupon, new_pai, new_redemption, new_refund};
use crate::test_values::{
    NOW, fresh_nonce, fresh_pai, next_number, parse_ext_id, partner_id, service_period, usd,
};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::ott::{RefundResponse, TransactionResponse, TransactionStatus};
use onbill_origin::store::{
    AdoptResult, FollowResult, LostCharge, LostPai, LostRedemption, LostRefund, NewCharge, PostChargeResult,
    PostRefundResult, RedeemResult, RedemptionOutcome, TurnOffPaiResult,
};
use onbill_test_harness::other_system::{charges_csv, pais_csv};
use std::sync::Arc;

on_each_database!(
    an_adopted_charge_is_replayed,
    adopted_charge_counts_against_the_limits,
    a_charge_that_billing_lacks_is_asked_for,
    what_another_system_has_charged_is_not_adopted,
    an_adopted_refund_is_taken_off_its_charge,
    refund_of_what_was_not_approved_is_not_adopted,
    adopted_refund_stays_beside_those_of_later_files,
    an_adopted_redemption_spends_the_coupon,
    redemption_of_a_redeemed_coupon_is_present,
    adopted_redemption_without_reference_uses_up_the_coupon,
    an_adopted_redemption_that_billing_lacks_is_submitted,
    redemption_that_billing_lacks_waits_for_the_cut_over,
    an_adopted_pai_is_the_numbers,
    a_pai_follows_the_edge_downwards,
    recovery_is_remembered_until_it_ends,
);

fn lost(pai: Pai, ext_id: &str, is_billed: bool) -> LostCharge {
    LostCharge {
        transaction_id: format!("tx-{}", next_number()),
        partner: partner_id("netflix"),
        ext_transaction_id: parse_ext_id(ext_id),
        pai,
        amount: usd(1599),
        tax_minor: None,
        description: "Netflix Standard".to_owned(),
        service_period: service_period("2026-12-01", "2026-12-31"),
        codes: Arc::default(),
        is_billed,
        informs_partner: false,
    }
}

pub(crate) async fn adopted(db: &TestStore, pai: Pai, ext_id: &str) -> String {
    let lost = lost(pai, ext_id, true);
    let id = lost.transaction_id.clone();
    assert_eq!(db.store.adopt_charge(NOW, lost).await.expect("works"), AdoptResult::Adopted);
    id
}

async fn an_adopted_charge_is_replayed(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = adopted(&db, pai, "c-1").await;
    let again = db.store.adopt_charge(NOW, lost(pai, "c-1", true)).await.expect("works");
    assert_eq!(again, AdoptResult::Present);
    let post = |new| db.store.post_charge(fresh_nonce(), NOW, new);
    let Ok(PostChargeResult::Replayed(answer)) = post(new_charge(pai, "c-1", 1599)).await else {
        panic!("is there")
    };
    let answer: TransactionResponse = serde_json::from_slice(&answer).expect("is an answer");
    assert_eq!((answer.transaction_id, answer.status), (id, TransactionStatus::Approved));
    for other in [new_charge(pai, "c-1", 1600), new_charge(db.sign_up_subscriber(2).await.pai, "c-1", 1599)] {
        assert_eq!(post(other).await.expect("works"), PostChargeResult::Conflict);
    }
    assert!(db.lease_due(60).await.is_empty(), "billing and partner have it");
    let unknown = db.store.adopt_charge(NOW, lost(fresh_pai(), "c-2", true)).await.expect("works");
    assert_eq!(unknown, AdoptResult::PaiNotFound);
}

async fn adopted_charge_counts_against_the_limits(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    adopted(&db, pai, "c-1").await;
    let limits = SpendingLimits { day_minor: Some(2000), ..SpendingLimits::default() };
    let post = async |ext_id: &str, amount_minor: i64| {
        let new = NewCharge { limits: Some(limits), ..new_charge(pai, ext_id, amount_minor) };
        db.store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
    };
    let over = post("c-2", 402).await;
    assert!(matches!(over, PostChargeResult::Declined(_)), "{over:?}");
    let rest = post("c-3", 401).await;
    assert!(matches!(rest, PostChargeResult::Created(_)), "{rest:?}");
}

async fn a_charge_that_billing_lacks_is_asked_for(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let lost = lost(pai, "c-1", false);
    db.store.adopt_charge(NOW, lost.clone()).await.expect("works");
    assert_eq!(db.find_charge("c-1").await.status, TransactionStatus::Pending);
    let due = db.lease_due(0).await;
    let [job] = &due[..] else { panic!("one is due: {due:?}") };
    assert_eq!(job_name(job), ("charge", lost.transaction_id.as_str()));
    assert_eq!(job.lease().attempt, 2, "a second attempt asks before it posts");
}

async fn what_another_system_has_charged_is_not_adopted(db: TestStore) {
    let other = with_dark_pai(&db).await;
    let pai = pai_of(dark_pais::PAI);
    let claim =
        format!("netflix,c-0,{pai},1599,USD,0,APPROVED,line-0,2026-11-17T12:00:00Z,2026-11-01,2026-11-30");
    other.load_sound(&db.store, &pais_csv(&[LINE]), Some(&charges_csv(&[claim]))).await;
    let refund = |ext_id: &str, is_billed| LostRefund { is_billed, ..lost_refund(ext_id, "c-0", 100) };
    let charge = db.store.adopt_charge(NOW, lost(pai, "c-1", false)).await;
    assert_eq!(charge, Ok(AdoptResult::NotCutOver));
    assert_eq!(db.store.adopt_refund(NOW, refund("r-1", false)).await, Ok(AdoptResult::NotCutOver));
    assert!(db.lease_due(600).await.is_empty(), "nothing goes to billing");
    // These are ours by our own ids on the bill.
    let charge = db.store.adopt_charge(NOW, lost(pai, "c-1", true)).await;
    assert_eq!(charge, Ok(AdoptResult::Adopted));
    assert_eq!(db.store.adopt_refund(NOW, refund("r-1", true)).await, Ok(AdoptResult::Adopted));
}

fn lost_refund(ext_id: &str, of: &str, amount_minor: i64) -> LostRefund {
    LostRefund {
        refund_id: format!("rf-{}", next_number()),
        partner: partner_id("netflix"),
        ext_refund_id: parse_ext_id(ext_id),
        ext_transaction_id: parse_ext_id(of),
        amount: usd(amount_minor),
        reason: "Left".to_owned(),
        is_billed: true,
        informs_partner: false,
    }
}

async fn an_adopted_refund_is_taken_off_its_charge(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    adopted(&db, pai, "c-1").await;
    for (refund, result) in [
        (lost_refund("f-1", "c-1", 1000), AdoptResult::Adopted),
        (lost_refund("f-1", "c-1", 1000), AdoptResult::Present),
        (lost_refund("f-2", "c-1", 600), AdoptResult::NotWithinRemainder),
        (lost_refund("f-3", "c-9", 600), AdoptResult::ChargeNotFound),
    ] {
        assert_eq!(db.store.adopt_refund(NOW, refund).await.expect("works"), result);
    }
    let post = |new| db.store.post_refund(fresh_nonce(), NOW, new);
    let Ok(PostRefundResult::Replayed(answer)) = post(new_refund("c-1", "f-1", Some(1000))).await else {
        panic!("is there")
    };
    let answer: RefundResponse = serde_json::from_slice(&answer).expect("is an answer");
    assert_eq!((answer.status, answer.remaining), (TransactionStatus::Approved, usd(599)));
    assert_eq!(post(new_refund("c-1", "f-1", Some(900))).await.expect("works"), PostRefundResult::Conflict);
    assert_eq!(
        post(new_refund("c-1", "f-9", Some(600))).await.expect("works"),
        PostRefundResult::NotWithinRemainder { remaining: usd(599) }
    );
}

async fn refund_of_what_was_not_approved_is_not_adopted(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    db.store.adopt_charge(NOW, lost(pai, "c-1", false)).await.expect("works");
    let id = db.post_new_charge(new_charge(pai, "c-2", 1599)).await;
    let reason = DeclineReason::InsufficientBalance;
    db.store.answer_transaction(NOW, id, declined(reason)).await.expect("works");
    for (of, status) in [("c-1", TransactionStatus::Pending), ("c-2", TransactionStatus::Declined)] {
        assert_eq!(db.find_charge(of).await.status, status);
        let refund = lost_refund(&format!("of-{of}"), of, 100);
        assert_eq!(db.store.adopt_refund(NOW, refund).await, Ok(AdoptResult::ChargeNotFound), "{of}");
    }
}

/// Until the cut-over, the other system's file knows only what it has given back itself.
async fn adopted_refund_stays_beside_those_of_later_files(db: TestStore) {
    let other = with_dark_pai(&db).await;
    let pai = pai_of(dark_pais::PAI);
    let pais = pais_csv(&[LINE]);
    let charges = |refunded: i64| {
        charges_csv(&[format!(
            "netflix,c-0,{pai},1599,USD,{refunded},APPROVED,line-0,2026-11-17T12:00:00Z,2026-11-01,2026-11-30"
        )])
    };
    other.load_sound(&db.store, &pais, Some(&charges(0))).await;
    let adopted = db.store.adopt_refund(NOW, lost_refund("r-1", "c-0", 100)).await;
    assert_eq!(adopted, Ok(AdoptResult::Adopted));
    other.load_sound(&db.store, &pais, Some(&charges(200))).await;
    // Together they have given back no more than was charged.
    let (_, complaints) = other.load(&db.store, &[&pais], Some(&charges(1500))).await;
    let [complaint] = &complaints[..] else { panic!("one is refused: {complaints:?}") };
    assert!(complaint.contains("refunded-above-charged: line 2"), "{complaint}");
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 300").await, 1);
}

fn lost_redemption(reference: Option<&str>) -> LostRedemption {
    LostRedemption {
        ext_coupon_id: parse_ext_id("k-1"),
        transaction_id: format!("tx-{}", next_number()),
        amount: usd(8999),
        codes: Arc::default(),
        is_billed: true,
        ext_reference: reference.map(parse_ext_id),
        pai: None,
        service_period: Some(service_period("2026-11-18", "2027-05-17")),
    }
}

async fn an_adopted_redemption_spends_the_coupon(db: TestStore) {
    let new = new_coupon(1, "k-1");
    let code = new.text.code;
    let buyer = db.issue_new_coupon(new).await.pai;
    let lost = LostRedemption { pai: Some(buyer), ..lost_redemption(Some("r-1")) };
    let id = lost.transaction_id.clone();
    let dear = LostRedemption { amount: usd(9999), ..lost.clone() };
    assert_eq!(db.store.adopt_redemption(NOW, dear).await.expect("works"), AdoptResult::CouponDiffers);
    for result in [AdoptResult::Adopted, AdoptResult::Present] {
        assert_eq!(db.store.adopt_redemption(NOW, lost.clone()).await.expect("works"), result);
    }
    let redeem = |reference| db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, code));
    let Ok(RedeemResult::Decided(RedemptionOutcome::Redeemed(found))) = redeem("r-1").await else {
        panic!("is spent by this reference")
    };
    assert_eq!((found.transaction_id, found.pai), (id, Some(buyer)));
    assert_eq!(redeem("r-2").await.expect("works"), RedeemResult::Used);
    let until = db.store.find_paid_until(buyer, found.service_period.from()).await.expect("works");
    assert_eq!(until, Some(found.service_period.to()), "these days are paid for");
}

async fn redemption_of_a_redeemed_coupon_is_present(db: TestStore) {
    db.redeem_new_coupon(1, "k-1", "r-1").await;
    let again = db.store.adopt_redemption(NOW, lost_redemption(Some("r-1"))).await;
    assert_eq!(again, Ok(AdoptResult::Present));
    assert_eq!(db.place.count_rows("transactions").await, 1, "nobody pays for it twice");
}

async fn adopted_redemption_without_reference_uses_up_the_coupon(db: TestStore) {
    for id in ["k-1", "k-2"] {
        let new = new_coupon(1, id);
        let code = new.text.code;
        db.issue_new_coupon(new).await;
        let lost = LostRedemption { ext_coupon_id: parse_ext_id(id), ..lost_redemption(None) };
        assert_eq!(db.store.adopt_redemption(NOW, lost).await.expect("works"), AdoptResult::Adopted);
        let redeemed =
            db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-1", code)).await.expect("works");
        assert_eq!(redeemed, RedeemResult::Used);
    }
    let unknown = LostRedemption { ext_coupon_id: parse_ext_id("k-9"), ..lost_redemption(None) };
    assert_eq!(db.store.adopt_redemption(NOW, unknown).await.expect("works"), AdoptResult::CouponNotFound);
}

async fn an_adopted_redemption_that_billing_lacks_is_submitted(db: TestStore) {
    let new = new_coupon(1, "k-1");
    let code = new.text.code;
    db.issue_new_coupon(new).await;
    // The ledger may have lost the PAI of its user, too.
    let pai = Some(fresh_pai());
    let lost = LostRedemption { is_billed: false, pai, ..lost_redemption(Some("r-1")) };
    let id = lost.transaction_id.clone();
    db.store.adopt_redemption(NOW, lost).await.expect("works");
    let redeemed =
        db.store.redeem_coupon(fresh_nonce(), NOW, new_redemption("r-2", code)).await.expect("works");
    assert_eq!(redeemed, RedeemResult::Used);
    let due = db.lease_due(0).await;
    let job = due.iter().find(|job| job_name(job) == ("charge", id.as_str())).expect("its charge is due");
    assert_eq!(job.lease().attempt, 2, "a second attempt asks before it posts");
}

async fn redemption_that_billing_lacks_waits_for_the_cut_over(db: TestStore) {
    let buyer = db.issue_new_coupon(new_coupon(1, "k-1")).await.pai;
    let turned_off = db.store.turn_off_pai(NOW, partner_id("netflix"), buyer).await;
    assert_eq!(turned_off, Ok(TurnOffPaiResult::TurnedOff));
    let lost = LostRedemption { is_billed: false, ..lost_redemption(Some("r-1")) };
    assert_eq!(db.store.adopt_redemption(NOW, lost.clone()).await, Ok(AdoptResult::NotCutOver));
    assert_eq!(db.place.count_rows("outbox WHERE kind = 'charge'").await, 0, "nothing goes to billing");
    let billed = LostRedemption { is_billed: true, ..lost };
    assert_eq!(db.store.adopt_redemption(NOW, billed).await, Ok(AdoptResult::Adopted));
}

async fn an_adopted_pai_is_the_numbers(db: TestStore) {
    let lost = |n, state, version| {
        let new = new_pai("netflix", n, "2024-01-01");
        LostPai { new, state, version }
    };
    let active = lost(1, PaiState::Active, 7);
    let pai = active.new.fresh.pai;
    let (closed, same) = (lost(2, PaiState::Closed, 4), active.clone());
    let ended = closed.new.fresh.pai;
    let other = LostPai { new: new_pai("netflix", 1, "2024-01-01"), ..active.clone() };
    for (lost, result) in [
        (active, AdoptResult::Adopted),
        (same, AdoptResult::Present),
        (other, AdoptResult::OtherPai),
        (closed, AdoptResult::Adopted),
    ] {
        assert_eq!(db.store.adopt_pai(NOW, lost).await.expect("works"), result);
    }
    let known = db.store.find_pai_status(pai).await.expect("works").expect("is there");
    assert_eq!((known.state, known.version), (PaiState::Active, 8), "later than what the edge has");
    let known = db.store.find_pai_status(ended).await.expect("works").expect("is there");
    assert_eq!((known.state, known.closed_reason), (PaiState::Closed, Some(DeclineReason::AccountClosed)));
}

async fn a_pai_follows_the_edge_downwards(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let follow = |state, version| db.store.follow_edge(NOW, row.pai, state, version);
    for (state, version, result, own, own_version) in [
        (PaiState::Active, 5, FollowResult::Renumbered, PaiState::Active, 5),
        (PaiState::Suspended, 8, FollowResult::Suspended, PaiState::Suspended, 8),
        (PaiState::Active, 9, FollowResult::ActiveAtEdge, PaiState::Suspended, 9),
        (PaiState::Closed, 12, FollowResult::Closed, PaiState::Closed, 12),
        (PaiState::Active, 20, FollowResult::Renumbered, PaiState::Closed, 20),
    ] {
        assert_eq!(follow(state, version).await.expect("works"), result);
        let known = db.store.find_pai_status(row.pai).await.expect("works").expect("is there");
        assert_eq!((known.state, known.version), (own, own_version));
    }
}

async fn recovery_is_remembered_until_it_ends(db: TestStore) {
    let marks = db.store.find_recovery_marks().await.expect("works");
    assert!(!marks.is_incomplete());
    db.store.begin_recovery(NOW).await.expect("works");
    db.store.begin_recovery(NOW.plus_seconds(60)).await.expect("works");
    let db = db.reopen().await;
    let marks = db.store.find_recovery_marks().await.expect("works");
    assert_eq!((marks.recovering_since, marks.copied_at), (Some(NOW), None), "the first start counts");
    assert!(db.store.end_recovery().await.expect("works"));
    assert!(!db.store.end_recovery().await.expect("works"), "there is nothing to end");
    assert!(!db.store.find_recovery_marks().await.expect("works").is_incomplete());
}
