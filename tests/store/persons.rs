//! What is kept on a person: all of theirs, table by table, and nothing of anybody else.

use crate::audit::stamp;
use crate::events::{new_event, record_event};
use crate::test_store::{
    NOW, TestStore, fresh_nonce, new_coupon, new_refund, new_subscription, parse_ext_id, partner_id,
    sealed_number, subscription_terms,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::dispute::DisputeReason;
use onbill_origin::store::{DeskSubscriber, DisputeChange, DisputeStep, KeptTable};

on_each_database!(
    all_that_is_kept_on_a_person_is_listed,
    nothing_of_another_person_is_listed,
    nobody_is_exported_after_an_erasure,
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
    let change = DisputeChange {
        dispute_id: format!("dp-{n}"),
        transaction_id,
        reference: parse_ext_id("D-1"),
        step: DisputeStep::Open(DisputeReason::Fraud),
    };
    db.store.post_dispute(None, NOW, stamp("D-1"), change).await.expect("works");
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

async fn nobody_is_exported_after_an_erasure(db: TestStore) {
    fill(&db, 1).await;
    db.store.erase_number(None, NOW, stamp("E-1"), None, sealed_number(1).index).await.expect("works");
    assert_eq!(find(&db, 1).await, None);
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let last = entries.last().expect("is there");
    assert_eq!((last.act, last.outcome), (AuditAct::SubscriberExported, AuditOutcome::NotFound));
}
