//! What is kept on a person: all of theirs, table by table, and nothing of anybody else.

use crate::audit::stamp;
use crate::events::{new_event, record_event};
use crate::test_store::{
    TestStore, new_coupon, new_refund, new_signup, new_subscription, subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, sealed_number};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::dispute::DisputeReason;
use onbill_origin::store::{DeskSubscriber, DisputeChange, DisputeStep, IssueSignupResult, KeptTable};

on_each_database!(
    all_that_is_kept_on_a_person_is_listed,
    nothing_of_another_person_is_listed,
    earlier_subscribers_links_are_not_listed,
    erased_subscriber_is_not_exported,
);

async fn find(db: &TestStore, n: u8) -> Option<DeskSubscriber> {
    let subscriber_ref = Some("2024-01-01".to_owned());
    let found = db.store.look_up_for_export(None, NOW, stamp("X-1"), sealed_number(n).index, subscriber_ref);
    found.await.expect("works")
}

async fn list(db: &TestStore, n: u8) -> Vec<KeptTable> {
    let subscriber = find(db, n).await.expect("is there");
    db.store.list_kept_rows(subscriber, sealed_number(n).index).await.expect("works")
}

fn count(tables: &[KeptTable], name: &str) -> usize {
    tables.iter().find(|table| table.table == name).expect("is listed").rows.len()
}

/// A subscriber with something in most tables.
async fn fill(db: &TestStore, n: u8) {
    let pai = db.sign_up_subscriber(n).await.pai;
    let recorded = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("netflix"),
        format!("ps-{n}"),
        new_subscription(pai, &format!("sub-{n}")),
        subscription_terms(),
    );
    recorded.await.expect("works");
    let charge = format!("c-{n}");
    let transaction_id = db.post_approved_charge(pai, &charge, 1599).await;
    db.post_new_refund(new_refund(&charge, &format!("r-{n}"), Some(600))).await;
    let request = DisputeChange {
        dispute_id: format!("dp-{n}"),
        transaction_id,
        reference: parse_ext_id("D-1"),
        step: DisputeStep::Open(DisputeReason::Fraud),
    };
    db.store.post_dispute(None, NOW, stamp("D-1"), request).await.expect("works");
    db.issue_new_coupon(new_coupon(n, &format!("coupon-{n}"))).await;
}

async fn all_that_is_kept_on_a_person_is_listed(db: TestStore) {
    fill(&db, 1).await;
    record_event(&db, new_event("e-1", AccountEvent::Suspended, 10)).await;
    let tables = list(&db, 1).await;
    for name in [
        "subscribers",
        "pais",
        "signups",
        "partner_subscriptions",
        "mandates",
        "transactions",
        "refunds",
        "disputes",
        "spending",
        "coupons",
        "account_events",
    ] {
        assert!(count(&tables, name) > 0, "{name}");
    }
    let charges = tables.iter().find(|table| table.table == "transactions").expect("is listed");
    let place = charges.columns.iter().position(|column| *column == "amount_minor").expect("is shown");
    assert_eq!(charges.rows[0][place].as_deref(), Some("1599"));
    // The export itself is in the audit, by the handle, and so on the next one.
    assert_eq!(count(&tables, "audit"), 2, "the dispute and this export");
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let last = entries.last().expect("is there");
    assert_eq!((last.act, last.outcome), (AuditAct::SubscriberExported, AuditOutcome::Done));
}

async fn nothing_of_another_person_is_listed(db: TestStore) {
    fill(&db, 1).await;
    let before = list(&db, 1).await;
    fill(&db, 2).await;
    for (table, earlier) in list(&db, 1).await.iter().zip(&before) {
        // The first export is an entry by now.
        let more = usize::from(table.table == "audit");
        assert_eq!(table.rows.len(), earlier.rows.len() + more, "{}", table.table);
    }
    assert!(count(&list(&db, 2).await, "transactions") == 1);
}

/// Some rows are by the number alone, and the earlier subscriber has left such rows.
async fn earlier_subscribers_links_are_not_listed(db: TestStore) {
    db.sign_up_subscriber(1).await;
    let (first, day) = (NOW.unix_seconds() + 1, NOW.unix_seconds() / 86_400 + 1);
    let facts = format!(
        "INSERT INTO sim_swaps (number_index, swapped_at) SELECT number_index, {first} FROM subscribers;
         INSERT INTO number_checks (number_index, partner, day, counted)
         SELECT number_index, 'netflix', {day}, 3 FROM subscribers;
         INSERT INTO flows (flow_hash, number_index, number_sealed, locale, return_url, started_at, expires_at)
         SELECT number_index, number_index, number_sealed, 'en', 'https://acme.example/', {first}, {first} + 600
         FROM subscribers"
    );
    db.place.run_sql(&facts).await;
    let by_number =
        |tables: &[KeptTable]| ["sim_swaps", "number_checks", "flows"].map(|name| count(tables, name));
    assert_eq!(by_number(&list(&db, 1).await), [1, 1, 1]);

    let changed = NOW.plus_seconds(5 * 86_400);
    let issued = db.store.issue_signup(fresh_nonce(), changed, new_signup("netflix", 1, "2026-11-01")).await;
    assert!(matches!(issued, Ok(IssueSignupResult::Issued(_))), "{issued:?}");
    let list_later = async || {
        let number = sealed_number(1).index;
        let later = Some("2026-11-01".to_owned());
        let found = db.store.look_up_for_export(None, changed, stamp("X-2"), number, later).await;
        let found = found.expect("works").expect("is there");
        db.store.list_kept_rows(found, number).await.expect("works")
    };
    assert_eq!(by_number(&list_later().await), [0, 0, 0]);
    let (since, its_day) = (changed.unix_seconds(), changed.unix_seconds() / 86_400 + 1);
    let later_facts = format!(
        "UPDATE sim_swaps SET swapped_at = {since}; UPDATE number_checks SET day = {its_day};
         UPDATE flows SET started_at = {since}, expires_at = {since} + 600"
    );
    db.place.run_sql(&later_facts).await;
    assert_eq!(by_number(&list_later().await), [1, 1, 1]);
}

async fn erased_subscriber_is_not_exported(db: TestStore) {
    fill(&db, 1).await;
    db.store.erase_number(None, NOW, stamp("E-1"), None, sealed_number(1).index).await.expect("works");
    assert_eq!(find(&db, 1).await, None);
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let last = entries.last().expect("is there");
    assert_eq!((last.act, last.outcome), (AuditAct::SubscriberExported, AuditOutcome::NotFound));
}
