//! SMS over SMPP 3.4, as an ESME that is bound to the operator's SMSC as a transceiver.
//!
//! The session is our own and not a library's: messages that a customer waits for must not queue
//! behind others, every buffer must have a limit, and nothing of a PDU may be logged. Of a text in
//! several parts, the parts are sent one after the other, and only the last asks for a receipt: an
//! SMSC delivers them in order, and one text should have one receipt.

mod deliver;
mod link;
mod message_ids;
mod pdu;
mod receipt;
mod session;
mod submit_status;
mod window;

use super::gateway::{RetryCause, SMPP, SendSmsResult, Sms, SmsGateway};
use super::parts::{self, Alphabet, Parts};
use super::receipt::ReceiptSink;
use crate::ambient::{Clock, Random};
use crate::config::SmppSettings;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use async_trait::async_trait;
use link::Link;
use message_ids::{MessageIds, TranslatedReceipts};
use onbill_domain::timestamp::Timestamp;
use rusmpp::pdus::SubmitSm;
use rusmpp::types::{COctetString, EmptyOrFullCOctetString, OctetString};
use rusmpp::values::{DataCoding, EsmClass, Npi, PriorityFlag, RegisteredDelivery, Ton};
use session::{NoResponse, Session};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;
use submit_status::SubmitStatus;
use window::Window;

/// How long an SMS waits for a place in the window.
const PLACE_PATIENCE: Duration = Duration::from_secs(5);
/// How long an overloaded SMSC gets no messages that are not urgent, in seconds.
const SPARED_SECONDS: i64 = 2;
/// The highest priority level of a GSM network (SMPP 3.4 §5.2.14).
const URGENT: u8 = 3;
/// `esm_class` of a message, and of one that begins with a header (§5.2.12). The library's default
/// is not used, because it is an acknowledgement.
const PLAIN: u8 = 0;
const HEADED: u8 = 0x40;
/// A receipt is requested, whether the message is delivered or not (§5.2.17).
const RECEIPT_WANTED: u8 = 1;
/// The shortest validity, in seconds: a message is dropped a minute after its time at the latest,
/// because not all SMSCs look at the seconds.
const VALID_SECONDS_MIN: i64 = 60;
/// The longest duration of the relative format, in whole days; we need far fewer.
const VALID_SECONDS_MAX: i64 = 28 * 86_400;

pub(super) struct SmppGateway {
    link: Link,
    source: (COctetString<1, 21>, Ton, Npi),
    clock: Arc<dyn Clock>,
    window: Window,
    ids: Arc<MessageIds>,
    /// Reference of the last text in parts.
    reference: AtomicU8,
    /// Until when the SMSC gets no messages that are not urgent, in Unix seconds.
    spared_until: AtomicI64,
    instruments: Arc<Instruments>,
}

impl SmppGateway {
    /// Reads the password. It does not connect yet.
    pub(super) fn open(
        settings: &SmppSettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        instruments: Arc<Instruments>,
    ) -> Result<Self, String> {
        settings.check()?;
        let (source, ton, npi) = settings.source_address()?;
        let source = COctetString::from_string(source).map_err(|_| "sender is too long")?;
        let [first_reference] = random.bytes();
        Ok(Self {
            link: Link::new(settings, Arc::clone(&clock), random, Arc::clone(&instruments))?,
            source: (source, ton, npi),
            clock,
            window: Window::new(settings.window),
            ids: Arc::new(MessageIds::new(settings.message_id, Arc::clone(&instruments))),
            reference: AtomicU8::new(first_reference),
            spared_until: AtomicI64::new(0),
            instruments,
        })
    }

    async fn submit(&self, session: &Session, text: &Sms<'_>, parts: Parts) -> SendSmsResult {
        let last = parts.messages.len();
        let mut message_id = None;
        let coding = match parts.alphabet {
            Alphabet::Gsm => DataCoding::McSpecific,
            Alphabet::Ucs2 => DataCoding::Ucs2,
        };
        let class = EsmClass::from(if parts.have_headers() { HEADED } else { PLAIN });
        for (message, number) in parts.messages.into_iter().zip(1..) {
            let wants_receipt = text.receipt && number == last;
            let receipt = if wants_receipt { RECEIPT_WANTED } else { 0 };
            let Some(envelope) = self.build_submit(text) else { return SendSmsResult::Refused };
            let Ok(message) = OctetString::from_vec(message) else { return SendSmsResult::Refused };
            let submit = envelope
                .esm_class(class)
                .data_coding(coding)
                .registered_delivery(RegisteredDelivery::from(receipt))
                .short_message(message)
                .build();
            let ids = wants_receipt.then(|| Arc::clone(&self.ids));
            let answer = match session.send_request(&submit.into(), ids).await {
                Ok(answer) => answer,
                Err(NoResponse::NotSent) => return SendSmsResult::Later(RetryCause::Unreachable),
                Err(NoResponse::Unclear) => return SendSmsResult::Later(RetryCause::Unclear),
            };
            let status = answer.status;
            match submit_status::classify_submit(status) {
                SubmitStatus::Taken => message_id = answer.message_id(),
                SubmitStatus::Throttled => {
                    tracing::warn!(command_status = ?status, "the SMSC is overloaded");
                    let until = self.clock.now().plus_seconds(SPARED_SECONDS);
                    self.spared_until.store(until.unix_seconds(), Ordering::Relaxed);
                    return SendSmsResult::Later(RetryCause::Throttled);
                }
                SubmitStatus::Refused => {
                    tracing::warn!(command_status = ?status, "the SMSC refuses a message");
                    return SendSmsResult::Refused;
                }
                SubmitStatus::Misfit => {
                    let (alarms, alarm) = (&self.instruments.alarms, Alarm::SmsSettings);
                    raise_alarm!(
                        alarms,
                        alarm,
                        SMPP,
                        command_status = ?status,
                        "the SMSC accepts no message of this form"
                    );
                    return SendSmsResult::Later(RetryCause::Unreachable);
                }
                SubmitStatus::Unclear => {
                    tracing::warn!(command_status = ?status, "the SMSC failed to accept a message");
                    return SendSmsResult::Later(RetryCause::Unclear);
                }
            }
        }
        self.instruments.alarms.clear(Alarm::SmsSettings, SMPP);
        SendSmsResult::Accepted { message_id }
    }

    /// The fields that all parts of a text share; `None` when a value does not fit its field, which
    /// its type rules out.
    fn build_submit(&self, text: &Sms<'_>) -> Option<rusmpp::pdus::builders::SubmitSmBuilder> {
        let (source, ton, npi) = self.source.clone();
        let digits = text.to.expose().trim_start_matches('+').to_owned();
        let mut submit = SubmitSm::builder()
            .source_addr(source)
            .source_addr_ton(ton)
            .source_addr_npi(npi)
            .destination_addr(COctetString::from_string(digits).ok()?)
            .dest_addr_ton(Ton::International)
            .dest_addr_npi(Npi::Isdn)
            .priority_flag(PriorityFlag::from(if text.urgent { URGENT } else { 0 }));
        if let Some(until) = text.valid_until {
            let period =
                EmptyOrFullCOctetString::from_string(format_validity(self.clock.now(), until)).ok()?;
            submit = submit.validity_period(period);
        }
        Some(submit)
    }
}

#[async_trait]
impl SmsGateway for SmppGateway {
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult {
        let reference = self.reference.fetch_add(1, Ordering::Relaxed);
        let Some(parts) = parts::split_sms(text.body, reference) else {
            tracing::error!("the text of an SMS is empty or too long");
            return SendSmsResult::Refused;
        };
        let Some(session) = self.link.session() else { return SendSmsResult::Later(RetryCause::Unreachable) };
        let spared_for = self.spared_until.load(Ordering::Relaxed) - self.clock.now().unix_seconds();
        // A clock that was set back does not spare the SMSC for longer than usual.
        if !text.urgent && (1..=SPARED_SECONDS).contains(&spared_for) {
            return SendSmsResult::Later(RetryCause::Throttled);
        }
        match tokio::time::timeout(PLACE_PATIENCE, self.window.acquire(text.urgent)).await {
            Ok(Some(_place)) => self.submit(&session, text, parts).await,
            _ => SendSmsResult::Later(RetryCause::Throttled),
        }
    }

    async fn run(&self, receipts: &dyn ReceiptSink) {
        self.link.keep_connected(&TranslatedReceipts { ids: &self.ids, sink: receipts }).await;
    }

    async fn end_session(&self) {
        self.link.unbind().await;
    }
}

/// How long a message is worth delivering, in the relative format `YYMMDDhhmmss00` and `0R`
/// (§7.1.1.2), which does not depend on the SMSC's clock.
fn format_validity(now: Timestamp, until: Timestamp) -> String {
    let seconds = until.seconds_since(now).clamp(VALID_SECONDS_MIN, VALID_SECONDS_MAX);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24, hours % 24);
    format!("0000{days:02}{hours:02}{minutes:02}{seconds:02}000R")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_relative_and_has_sixteen_characters() {
        let now = Timestamp::from_unix_seconds(1_795_000_000);
        for (seconds, expected) in [
            (600, "000000001000000R"),
            (-5, "000000000100000R"),
            (59, "000000000100000R"),
            (90_061, "000001010101000R"),
            (i64::from(u32::MAX), "000028000000000R"),
        ] {
            assert_eq!(format_validity(now, now.plus_seconds(seconds)), expected, "{seconds}");
        }
    }
}
