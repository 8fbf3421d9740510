//! A reject: onbill worked, and the response is no. It has a stable code for programs and one
//! public sentence for an engineer. A failure of onbill itself is a `Fault`, a type of each
//! program.

use crate::limits::RETRY_AFTER_SECONDS;
use crate::refusal_detail::{RefusalReason, WayOn};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::wire_enum! {
    /// Every code of the contract, and those that only the widget's own API uses.
    pub enum ErrorCode {
        /// The request is not well formed.
        InvalidRequest = "invalid-request",
        /// A well-formed member has a value that is not supported here.
        ParameterNotSupported = "parameter-not-supported",
        /// The signature is missing or not valid. An unknown key, a bad signature, a stale and a
        /// replayed call all get this code, so that a caller learns nothing about the others.
        AuthorizationFailure = "authorization-failure",
        /// The caller is known and may not do this.
        Forbidden = "forbidden",
        /// There is no such account, or it has ended.
        AccountNotFound = "account-not-found",
        /// This partner has no such PAI.
        PaiNotFound = "pai-not-found",
        /// This partner has no such transaction.
        TransactionNotFound = "transaction-not-found",
        /// This partner has no such subscription.
        SubscriptionNotFound = "subscription-not-found",
        /// The account is suspended because a bill is unpaid.
        SuspendedNonPayment = "suspended-non-payment",
        /// The prepaid balance does not cover the price.
        InsufficientBalance = "insufficient-balance",
        /// The account may not buy this.
        AccountNotEligible = "account-not-eligible",
        /// The operator takes no new customers at the moment.
        SignupsClosed = "signups-closed",
        /// The PIN does not match.
        PinInvalid = "pin-invalid",
        /// The PIN has expired, or none was sent.
        PinExpired = "pin-expired",
        /// The token is not genuine, or not for this caller.
        TokenInvalid = "token-invalid",
        /// The token has expired.
        TokenExpired = "token-expired",
        /// The token was used with another reference.
        TokenAlreadyUsed = "token-already-used",
        /// The same request is still in progress.
        RequestInProgress = "request-in-progress",
        /// The identifier was used before, with other contents.
        IdempotencyViolation = "idempotency-violation",
        /// Operator only: the charge has another open dispute, or this one was decided otherwise.
        DisputeConflict = "dispute-conflict",
        /// The caller is over a rate or a count; `Retry-After` says when to try again.
        TooManyRequests = "too-many-requests",
        /// A system behind onbill does not respond; `Retry-After` says when to try again.
        ServiceUnavailable = "service-unavailable",
        /// onbill failed.
        InternalError = "internal-error",
        /// The body is over the size limit.
        BodyTooLarge = "body-too-large",
        /// The content type is not `application/json`.
        UnsupportedMediaType = "unsupported-media-type",
        /// There is no such path.
        NotFound = "not-found",
        /// The path exists for other methods.
        MethodNotAllowed = "method-not-allowed",
        /// Widget only: the subscriber already pays this partner on the bill.
        AlreadyOnBill = "already-on-bill",
        /// Widget only: the partner's sign-up does not respond.
        PartnerUnavailable = "partner-unavailable",
        /// Widget only: the number is one of another country, and no session vouches for it.
        NumberForeign = "number-foreign",
        /// Widget only: the customer has to solve a challenge first, or another one.
        ChallengeRequired = "challenge-required",
        /// Widget only: a solved challenge cannot be checked at the moment.
        ChallengeUnavailable = "challenge-unavailable",
        /// Frame only: the address names no operator, or neither an offer nor a view.
        AttributeMissing = "attribute-missing",
        /// Frame only: this edge does not serve the operator.
        OperatorNotServed = "operator-not-served",
        /// Frame only: the operator does not sell the offer.
        OfferNotServed = "offer-not-served",
        /// Frame only: there is no such view.
        ViewNotServed = "view-not-served",
        /// Frame only: the page around it is not on one of the operator's dashboards.
        PageNotListed = "page-not-listed",
        /// Frame only: the return URL is not on one of the operator's dashboards.
        ReturnUrlNotListed = "return-url-not-listed",
        /// Frame only: the return URL already has a result.
        ReturnUrlTaken = "return-url-taken",
        /// Frame only: the sandbox around it does not allow forms.
        LacksForms = "lacks-allow-forms",
        /// Frame only: the sandbox around it takes its origin away.
        LacksSameOrigin = "lacks-allow-same-origin",
    }
}

impl ErrorCode {
    /// The one HTTP status that the code is sent with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest
            | Self::ParameterNotSupported
            | Self::SuspendedNonPayment
            | Self::InsufficientBalance
            | Self::AccountNotEligible
            | Self::PinInvalid
            | Self::PinExpired
            | Self::TokenInvalid
            | Self::TokenExpired
            | Self::AttributeMissing
            | Self::ReturnUrlNotListed
            | Self::ReturnUrlTaken
            | Self::LacksForms
            | Self::LacksSameOrigin
            | Self::NumberForeign => StatusCode::BAD_REQUEST,
            Self::AuthorizationFailure => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::SignupsClosed | Self::ChallengeRequired | Self::PageNotListed => {
                StatusCode::FORBIDDEN
            }
            Self::AccountNotFound
            | Self::PaiNotFound
            | Self::TransactionNotFound
            | Self::SubscriptionNotFound
            | Self::NotFound
            | Self::OperatorNotServed
            | Self::OfferNotServed
            | Self::ViewNotServed => StatusCode::NOT_FOUND,
            Self::TokenAlreadyUsed
            | Self::RequestInProgress
            | Self::AlreadyOnBill
            | Self::DisputeConflict => StatusCode::CONFLICT,
            Self::IdempotencyViolation => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ServiceUnavailable | Self::PartnerUnavailable | Self::ChallengeUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }
}

/// A refused request: what its response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The stable code, which decides the HTTP status.
    pub code: ErrorCode,
    /// One sentence for an engineer, without a number, a token or anything internal.
    pub message: String,
    /// Seconds after which to try again, on 429 and 503.
    pub retry_after_seconds: Option<u32>,
    /// The operator's reason, where it gave one.
    pub reason: Option<RefusalReason>,
    /// Where the customer can do something about it.
    pub way_on: Option<WayOn>,
    /// What the customer reads, with placeholders. Only the edge gives it, to its own widget.
    pub words: BTreeMap<String, String>,
}

impl Reject {
    /// A reject with its sentence; a 503 gets the usual `Retry-After`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let retry = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self {
            code,
            message: message.into(),
            retry_after_seconds: retry,
            reason: None,
            way_on: None,
            words: BTreeMap::new(),
        }
    }

    /// The same refusal with the operator's reason.
    #[must_use]
    pub fn because(self, reason: RefusalReason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// 400 `invalid-request`.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// 429 `too-many-requests`, with the seconds after which to try again.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let retry_after_seconds = Some(retry_after_seconds);
        Self { retry_after_seconds, ..Self::new(ErrorCode::TooManyRequests, message) }
    }

    /// 401 `authorization-failure`, the same for everything that is wrong with a signature.
    pub fn unauthorized() -> Self {
        Self::new(ErrorCode::AuthorizationFailure, "The request does not carry a valid signature.")
    }

    /// 400 `suspended-non-payment`.
    pub fn suspended_non_payment() -> Self {
        Self::new(ErrorCode::SuspendedNonPayment, "The account is suspended for non-payment.")
    }

    /// 503 `service-unavailable`, with the usual `Retry-After`.
    pub fn service_unavailable() -> Self {
        Self::new(ErrorCode::ServiceUnavailable, "The operator's systems do not answer at the moment.")
    }

    /// The response body.
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            code: self.code.as_str().to_owned(),
            message: self.message.clone(),
            reason: self.reason.map(|reason| reason.as_str().to_owned()),
            way_on: self.way_on.clone(),
            words: self.words.clone(),
        }
    }
}

/// The JSON body of an error response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The code, in kebab case.
    pub code: String,
    /// One sentence for an engineer, not for the customer.
    pub message: String,
    /// The operator's reason: a word of [`RefusalReason`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the customer can do something about it.
    #[serde(rename = "wayOn", default, skip_serializing_if = "Option::is_none")]
    pub way_on: Option<WayOn>,
    /// What the customer reads, in the widget only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, String>,
}

impl From<Reject> for http::Response<bytes::Bytes> {
    /// The HTTP response: JSON, never cached, with `Retry-After` where the reject has one.
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
