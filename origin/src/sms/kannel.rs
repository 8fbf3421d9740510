//! Text messages by HTTP, to what has the shape of Kannel's `sendsms` ("SMS Push" in its user guide). In its POST form, with
//! all that matters in headers and the text as the body: neither number nor text stand in a URL, where access logs and
//! proxies would keep them.

use super::gateway::{Cause, Sent, Text, Texts};
use super::parts::{self, Alphabet};
use super::receipt::Delivery;
use crate::ambient::{Clock, Random};
use crate::config::KannelSettings;
use crate::http::Peer;
use crate::keys::password_file;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use std::sync::Arc;

/// The highest of Kannel's priorities.
const URGENT: &str = "3";
const NOT_URGENT: &str = "0";
/// Which reports are wanted: delivered (1), not delivered (2), and refused by the SMSC (16).
const ENDS: &str = "19";
/// What a gateway reports of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// How it ended.
    Ended(Delivery),
    /// That it has not.
    Underway,
}

impl Report {
    /// Reads what stands for `%d` in the address that it was given; `None` for what Kannel never says.
    pub(crate) fn read(status: &str) -> Option<Self> {
        match status {
            "1" => Some(Self::Ended(Delivery::Delivered)),
            // Kannel does not tell apart what could not be delivered and what was not in time.
            "2" => Some(Self::Ended(Delivery::Undeliverable)),
            "16" => Some(Self::Ended(Delivery::Rejected)),
            "4" | "8" | "32" => Some(Self::Underway),
            _ => None,
        }
    }
}

/// A Kannel gateway.
pub(super) struct KannelTexts {
    settings: KannelSettings,
    password: HeaderValue,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl KannelTexts {
    /// Reads the password.
    pub(super) fn open(
        settings: &KannelSettings,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, String> {
        settings.check()?;
        let password = password_file::read("password_file", &settings.password_file)?;
        let mut password = HeaderValue::from_str(&password)
            .map_err(|_| "password_file: a header takes printable ASCII characters only")?;
        password.set_sensitive(true);
        Ok(Self { settings: settings.clone(), password, peer, clock, random })
    }

    /// The call; `None` when something does not fit into a header, which the settings' check rules out.
    fn request(&self, text: &Text<'_>, alphabet: Alphabet, token: Option<&str>) -> Option<Request<Bytes>> {
        let mut to = HeaderValue::from_str(text.to.expose()).ok()?;
        to.set_sensitive(true);
        let coding = match alphabet {
            Alphabet::Gsm => "0",
            Alphabet::Ucs2 => "2",
        };
        let mut request = Request::post(&self.settings.url)
            .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
            .header("x-kannel-username", &self.settings.username)
            .header("x-kannel-password", self.password.clone())
            .header("x-kannel-from", &self.settings.sender)
            .header("x-kannel-to", to)
            .header("x-kannel-coding", coding)
            .header("x-kannel-priority", if text.urgent { URGENT } else { NOT_URGENT });
        if let Some(until) = text.valid_until {
            // Whole minutes, and never none.
            let minutes = until.seconds_since(self.clock.now()).max(1).saturating_add(59) / 60;
            request = request.header("x-kannel-validity", minutes);
        }
        if let (Some(token), Some(url)) = (token, &self.settings.receipts_url) {
            request = request
                .header("x-kannel-dlr-mask", ENDS)
                .header("x-kannel-dlr-url", format!("{url}/sms/v1/receipt/{token}?status=%d"));
        }
        request.body(Bytes::copy_from_slice(text.body.as_bytes())).ok()
    }
}

#[async_trait]
impl Texts for KannelTexts {
    async fn send(&self, text: &Text<'_>) -> Sent {
        // Kannel cuts texts itself, but in which alphabet, and whether it is too long, is the same question everywhere.
        let Some(parts) = parts::cut(text.body, 0) else {
            tracing::error!("a text is empty, or too long for a text message");
            return Sent::Refused;
        };
        let token = (text.receipt && self.settings.receipts_url.is_some()).then(|| self.random.nonce());
        let Some(request) = self.request(text, parts.alphabet, token.as_deref()) else {
            return Sent::Refused;
        };
        match self.peer.send(request).await {
            Ok(answer) => read(&answer, token),
            Err(_) => Sent::Later(Cause::Unclear),
        }
    }
}

/// What an answer means. The words are Kannel's own: with the status alone, a proxy's 200 or 403 would count as its.
fn read(answer: &Response<Bytes>, token: Option<String>) -> Sent {
    let (status, body) = (answer.status(), answer.body());
    let says = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
    match status {
        StatusCode::OK | StatusCode::ACCEPTED
            if body.starts_with(b"0:") || body.starts_with(b"3:") || body.starts_with(b"Sent.") =>
        {
            Sent::Accepted { message_id: token }
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            tracing::warn!(%status, "the gateway has too much to do");
            Sent::Later(Cause::Throttled)
        }
        StatusCode::FORBIDDEN if says("Not routable") => refused(status),
        StatusCode::BAD_REQUEST if says("denied by") => refused(status),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            tracing::error!(%status, alarm = "sms-not-let-in", "the gateway does not let us in");
            Sent::Later(Cause::Unreachable)
        }
        status if status.is_client_error() => {
            tracing::error!(%status, alarm = "sms-settings", "the gateway takes no message of this form");
            Sent::Later(Cause::Unreachable)
        }
        _ => {
            tracing::warn!(%status, "the gateway fails with a message");
            Sent::Later(Cause::Unclear)
        }
    }
}

fn refused(status: StatusCode) -> Sent {
    tracing::warn!(%status, "the gateway refuses a message");
    Sent::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_when_it_is_kannels_own() {
        let told = |status: u16, body: &'static str| {
            let answer = Response::builder().status(status).body(Bytes::from(body)).expect("is an answer");
            read(&answer, Some("t".to_owned()))
        };
        let accepted = Sent::Accepted { message_id: Some("t".to_owned()) };
        for body in ["0: Accepted for delivery", "3: Queued for later delivery", "Sent. Message splits: 2"] {
            assert_eq!(told(202, body), accepted, "{body}");
        }
        for (status, body, sent) in [
            (200, "<html>200 OK", Sent::Later(Cause::Unclear)),
            (202, "", Sent::Later(Cause::Unclear)),
            (503, "Temporal failure, try again later.", Sent::Later(Cause::Throttled)),
            (500, "Sending failed.", Sent::Later(Cause::Unclear)),
            (403, "Not routable. Do not try again.", Sent::Refused),
            (403, "Authorization failed for sendsms", Sent::Later(Cause::Unreachable)),
            (400, "Number(s) has/have been denied by white- and/or black-lists.", Sent::Refused),
            (400, "Sender missing and no global set, rejected", Sent::Later(Cause::Unreachable)),
            (404, "Unknown command", Sent::Later(Cause::Unreachable)),
            (302, "", Sent::Later(Cause::Unclear)),
        ] {
            assert_eq!(told(status, body), sent, "{status} {body}");
        }
    }
}
