//! Text messages to customers: one trait, and an adapter for each kind of gateway that operators have.
//!
//! An adapter sends once, and says what it knows of that. Whether and when a text is sent again is the outbox's business,
//! and so is keeping it: nothing is stored here. What a gateway reports of a message later is a [`Receipt`]. No number and
//! no text is ever logged.

mod csp;
mod gsm7;
mod kannel;
mod parts;
mod receipts;
mod smpp;

pub(crate) use kannel::Report;

use crate::ambient::{Clock, Random};
use crate::app::App;
use crate::config::SmsSettings;
use crate::http::BillingSystem;
use crate::http::Peer;
use async_trait::async_trait;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

/// Longest code of a gateway's that is kept, in characters: those of SMPP have three.
const CODE_CHARS_MAX: usize = 16;
/// Most digits in one: seven are what is left of a number without its country and area.
const CODE_DIGITS_MAX: usize = 6;

/// A text message to be sent.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// To whom.
    pub to: &'a Msisdn,
    /// What it says.
    pub body: &'a str,
    /// Whether somebody waits for it now, as for a PIN: it goes before everything else.
    pub urgent: bool,
    /// From when on it is not worth delivering any more.
    pub valid_until: Option<Timestamp>,
    /// Whether the gateway should report what becomes of it.
    pub receipt: bool,
}

/// What came of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The gateway has it, and will do what it can.
    Accepted {
        /// By what name receipts will call it, where there are receipts.
        message_id: Option<String>,
    },
    /// Not, or not surely: to be sent again later.
    Later(Cause),
    /// Never: the gateway does not deliver to this number, or not this text.
    Refused,
}

/// Why a text is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The gateway has too much to do. It has not taken it.
    Throttled,
    /// There is no gateway to talk to. It has not got it.
    Unreachable,
    /// No answer came, or none that says what happened: it may be on its way all the same.
    Unclear,
}

/// What a gateway says of a message that it had accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name from [`Sent::Accepted`].
    pub message_id: String,
    /// How it ended.
    pub state: Delivery,
    /// Why it is not on the phone, in the gateway's own code, see [`code`].
    pub code: Option<String>,
}

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is on the phone.
    Delivered,
    /// It cannot be delivered.
    Undeliverable,
    /// The gateway, or the network, does not want to.
    Rejected,
    /// Somebody has deleted it at the gateway.
    Deleted,
    /// It was not in time.
    Expired,
}

impl Delivery {
    /// Its name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undeliverable => "undeliverable",
            Self::Rejected => "rejected",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }
}

/// In how many short messages a text goes, and whether in the GSM alphabet.
#[cfg(test)]
pub(crate) fn parts_of(text: &str) -> Option<(usize, bool)> {
    let parts = parts::cut(text, 0)?;
    Some((parts.messages.len(), parts.alphabet == parts::Alphabet::Gsm))
}

/// A gateway's code, as it is kept: a short word, and nothing that a number or a sentence could be. Only zeros say nothing.
fn code(word: &str) -> Option<String> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let fits = (1..=CODE_CHARS_MAX).contains(&word.len()) && digits <= CODE_DIGITS_MAX;
    (fits && word.bytes().all(is_word) && word.bytes().any(|b| b != b'0')).then(|| word.to_owned())
}

/// A receipt could not be taken; the gateway is asked to report again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotNow;

/// Where receipts go.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// Takes a receipt: when this returns, the gateway is told that it need not report again.
    ///
    /// Receipts come in any order, more than once, and even before [`Texts::send`] has said how the message is called.
    async fn take(&self, receipt: Receipt) -> Result<(), NotNow>;
}

/// A gateway for text messages.
#[async_trait]
pub trait Texts: Send + Sync {
    /// Sends a text, once. It takes seconds at most, whatever the gateway does.
    async fn send(&self, text: &Text<'_>) -> Sent;

    /// Keeps up the connection that a gateway may need, for as long as this is polled, and passes on what it reports.
    /// Without it, such a gateway is [`Cause::Unreachable`].
    async fn run(&self, receipts: &dyn Receipts) {
        let _ = receipts;
        std::future::pending::<()>().await;
    }
}

/// The gateway that a configuration names. The complaint says what to mend.
pub fn open(
    settings: &SmsSettings,
    bss: &Arc<BillingSystem>,
    peer: &Arc<dyn Peer>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Texts>, String> {
    let opened: Result<Arc<dyn Texts>, String> = match settings {
        SmsSettings::Csp(_) => Ok(Arc::new(csp::CspTexts::new(Arc::clone(bss)))),
        SmsSettings::Kannel(settings) => {
            kannel::KannelTexts::open(settings, Arc::clone(peer), Arc::clone(clock), Arc::clone(random))
                .map(|texts| Arc::new(texts) as _)
        }
        SmsSettings::Smpp(settings) => smpp::SmppTexts::open(settings, Arc::clone(clock), Arc::clone(random))
            .map(|texts| Arc::new(texts) as _),
    };
    opened.map_err(|complaint| format!("sms: {complaint}"))
}

/// Works as long as the origin serves.
pub async fn run(app: Arc<App>) {
    app.texts.run(&*app).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateways_code_is_a_short_word_and_no_number() {
        for word in ["011", "69", "E-011", "ABSENT_SUB", "123456"] {
            assert_eq!(code(word).as_deref(), Some(word));
        }
        for word in [
            "",
            "000",
            "1234567",
            "+120255",
            "12025550101",
            "no route",
            "a.b",
            "x1234567",
            "ABCDEFGHIJKLMNOPQ",
        ] {
            assert_eq!(code(word), None, "{word}");
        }
    }
}
