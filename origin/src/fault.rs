//! Failures at the boundary. A [`Reject`] is an answer; a [`Fault`] is ours, logged once here, and the caller sees
//! only that it happened.

use crate::store::StoreError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use onbill_domain::reject::{ErrorCode, Reject};

/// We failed.
#[derive(Debug)]
pub enum Fault {
    /// The books could not be read or written.
    Store(StoreError),
    /// The operator's systems did not give a usable answer.
    CspApi(&'static str),
    /// The folder of files for billing could not be read or written.
    Spool(String),
    /// Something that this program guarantees did not hold.
    Broken(&'static str),
}

/// Why a call has no positive answer.
#[derive(Debug)]
pub enum Failure {
    /// The answer is no.
    Reject(Reject),
    /// There is no answer.
    Fault(Fault),
}

impl From<Reject> for Failure {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            // A replayed call looks like any other without a valid signature.
            StoreError::NonceReplayed => Self::Reject(Reject::unauthorized()),
            error => Self::Fault(Fault::Store(error)),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NonceReplayed => Self::Broken("a nonce was spent twice without a call"),
            error => Self::Store(error),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Spool(error.to_string())
    }
}

impl Fault {
    /// What the caller is told.
    fn to_reject(&self) -> Reject {
        match self {
            // Both pass: the caller may come back.
            Self::Store(_) | Self::CspApi(_) | Self::Spool(_) => Reject::service_unavailable(),
            Self::Broken(_) => Reject::new(ErrorCode::InternalError, "An internal error occurred."),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let reject = match self {
            Self::Reject(reject) => {
                tracing::info!(code = reject.code.as_str(), "refused");
                reject
            }
            Self::Fault(fault) => {
                tracing::error!(?fault, "failed");
                fault.to_reject()
            }
        };
        http::Response::<bytes::Bytes>::from(reject).map(Body::from)
    }
}
