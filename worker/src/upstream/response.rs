//! Reads what an origin or a partner responds: a success that is expected, a refusal that the
//! caller may see, or a fault.
//!
//! An origin is ours, but another deployment: only what the contract knows is passed on. Its body
//! is held to `limits::BODY_BYTES_MAX` where it is received, by the platform.

use crate::fault::{Fault, HandlerError, Party};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use onbill_domain::refusal_detail::{RefusalReason, WayOn};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::read_object;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longest wait that an origin can ask of a caller, in seconds: the day after which its counts
/// start again.
const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;

/// The successes of calls that are completed at once.
pub(crate) const OK_OR_CREATED: [StatusCode; 2] = [StatusCode::OK, StatusCode::CREATED];
/// The successes of all calls of a partner.
pub(crate) const OK_CREATED_OR_ACCEPTED: [StatusCode; 3] =
    [StatusCode::OK, StatusCode::CREATED, StatusCode::ACCEPTED];

/// A response to a call of ours, not read yet.
#[derive(Debug)]
pub(crate) struct UpstreamResponse {
    party: Party,
    response: Response<Bytes>,
}

impl UpstreamResponse {
    pub(crate) fn new(party: Party, response: Response<Bytes>) -> Self {
        Self { party, response }
    }

    /// The response as it came. The caller chooses what of it may leave the edge.
    pub(crate) fn raw(&self) -> &Response<Bytes> {
        &self.response
    }

    /// 1. One of the `successes`, with a body of type `T` → that.
    /// 2. A refusal of the contract, with a code that `passes` to the caller → that refusal.
    /// 3. Anything else → a fault.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        successes: &[StatusCode],
        passes: impl Fn(ErrorCode) -> bool,
    ) -> Result<T, HandlerError> {
        // 1.
        if successes.contains(&self.response.status())
            && let Ok(body) = read_object(self.response.body())
        {
            return Ok(body);
        }
        Err(self.refusal_or_fault(&passes))
    }

    fn refusal_or_fault(&self, passes: &dyn Fn(ErrorCode) -> bool) -> HandlerError {
        let status = self.response.status();
        match self.refusal() {
            // 2.
            Some(reject) if passes(reject.code) => reject.into(),
            // 3.
            Some(reject) => self.unexpected(&format!("{} {}", status.as_str(), reject.code.as_str())).into(),
            None => self.unexpected(status.as_str()).into(),
        }
    }

    /// The fault of a response that should never be given; `what` is for the log and quotes nothing
    /// of it.
    pub(crate) fn unexpected(&self, what: &str) -> Fault {
        Fault::Unexpected(self.party.clone(), what.to_owned())
    }

    /// A code that we know, with the status that it always has.
    fn refusal(&self) -> Option<Reject> {
        #[derive(Deserialize)]
        struct Refusal {
            code: ErrorCode,
            message: String,
            reason: Option<Value>,
            #[serde(rename = "wayOn")]
            way_on: Option<Value>,
        }
        let (status, headers) = (self.response.status(), self.response.headers());
        let Refusal { code, message, reason, way_on } = read_object(self.response.body()).ok()?;
        if code.status() != status {
            return None;
        }
        let waits = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
        let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
        let usual = Reject::service_unavailable().retry_after_seconds;
        let retry_after_seconds =
            if waits { asked.map(|seconds| seconds.min(RETRY_AFTER_SECONDS_MAX)).or(usual) } else { None };
        // These help the customer. A refusal without them, or with one that we do not know, is the
        // same refusal.
        let reason = reason.and_then(|reason| RefusalReason::parse(reason.as_str()?));
        let way_on = way_on.and_then(|way_on| serde_json::from_value::<WayOn>(way_on).ok());
        let way_on = way_on.filter(WayOn::is_openable).map(|way_on| WayOn { label: None, ..way_on });
        Some(Reject { retry_after_seconds, reason, way_on, ..Reject::new(code, message) })
    }
}

/// The refusals that the widget has a sentence for. The others are between servers: a 401 at the
/// origin, for example, means that our own key is wrong, which would mislead a browser.
pub(crate) fn is_for_widget(code: ErrorCode) -> bool {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::ParameterNotSupported
        | ErrorCode::AccountNotFound
        | ErrorCode::SuspendedNonPayment
        | ErrorCode::InsufficientBalance
        | ErrorCode::AccountNotEligible
        | ErrorCode::SignupsClosed
        | ErrorCode::AlreadyOnBill
        | ErrorCode::NumberForeign
        | ErrorCode::ChallengeRequired
        | ErrorCode::PinInvalid
        | ErrorCode::PinExpired
        | ErrorCode::TokenInvalid
        | ErrorCode::TokenExpired
        | ErrorCode::TokenAlreadyUsed
        | ErrorCode::RequestInProgress
        | ErrorCode::TooManyRequests
        | ErrorCode::ServiceUnavailable
        | ErrorCode::InternalError => true,
        ErrorCode::AuthorizationFailure
        | ErrorCode::Forbidden
        | ErrorCode::PaiNotFound
        | ErrorCode::TransactionNotFound
        | ErrorCode::SubscriptionNotFound
        | ErrorCode::IdempotencyViolation
        | ErrorCode::BodyTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::NotFound
        | ErrorCode::MethodNotAllowed
        | ErrorCode::PartnerUnavailable
        | ErrorCode::ChallengeUnavailable
        | ErrorCode::AttributeMissing
        | ErrorCode::OperatorNotServed
        | ErrorCode::OfferNotServed
        | ErrorCode::ViewNotServed
        | ErrorCode::PageNotListed
        | ErrorCode::ReturnUrlNotListed
        | ErrorCode::ReturnUrlTaken
        | ErrorCode::LacksForms
        | ErrorCode::LacksSameOrigin => false,
    }
}

/// The contract's codes but those that can only mean that edge and origin do not fit together, and
/// the widget's own.
pub(crate) fn is_for_partner(code: ErrorCode) -> bool {
    match code {
        ErrorCode::BodyTooLarge
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::NotFound
        | ErrorCode::MethodNotAllowed
        | ErrorCode::AlreadyOnBill
        | ErrorCode::PartnerUnavailable
        | ErrorCode::NumberForeign
        | ErrorCode::ChallengeRequired
        | ErrorCode::ChallengeUnavailable
        | ErrorCode::AttributeMissing
        | ErrorCode::OperatorNotServed
        | ErrorCode::OfferNotServed
        | ErrorCode::ViewNotServed
        | ErrorCode::PageNotListed
        | ErrorCode::ReturnUrlNotListed
        | ErrorCode::ReturnUrlTaken
        | ErrorCode::LacksForms
        | ErrorCode::LacksSameOrigin => false,
        ErrorCode::InvalidRequest
        | ErrorCode::ParameterNotSupported
        | ErrorCode::AuthorizationFailure
        | ErrorCode::Forbidden
        | ErrorCode::AccountNotFound
        | ErrorCode::PaiNotFound
        | ErrorCode::TransactionNotFound
        | ErrorCode::SubscriptionNotFound
        | ErrorCode::SuspendedNonPayment
        | ErrorCode::InsufficientBalance
        | ErrorCode::AccountNotEligible
        | ErrorCode::SignupsClosed
        | ErrorCode::PinInvalid
        | ErrorCode::PinExpired
        | ErrorCode::TokenInvalid
        | ErrorCode::TokenExpired
        | ErrorCode::TokenAlreadyUsed
        | ErrorCode::RequestInProgress
        | ErrorCode::IdempotencyViolation
        | ErrorCode::TooManyRequests
        | ErrorCode::ServiceUnavailable
        | ErrorCode::InternalError => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::ids::OperatorId;
    use serde_json::json;

    fn response(status: u16, retry_after: &str, body: &str) -> UpstreamResponse {
        let response = Response::builder().status(status).header(RETRY_AFTER, retry_after);
        let response = response.body(Bytes::from(body.to_owned())).expect("is a response");
        UpstreamResponse::new(Party::Operator(OperatorId::parse("acme").expect("is a slug")), response)
    }

    fn refusal(status: u16, retry_after: &str, body: &str) -> Option<(&'static str, Option<u32>)> {
        let reject = response(status, retry_after, body).refusal()?;
        Some((reject.code.as_str(), reject.retry_after_seconds))
    }

    #[test]
    fn refusal_is_read_when_the_contract_knows_it() {
        let body = |code: &str| format!(r#"{{"code":"{code}","message":"m"}}"#);
        assert_eq!(refusal(400, "9", &body("pin-invalid")), Some(("pin-invalid", None)));
        assert_eq!(refusal(429, "9", &body("too-many-requests")), Some(("too-many-requests", Some(9))));
        assert_eq!(refusal(429, "", &body("too-many-requests")), Some(("too-many-requests", Some(30))));
        assert_eq!(
            refusal(503, "soon", &body("service-unavailable")),
            Some(("service-unavailable", Some(30)))
        );
        let far = refusal(429, "4000000000", &body("too-many-requests"));
        assert_eq!(far, Some(("too-many-requests", Some(86_400))));
        assert_eq!(refusal(500, "", &body("pin-invalid")), None, "another status than the code's");
        assert_eq!(refusal(400, "", &body("made-up")), None);
        for garbage in ["", "<html>", "[]", "{}", r#"{"code":1,"message":"m"}"#] {
            assert_eq!(refusal(400, "", garbage), None, "{garbage}");
        }
    }

    #[test]
    fn refusal_keeps_known_reason_and_openable_way_on() {
        let read = |reason: Value, way_on: Value| {
            let body =
                json!({"code": "account-not-eligible", "message": "m", "reason": reason, "wayOn": way_on});
            let reject = response(400, "", &body.to_string()).refusal().expect("is a refusal");
            (reject.reason.map(RefusalReason::as_str), reject.way_on.map(|way_on| way_on.url))
        };
        let help = |url: &str| json!({"kind": "help", "url": url});
        let url = "https://acme.example/help";
        assert_eq!(read(json!("minor"), help(url)), (Some("minor"), Some(url.to_owned())));
        for (reason, way_on) in [
            (Value::Null, Value::Null),
            (json!("unheard-of"), json!({"kind": "unheard-of", "url": url})),
            (json!(7), help("javascript:alert(1)")),
            (json!({}), json!(url)),
        ] {
            assert_eq!(read(reason, way_on), (None, None));
        }
    }

    #[test]
    fn response_is_success_refusal_or_fault() {
        let read = |status, body: &str| {
            response(status, "", body).read::<Value>(&OK_OR_CREATED, |code| code == ErrorCode::PinInvalid)
        };
        assert_eq!(read(201, "{}"), Ok(Value::Object(serde_json::Map::new())));
        let Err(HandlerError::Reject(reject)) = read(400, r#"{"code":"pin-invalid","message":"m"}"#) else {
            panic!("is a refusal");
        };
        assert_eq!((reject.code, reject.message.as_str()), (ErrorCode::PinInvalid, "m"));
        for (status, body, what) in [
            (200, "", "200"),
            (202, "{}", "202"),
            (204, "", "204"),
            (302, "{}", "302"),
            (400, "{}", "400"),
            (400, r#"{"code":"pin-expired","message":"m"}"#, "400 pin-expired"),
            (200, r#"{"code":"pin-invalid","message":"m""#, "200"),
        ] {
            let fault = response(status, "", body).unexpected(what);
            assert_eq!(read(status, body), Err(HandlerError::Fault(fault)), "{status} {body}");
        }
    }
}
