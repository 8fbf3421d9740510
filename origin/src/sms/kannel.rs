//! SMS over HTTP, with the interface of Kannel's `sendsms` ("SMS Push" in its user guide). It uses
//! the POST form, with all fields in headers and the text as the body: neither number nor text is
//! in a URL, where access logs and proxies would keep them.

use super::gateway::{KANNEL, RetryCause, SendSmsResult, Sms, SmsGateway};
use super::parts::{self, Alphabet};
use super::receipt::DeliveryState;
use crate::ambient::{Clock, Random};
use crate::config::KannelSettings;
use crate::http::Peer;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::keys::password_file;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use std::sync::Arc;

/// The highest of Kannel's priorities.
const URGENT: &str = "3";
const NOT_URGENT: &str = "0";
/// Which reports are requested: delivered (1), not delivered (2), and refused by the SMSC (16).
const ENDS: &str = "19";
/// What a gateway reports of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KannelReport {
    /// The final state of the message.
    Ended(DeliveryState),
    /// The message has no final state yet.
    Underway,
}

impl KannelReport {
    /// Parses the value of `%d` in the URL that Kannel was given; `None` for a value that Kannel
    /// never sends.
    pub(crate) fn parse(status: &str) -> Option<Self> {
        match status.trim_matches(|c: char| c.is_whitespace() || c.is_control()) {
            "1" => Some(Self::Ended(DeliveryState::Delivered)),
            // Kannel does not distinguish between undeliverable and expired.
            "2" => Some(Self::Ended(DeliveryState::Undeliverable)),
            "16" => Some(Self::Ended(DeliveryState::Rejected)),
            "4" | "8" | "32" => Some(Self::Underway),
            _ => None,
        }
    }
}

pub(super) struct KannelGateway {
    settings: KannelSettings,
    password: HeaderValue,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    instruments: Arc<Instruments>,
}

impl KannelGateway {
    /// Reads the password.
    pub(super) fn open(
        settings: &KannelSettings,
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        instruments: Arc<Instruments>,
    ) -> Result<Self, String> {
        settings.check()?;
        let password = password_file::read_password("password_file", &settings.password_file)?;
        let mut password = HeaderValue::from_str(&password)
            .map_err(|_| "password_file: a header takes printable ASCII characters only")?;
        password.set_sensitive(true);
        Ok(Self { settings: settings.clone(), password, peer, clock, random, instruments })
    }

    /// Builds the call; `None` when a value does not fit into a header, which the settings' check
    /// rules out.
    fn build_request(
        &self,
        text: &Sms<'_>,
        alphabet: Alphabet,
        token: Option<&str>,
    ) -> Option<Request<Bytes>> {
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
            // Whole minutes, at least one.
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
impl SmsGateway for KannelGateway {
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult {
        // Kannel splits texts itself, but which alphabet is used and whether a text is too long is
        // decided the same way for every gateway.
        let Some(parts) = parts::split_sms(text.body, 0) else {
            tracing::error!("the text of an SMS is empty or too long");
            return SendSmsResult::Refused;
        };
        let token = (text.receipt && self.settings.receipts_url.is_some()).then(|| self.random.nonce());
        let Some(request) = self.build_request(text, parts.alphabet, token.as_deref()) else {
            return SendSmsResult::Refused;
        };
        match self.peer.send(request).await {
            Ok(answer) => classify_response(&self.instruments, &answer, token),
            Err(_) => SendSmsResult::Later(RetryCause::Unclear),
        }
    }

    /// Each SMS is a call of its own.
    async fn end_session(&self) {}
}

/// Classifies a response. The words are Kannel's own: with the status alone, a proxy's 200 or 403
/// would count as Kannel's.
fn classify_response(
    instruments: &Instruments,
    answer: &Response<Bytes>,
    token: Option<String>,
) -> SendSmsResult {
    let alarms = &instruments.alarms;
    let (status, body) = (answer.status(), answer.body());
    let says = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
    match status {
        StatusCode::OK | StatusCode::ACCEPTED
            if body.starts_with(b"0:") || body.starts_with(b"3:") || body.starts_with(b"Sent.") =>
        {
            alarms.clear(Alarm::SmsNotLetIn, KANNEL);
            alarms.clear(Alarm::SmsSettings, KANNEL);
            SendSmsResult::Accepted { message_id: token }
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            tracing::warn!(status = status.as_u16(), "the SMS gateway is overloaded");
            SendSmsResult::Later(RetryCause::Throttled)
        }
        StatusCode::FORBIDDEN if says("Not routable") => warn_refused(status),
        StatusCode::BAD_REQUEST if says("denied by") => warn_refused(status),
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
            let (alarm, status) = (Alarm::SmsNotLetIn, status.as_u16());
            raise_alarm!(
                alarms,
                alarm,
                KANNEL,
                status,
                "the SMS gateway refuses our login: user name, password, or our address"
            );
            SendSmsResult::Later(RetryCause::Unreachable)
        }
        status if status.is_client_error() => {
            let (alarm, status) = (Alarm::SmsSettings, status.as_u16());
            raise_alarm!(alarms, alarm, KANNEL, status, "the SMS gateway accepts no message of this form");
            SendSmsResult::Later(RetryCause::Unreachable)
        }
        _ => {
            tracing::warn!(status = status.as_u16(), "the SMS gateway failed to accept a message");
            SendSmsResult::Later(RetryCause::Unclear)
        }
    }
}

fn warn_refused(status: StatusCode) -> SendSmsResult {
    tracing::warn!(status = status.as_u16(), "the SMS gateway refuses a message");
    SendSmsResult::Refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemClock;

    #[test]
    fn answer_counts_when_it_is_kannels_own() {
        let instruments = Instruments::new(Arc::new(SystemClock));
        let outcome = |status: u16, body: &'static str| {
            let answer = Response::builder().status(status).body(Bytes::from(body)).expect("is an answer");
            classify_response(&instruments, &answer, Some("t".to_owned()))
        };
        let accepted = SendSmsResult::Accepted { message_id: Some("t".to_owned()) };
        for body in ["0: Accepted for delivery", "3: Queued for later delivery", "Sent. Message splits: 2"] {
            assert_eq!(outcome(202, body), accepted, "{body}");
        }
        for (status, body, sent) in [
            (200, "<html>200 OK", SendSmsResult::Later(RetryCause::Unclear)),
            (202, "", SendSmsResult::Later(RetryCause::Unclear)),
            (503, "Temporal failure, try again later.", SendSmsResult::Later(RetryCause::Throttled)),
            (500, "Sending failed.", SendSmsResult::Later(RetryCause::Unclear)),
            (403, "Not routable. Do not try again.", SendSmsResult::Refused),
            (403, "Authorization failed for sendsms", SendSmsResult::Later(RetryCause::Unreachable)),
            (400, "Number(s) has/have been denied by white- and/or black-lists.", SendSmsResult::Refused),
            (
                400,
                "Sender missing and no global set, rejected",
                SendSmsResult::Later(RetryCause::Unreachable),
            ),
            (404, "Unknown command", SendSmsResult::Later(RetryCause::Unreachable)),
            (302, "", SendSmsResult::Later(RetryCause::Unclear)),
        ] {
            assert_eq!(outcome(status, body), sent, "{status} {body}");
        }
    }
}
