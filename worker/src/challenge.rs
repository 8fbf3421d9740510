//! The challenge that distinguishes customers from programs: Cloudflare Turnstile, if the deployment has
//! it. The origin says when one is needed; here its solution is checked, before the origin is asked.

use crate::call::Call;
use crate::config::Challenge;
use crate::fault::{Fault, HandlerError};
use crate::platform::Platform;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use onbill_domain::limits::CHALLENGE_TOKEN_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::ChallengeState;
use onbill_domain::wire::read_object;
use serde::Deserialize;
use serde_json::json;

/// Where Turnstile checks solutions, each of them once.
const SITEVERIFY: &str = "https://challenges.cloudflare.com/turnstile/v0/siteverify";

/// Turnstile's response. A member that is missing is no success.
#[derive(Deserialize)]
struct SiteverifyResponse {
    #[serde(default)]
    success: bool,
    /// The host of the page on which the challenge was solved.
    #[serde(default)]
    hostname: String,
    #[serde(rename = "error-codes", default)]
    error_codes: Vec<String>,
}

/// 1. The deployment has no challenge → `None`.
/// 2. The caller has no solution → it can be asked for one.
/// 3. Turnstile accepts the solution → passed; it does not → 403 `challenge-required`, and the widget
///    shows another challenge; it cannot be asked, or refuses our secret → 503
///    `challenge-unavailable`. No PIN is sent meanwhile.
pub(crate) async fn check_challenge<P: Platform>(
    call: &Call<'_, P>,
    token: Option<&str>,
) -> Result<Option<ChallengeState>, HandlerError> {
    // 1.
    let Some(challenge) = call.config.challenge() else { return Ok(None) };
    // 2.
    let Some(token) = token else { return Ok(Some(ChallengeState::Offered)) };
    // 3.
    let unsolved = || Reject::new(ErrorCode::ChallengeRequired, "The challenge was not solved.");
    if !(1..=CHALLENGE_TOKEN_BYTES_MAX).contains(&token.len()) {
        return Err(unsolved().into());
    }
    let response = ask_turnstile(call, challenge, token).await?;
    let is_ours = |code: &String| code.ends_with("-input-secret") || code == "internal-error";
    match response.success && is_own_host(call, &response.hostname) {
        true => Ok(Some(ChallengeState::Passed)),
        false if response.error_codes.iter().any(is_ours) => Err(Fault::Challenge("refuses to check").into()),
        false => Err(unsolved().into()),
    }
}

async fn ask_turnstile<P: Platform>(
    call: &Call<'_, P>,
    challenge: &Challenge,
    token: &str,
) -> Result<SiteverifyResponse, Fault> {
    let address = call.header("cf-connecting-ip");
    let question = json!({"secret": challenge.secret(), "response": token, "remoteip": address});
    let request = Request::builder()
        .method(Method::POST)
        .uri(SITEVERIFY)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json")
        .body(Bytes::from(question.to_string()))
        .map_err(|_| Fault::Challenge("the request could not be built"))?;
    let response = call.platform.send(request).await.map_err(|_| Fault::Challenge("no response"))?;
    // A refusal has the form of a response, whatever its status.
    read_object(response.body()).map_err(|_| Fault::Challenge("unexpected response"))
}

/// A solution counts on the edge's own pages. On this machine the keys for tests know no host.
fn is_own_host<P: Platform>(call: &Call<'_, P>, hostname: &str) -> bool {
    let host = call.authority().split(':').next().unwrap_or_default();
    host == hostname || call.site_origin.starts_with("http://")
}
