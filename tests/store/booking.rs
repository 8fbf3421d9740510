//! How billing books a charge is fixed when the charge is recorded, by the offer of its mandate or of
//! the coupon.

use crate::outcome::{done, refused};
use crate::test_store::{
    TestStore, new_charge, new_coupon, new_redemption, new_refund, new_subscription, subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, next_number, parse_ext_id, partner_id, service_period, usd};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::ids::OfferId;
use onbill_domain::pai::Pai;
use onbill_domain::tax::{Tax, TaxRate};
use onbill_domain::wire::csp::BillTax;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::config::{AccountSource, Booking, ChargeCodes};
use onbill_origin::store::{
    BillingOutcome, Charge, ChargeDecision, LostCharge, NewCharge, NewRedemption, NextStep, PostChargeResult,
    RecordSubscriptionResult, RedeemResult,
};
use onbill_test_harness::origin_config_with;
use std::sync::Arc;

on_each_database!(
    a_charge_is_booked_by_its_mandate,
    a_charge_keeps_its_booking,
    a_charge_of_a_coupon_is_booked_by_its_offer,
    refunds_share_the_tax_of_their_charge,
    an_adopted_charge_is_booked_like_a_new_one,
    the_date_of_the_bill_is_kept,
);

/// The offer of the test operator, and a code for everything else.
fn codes() -> Arc<ChargeCodes> {
    let mut config = origin_config_with("acme", AccountSource::Table);
    config.offers[0].charge_code = Some(code("OFFER"));
    config.partners[0].charge_code = Some(code("PARTNER"));
    Arc::new(config.list_charge_codes())
}

fn code(text: &str) -> ChargeCode {
    ChargeCode::parse(text).expect("is a code")
}

fn booking(offer: Option<&str>, plan: Option<&str>, charge_code: &str) -> Booking {
    Booking {
        offer: offer.map(|offer| OfferId::parse(offer).expect("is a slug")),
        plan: plan.map(parse_ext_id),
        charge_code: Some(code(charge_code)),
    }
}

/// A charge with these codes and with tax.
fn coded_charge(pai: Pai, ext_id: &str) -> NewCharge {
    let mut new = NewCharge { codes: codes(), ..new_charge(pai, ext_id, 1599) };
    new.request.tax = Some(Tax {
        amount_minor: 120,
        currency: Currency::parse("USD").expect("is listed"),
        rate: TaxRate::parse("8.25"),
        included: Some(true),
    });
    new
}

async fn post(db: &TestStore, new: NewCharge) -> Charge {
    match db.store.post_charge(fresh_nonce(), NOW, new).await {
        Ok(PostChargeResult::Created(charge)) => *charge,
        other => panic!("not created: {other:?}"),
    }
}

async fn subscribe(db: &TestStore, pai: Pai, plan: &str) -> String {
    let id = format!("ps-{}", next_number());
    let mut request = new_subscription(pai, &id);
    request.plan = parse_ext_id(plan);
    request.price = Some(usd(1599));
    let mut terms = subscription_terms();
    terms.offer = terms.offer.filter(|_| plan == "standard");
    let record = db
        .store
        .record_subscription(fresh_nonce(), NOW, partner_id("netflix"), id.clone(), request, terms)
        .await;
    assert!(matches!(record, Ok(RecordSubscriptionResult::Created(_))), "{record:?}");
    id
}

async fn a_charge_is_booked_by_its_mandate(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    assert_eq!(post(&db, coded_charge(pai, "n-1")).await.booking, booking(None, None, "PARTNER"));
    let subscription = subscribe(&db, pai, "standard").await;
    let charge = post(&db, coded_charge(pai, "n-2")).await;
    assert_eq!(charge.booking, booking(Some("netflix-standard"), Some("standard"), "OFFER"));
    assert_eq!(charge.tax, Some(BillTax::within(usd(1599), 120, TaxRate::parse("8.25"))));
    assert_eq!((charge.partner, charge.ext_transaction_id), (partner_id("netflix"), parse_ext_id("n-2")));

    let cancelled = SubscriptionChange { status: SubscriptionStatus::Cancelled, reason: None };
    let (netflix, subscription) = (partner_id("netflix"), parse_ext_id(&subscription));
    db.store.change_subscription(fresh_nonce(), NOW, netflix, subscription, cancelled).await.expect("works");
    // Days that had begun are charged after the cancellation too, and booked as before it.
    let late = post(&db, coded_charge(pai, "n-3")).await;
    assert_eq!(late.booking, booking(Some("netflix-standard"), Some("standard"), "OFFER"));
    subscribe(&db, pai, "gold").await;
    assert_eq!(post(&db, coded_charge(pai, "n-4")).await.booking, booking(None, Some("gold"), "PARTNER"));

    // Without any codes in the configuration there is still the plan.
    let plain = post(&db, new_charge(pai, "n-5", 1599)).await;
    assert_eq!(
        (plain.booking.plan, plain.booking.charge_code, plain.tax),
        (Some(parse_ext_id("gold")), None, None)
    );
}

async fn a_charge_keeps_its_booking(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    subscribe(&db, pai, "standard").await;
    let charge = post(&db, coded_charge(pai, "n-1")).await;
    let stored = db.store.find_pending_charge(charge.transaction_id.clone()).await.expect("works");
    assert_eq!(stored, Some(charge), "what is submitted again is what was submitted first");
}

async fn a_charge_of_a_coupon_is_booked_by_its_offer(db: TestStore) {
    for (n, ext_id, offer, expected) in [
        (1, "k-1", "netflix-standard", booking(Some("netflix-standard"), Some("standard"), "OFFER")),
        (2, "k-2", "netflix-gone", booking(Some("netflix-gone"), None, "PARTNER")),
    ] {
        let mut new = new_coupon(n, ext_id);
        new.offer = OfferId::parse(offer).expect("is a slug");
        let bought = new.text.code;
        db.issue_new_coupon(new).await;
        let redeem = NewRedemption { codes: codes(), ..new_redemption(&format!("r-{n}"), bought) };
        let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, redeem).await.expect("works");
        let RedeemResult::Created(charge) = redeemed else { panic!("not created: {redeemed:?}") };
        assert_eq!(charge.booking, expected);
        let stored = db.store.find_pending_charge(charge.transaction_id.clone()).await.expect("works");
        assert_eq!(stored, Some(*charge));
    }
}

async fn refunds_share_the_tax_of_their_charge(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let id = post(&db, coded_charge(pai, "n-1")).await.transaction_id;
    db.store.answer_transaction(NOW, id, done()).await.expect("works");
    let mut shares = Vec::new();
    for (n, (amount, is_refused)) in
        [(500, false), (333, true), (600, false), (499, false)].into_iter().enumerate()
    {
        let refund = db.post_new_refund(new_refund("n-1", &format!("f-{n}"), Some(amount))).await;
        let stored = db.store.find_pending_refund(refund.clone()).await.expect("works").expect("is pending");
        assert_eq!((stored.partner, stored.charge_code), (partner_id("netflix"), Some(code("PARTNER"))));
        let tax = stored.tax.expect("has a share");
        assert_eq!(tax, BillTax::within(usd(amount), tax.amount.amount_minor, TaxRate::parse("8.25")));
        shares.push(tax.amount.amount_minor);
        let outcome = if is_refused { refused() } else { done() };
        db.store.answer_refund(NOW, refund, outcome).await.expect("works");
    }
    // The refused one took no tax with it: the others give back all of it.
    assert_eq!(shares, [37, 25, 45, 38]);
    assert_eq!(shares[0] + shares[2] + shares[3], 120);
}

async fn an_adopted_charge_is_booked_like_a_new_one(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    subscribe(&db, pai, "standard").await;
    let transaction_id = format!("tx-{}", next_number());
    let lost = LostCharge {
        transaction_id: transaction_id.clone(),
        partner: partner_id("netflix"),
        ext_transaction_id: parse_ext_id("n-1"),
        pai,
        amount: usd(1599),
        tax_minor: Some(120),
        description: "Netflix Standard".to_owned(),
        service_period: service_period("2026-12-01", "2026-12-31"),
        codes: codes(),
        is_billed: false,
        informs_partner: false,
    };
    db.store.adopt_charge(NOW, lost).await.expect("works");
    let charge = db.store.find_pending_charge(transaction_id).await.expect("works").expect("is pending");
    assert_eq!(charge.booking, booking(Some("netflix-standard"), Some("standard"), "OFFER"));
    assert_eq!(charge.tax, Some(BillTax::within(usd(1599), 120, None)));
}

async fn the_date_of_the_bill_is_kept(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let approved = |date: Option<&str>| {
        let billed_on = date.map(|date| Day::parse(date).expect("is a day"));
        BillingOutcome::Decided(ChargeDecision::Approved { raw_code: None, billed_on })
    };
    let mut expected = Vec::new();
    for (name, date) in [("n-1", Some("2026-12-01")), ("n-2", None), ("n-3", Some("2027-01-01"))] {
        let id = post(&db, new_charge(pai, name, 100)).await.transaction_id;
        db.store.answer_transaction(NOW, id.clone(), approved(date)).await.expect("works");
        // Another outcome changes nothing.
        db.store.answer_transaction(NOW, id.clone(), approved(Some("2030-01-01"))).await.expect("works");
        expected.push((id, date.map(str::to_owned)));
    }
    // One that is settled later, by itself.
    let id = post(&db, new_charge(pai, "n-4", 100)).await.transaction_id;
    let later = BillingOutcome::Undecided(NextStep::RetryAt(NOW));
    db.store.answer_transaction(NOW, id.clone(), later).await.expect("works");
    db.store.answer_transaction(NOW, id.clone(), approved(Some("2027-02-01"))).await.expect("works");
    expected.push((id, Some("2027-02-01".to_owned())));
    let page = db.store.list_own_charges(vec![pai], None, 20).await.expect("works");
    let mut found: Vec<_> = page
        .lines
        .into_iter()
        .map(|charge| (charge.transaction_id, charge.billed_on.map(|day| day.to_string())))
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
