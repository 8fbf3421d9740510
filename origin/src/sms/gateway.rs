//! The interface of every SMS gateway.

use super::receipt::ReceiptSink;
use async_trait::async_trait;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;

/// The subjects of the alarms about a gateway.
pub(super) const SMPP: &str = "smpp";
pub(super) const KANNEL: &str = "kannel";
pub(super) const CSP: &str = "csp";

/// An SMS to be sent.
#[derive(Clone, Copy)]
pub struct Sms<'a> {
    pub to: &'a Msisdn,
    pub body: &'a str,
    /// Whether a customer is waiting for it, as for a PIN: it goes before everything else.
    pub urgent: bool,
    /// The time after which it is not worth delivering.
    pub valid_until: Option<Timestamp>,
    /// Whether the gateway should send a delivery receipt.
    pub receipt: bool,
}

/// The result of sending an SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendSmsResult {
    /// The gateway has accepted it, and will try to deliver it.
    Accepted {
        /// The id that its receipts will carry, where there are receipts.
        message_id: Option<String>,
    },
    /// It was not accepted, or not certainly: to be sent again later.
    Later(RetryCause),
    /// Permanent: the gateway does not deliver to this number, or not this SMS.
    Refused,
}

/// Why an SMS is to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryCause {
    /// The gateway is overloaded. It has not accepted the SMS.
    Throttled,
    /// There is no gateway to connect to. It has not got the SMS.
    Unreachable,
    /// There was no response, or none that shows what happened: the SMS may be on its way all the
    /// same.
    Unclear,
}

#[async_trait]
pub trait SmsGateway: Send + Sync {
    /// Sends an SMS, once. It takes seconds at most, whatever the gateway does.
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult;

    /// Keeps up the connection that a gateway may need, for as long as this is polled, and passes
    /// on its receipts. Without it, such a gateway is [`RetryCause::Unreachable`].
    async fn run(&self, receipts: &dyn ReceiptSink) {
        let _ = receipts;
        std::future::pending::<()>().await;
    }

    /// Ends the session that [`Self::run`] keeps up, as its protocol asks for. It takes a second at
    /// most, whatever the gateway does. While `run` is polled, a new session follows. There is no
    /// default, which a gateway around another one would inherit.
    async fn end_session(&self);
}
