//! Delivery receipts of messages that a gateway had accepted.

use async_trait::async_trait;

/// Longest code of a gateway that is kept, in characters: those of SMPP have three.
const CODE_CHARS_MAX: usize = 16;
/// Most digits in a code: seven are what is left of a number without its country and area.
const CODE_DIGITS_MAX: usize = 6;

/// The report of a gateway on a message that it had accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReceipt {
    /// The id from [`SendSmsResult::Accepted`].
    pub message_id: String,
    pub state: DeliveryState,
    /// Why it is not on the phone, in the gateway's own code, see [`keep_code`].
    pub code: Option<String>,
}

onbill_domain::word_enum! {
    /// The final state of an SMS that a gateway had accepted; the word is the one in logs.
    pub enum DeliveryState {
        /// It is on the phone.
        Delivered = "delivered",
        /// It cannot be delivered.
        Undeliverable = "undeliverable",
        /// The gateway or the network rejected it.
        Rejected = "rejected",
        /// It was deleted at the gateway.
        Deleted = "deleted",
        /// It could not be delivered in time.
        Expired = "expired",
    }
}

/// A gateway's code in the form that is kept: a short word, which cannot be a number or a sentence.
/// A code of only zeros means nothing.
pub(super) fn keep_code(word: &str) -> Option<String> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let fits = (1..=CODE_CHARS_MAX).contains(&word.len()) && digits <= CODE_DIGITS_MAX;
    (fits && word.bytes().all(is_word) && word.bytes().any(|b| b != b'0')).then(|| word.to_owned())
}

/// A receipt could not be stored; the gateway is asked to report again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptNotStored;

/// The receiver of receipts.
#[async_trait]
pub trait ReceiptSink: Send + Sync {
    /// Stores a receipt: when this returns, the report is acknowledged to the gateway.
    ///
    /// Receipts come in any order, more than once, and even before
    /// [`SmsGateway::send`](super::SmsGateway::send) has returned the id of the message.
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_code_is_short_and_no_number() {
        for word in ["011", "69", "E-011", "ABSENT_SUB", "123456"] {
            assert_eq!(keep_code(word).as_deref(), Some(word));
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
            assert_eq!(keep_code(word), None, "{word}");
        }
    }
}
