//! Whether an address can be called at all: any response counts, and so does none but a reason.

use super::peer::client_builder;
use std::error::Error;
use std::time::Duration;

/// Asks for the page at this URL, and returns the status of the response, whatever it is. The error
/// says what stands in the way.
pub(crate) async fn probe_url(url: &str, patience: Duration) -> Result<u16, String> {
    let client = client_builder(patience).build().map_err(|error| innermost_cause(&error))?;
    match client.get(url).send().await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) if error.is_timeout() => Err(format!("no response within {} s", patience.as_secs())),
        // The address may be a secret, and is the caller's to show.
        Err(error) => Err(innermost_cause(&error.without_url())),
    }
}

/// What has really happened: the outer errors only say that a request has failed.
fn innermost_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
