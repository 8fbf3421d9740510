//! What a desk reads of a subscriber: everything of theirs, and nothing of who had the number before.

use crate::audit::stamp;
use crate::events::{new_event, record_event};
use crate::outcome::done;
use crate::races::{at_once, how_many};
use crate::test_store::{
    TestStore, code_sms, new_coupon, new_refund, new_signup, new_subscription, subscription_terms,
};
use crate::test_values::{NOW, euro, fresh_nonce, parse_day, parse_ext_id, partner_id, sealed_number, usd};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::money::Money;
use onbill_domain::pai::PaiState;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::audit::verify_ledger;
use onbill_origin::config::SettlementModel;
use onbill_origin::instruments::Alarm;
use onbill_origin::settlement::{Shares, sum_up};
use onbill_origin::store::{
    ChangeCouponResult, ClosePaiResult, DeskSmsKind, DeskSubscriber, IssueSignupResult, NewRefund, Period,
    PostRefundResult,
};

on_each_database!(
    everything_of_a_subscriber_is_read,
    one_charge_leaves_room_for_the_refunds_of_others,
    nothing_of_an_earlier_subscriber_is_read,
    erased_number_finds_no_subscriber,
    a_closed_link_is_shown_with_its_reason,
    the_audit_keeps_nothing_that_names_no_coupon_and_no_alarm,
    partners_and_operators_refunds_share_what_is_left,
    operators_refunds_of_a_charge_share_their_ceiling,
    refunds_of_both_at_once_never_give_back_more_than_there_was,
    the_partner_hears_of_an_operators_refund,
    a_repeated_refund_of_the_operator_gives_back_nothing_more,
    a_refund_that_the_operator_bears_leaves_the_partners_share,
    a_charge_of_which_the_operator_bears_a_part_stays,
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

/// A refund that the operator asks for. Our id of it stands for charge and reference.
pub(crate) fn new_desk_refund(
    of: &str,
    refund_id: &str,
    amount_minor: Option<i64>,
    borne_by: BorneBy,
) -> NewRefund {
    let new = new_refund(of, refund_id, amount_minor);
    NewRefund { refund_id: refund_id.to_owned(), borne_by: Some(borne_by), ..new }
}

async fn post_desk_refund(db: &TestStore, transaction_id: &str, new: NewRefund) -> PostRefundResult {
    let posted = db.store.post_desk_refund(fresh_nonce(), NOW, stamp("T-1"), transaction_id.to_owned(), new);
    posted.await.expect("works")
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

async fn erased_number_finds_no_subscriber(db: TestStore) {
    db.sign_up_subscriber(1).await;
    db.store.erase_number(None, NOW, stamp("E-1"), None, sealed_number(1).index).await.expect("works");
    assert_eq!(find_subscriber(&db, "2024-01-01").await, None);
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let said: Vec<_> = entries.iter().map(|entry| (entry.act, entry.outcome)).collect();
    assert_eq!(
        said,
        [
            (AuditAct::SubscriberErased, AuditOutcome::Done),
            (AuditAct::SubscriberLookedUp, AuditOutcome::NotFound)
        ]
    );
    assert!(entries[0].subscriber.is_some(), "the handle leads to no number any more");
}

async fn a_closed_link_is_shown_with_its_reason(db: TestStore) {
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

/// Somebody may have typed a number.
async fn the_audit_keeps_nothing_that_names_no_coupon_and_no_alarm(db: TestStore) {
    let typed = "+12025550101";
    let voided = db.store.void_coupon_by_hand(None, NOW, stamp("T-1"), parse_ext_id(typed)).await;
    assert_eq!(voided, Ok(ChangeCouponResult::NotFound));
    let resent = db.store.resend_sms(None, NOW, stamp("T-2"), parse_ext_id(typed), code_sms(1)).await;
    assert_eq!(resent, Ok(ChangeCouponResult::NotFound));
    let closed = db.store.close_seen_alarms(NOW, stamp("T-3"), Alarm::CouponUnpaid, Some(typed.to_owned()));
    assert_eq!(closed.await, Ok(0));
    db.sign_up_subscriber(1).await;
    db.issue_new_coupon(new_coupon(1, "coupon-1")).await;
    db.store.void_coupon_by_hand(None, NOW, stamp("T-4"), parse_ext_id("coupon-1")).await.expect("works");
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.as_deref()).collect();
    assert_eq!(subjects, [None, None, Some(Alarm::CouponUnpaid.as_str()), Some("coupon-1")]);
}

async fn partners_and_operators_refunds_share_what_is_left(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charge = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    db.post_new_refund(new_refund("c-1", "r-1", Some(600))).await;
    let too_much = new_desk_refund("c-1", "rf-1", Some(600), BorneBy::Operator);
    let refused = PostRefundResult::NotWithinRemainder { remaining: usd(400) };
    assert_eq!(post_desk_refund(&db, &charge, too_much).await, refused);
    let rest = new_desk_refund("c-1", "rf-2", None, BorneBy::Operator);
    let PostRefundResult::Created(rest) = post_desk_refund(&db, &charge, rest).await else {
        panic!("not created")
    };
    assert_eq!((rest.amount, &rest.transaction_id), (usd(400), &charge));

    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let outcomes: Vec<_> = entries.iter().map(|entry| (entry.act, entry.outcome)).collect();
    assert_eq!(
        outcomes,
        [(AuditAct::RefundPosted, AuditOutcome::Refused), (AuditAct::RefundPosted, AuditOutcome::Done)]
    );
    assert_eq!(entries[1].subscriber.as_ref(), Some(&subscriber.handle));
    assert_eq!(entries[1].subject, Some(format!("{charge} rf-2")));
    assert_eq!(entries[1].reason.as_deref(), Some("operator"));
}

async fn operators_refunds_of_a_charge_share_their_ceiling(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charge = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    let post = async |id: &str, amount_minor: i64, ceiling: Money| {
        let new = new_desk_refund("c-1", id, Some(amount_minor), BorneBy::Operator);
        post_desk_refund(&db, &charge, NewRefund { ceilings: Some(vec![ceiling]), ..new }).await
    };
    let first = post("rf-1", 300, usd(500)).await;
    assert!(matches!(first, PostRefundResult::Created(_)), "{first:?}");
    let above = PostRefundResult::AboveCeiling { ceiling: usd(500) };
    assert_eq!(post("rf-2", 201, usd(500)).await, above);
    let rest = post("rf-3", 200, usd(500)).await;
    assert!(matches!(rest, PostRefundResult::Created(_)), "{rest:?}");
    // Nothing may be given back in a currency that is not listed.
    let other = db.post_approved_charge(subscriber.pai, "c-2", 1000).await;
    let new = new_desk_refund("c-2", "rf-4", Some(1), BorneBy::Operator);
    let unlisted = NewRefund { ceilings: Some(vec![euro(500)]), ..new };
    let above = PostRefundResult::AboveCeiling { ceiling: usd(0) };
    assert_eq!(post_desk_refund(&db, &other, unlisted).await, above);
}

async fn refunds_of_both_at_once_never_give_back_more_than_there_was(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charge = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    let calls = at_once(&db, 32, |store, n| {
        let charge = charge.clone();
        async move {
            if n % 4 < 2 {
                let new = new_refund("c-1", &format!("r-{n}"), Some(150));
                return store.post_refund(fresh_nonce(), NOW, new).await.expect("works");
            }
            let new = new_desk_refund("c-1", &format!("rf-{n}"), Some(150), BorneBy::Partner);
            let posted = store.post_desk_refund(fresh_nonce(), NOW, stamp("T-1"), charge, new);
            posted.await.expect("works")
        }
    });
    let posted = calls.await;
    assert_eq!(how_many(&posted, |posted| matches!(posted, PostRefundResult::Created(_))), 6);
    let over = PostRefundResult::NotWithinRemainder { remaining: usd(100) };
    assert_eq!(how_many(&posted, |posted| *posted == over), 26);
    let end = verify_ledger(&db.store).await.expect("reads").expect("is whole");
    assert_eq!(end.lines, 16, "each of the operator's is an entry");
}

async fn the_partner_hears_of_an_operators_refund(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charge = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    let count = async || db.place.count_rows("outbox WHERE kind = 'refund-notice'").await;
    let own = db.post_new_refund(new_refund("c-1", "r-1", Some(100))).await;
    db.store.answer_refund(NOW, own, done()).await.expect("works");
    assert_eq!(count().await, 0, "the response tells it");
    post_desk_refund(&db, &charge, new_desk_refund("c-1", "rf-1", Some(100), BorneBy::Operator)).await;
    db.store.answer_refund(NOW, "rf-1".to_owned(), done()).await.expect("works");
    assert_eq!(count().await, 1);
    let (partner, reported) =
        db.store.find_refund_webhook("rf-1".to_owned()).await.expect("works").expect("is there");
    assert_eq!((partner, reported.status), (partner_id("netflix"), TransactionStatus::Approved));
    assert_eq!((reported.refund_id.as_str(), reported.ext_refund_id.as_str()), ("rf-1", "rf-1"));
    assert_eq!((reported.amount, reported.remaining), (usd(100), usd(800)));
}

async fn a_repeated_refund_of_the_operator_gives_back_nothing_more(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let charge = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    let new = || new_desk_refund("c-1", "rf-1", Some(300), BorneBy::Operator);
    let created = post_desk_refund(&db, &charge, new()).await;
    assert!(matches!(created, PostRefundResult::Created(_)), "{created:?}");
    assert_eq!(post_desk_refund(&db, &charge, new()).await, PostRefundResult::InProgress, "a double click");
    let (answer, _) = db.store.answer_refund(NOW, "rf-1".to_owned(), done()).await.expect("works");
    assert_eq!(post_desk_refund(&db, &charge, new()).await, PostRefundResult::Replayed(answer));
    let other = new_desk_refund("c-1", "rf-1", Some(200), BorneBy::Operator);
    assert_eq!(post_desk_refund(&db, &charge, other).await, PostRefundResult::Conflict);
    assert_eq!(db.place.count_rows("transactions WHERE refunded_minor = 300").await, 1);
}

async fn a_refund_that_the_operator_bears_leaves_the_partners_share(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let model = SettlementModel::RevenueShare { partner_basis_points: 8000 };
    let cost = SettlementModel::FlatCost { cost: usd(700) };
    let day = Day::of_timestamp(NOW);
    let period = Period::of_days(day, day).expect("is in order");
    let shares = async || {
        let sums = sum_up(&db.store, &partner_id("netflix"), period, |_| {}).await.expect("works");
        let sums = sums[&usd(0).currency];
        let share = |model: SettlementModel| model.share(&sums, usd(0).currency).expect("is its currency");
        (share(model), share(cost).partner_minor)
    };
    for (charge, refund, borne_by) in [("c-1", "rf-1", BorneBy::Operator), ("c-2", "rf-2", BorneBy::Partner)]
    {
        let id = db.post_approved_charge(subscriber.pai, charge, 1000).await;
        let posted = post_desk_refund(&db, &id, new_desk_refund(charge, refund, None, borne_by)).await;
        assert!(matches!(posted, PostRefundResult::Created(_)), "{posted:?}");
        db.store.answer_refund(NOW, refund.to_owned(), done()).await.expect("works");
        // The second charge and its refund cancel out.
        assert_eq!(shares().await, (Shares { partner_minor: 800, operator_minor: -800 }, 700), "{charge}");
    }
}

async fn a_charge_of_which_the_operator_bears_a_part_stays(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let day = Day::of_timestamp(NOW);
    let period = Period::of_days(day, day).expect("is in order");
    let parts = [(BorneBy::Operator, 1), (BorneBy::Partner, 999)];
    let orders = [("a", parts), ("b", [parts[1], parts[0]])];
    for (stayed, (name, order)) in (1..).zip(orders) {
        let ext_id = format!("c-{name}");
        let id = db.post_approved_charge(subscriber.pai, &ext_id, 1000).await;
        for (n, (borne_by, minor)) in (1..).zip(order) {
            let refund = format!("rf-{name}-{n}");
            let posted = post_desk_refund(&db, &id, new_desk_refund(&ext_id, &refund, Some(minor), borne_by));
            assert!(matches!(posted.await, PostRefundResult::Created(_)), "{refund}");
            db.store.answer_refund(NOW.plus_seconds(n), refund, done()).await.expect("works");
        }
        let sums = sum_up(&db.store, &partner_id("netflix"), period, |_| {}).await.expect("works");
        assert_eq!(sums[&usd(0).currency].stayed, stayed, "{name}");
    }
}

async fn one_charge_leaves_room_for_the_refunds_of_others(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let many = db.post_approved_charge(subscriber.pai, "c-1", 1000).await;
    let one = db.post_approved_charge(subscriber.pai, "c-2", 1000).await;
    for n in 1..=3 {
        db.post_new_refund(new_refund("c-1", &format!("r-{n}"), Some(100))).await;
    }
    db.post_new_refund(new_refund("c-2", "r-4", Some(100))).await;
    let refunds = db.store.list_desk_refunds(vec![many.clone(), one.clone()], 2).await.expect("works");
    let count = |id: &str| refunds.iter().filter(|refund| refund.transaction_id == id).count();
    assert_eq!((count(&many), count(&one)), (2, 1), "{refunds:?}");
}
