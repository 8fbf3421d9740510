//! The CSP API, one call per file: onbill's origin uses it for accounts, billing and SMS. Every
//! call is signed, and every number in it is E.164.

pub(super) mod account_validate;
pub(super) mod notification;
pub(super) mod refund;
pub(super) mod transaction;

use super::Operator;
use super::ledger::PostOutcome;
use crate::answer::Refusal;
use axum::extract::Request;
use http::StatusCode;
use onbill_domain::limits::EXT_ID_CHARS_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire;
use serde::de::DeserializeOwned;

/// The body of a signed call.
async fn signed_json<T: DeserializeOwned>(operator: &Operator, request: Request) -> Result<T, Refusal> {
    let body = operator.0.gate.admit(request, operator.now()).await?;
    Ok(wire::parse(&body)?)
}

/// 201 for the first time, 200 for a replay, `idempotency-violation` for other contents.
fn once<T>(posted: PostOutcome<T>) -> Result<(StatusCode, T), Refusal> {
    match posted {
        PostOutcome::First(answer) => Ok((StatusCode::CREATED, answer)),
        PostOutcome::Again(answer) => Ok((StatusCode::OK, answer)),
        PostOutcome::Conflict => Err(Reject::new(
            ErrorCode::IdempotencyViolation,
            "This identifier was used before with other contents.",
        )
        .into()),
    }
}

/// Refuses an id that no program would generate.
fn check_id(name: &str, id: &str) -> Result<(), Refusal> {
    if (1..=EXT_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Reject::invalid_request(format!("{name} must be 1 to 128 printable ASCII characters.")).into())
    }
}
