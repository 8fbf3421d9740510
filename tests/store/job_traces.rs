//! A job keeps the correlator and the trace of the call that it follows from, for all its attempts.

use crate::outcome::{declined, later};
use crate::test_store::{TestStore, new_charge, new_flow};
use crate::test_values::{NOW, fresh_nonce, partner_id};
use futures_util::future::join_all;
use onbill_domain::correlator::Correlator;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::trace_context::TraceParent;
use onbill_origin::call_trace::CallTrace;
use onbill_origin::config::FileColumns;
use onbill_origin::store::{
    ChargeDecision, Job, LeasedJob, LineDecision, PostChargeResult, Queue, WebhookJob,
};
use std::collections::HashMap;

on_each_database!(
    a_job_keeps_the_trace_of_its_call,
    a_webhook_follows_from_the_job_that_settled,
    a_line_of_a_file_keeps_the_trace_of_its_job,
    charges_posted_together_keep_their_own_traces,
    a_change_of_a_pai_has_its_trace,
    a_job_without_a_call_has_no_trace,
);

/// The trace of a call with this correlator.
fn trace(n: u8) -> CallTrace {
    let correlator = Correlator::parse(&format!("call-{n}")).expect("is well formed");
    CallTrace::new(correlator, TraceParent::begin([n; 16]))
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

async fn a_line_of_a_file_keeps_the_trace_of_its_job(db: TestStore) {
    let mut ids = Vec::new();
    for n in 1..=2 {
        let subscriber = db.sign_up_subscriber(n).await;
        let post = db.post_new_charge(new_charge(subscriber.pai, &format!("n-{n}"), 1599));
        let id = trace(n).scope(post).await;
        db.store.answer_transaction(NOW, id.clone(), later(0)).await.expect("works");
        ids.push(id);
    }
    let now = NOW.plus_seconds(1);
    let due = db.store.lease_due(Queue::Billing, now, now.plus_seconds(900), 16).await.expect("works");
    let traced: HashMap<String, CallTrace> = ids.into_iter().zip([trace(1), trace(2)]).collect();
    let file = || "f-1".to_owned();
    let filing = db.store.create_billing_file(NOW, file(), due, FileColumns::default());
    assert_eq!(trace(9).scope(filing).await.expect("works"), 2);
    let list = async || db.store.list_file_lines(file()).await.expect("works");
    for line in list().await {
        assert_eq!(line.trace.as_ref(), traced.get(line.bill.id()), "of the charge, and not of the round");
        let approved = ChargeDecision::Approved { raw_code: None, billed_on: None };
        let settling = db.store.settle_line(NOW, file(), line.line, LineDecision::Charge(approved));
        line.trace.expect("is there").scope(settling).await.expect("works");
    }
    let webhooks = db.store.lease_due(Queue::PartnerWebhooks, now, now.plus_seconds(900), 16).await;
    for webhook in webhooks.expect("works") {
        let Job::Webhook(WebhookJob::Charge { transaction_id }) = &webhook.job else { panic!("{webhook:?}") };
        assert_eq!(webhook.trace.as_ref(), traced.get(transaction_id));
    }
    db.store.accept_response(file(), [7; 32]).await.expect("works");
    db.store.mark_file_acknowledged(NOW, file()).await.expect("works");
    let left = list().await;
    assert!(left.len() == 2 && left.iter().all(|line| line.trace.is_none()), "nothing follows any more");
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
