//! Delivery receipts: a `deliver_sm` that reports of an earlier message (SMPP 3.4 §5.2.12 and appendix B). What it says
//! stands in optional parameters, in its text, or in both; the parameters count.

use crate::sms::receipt::{Delivery, Receipt, code};
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::{MessageState, MessageType};

/// What a `deliver_sm` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// How a message ended.
    Final(Receipt),
    /// A message is under way still.
    Underway,
    /// A report that does not say of which message, or what.
    Unreadable,
    /// It is no report: somebody has answered a text.
    Other,
}

/// Reads it.
pub(super) fn read(deliver: &DeliverSm) -> Report {
    match deliver.esm_class.message_type {
        MessageType::ShortMessageContainsMCDeliveryReceipt => {}
        MessageType::ShortMessageContainsIntermediateDeliveryNotification => return Report::Underway,
        _ => return Report::Other,
    }
    let values = || deliver.tlvs().iter().filter_map(|tlv| tlv.value());
    let payload = values().find_map(|value| match value {
        TlvValue::MessagePayload(payload) => Some(&payload.value[..]),
        _ => None,
    });
    let text = payload.unwrap_or(&deliver.short_message()[..]);
    let text = String::from_utf8_lossy(text);
    let id = values().find_map(|value| match value {
        TlvValue::ReceiptedMessageId(id) => Some(id.as_str()),
        _ => None,
    });
    let state = values().find_map(|value| match value {
        TlvValue::MessageState(state) => Some(by_number(*state)),
        _ => None,
    });
    let id = id.filter(|id| !id.is_empty()).or_else(|| in_text(&text, "id:"));
    match (id, state.or_else(|| in_text(&text, "stat:").map(by_word))) {
        (Some(id), Some(State::Ended(state))) => {
            let code = in_text(&text, "err:").filter(|_| state != Delivery::Delivered).and_then(code);
            Report::Final(Receipt { message_id: id.to_owned(), state, code })
        }
        (_, Some(State::Underway)) => Report::Underway,
        _ => Report::Unreadable,
    }
}

/// Where a message stands.
enum State {
    Ended(Delivery),
    Underway,
    Unknown,
}

/// §5.2.28.
fn by_number(state: MessageState) -> State {
    match state {
        MessageState::Delivered => State::Ended(Delivery::Delivered),
        MessageState::Expired => State::Ended(Delivery::Expired),
        MessageState::Deleted => State::Ended(Delivery::Deleted),
        MessageState::Undeliverable => State::Ended(Delivery::Undeliverable),
        MessageState::Rejected => State::Ended(Delivery::Rejected),
        MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted => State::Underway,
        _ => State::Unknown,
    }
}

/// Appendix B.
fn by_word(state: &str) -> State {
    match state {
        "DELIVRD" => State::Ended(Delivery::Delivered),
        "EXPIRED" => State::Ended(Delivery::Expired),
        "DELETED" => State::Ended(Delivery::Deleted),
        "UNDELIV" => State::Ended(Delivery::Undeliverable),
        "REJECTD" => State::Ended(Delivery::Rejected),
        "ENROUTE" | "ACCEPTD" => State::Underway,
        _ => State::Unknown,
    }
}

/// A member of `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`. What follows `text:` is the beginning
/// of the message itself, and may look like anything.
fn in_text<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let words =
        text.split_ascii_whitespace().take_while(|word| !word.to_ascii_lowercase().starts_with("text:"));
    words.filter_map(|word| word.strip_prefix(name)).find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusmpp::tlvs::MessageDeliveryRequestTlvValue as Tlv;
    use rusmpp::types::{COctetString, OctetString};
    use rusmpp::values::EsmClass;

    fn deliver(class: u8, text: &str, tlvs: Vec<Tlv>) -> DeliverSm {
        let text = OctetString::from_slice(text.as_bytes()).expect("is short");
        DeliverSm::builder().esm_class(EsmClass::from(class)).short_message(text).tlvs(tlvs).build()
    }

    fn id(id: &str) -> Tlv {
        Tlv::ReceiptedMessageId(COctetString::from_string(id.to_owned()).expect("is short"))
    }

    fn ended(message_id: &str, state: Delivery) -> Report {
        Report::Final(Receipt { message_id: message_id.to_owned(), state, code: None })
    }

    #[test]
    fn the_text_says_it() {
        for (state, expected) in [
            ("DELIVRD", ended("4f2a", Delivery::Delivered)),
            ("EXPIRED", ended("4f2a", Delivery::Expired)),
            ("UNDELIV", ended("4f2a", Delivery::Undeliverable)),
            ("REJECTD", ended("4f2a", Delivery::Rejected)),
            ("DELETED", ended("4f2a", Delivery::Deleted)),
            ("ENROUTE", Report::Underway),
            ("ACCEPTD", Report::Underway),
            ("UNKNOWN", Report::Unreadable),
            ("", Report::Unreadable),
        ] {
            let text = format!(
                "id:4f2a sub:001 dlvrd:001 submit date:2611221415 done date:2611221415 stat:{state} err:000 text:stat:X"
            );
            assert_eq!(read(&deliver(4, &text, Vec::new())), expected, "{state}");
        }
    }

    #[test]
    fn the_parameters_count_more_than_the_text() {
        let text = "id:wrong stat:UNDELIV";
        let both = vec![id("right"), Tlv::MessageState(MessageState::Delivered)];
        assert_eq!(read(&deliver(4, text, both)), ended("right", Delivery::Delivered));
        assert_eq!(read(&deliver(4, text, vec![id("right")])), ended("right", Delivery::Undeliverable));
        let state = vec![Tlv::MessageState(MessageState::Expired)];
        assert_eq!(read(&deliver(4, "id:7", state)), ended("7", Delivery::Expired));
    }

    #[test]
    fn a_code_goes_with_what_is_not_on_the_phone() {
        let told = |text: &str| match read(&deliver(4, text, Vec::new())) {
            Report::Final(receipt) => receipt.code,
            other => panic!("{other:?}"),
        };
        assert_eq!(told("id:7 stat:UNDELIV err:011 text:hi").as_deref(), Some("011"));
        for text in [
            "id:7 stat:DELIVRD err:011",
            "id:7 stat:UNDELIV err:000",
            "id:7 stat:UNDELIV err:12025550101",
            "id:7 stat:UNDELIV text:err:011",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn what_the_customer_wrote_is_not_believed() {
        assert_eq!(read(&deliver(0, "id:7 stat:DELIVRD", Vec::new())), Report::Other);
        assert_eq!(read(&deliver(4, "text:id:7 stat:DELIVRD", Vec::new())), Report::Unreadable);
        assert_eq!(read(&deliver(4, "stat:DELIVRD", Vec::new())), Report::Unreadable);
        assert_eq!(read(&deliver(0x20, "id:7 stat:DELIVRD", Vec::new())), Report::Underway);
    }
}
