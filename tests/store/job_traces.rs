//! A job keeps the correlator and the trace of the call that it follows from, for all its attempts.

use crate::outcome::{declined, later};
use crate::test_store::{NOW, TestStore, fresh_nonce, new_charge, new_flow, partner_id};
use futures_util::future::join_all;
use onbill_domain::correlator::Correlator;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::trace_context::TraceParent;
use onbill_origin::call_trace::CallTrace;
use onbill_origin::store::{Job, LeasedJob, PostChargeResult, WebhookJob};

on_each_database!(
    a_job_keeps_the_trace_of_its_call,
    a_webhook_follows_from_the_job_that_settled,
    charges_posted_together_keep_their_own_traces,
    a_change_of_a_pai_has_its_trace,
    a_job_without_a_call_has_no_trace,
);

/// The trace of a call with this correlator.
fn trace(n: u8) -> CallTrace {
    let correlator = Correlator::parse(&format!("call-{n}")).expect("is well formed");
    CallTrace { correlator, parent: TraceParent::begin([n; 16]) }
}

fn traces(jobs: &[LeasedJob]) -> Vec<Option<CallTrace>> {
    jobs.iter().map(|job| job.trace.clone()).collect()
}

async fn a_job_keeps_the_trace_of_its_call(db: TestStore) {
    let call = db.store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32])));
    trace(1).scope(call).await.expect("works");
    assert_eq!(traces(&db.lease_due(0).await), [Some(trace(1))]);
    let db = db.reopen().await;
    assert_eq!(traces(&db.lease_due(120).await), [Some(trace(1))], "the second attempt");
}

async fn a_webhook_follows_from_the_job_that_settled(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let post = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599));
    let id = trace(1).scope(post).await;
    trace(2).scope(db.store.answer_transaction(NOW, id, later(300))).await.expect("works");
    let due = db.lease_due(300).await;
    assert_eq!(traces(&due), [Some(trace(1))], "putting a job off leaves its trace");
    let settle = db.settle_job(NOW, due[0].clone(), declined(DeclineReason::InsufficientBalance));
    due[0].trace.clone().expect("is there").scope(settle).await.expect("works");
    let due = db.lease_due(300).await;
    assert!(matches!(due[0].job, Job::Webhook(WebhookJob::Charge { .. })), "{due:?}");
    assert_eq!(traces(&due), [Some(trace(1))]);
}

async fn charges_posted_together_keep_their_own_traces(db: TestStore) {
    let pais = join_all((1..=8).map(async |n| db.sign_up_subscriber(n).await.pai)).await;
    let posts = pais.iter().zip(1..).map(|(pai, n)| {
        let post = db.store.post_charge(fresh_nonce(), NOW, new_charge(*pai, &format!("n-{n}"), 1599));
        async move { (n, trace(n).scope(post).await) }
    });
    let mut by_id = Vec::new();
    for (n, posted) in join_all(posts).await {
        let Ok(PostChargeResult::Created(charge)) = posted else { panic!("{posted:?}") };
        by_id.push((charge.transaction_id, n));
    }
    let due = db.lease_due(60).await;
    assert_eq!(due.len(), 8);
    for leased in due {
        let Job::Charge { transaction_id } = &leased.job else { panic!("{leased:?}") };
        let (_, n) = by_id.iter().find(|(id, _)| id == transaction_id).expect("was posted");
        assert_eq!(leased.trace, Some(trace(*n)));
    }
}

async fn a_change_of_a_pai_has_its_trace(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let close = |reason| db.store.close_pai(NOW, partner_id("netflix"), subscriber.pai, reason);
    trace(1).scope(close(DeclineReason::PaiRevokedByUser)).await.expect("works");
    let due = db.lease_due(0).await;
    assert!(!due.is_empty() && traces(&due).iter().all(|found| *found == Some(trace(1))), "{due:?}");
}

async fn a_job_without_a_call_has_no_trace(db: TestStore) {
    db.store.start_flow(fresh_nonce(), NOW, new_flow(1, Some([1; 32]))).await.expect("works");
    assert_eq!(traces(&db.lease_due(0).await), [None]);
}
