//! `POST /cgi-bin/sendsms`: the operator's gateway with Kannel's interface and Kannel's own texts.
//! Only the form with headers: in the other one numbers and message texts would be in the URL.
//!
//! Faults of receipts are those of the SMSC; calls have faults of their own.

use super::Operator;
use super::smsc::{ReceiptFault, SmscFault};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gsm7::Gsm7Writer;
use http::{HeaderMap, Request, StatusCode};
use onbill_domain::msisdn::Msisdn;

/// Kannel's status codes for reports: delivered, and not delivered.
const DELIVERED: u8 = 1;
const FAILED: u8 = 2;

/// Kannel's response, with its text.
type KannelResponse = (StatusCode, &'static str);

const ACCEPTED: KannelResponse = (StatusCode::ACCEPTED, "0: Accepted for delivery");
const QUEUED: KannelResponse = (StatusCode::ACCEPTED, "3: Queued for later delivery");
const NOT_NOW: KannelResponse = (StatusCode::SERVICE_UNAVAILABLE, "Temporal failure, try again later.");
const NOT_ROUTABLE: KannelResponse = (StatusCode::FORBIDDEN, "Not routable. Do not try again.");
const WHO_ARE_YOU: KannelResponse = (StatusCode::FORBIDDEN, "Authorization failed for sendsms");

/// A message that may be sent.
struct KannelSms {
    to: Msisdn,
    text: String,
    /// The report URL, if a report is requested.
    report: Option<String>,
}

pub(super) async fn post_sendsms(
    State(operator): State<Operator>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let trouble = operator.trouble();
    if trouble == SmscFault::Throttle {
        return NOT_NOW.into_response();
    }
    match read(&operator, &headers, &body) {
        Err(refusal) => refusal.into_response(),
        Ok(message) => {
            operator.take_kannel_message(message);
            if trouble == SmscFault::QueueFull { QUEUED } else { ACCEPTED }.into_response()
        }
    }
}

/// Kannel checks the caller before anything else.
fn read(operator: &Operator, headers: &HeaderMap, body: &[u8]) -> Result<KannelSms, KannelResponse> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let demand = |is_so: bool, refusal: &'static str| {
        if is_so { Ok(()) } else { Err((StatusCode::BAD_REQUEST, refusal)) }
    };
    let within = |name: &str, most: u32| {
        header(name).is_none_or(|value| value.parse::<u32>().is_ok_and(|number| number <= most))
    };
    let gateway = operator.config().gateway.as_ref().ok_or(WHO_ARE_YOU)?;
    if header("x-kannel-username") != Some(&gateway.user)
        || header("x-kannel-password") != Some(&gateway.password)
    {
        return Err(WHO_ARE_YOU);
    }
    let to = header("x-kannel-to");
    demand(to.is_some_and(|to| !to.is_empty()), "Missing receiver(s) number(s), rejected")?;
    let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
    demand(content_type == "text/plain; charset=utf-8", "Invalid content-type")?;
    let sender = header("x-kannel-from").unwrap_or_default();
    demand(!sender.is_empty(), "Sender missing and no global set, rejected")?;
    demand(within("x-kannel-dlr-mask", 63), "DLR-Mask field misformed, rejected")?;
    demand(within("x-kannel-coding", 2), "Coding field misformed, rejected")?;
    demand(within("x-kannel-validity", u32::MAX), "Validity field misformed, rejected")?;
    demand(within("x-kannel-priority", 3), "Priority field misformed, rejected")?;
    let text = std::str::from_utf8(body).unwrap_or_default();
    let in_gsm = || Gsm7Writer::new(Vec::new()).write_str(text).is_ok();
    let is_coded = match header("x-kannel-coding") {
        Some("2") => true,
        Some("0") | None => in_gsm(),
        _ => false,
    };
    demand(!text.is_empty() && is_coded, "Charset or body misformed, rejected")?;
    let url = header("x-kannel-dlr-url").unwrap_or_default();
    demand(url.is_empty() || url.starts_with("http"), "DLR-URL field misformed, rejected")?;
    let mark = match operator.reporting() {
        ReceiptFault::Failed | ReceiptFault::Expired => FAILED,
        _ => DELIVERED,
    };
    let wanted = header("x-kannel-dlr-mask").and_then(|mask| mask.parse::<u8>().ok()).unwrap_or_default();
    let report = (wanted & mark != 0 && !url.is_empty()).then(|| url.replace("%d", &mark.to_string()));
    // A number without a subscriber has no route.
    let to = to.and_then(Msisdn::parse).filter(|to| operator.ledger().subscriber(to).is_some());
    Ok(KannelSms { to: to.ok_or(NOT_ROUTABLE)?, text: text.to_owned(), report })
}

impl Operator {
    fn take_kannel_message(&self, message: KannelSms) {
        if self.trouble() == SmscFault::Lose {
            return;
        }
        let now = self.now();
        self.ledger().text(&message.to, message.text, now);
        if let Some(url) = message.report {
            let http = self.0.outside.http.clone();
            tokio::spawn(async move {
                let Ok(request) = Request::get(url).body(Bytes::new()) else { return };
                let answer = http.send(request).await;
                if !answer.is_ok_and(|answer| answer.status().is_success()) {
                    tracing::warn!("a delivery report was not accepted");
                }
            });
        }
    }
}
