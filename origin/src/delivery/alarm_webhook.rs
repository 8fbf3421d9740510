//! The alarm webhook: posts each alarm to the operator's own tool when it is raised and when it is
//! over, so that no person has to read the log.
//!
//! A post is signed as in Standard Webhooks (<https://www.standardwebhooks.com>), if there is a
//! secret. Posts leave on a task of their own, and wait in memory, in a number that
//! [`crate::instruments::Alarms`] bounds: a receiver that hangs or refuses delays nothing else, and a
//! post that hangs no other. Each is sent until the receiver has taken it, also after a restart: the
//! table of alarms has what was reported. So a receiver may get one twice, under one id.

use crate::ambient::Clock;
use crate::config::AlarmSettings;
use crate::http::Peer;
use crate::instruments::{AlarmChange, AlarmNews, AlarmScope, Instruments};
use crate::keys::password_file;
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http::header::CONTENT_TYPE;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::{decode_base64, encode_base64, encode_base64url};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::hmac_sha256;
use onbill_domain::timestamp::Timestamp;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long one post may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Posts under way at once: a receiver that answers some of them slowly still gets the others, and is
/// not flooded.
const POSTS_AT_ONCE: usize = 8;
/// How long to sleep when there is nothing to report. A new change ends it.
const IDLE: Duration = Duration::from_mins(1);
/// What a secret begins with (Standard Webhooks, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";
/// Lengths of a secret in bytes, from the same section.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Where alarms are explained: each has a heading of its name.
const RUNBOOK: &str = "docs/operate/alarms.md";

pub struct AlarmWebhook {
    url: String,
    secret: Option<Zeroizing<Vec<u8>>>,
    operator: OperatorId,
    /// The name of this origin among those of its database.
    instance: String,
    peer: Arc<dyn Peer>,
    clock: Arc<dyn Clock>,
    instruments: Arc<Instruments>,
    patience: Duration,
}

/// The body of a post.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: AlarmData<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AlarmData<'a> {
    operator: &'a OperatorId,
    instance: &'a str,
    alarm: &'static str,
    subject: &'a str,
    severity: &'static str,
    kind: &'static str,
    raised_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared_at: Option<Timestamp>,
    count: u64,
    runbook: String,
}

impl AlarmWebhook {
    /// Reads the secret; `None` when no webhook is configured. The error says what to correct.
    pub(crate) fn open(
        settings: &AlarmSettings,
        (operator, instance): (&OperatorId, &str),
        peer: Arc<dyn Peer>,
        clock: Arc<dyn Clock>,
        instruments: Arc<Instruments>,
    ) -> Result<Option<Self>, String> {
        let Some(url) = settings.webhook.clone() else { return Ok(None) };
        let secret = settings.webhook_secret_file.as_deref().map(read_webhook_secret).transpose()?;
        instruments.alarms.keep_news(instance);
        let (operator, instance) = (operator.clone(), instance.to_owned());
        let patience = PATIENCE;
        Ok(Some(Self { url, secret, operator, instance, peer, clock, instruments, patience }))
    }

    /// Posts what is news, again and again, and does not end.
    pub async fn run(self: Arc<Self>) {
        let alarms = &self.instruments.alarms;
        loop {
            let due = alarms.list_due_news(POSTS_AT_ONCE);
            if due.is_empty() {
                let wait = alarms.next_news_in().unwrap_or(IDLE);
                // Woken or not, the next round looks what is due.
                let _ = tokio::time::timeout(wait, alarms.news_came()).await;
            } else {
                join_all(due.iter().map(|news| self.post(news))).await;
            }
        }
    }

    /// Makes one attempt at each post that waits, in their order: for the end of the program.
    pub async fn post_waiting(&self) {
        let mut tried = None;
        while let Some(news) = self.instruments.alarms.find_news_after(tried) {
            self.post(&news).await;
            tried = Some(news.number);
        }
    }

    async fn post(&self, news: &AlarmNews) {
        let is_taken = self.try_post(news).await;
        self.instruments.alarms.note_reported(news, is_taken);
    }

    /// Makes one attempt. True when the receiver has taken the post.
    async fn try_post(&self, news: &AlarmNews) -> bool {
        let counts = self.instruments.alarms.webhook_counts();
        let status = match self.build_request(news) {
            Some(request) => match tokio::time::timeout(self.patience, self.peer.send(request)).await {
                Ok(Ok(answer)) => Some(answer.status()),
                Ok(Err(_)) | Err(_) => None,
            },
            None => None,
        };
        let is_taken = status.is_some_and(|status| status.is_success());
        if is_taken {
            counts.posted.fetch_add(1, Ordering::Relaxed);
        } else {
            counts.failed.fetch_add(1, Ordering::Relaxed);
            let status = status.map(|status| status.as_u16());
            tracing::warn!(status, "the alarm webhook did not take a post");
        }
        is_taken
    }

    /// `None` when the URL is none, which the check of the settings rules out.
    fn build_request(&self, news: &AlarmNews) -> Option<Request<Bytes>> {
        let now = self.clock.now();
        let (id, body) = (self.post_id(news), serde_json::to_vec(&self.describe(news)).ok()?);
        let mut request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.unix_seconds());
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", sign_post(secret, &id, now, &body));
        }
        request.body(Bytes::from(body)).ok()
    }

    fn describe<'a>(&'a self, news: &'a AlarmNews) -> Event<'a> {
        let alarm = news.alarm.alarm;
        Event {
            r#type: match news.change {
                AlarmChange::Raised => "alarm.raised",
                AlarmChange::Cleared => "alarm.cleared",
            },
            timestamp: news.cleared_at.unwrap_or(news.alarm.raised_at),
            data: AlarmData {
                operator: &self.operator,
                instance: self.instance_of(news),
                alarm: alarm.as_str(),
                subject: &news.alarm.subject,
                severity: alarm.severity().as_str(),
                kind: alarm.kind().as_str(),
                raised_at: news.alarm.raised_at,
                cleared_at: news.cleared_at,
                count: news.alarm.count,
                runbook: format!("{RUNBOOK}#{}", alarm.as_str()),
            },
        }
    }

    fn instance_of<'a>(&'a self, news: &'a AlarmNews) -> &'a str {
        news.other_origin.as_ref().unwrap_or(&self.instance)
    }

    /// The same for each attempt, and for each origin that reports the same of the ledger: a receiver
    /// drops what it has.
    fn post_id(&self, news: &AlarmNews) -> String {
        let reported = [
            self.operator.as_str(),
            news.change.as_str(),
            news.alarm.alarm.as_str(),
            &news.alarm.subject,
            if news.alarm.alarm.scope() == AlarmScope::Origin { self.instance_of(news) } else { "" },
            &news.alarm.raised_at.to_string(),
        ];
        let hash = sha256(reported.join("\n").as_bytes());
        format!("msg_{}", encode_base64url(&hash[..16]))
    }
}

/// The signature of a post: `v1` is HMAC-SHA-256.
fn sign_post(secret: &[u8], id: &str, at: Timestamp, body: &[u8]) -> String {
    let mut signed = format!("{id}.{}.", at.unix_seconds()).into_bytes();
    signed.extend_from_slice(body);
    format!("v1,{}", encode_base64(&hmac_sha256(secret, &signed)))
}

/// Reads the secret that posts are signed with. The error says what to correct.
pub(crate) fn read_webhook_secret(file: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let text = password_file::read_password("alarms: webhook_secret_file", file)?;
    parse_secret(&text).ok_or_else(|| {
        "alarms: webhook_secret_file must have whsec_ and 24 to 64 bytes in base64 in its first line"
            .to_owned()
    })
}

fn parse_secret(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let secret = Zeroizing::new(decode_base64(text.trim().strip_prefix(SECRET_PREFIX)?)?);
    SECRET_BYTES.contains(&secret.len()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemClock;
    use crate::http::Unreachable;
    use crate::instruments::Alarm;
    use async_trait::async_trait;
    use http::Response;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    /// Refuses so many posts, then takes the others; or never answers.
    struct Receiver {
        refuses: Mutex<u32>,
        hangs: bool,
        ids: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Peer for Receiver {
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
            let id = request.headers()["webhook-id"].to_str().expect("is text").to_owned();
            self.ids.lock().expect("is whole").push(id);
            if self.hangs {
                std::future::pending::<()>().await;
            }
            let mut refuses = self.refuses.lock().expect("is whole");
            let status = if *refuses > 0 { 503 } else { 204 };
            *refuses = refuses.saturating_sub(1);
            Response::builder().status(status).body(Bytes::new()).map_err(|_| Unreachable)
        }
    }

    fn webhook_to(refuses: u32, hangs: bool) -> (Arc<Receiver>, AlarmWebhook) {
        let receiver = Arc::new(Receiver { refuses: Mutex::new(refuses), hangs, ids: Mutex::default() });
        let clock = Arc::new(SystemClock);
        let settings =
            AlarmSettings { webhook: Some("http://127.0.0.1:1/x".to_owned()), ..AlarmSettings::default() };
        let operator = OperatorId::parse("acme").expect("is a slug");
        let (peer, instruments) = (Arc::clone(&receiver), Instruments::new(clock.clone()));
        let opened = AlarmWebhook::open(&settings, (&operator, "a"), peer, clock, instruments);
        let webhook = opened.expect("is sound").expect("is configured");
        (receiver, AlarmWebhook { patience: Duration::from_millis(1), ..webhook })
    }

    fn counts(webhook: &AlarmWebhook) -> [u64; 3] {
        let counts = webhook.instruments.alarms.webhook_counts();
        [&counts.posted, &counts.failed, &counts.dropped].map(|count| count.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn refused_post_is_repeated_under_its_id_until_it_is_taken() {
        let (receiver, webhook) = webhook_to(9, false);
        webhook.instruments.alarms.raise(Alarm::DiskLow, "spool");
        for _ in 0..12 {
            webhook.post_waiting().await;
        }
        assert_eq!(counts(&webhook), [1, 9, 0]);
        let ids = receiver.ids.lock().expect("is whole").clone();
        assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (10, 1), "{ids:?}");
    }

    #[tokio::test]
    async fn receiver_that_hangs_is_called_again() {
        let (receiver, webhook) = webhook_to(0, true);
        for subject in ["spool", "database"] {
            webhook.instruments.alarms.raise(Alarm::DiskLow, subject);
        }
        for _ in 0..3 {
            webhook.post_waiting().await;
        }
        assert_eq!(counts(&webhook), [0, 6, 0]);
        let ids = receiver.ids.lock().expect("is whole").clone();
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), 2, "one holds up no other");
    }

    #[tokio::test]
    async fn end_is_not_reported_before_the_beginning() {
        let (_, webhook) = webhook_to(1, false);
        let alarms = &webhook.instruments.alarms;
        alarms.raise(Alarm::DiskLow, "spool");
        alarms.clear(Alarm::DiskLow, "spool");
        webhook.post_waiting().await;
        assert_eq!(counts(&webhook), [0, 1, 0], "the beginning was refused");
        webhook.post_waiting().await;
        assert_eq!(counts(&webhook), [2, 1, 0]);
    }

    #[test]
    fn signature_is_that_of_standard_webhooks() {
        // The example of the specification's reference libraries.
        let secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("is a secret");
        let at = Timestamp::from_unix_seconds(1_614_265_330);
        let signature = sign_post(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secret_has_its_form_and_length() {
        let of = |bytes: usize| format!("whsec_{}", encode_base64(&vec![7; bytes]));
        assert_eq!(
            [23, 24, 64, 65].map(|bytes| parse_secret(&of(bytes)).is_some()),
            [false, true, true, false]
        );
        assert!(parse_secret(&encode_base64(&[7; 32])).is_none(), "without its beginning");
        assert!(parse_secret("whsec_not base64").is_none());
    }
}
