//! `/operator/v1/queue`: what waits, and what waits for a person.

use crate::ambient::Clock;
use crate::care::{Act, DeskGate};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::store::{AuditStamp, DeadLetter, Queue, QueueFigures, Store};
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use onbill_domain::limits::DESK_LINES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::parse;
use onbill_domain::wire::queue::{
    DeadLetterView, JobRetryRequest, JobRetryResponse, LastAnswerView, QueueQuery, QueueResponse, QueueView,
};
use std::sync::Arc;

/// `GET …/queue`: 200 with each queue, and a page of dead letters. 400 `invalid-request` for a
/// malformed query. It only reads, so its nonce need not be spent.
pub(in crate::routes) async fn read_queue(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    query: Result<Query<QueueQuery>, QueryRejection>,
    _: OperatorCall,
) -> Result<Json<QueueResponse>, Failure> {
    let no_cursor = |_| Reject::invalid_request("cursor is not one of an earlier page.");
    let Query(QueueQuery { cursor }) = query.map_err(no_cursor)?;
    let figures = store.read_figures(clock.now()).await?;
    let dead_letters = store.dead_letters(cursor, DESK_LINES_MAX).await?;
    let is_full = dead_letters.len() == DESK_LINES_MAX as usize;
    let next = dead_letters.last().filter(|_| is_full).map(|last| last.job_id);
    let view = |(queue, figures): (Queue, QueueFigures)| QueueView {
        queue: queue.as_str().to_owned(),
        jobs: figures.entries,
        oldest_age_seconds: figures.oldest_age_seconds,
        dead_letters: figures.dead_letters,
    };
    Ok(Json(QueueResponse {
        queues: figures.queues.into_iter().map(view).collect(),
        dead_letters: dead_letters.into_iter().map(view_dead_letter).collect(),
        next,
    }))
}

fn view_dead_letter(dead_letter: DeadLetter) -> DeadLetterView {
    DeadLetterView {
        job: dead_letter.job_id,
        kind: dead_letter.kind.as_str().to_owned(),
        id: dead_letter.id,
        partner: dead_letter.partner,
        ext_id: dead_letter.ext_id,
        attempts: dead_letter.attempts,
        dead_lettered_at: dead_letter.dead_lettered_at,
        last_answer: dead_letter.last_answer.map(|answer| LastAnswerView {
            kind: answer.kind.as_str().to_owned(),
            code: answer.code,
            text: answer.text,
        }),
    }
}

/// `POST …/queue/{job}/retry`: 200 when the job is queued again. Its attempts begin again, and billing
/// is asked before anything is submitted again, so nothing is billed twice. 403 `forbidden` for a role
/// that may not; 404 `not-found` for a job
/// that is no dead letter, or is none any more.
pub(in crate::routes) async fn retry_job(
    State(gate): State<Arc<DeskGate>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<JobRetryResponse>, Failure> {
    let JobRetryRequest { actor, role, reference } = parse(&call.body)?;
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such dead letter.");
    let Path(text) = path.map_err(|_| not_found())?;
    let job: i64 = text.parse().map_err(|_| not_found())?;
    let stamp = AuditStamp { key: call.key, actor, role, reference };
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::RetryJob).await?;
    if !store.redrive_by_hand(Some(call.nonce), clock.now(), stamp, job).await? {
        return Err(not_found().into());
    }
    wake_up.wake(Queue::All);
    Ok(Json(JobRetryResponse { job }))
}
