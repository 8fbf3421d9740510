//! Delivery receipts (SMPP 3.4 appendix B). Every other one has its contents in parameters as well,
//! as SMSCs differ in that.

use super::check::SubmittedSms;
use super::{ReceiptFault, lock};
use crate::operator::Operator;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use smpp34::server::ESME;
use smpp34::{DeliveryReceipt, Tlv, TlvTag, deliver_sm};
use std::sync::Arc;
use std::time::Duration;

/// `esm_class` of a receipt.
const RECEIPT: u8 = 4;
/// How often a receipt is sent to an ESME that refuses it, and the pause between two attempts: some
/// minutes in all, as one with a slow disk refuses many.
const ATTEMPTS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(100);
/// From this number on, messages are unknown.
const NOBODYS: u64 = 1 << 40;

/// A queued receipt.
#[derive(Clone)]
pub(super) struct QueuedReceipt {
    number: u64,
    about: Msisdn,
    to: String,
    submitted_at: Timestamp,
    state: ReceiptState,
}

#[derive(Clone, Copy)]
enum ReceiptState {
    Delivered,
    Expired,
    Undeliverable,
}

impl ReceiptState {
    fn word(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Undeliverable => "UNDELIV",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Undeliverable => 5,
        }
    }
}

/// The message id for ESMEs.
pub(super) fn name(number: u64) -> String {
    format!("m-{number:06x}")
}

impl Operator {
    /// Reports a message, now or later.
    pub(super) async fn report(&self, submitted: &SubmittedSms, number: u64) {
        let reporting = self.reporting();
        let state = match reporting {
            ReceiptFault::Failed => ReceiptState::Undeliverable,
            ReceiptFault::Expired => ReceiptState::Expired,
            _ => ReceiptState::Delivered,
        };
        let held = QueuedReceipt {
            number,
            about: submitted.to.clone(),
            to: submitted.from.clone(),
            submitted_at: self.now(),
            state,
        };
        match reporting {
            ReceiptFault::Late => lock(&self.smsc().held).push(held),
            ReceiptFault::Early => self.clone().tell(held).await,
            ReceiptFault::Good | ReceiptFault::Failed | ReceiptFault::Expired => {
                tokio::spawn(self.clone().tell(held));
            }
            ReceiptFault::Twice => {
                tokio::spawn(self.clone().tell_all([held.clone(), held]));
            }
            ReceiptFault::Strange => {
                let strange = QueuedReceipt { number: NOBODYS + number, ..held.clone() };
                tokio::spawn(self.clone().tell_all([strange, held]));
            }
        }
    }

    /// Sends the queued receipts, the newest first, unless they still have to wait.
    pub(in super::super) fn release_reports(&self) {
        if self.reporting() != ReceiptFault::Late {
            let held = std::mem::take(&mut *lock(&self.smsc().held));
            tokio::spawn(self.clone().tell_all(held.into_iter().rev()));
        }
    }

    /// One after the other.
    async fn tell_all(self, reports: impl IntoIterator<Item = QueuedReceipt>) {
        for held in reports {
            self.clone().tell(held).await;
        }
    }

    /// Sends it to a bound ESME until it is accepted. Without one, it goes to the next that binds.
    async fn tell(self, held: QueuedReceipt) {
        for _ in 0..ATTEMPTS {
            let Some(esme) = self.find_bound_esme() else {
                lock(&self.smsc().held).push(held);
                return;
            };
            let answer = esme.send_deliver_sm_pdu(held.written(self.now())).await;
            if answer.is_ok_and(|answer| answer.is_success()) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn find_bound_esme(&self) -> Option<Arc<ESME>> {
        lock(&self.smsc().bound).values().next().cloned()
    }
}

impl QueuedReceipt {
    /// The PDU on the wire.
    fn written(&self, done_at: Timestamp) -> deliver_sm {
        let receipt = DeliveryReceipt {
            id: name(self.number),
            sub: 1,
            dlvrd: u8::from(matches!(self.state, ReceiptState::Delivered)),
            submit_date: minute(self.submitted_at),
            done_date: minute(done_at),
            stat: self.state.word().to_owned(),
            err: "000".to_owned(),
            // Other SMSCs put the beginning of the message here, which may look like anything.
            text: "id:0 stat:UNKNOWN".to_owned(),
        };
        let about = self.about.expose().trim_start_matches('+').to_owned();
        let text = receipt.encode().into_bytes();
        let (none, ton, npi) = (String::new, 1, 1);
        let to = self.to.clone();
        let report = deliver_sm::new(
            0,
            none(),
            ton,
            npi,
            about,
            0,
            0,
            to,
            RECEIPT,
            0,
            0,
            none(),
            none(),
            0,
            0,
            0,
            0,
            text,
        );
        if self.number % 2 == 1 {
            return report;
        }
        report.with_tlvs([
            Tlv::from_c_string(TlvTag::ReceiptedMessageId, name(self.number)),
            Tlv::from_u8(TlvTag::MessageStateTlv, self.state.number()),
        ])
    }
}

/// `YYMMDDhhmm`.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().filter(char::is_ascii_digit).skip(2).take(10).collect()
}
