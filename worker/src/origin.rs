//! The edge's own questions to an operator's origin, under `/edge/v1`, and reading what an origin answers.
//!
//! An origin is ours, but another deployment: only what the contract knows is passed on, anything else is a fault.
//! Forwarding a partner's call is in `ott/forward.rs`.

use crate::answer::JSON;
use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, Party, Stop};
use crate::platform::Platform;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use onbill_domain::reject::{ErrorCode, Reject};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Longest wait that an origin can ask of a caller, in seconds: the day after which its counts start again.
const RETRY_AFTER_SECONDS_MAX: u32 = 86_400;

/// Asks `operator`'s origin. Its refusal is passed on if it is one for the widget, and a fault otherwise.
pub(crate) async fn ask<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    question: &impl Serialize,
) -> Result<A, Stop> {
    let response = send(call, operator, path, question).await?;
    let party = Party::Operator(operator.id.clone());
    if response.status().is_success() {
        return read_answer(&response, &party).map_err(Stop::Fault);
    }
    match read_refusal(&response) {
        Some(reject) if is_for_widget(reject.code) => Err(Stop::Reject(reject)),
        other => Err(unexpected(party, &response, other.map(|reject| reject.code)).into()),
    }
}

/// Asks `operator`'s origin, and gives the answer as it came.
pub(crate) async fn send<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    question: &impl Serialize,
) -> Result<Response<Bytes>, Fault> {
    let party = Party::Operator(operator.id.clone());
    let request = post(&format!("{}{path}", operator.origin), question);
    let request = request.ok_or_else(|| Fault::CannotSend(party.clone()))?;
    call.send(request, party).await
}

/// A `POST` of `body` as JSON.
pub(crate) fn post(uri: &str, body: &impl Serialize) -> Option<Request<Bytes>> {
    let body = Bytes::from(serde_json::to_vec(body).ok()?);
    Request::builder().method(Method::POST).uri(uri).header(CONTENT_TYPE, JSON).body(body).ok()
}

/// Reads a success into its type.
pub(crate) fn read_answer<A: DeserializeOwned>(
    response: &Response<Bytes>,
    party: &Party,
) -> Result<A, Fault> {
    read_answer_of(response, party, &[StatusCode::OK, StatusCode::CREATED])
}

/// The same where other successes are meant.
pub(crate) fn read_answer_of<A: DeserializeOwned>(
    response: &Response<Bytes>,
    party: &Party,
    expected: &[StatusCode],
) -> Result<A, Fault> {
    let answer = serde_json::from_slice(response.body()).ok();
    let answer = answer.filter(|_| expected.contains(&response.status()));
    answer.ok_or_else(|| unexpected(party.clone(), response, None))
}

/// Reads a refusal: a code that we know, with the status that it always has.
pub(crate) fn read_refusal(response: &Response<Bytes>) -> Option<Reject> {
    #[derive(Deserialize)]
    struct Refusal {
        code: ErrorCode,
        message: String,
    }
    let Refusal { code, message } = serde_json::from_slice(response.body()).ok()?;
    if code.status() != response.status() {
        return None;
    }
    let waits = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status());
    let asked =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u32>().ok());
    let usual = Reject::service_unavailable().retry_after_seconds;
    let retry_after_seconds =
        if waits { asked.map(|seconds| seconds.min(RETRY_AFTER_SECONDS_MAX)).or(usual) } else { None };
    Some(Reject { code, message, retry_after_seconds })
}

/// Whether it is a refusal with this code.
pub(crate) fn is_refusal(response: &Response<Bytes>, code: ErrorCode) -> bool {
    read_refusal(response).is_some_and(|reject| reject.code == code)
}

/// The fault of an answer that is neither the expected success nor a refusal to pass on.
pub(crate) fn unexpected(party: Party, response: &Response<Bytes>, code: Option<ErrorCode>) -> Fault {
    let code = code.map_or("", ErrorCode::as_str);
    Fault::Unexpected(party, format!("{} {code}", response.status().as_u16()).trim_end().to_owned())
}

/// The refusals that the widget has a sentence for. The others are between servers: a 401 at the origin, say, means
/// that our own key is wrong, and a browser that is told so can only be misled.
fn is_for_widget(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidRequest
            | ErrorCode::ParameterNotSupported
            | ErrorCode::AccountNotFound
            | ErrorCode::SuspendedNonPayment
            | ErrorCode::InsufficientBalance
            | ErrorCode::AccountNotEligible
            | ErrorCode::AlreadyOnBill
            | ErrorCode::PinInvalid
            | ErrorCode::PinExpired
            | ErrorCode::TokenInvalid
            | ErrorCode::TokenExpired
            | ErrorCode::TokenAlreadyUsed
            | ErrorCode::RequestInProgress
            | ErrorCode::TooManyRequests
            | ErrorCode::ServiceUnavailable
            | ErrorCode::InternalError
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, retry_after: &str, body: &str) -> Option<(&'static str, Option<u32>)> {
        let response = Response::builder().status(status).header(RETRY_AFTER, retry_after);
        let response = response.body(Bytes::from(body.to_owned())).expect("is an answer");
        read_refusal(&response).map(|reject| (reject.code.as_str(), reject.retry_after_seconds))
    }

    #[test]
    fn only_the_contracts_refusals_are_read() {
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
}
