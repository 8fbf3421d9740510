//! The state of a PAI is reported to partner and edge: eventually the last one, once to each of
//! them, and all of them by the page. A PAI is kept byte for byte.

use crate::events::{new_event, record_event};
use crate::outcome::done;
use crate::test_store::{TestStore, new_signup, new_subscription, subscription_terms};
use crate::test_values::{NOW, fresh_nonce, partner_id};
use onbill_domain::account_event::AccountEvent::{Ceased, Resumed, Suspended};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::limits::PAI_CHARS_MAX;
use onbill_domain::pai::{Pai, PaiState};
use onbill_origin::store::{Job, LeasedJob, Queue, RecordSubscriptionResult, SettleResult, WebhookJob};
use std::collections::BTreeSet;

on_each_database!(
    partner_and_edge_get_the_last_pai_state,
    attempt_under_way_ends_no_newer_report,
    a_partner_without_a_subscription_hears_nothing_yet,
    all_pais_are_read_in_pages,
    pais_of_another_system_are_kept_as_they_are,
);

/// Which of a PAI's jobs are leased at `at`, with their attempts.
async fn lease_reports(db: &TestStore, at: i64) -> Vec<LeasedJob> {
    let now = NOW.plus_seconds(at);
    let mut due = db.store.lease_due(Queue::All, now, now.plus_seconds(120), 16).await.expect("works");
    due.retain(|entry| {
        matches!(entry.job, Job::Webhook(WebhookJob::Pai { .. } | WebhookJob::PaiMapping { .. }))
    });
    due
}

async fn partner_and_edge_get_the_last_pai_state(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    record_subscription(&db, subscriber.pai).await;
    assert!(lease_reports(&db, 0).await.is_empty());
    record_event(&db, new_event("e-1", Suspended, 10)).await;
    let first = lease_reports(&db, 0).await;
    assert_eq!(first.len(), 2, "the partner and the edge");
    // While the first report is in progress, it becomes outdated.
    record_event(&db, new_event("e-2", Resumed, 20)).await;
    let second = lease_reports(&db, 0).await;
    assert_eq!(second.len(), 2);
    for entry in first {
        assert_eq!(db.settle_job(NOW, entry, done()).await.expect("works"), SettleResult::Late);
    }
    assert!(lease_reports(&db, 119).await.is_empty(), "the second has it");
    assert_eq!(lease_reports(&db, 120).await.len(), 2, "what is old does not end it");
    let standing = db.store.find_pai_status(subscriber.pai).await.expect("works").expect("is there");
    assert_eq!((standing.state, standing.version, standing.closed_reason), (PaiState::Active, 3, None));
    for entry in lease_reports(&db, 240).await {
        assert_eq!(db.settle_job(NOW, entry, done()).await.expect("works"), SettleResult::Written);
    }
    assert_eq!(db.store.next_due(Queue::All).await.expect("works"), None);
    // A charge that closes the PAI is reported as well, and so is a new subscriber of the number.
    let next = new_signup("netflix", 1, "2026-01-01");
    db.store.issue_signup(fresh_nonce(), NOW, next).await.expect("works");
    assert_eq!(lease_reports(&db, 300).await.len(), 2);
    let standing = db.store.find_pai_status(subscriber.pai).await.expect("works").expect("is there");
    assert_eq!(standing.closed_reason, Some(DeclineReason::AccountClosedTakenOver));
}

async fn attempt_under_way_ends_no_newer_report(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    record_subscription(&db, subscriber.pai).await;
    record_event(&db, new_event("e-1", Suspended, 10)).await;
    let under_way = lease_reports(&db, 0).await;
    record_event(&db, new_event("e-2", Resumed, 20)).await;
    // It ends before anybody takes the newer report.
    for entry in under_way {
        assert_eq!(db.settle_job(NOW, entry, done()).await, Ok(SettleResult::Late));
    }
    assert_eq!(lease_reports(&db, 0).await.len(), 2, "the partner and the edge");
}

async fn record_subscription(db: &TestStore, pai: Pai) {
    let id = format!("ps-{pai}");
    let record = db
        .store
        .record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            id,
            new_subscription(pai, "s-1"),
            subscription_terms(),
        )
        .await;
    assert!(matches!(record, Ok(RecordSubscriptionResult::Created(_))), "{record:?}");
}

async fn a_partner_without_a_subscription_hears_nothing_yet(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    record_event(&db, new_event("e-1", Suspended, 10)).await;
    let reported = lease_reports(&db, 0).await;
    assert!(
        matches!(reported[..], [LeasedJob { job: Job::Webhook(WebhookJob::PaiMapping { .. }), .. }]),
        "{reported:?}"
    );
    // A subscription is recorded for a PAI that is suspended.
    record_subscription(&db, subscriber.pai).await;
    let reported = lease_reports(&db, 0).await;
    assert!(
        reported.iter().any(|entry| matches!(entry.job, Job::Webhook(WebhookJob::Pai { .. }))),
        "{reported:?}"
    );
}

async fn all_pais_are_read_in_pages(db: TestStore) {
    let mut issued = Vec::new();
    for n in 1..=5 {
        issued.push(db.sign_up_subscriber(n).await.pai);
    }
    record_event(&db, new_event("e-1", Ceased, 10)).await;
    issued.sort();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = db.store.list_pai_statuses(after, 2).await.expect("works");
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.0);
        read.extend(page);
    }
    assert_eq!(read.iter().map(|(pai, _)| *pai).collect::<Vec<_>>(), issued, "closed ones too");
    for (pai, standing) in read {
        assert_eq!(db.store.find_pai_status(pai).await.expect("works"), Some(standing));
    }
}

async fn pais_of_another_system_are_kept_as_they_are(db: TestStore) {
    let parse = |text| Pai::parse(text).expect("is a PAI");
    let longest = "x".repeat(PAI_CHARS_MAX);
    let pais = ["ENT1664367665579", "ent1664367665579", "4567890123456789", "-._~", &longest].map(parse);
    for (n, pai) in (1..).zip(pais) {
        let mut signup = new_signup("netflix", n, "2026-01-01");
        signup.pai.fresh.pai = pai;
        db.store.issue_signup(fresh_nonce(), NOW, signup).await.expect("works");
    }
    for pai in pais {
        let row = db.store.find_pai(partner_id("netflix"), pai).await.expect("works").expect("is there");
        assert_eq!((row.pai, row.state), (pai, PaiState::Active));
    }
    for other in ["Ent1664367665579", "04567890123456789", "-._"].map(parse) {
        assert_eq!(db.store.find_pai_status(other).await.expect("works"), None, "{other}");
    }
    let all = db.store.list_pai_statuses(None, 10).await.expect("works");
    assert_eq!(all.iter().map(|(pai, _)| *pai).collect::<BTreeSet<_>>(), BTreeSet::from(pais));
    record_event(&db, new_event("e-1", Ceased, 10)).await;
    let reported = lease_reports(&db, 0).await;
    let is_first = |job: &Job| matches!(job, Job::Webhook(WebhookJob::PaiMapping { pai }) if *pai == pais[0]);
    assert!(reported.iter().any(|entry| is_first(&entry.job)), "{reported:?}");
}
