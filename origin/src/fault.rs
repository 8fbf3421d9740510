//! Failures at the boundary. A [`Reject`] is a response to the caller; a [`Fault`] is a failure of
//! ours, which is logged once, here, and whose details the caller does not see.

use crate::call_outcome::CallOutcome;
use crate::store::StoreError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use onbill_domain::account::UnknownWord;
use onbill_domain::reject::{ErrorCode, Reject};

/// A failure of this service or of a system behind it.
#[derive(Debug)]
pub enum Fault {
    /// The database could not be read or written.
    Store(StoreError),
    /// The operator's systems gave no usable response.
    CspApi(&'static str),
    /// The operator's systems used a word that decides and is not known.
    UnknownWord(UnknownWord),
    /// The folder of files for billing could not be read or written.
    Spool(String),
    /// An invariant of this program did not hold.
    Broken(&'static str),
}

/// Why a call does not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The call is refused.
    Reject(Reject),
    /// The call could not be decided.
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
            // A replayed call looks like any other call without a valid signature.
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
    /// The response to the caller.
    fn to_reject(&self) -> Reject {
        match self {
            // A mistake in this program, as when a handler panics.
            Self::Store(StoreError::Panicked) | Self::Broken(_) => {
                Reject::new(ErrorCode::InternalError, "An internal error occurred.")
            }
            // These are temporary: the caller may retry.
            Self::Store(_) | Self::CspApi(_) | Self::UnknownWord(_) | Self::Spool(_) => {
                Reject::service_unavailable()
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (reject, outcome) = match self {
            Self::Reject(reject) => {
                let outcome = CallOutcome::refused(reject.code);
                (reject, outcome)
            }
            Self::Fault(fault) => {
                tracing::error!(?fault, "failed");
                let reject = fault.to_reject();
                let outcome = CallOutcome::failed(reject.code);
                (reject, outcome)
            }
        };
        let mut response = http::Response::<bytes::Bytes>::from(reject).map(Body::from);
        response.extensions_mut().insert(outcome);
        response
    }
}
