//! What a gateway for text messages does, whichever one the operator has.

use super::receipt::ReceiptSink;
use async_trait::async_trait;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;

/// A text message to be sent.
#[derive(Clone, Copy)]
pub struct Sms<'a> {
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
pub enum SendSmsResult {
    /// The gateway has it, and will do what it can.
    Accepted {
        /// By what name receipts will call it, where there are receipts.
        message_id: Option<String>,
    },
    /// Not, or not surely: to be sent again later.
    Later(RetryCause),
    /// Never: the gateway does not deliver to this number, or not this text.
    Refused,
}

/// Why a text is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCause {
    /// The gateway has too much to do. It has not taken it.
    Throttled,
    /// There is no gateway to talk to. It has not got it.
    Unreachable,
    /// No answer came, or none that says what happened: it may be on its way all the same.
    Unclear,
}

/// A gateway for text messages.
#[async_trait]
pub trait SmsGateway: Send + Sync {
    /// Sends a text, once. It takes seconds at most, whatever the gateway does.
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult;

    /// Keeps up the connection that a gateway may need, for as long as this is polled, and passes on what it reports.
    /// Without it, such a gateway is [`Cause::Unreachable`].
    async fn run(&self, receipts: &dyn ReceiptSink) {
        let _ = receipts;
        std::future::pending::<()>().await;
    }
}
