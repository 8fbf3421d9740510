//! The parties that the edge calls: operators' origins and partners. Here is the sending of a call
//! of the edge's own; what comes back is read in `response.rs`. Passing a partner's call on is in
//! `ott/forward.rs`.

mod response;

pub(crate) use response::{OK_CREATED_OR_ACCEPTED, OK_OR_CREATED, UpstreamResponse, is_for_partner};

use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, HandlerError, Party};
use crate::platform::Platform;
use crate::response::JSON;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use response::is_for_widget;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Calls `operator`'s origin for the widget. A refusal that the widget has a sentence for is passed
/// on.
pub(crate) async fn query_for_widget<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    body: &impl Serialize,
) -> Result<T, HandlerError> {
    post_to_origin(call, operator, path, body).await?.read(&OK_OR_CREATED, is_for_widget)
}

/// Calls `operator`'s origin with `body` as JSON.
pub(crate) async fn post_to_origin<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    body: &impl Serialize,
) -> Result<UpstreamResponse, Fault> {
    post_json(call, Party::Operator(operator.id.clone()), &format!("{}{path}", operator.origin), body).await
}

/// Calls a party with `body` as JSON.
pub(crate) async fn post_json<P: Platform>(
    call: &Call<'_, P>,
    party: Party,
    url: &str,
    body: &impl Serialize,
) -> Result<UpstreamResponse, Fault> {
    let build = || {
        let body = Bytes::from(serde_json::to_vec(body).ok()?);
        Request::builder().method(Method::POST).uri(url).header(CONTENT_TYPE, JSON).body(body).ok()
    };
    let request = build().ok_or_else(|| Fault::CannotSend(party.clone()))?;
    call.send(request, party).await
}
