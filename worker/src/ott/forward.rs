//! Passing a partner's call on to an origin: the same method, path, query and bytes, with the
//! partner's own signature beside ours. It is sent to an origin once: the origin spends its nonce.

use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, HandlerError};
use crate::platform::Platform;
use crate::response::{JSON, new_response};
use crate::upstream::{
    OK_CREATED_OR_ACCEPTED, OK_OR_CREATED, Recipient, UpstreamResponse, is_for_partner, send_signed,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use onbill_domain::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT};
use onbill_domain::wire::edge::{
    PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER, SUBSCRIBER_HANDLE_HEADER,
};
use serde::de::DeserializeOwned;

/// What is kept of the partner's headers, and under which name. Nothing else of them reaches an
/// origin.
const REQUEST_HEADERS: [(&str, &str); 4] = [
    ("content-type", "content-type"),
    (CONTENT_DIGEST, CONTENT_DIGEST),
    (SIGNATURE_INPUT, PARTNER_SIGNATURE_INPUT_HEADER),
    (SIGNATURE, PARTNER_SIGNATURE_HEADER),
];

/// What is kept of a response's headers: the origin has signed it for the partner.
const RESPONSE_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static(CONTENT_DIGEST),
    HeaderName::from_static(SIGNATURE_INPUT),
    HeaderName::from_static(SIGNATURE),
];

/// Sends the call to `operator`'s origin, with the subscriber's handle when KV had one.
pub(crate) async fn forward<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    subscriber: Option<&str>,
) -> Result<UpstreamResponse, Fault> {
    let recipient = Recipient::Operator(operator);
    let request = copy_request(call, operator, subscriber).ok_or_else(|| recipient.cannot_send())?;
    send_signed(call, request, recipient).await
}

fn copy_request<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    subscriber: Option<&str>,
) -> Option<Request<Bytes>> {
    let path = call.request.uri().path_and_query()?;
    let mut request = Request::builder()
        .method(call.request.method())
        .uri(format!("{}{path}", operator.origin))
        .body(call.request.body().clone())
        .ok()?;
    let headers = request.headers_mut();
    for (from, to) in REQUEST_HEADERS {
        if let Some(value) = call.request.headers().get(from) {
            headers.insert(HeaderName::from_static(to), value.clone());
        }
    }
    // A handle that cannot stand in a header was not written by an origin: the call continues
    // without it.
    if let Some(handle) = subscriber.and_then(|handle| HeaderValue::from_str(handle).ok()) {
        headers.insert(HeaderName::from_static(SUBSCRIBER_HANDLE_HEADER), handle);
    }
    Some(request)
}

/// The origin's response for the partner: a success of type `T` byte for byte, with the origin's
/// signature, or a refusal that partners know. Whatever else it is, the partner gets 503 and asks
/// again with the same identifiers.
pub(crate) fn relay<T: DeserializeOwned>(
    response: &UpstreamResponse,
) -> Result<Response<Bytes>, HandlerError> {
    response.read::<T>(&OK_CREATED_OR_ACCEPTED, is_for_partner)?;
    Ok(copy_response(response))
}

/// Relays a response as [`relay`] does, if it `is_expected`; else it is a fault, which `mismatch`
/// describes in the log.
pub(crate) fn relay_expected<T: DeserializeOwned>(
    response: &UpstreamResponse,
    is_expected: impl Fn(&T) -> bool,
    mismatch: &str,
) -> Result<Response<Bytes>, HandlerError> {
    let body: T = response.read(&OK_OR_CREATED, is_for_partner)?;
    if is_expected(&body) { Ok(copy_response(response)) } else { Err(response.unexpected(mismatch).into()) }
}

fn copy_response(response: &UpstreamResponse) -> Response<Bytes> {
    let response = response.raw();
    let mut relayed = new_response(response.status(), JSON, response.body().clone());
    for name in &RESPONSE_HEADERS {
        if let Some(value) = response.headers().get(name) {
            relayed.headers_mut().insert(name, value.clone());
        }
    }
    relayed
}
