//! What a desk reads of a subscriber: everything of theirs, and nothing of who had the number before.

use crate::audit::stamp;
use crate::events::{new_event, record_event};
use crate::outcome::done;
use crate::test_store::{
    NOW, TestStore, fresh_nonce, new_charge, new_coupon, new_refund, new_signup, new_subscription, parse_day,
    parse_ext_id, partner_id, sealed_number, subscription_terms, usd,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{ClosePaiResult, DeskSmsKind, DeskSubscriber, IssueSignupResult};

on_each_database!(
    everything_of_a_subscriber_is_read,
    nothing_of_an_earlier_subscriber_is_read,
    nobody_is_found_by_an_erased_number,
    a_closed_link_is_reported,
);

async fn find_subscriber(db: &TestStore, subscriber_ref: &str) -> Option<DeskSubscriber> {
    let found = db.store.look_up_for_desk(
        fresh_nonce(),
        NOW,
        stamp("T-1"),
        sealed_number(1).index,
        Some(subscriber_ref.to_owned()),
    );
    found.await.expect("works")
}

async fn everything_of_a_subscriber_is_read(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let pai = subscriber.pai;
    let recorded = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("netflix"),
        "ps-1".to_owned(),
        new_subscription(pai, "sub-1"),
        subscription_terms(),
    );
    recorded.await.expect("works");
    let transaction_id = db.post_approved_charge(pai, "c-1", 1599).await;
    let refund_id = db.post_new_refund(new_refund("c-1", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refund_id.clone(), done()).await.expect("works");
    db.issue_new_coupon(new_coupon(1, "coupon-1")).await;
    record_event(&db, new_event("e-1", AccountEvent::Suspended, 10)).await;

    let found = find_subscriber(&db, "2024-01-01").await.expect("is there");
    assert_eq!((&found.handle, found.created_at), (&subscriber.handle, NOW));
    let links = db.store.list_desk_links(found.subscriber_id.clone(), 20).await.expect("works");
    assert_eq!(links.len(), 1, "{links:?}");
    let link = &links[0];
    assert_eq!((link.pai, link.state, link.closed_reason), (pai, PaiState::Suspended, None));
    assert_eq!(link.paid_until, Some(parse_day("2026-12-31")));
    let (plan, _) = link.subscription.clone().expect("is there");
    assert_eq!(plan, parse_ext_id("standard"));
    let mandate = link.mandate.as_ref().expect("is there");
    assert!(mandate.in_force_from.is_some(), "it is one of a subscription: {mandate:?}");

    let refunds = db.store.list_desk_refunds(vec![transaction_id.clone()], 20).await.expect("works");
    assert_eq!(refunds.len(), 1, "{refunds:?}");
    let refund = &refunds[0];
    assert_eq!((&refund.refund_id, &refund.transaction_id), (&refund_id, &transaction_id));
    assert_eq!((refund.amount, refund.status), (usd(600), TransactionStatus::Approved));
    assert_eq!((refund.reason.as_str(), refund.settled_at), ("Cancelled", Some(NOW)));
    assert_eq!(db.store.list_desk_refunds(Vec::new(), 20).await, Ok(Vec::new()));

    let sms = db.store.list_desk_sms(found.subscriber_id.clone(), 20).await.expect("works");
    assert_eq!(sms.len(), 1, "{sms:?}");
    assert_eq!((sms[0].kind, sms[0].id.as_str(), sms[0].sent_at), (DeskSmsKind::Coupon, "coupon-1", None));

    let events = db.store.list_desk_events(found.subscriber_id, 20).await.expect("works");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0].event_id, events[0].event), (&parse_ext_id("e-1"), AccountEvent::Suspended));
    assert_eq!(events[0].occurred_at, NOW.plus_seconds(10));
}

async fn nothing_of_an_earlier_subscriber_is_read(db: TestStore) {
    let earlier = db.sign_up_subscriber(1).await;
    db.post_approved_charge(earlier.pai, "c-1", 1599).await;
    // The operator names another subscriber, of whom nothing is known yet.
    assert_eq!(find_subscriber(&db, "2026-11-01").await, None);
    let issued = db
        .store
        .issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01"))
        .await
        .expect("works");
    let IssueSignupResult::Issued(later) = issued else { panic!("not issued") };
    let found = find_subscriber(&db, "2026-11-01").await.expect("is there");
    assert_eq!(found.handle, later.handle);
    assert_ne!(found.handle, earlier.handle);
    let links = db.store.list_desk_links(found.subscriber_id, 20).await.expect("works");
    let pais: Vec<_> = links.iter().map(|link| (link.pai, link.paid_until)).collect();
    assert_eq!(pais, [(later.pai, None)]);
    assert_eq!(find_subscriber(&db, "2024-01-01").await, None, "the earlier one has left");
}

async fn nobody_is_found_by_an_erased_number(db: TestStore) {
    db.sign_up_subscriber(1).await;
    db.store.erase_number(None, NOW, None, sealed_number(1).index).await.expect("works");
    assert_eq!(find_subscriber(&db, "2024-01-01").await, None);
    assert_eq!(db.place.count_rows("audit").await, 1, "the look is an entry");
}

async fn a_closed_link_is_reported(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let reason = DeclineReason::AccountClosedFraud;
    let other = Some(partner_id("other"));
    let closed = db.store.close_link(None, NOW, stamp("T-1"), other, pai, reason).await;
    assert_eq!(closed, Ok(ClosePaiResult::NotFound));
    let netflix = Some(partner_id("netflix"));
    db.store.close_link(None, NOW, stamp("T-2"), netflix, pai, reason).await.expect("works");
    let found = find_subscriber(&db, "2024-01-01").await.expect("is there");
    let links = db.store.list_desk_links(found.subscriber_id, 20).await.expect("works");
    let link = &links[0];
    assert_eq!((link.state, link.closed_reason, link.closed_at), (PaiState::Closed, Some(reason), Some(NOW)));
}
