//! A refusal: we worked, and the answer is no. It has a stable code for programs and one public sentence for an
//! engineer. Our own failures (a `Fault`) are another type, in each program.

use crate::limits::RETRY_AFTER_SECONDS;
use http::StatusCode;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:expr;)*) => {
        /// Every code of the contract, and the three that only the widget's own API uses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl ErrorCode {
            /// The kebab-case word in the body.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status it goes with, always the same one.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The request is not well formed.
    InvalidRequest = "invalid-request", StatusCode::BAD_REQUEST;
    /// A well-formed member has a value that we do not serve.
    ParameterNotSupported = "parameter-not-supported", StatusCode::BAD_REQUEST;
    /// No valid signature. Unknown key, bad signature, stale and replayed are this one answer.
    AuthorizationFailure = "authorization-failure", StatusCode::UNAUTHORIZED;
    /// Known caller, not allowed here.
    Forbidden = "forbidden", StatusCode::FORBIDDEN;
    /// No such account, or it has ended.
    AccountNotFound = "account-not-found", StatusCode::NOT_FOUND;
    /// No such PAI of this partner.
    PaiNotFound = "pai-not-found", StatusCode::NOT_FOUND;
    /// No such transaction of this partner.
    TransactionNotFound = "transaction-not-found", StatusCode::NOT_FOUND;
    /// The account is suspended because a bill is unpaid.
    SuspendedNonPayment = "suspended-non-payment", StatusCode::BAD_REQUEST;
    /// The prepaid balance does not cover the price.
    InsufficientBalance = "insufficient-balance", StatusCode::BAD_REQUEST;
    /// The account may not buy this.
    AccountNotEligible = "account-not-eligible", StatusCode::BAD_REQUEST;
    /// The PIN does not match.
    PinInvalid = "pin-invalid", StatusCode::BAD_REQUEST;
    /// The PIN is too old, or there is none.
    PinExpired = "pin-expired", StatusCode::BAD_REQUEST;
    /// The token is not genuine, or not for this caller.
    TokenInvalid = "token-invalid", StatusCode::BAD_REQUEST;
    /// The token is too old.
    TokenExpired = "token-expired", StatusCode::BAD_REQUEST;
    /// The token was spent by another reference.
    TokenAlreadyUsed = "token-already-used", StatusCode::CONFLICT;
    /// The same request is being worked on.
    RequestInProgress = "request-in-progress", StatusCode::CONFLICT;
    /// The same identifier came with other contents.
    IdempotencyViolation = "idempotency-violation", StatusCode::UNPROCESSABLE_ENTITY;
    /// Over a rate or count; `Retry-After` says when to come back.
    TooManyRequests = "too-many-requests", StatusCode::TOO_MANY_REQUESTS;
    /// A party behind us does not answer; `Retry-After` says when to come back.
    ServiceUnavailable = "service-unavailable", StatusCode::SERVICE_UNAVAILABLE;
    /// We failed.
    InternalError = "internal-error", StatusCode::INTERNAL_SERVER_ERROR;
    /// Body over the limit.
    BodyTooLarge = "body-too-large", StatusCode::PAYLOAD_TOO_LARGE;
    /// Another content type than `application/json`.
    UnsupportedMediaType = "unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE;
    /// No such path.
    NotFound = "not-found", StatusCode::NOT_FOUND;
    /// The path exists, for other methods.
    MethodNotAllowed = "method-not-allowed", StatusCode::METHOD_NOT_ALLOWED;
    /// Widget only: this subscriber already pays this partner on the bill.
    AlreadyOnBill = "already-on-bill", StatusCode::CONFLICT;
    /// Widget only: the partner's sign-up does not answer.
    PartnerUnavailable = "partner-unavailable", StatusCode::SERVICE_UNAVAILABLE;
}

/// A refusal on its way to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for an engineer: no number, no token, nothing internal.
    pub message: String,
    /// Seconds after which to come back, on 429 and 503.
    pub retry_after_seconds: Option<u32>,
}

impl Reject {
    /// A refusal with its sentence; 503s get the usual `Retry-After`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retry = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, message: message.into(), retry_after_seconds: retry }
    }

    /// 400 `invalid-request`.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// 429 with the seconds to wait.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let retry_after_seconds = Some(retry_after_seconds);
        Self { code: ErrorCode::TooManyRequests, message: message.into(), retry_after_seconds }
    }

    /// The one answer to a call without a valid signature, whatever was wrong with it.
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::AuthorizationFailure, "The request does not carry a valid signature.")
    }

    /// 400 `suspended-non-payment`.
    pub fn suspended_non_payment() -> Self {
        Self::new(ErrorCode::SuspendedNonPayment, "The account is suspended for non-payment.")
    }

    /// 503: a party behind us does not answer.
    pub fn service_unavailable() -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "The operator's systems do not answer at the moment.")
    }

    /// The body to send.
    pub fn body(&self) -> ErrorBody {
        ErrorBody { code: self.code.as_str().to_owned(), message: self.message.clone() }
    }
}

/// The JSON of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The kebab-case code.
    pub code: String,
    /// One sentence for an engineer.
    pub message: String,
}

impl From<Reject> for http::Response<bytes::Bytes> {
    /// The refusal as HTTP: JSON, never cached, with `Retry-After` where it has one.
    fn from(reject: Reject) -> Self {
        let body = serde_json::to_vec(&reject.body()).unwrap_or_default();
        let mut response = http::Response::new(bytes::Bytes::from(body));
        *response.status_mut() = reject.code.status();
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
        if let Some(seconds) = reject.retry_after_seconds {
            headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from(seconds));
        }
        response
    }
}
