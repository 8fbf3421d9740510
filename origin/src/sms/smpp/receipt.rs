//! Delivery receipts: a `deliver_sm` that reports on an earlier message (SMPP 3.4 §5.2.12 and
//! appendix B). The report is in optional parameters, in its text, or in both; the parameters take
//! precedence.

use crate::sms::receipt::{DeliveryReceipt, DeliveryState, keep_code};
use rusmpp::pdus::DeliverSm;
use rusmpp::tlvs::TlvValue;
use rusmpp::values::{MessageState, MessageType};

/// The content of a `deliver_sm`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DeliverReport {
    /// The final state of a message.
    Final(DeliveryReceipt),
    /// A message that has no final state yet.
    Underway,
    /// A report without a message id, or without a state.
    Unreadable,
    /// Not a report: a subscriber has replied to an SMS.
    Other,
}

/// Parses a `deliver_sm`.
pub(super) fn parse_deliver(deliver: &DeliverSm) -> DeliverReport {
    match deliver.esm_class.message_type {
        MessageType::ShortMessageContainsMCDeliveryReceipt => {}
        MessageType::ShortMessageContainsIntermediateDeliveryNotification => return DeliverReport::Underway,
        _ => return DeliverReport::Other,
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
        TlvValue::MessageState(state) => Some(state_by_number(*state)),
        _ => None,
    });
    let id = id.filter(|id| !id.is_empty()).or_else(|| find_field(&text, "id:"));
    match (id, state.or_else(|| find_field(&text, "stat:").map(state_by_word))) {
        (Some(id), Some(ReportedState::Ended(state))) => {
            let code =
                find_field(&text, "err:").filter(|_| state != DeliveryState::Delivered).and_then(keep_code);
            DeliverReport::Final(DeliveryReceipt { message_id: id.to_owned(), state, code })
        }
        (_, Some(ReportedState::Underway)) => DeliverReport::Underway,
        _ => DeliverReport::Unreadable,
    }
}

/// The state of a message in a report.
enum ReportedState {
    Ended(DeliveryState),
    Underway,
    Unknown,
}

/// The state by its number (§5.2.28).
fn state_by_number(state: MessageState) -> ReportedState {
    match state {
        MessageState::Delivered => ReportedState::Ended(DeliveryState::Delivered),
        MessageState::Expired => ReportedState::Ended(DeliveryState::Expired),
        MessageState::Deleted => ReportedState::Ended(DeliveryState::Deleted),
        MessageState::Undeliverable => ReportedState::Ended(DeliveryState::Undeliverable),
        MessageState::Rejected => ReportedState::Ended(DeliveryState::Rejected),
        MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted => ReportedState::Underway,
        _ => ReportedState::Unknown,
    }
}

/// The state by its word (appendix B).
fn state_by_word(state: &str) -> ReportedState {
    match state {
        "DELIVRD" => ReportedState::Ended(DeliveryState::Delivered),
        "EXPIRED" => ReportedState::Ended(DeliveryState::Expired),
        "DELETED" => ReportedState::Ended(DeliveryState::Deleted),
        "UNDELIV" => ReportedState::Ended(DeliveryState::Undeliverable),
        "REJECTD" => ReportedState::Ended(DeliveryState::Rejected),
        "ENROUTE" | "ACCEPTD" => ReportedState::Underway,
        _ => ReportedState::Unknown,
    }
}

/// A member of `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`. What follows
/// `text:` is the beginning of the message itself, and may contain anything.
fn find_field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
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

    fn ended(message_id: &str, state: DeliveryState) -> DeliverReport {
        DeliverReport::Final(DeliveryReceipt { message_id: message_id.to_owned(), state, code: None })
    }

    #[test]
    fn text_says_it() {
        for (state, expected) in [
            ("DELIVRD", ended("4f2a", DeliveryState::Delivered)),
            ("EXPIRED", ended("4f2a", DeliveryState::Expired)),
            ("UNDELIV", ended("4f2a", DeliveryState::Undeliverable)),
            ("REJECTD", ended("4f2a", DeliveryState::Rejected)),
            ("DELETED", ended("4f2a", DeliveryState::Deleted)),
            ("ENROUTE", DeliverReport::Underway),
            ("ACCEPTD", DeliverReport::Underway),
            ("UNKNOWN", DeliverReport::Unreadable),
            ("", DeliverReport::Unreadable),
        ] {
            let text = format!(
                "id:4f2a sub:001 dlvrd:001 submit date:2611221415 done date:2611221415 stat:{state} err:000 text:stat:X"
            );
            assert_eq!(parse_deliver(&deliver(4, &text, Vec::new())), expected, "{state}");
        }
    }

    #[test]
    fn parameters_count_more_than_the_text() {
        let text = "id:wrong stat:UNDELIV";
        let both = vec![id("right"), Tlv::MessageState(MessageState::Delivered)];
        assert_eq!(parse_deliver(&deliver(4, text, both)), ended("right", DeliveryState::Delivered));
        assert_eq!(
            parse_deliver(&deliver(4, text, vec![id("right")])),
            ended("right", DeliveryState::Undeliverable)
        );
        let state = vec![Tlv::MessageState(MessageState::Expired)];
        assert_eq!(parse_deliver(&deliver(4, "id:7", state)), ended("7", DeliveryState::Expired));
    }

    #[test]
    fn error_code_goes_with_undelivered_receipts_only() {
        let told = |text: &str| match parse_deliver(&deliver(4, text, Vec::new())) {
            DeliverReport::Final(receipt) => receipt.code,
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
        assert_eq!(parse_deliver(&deliver(0, "id:7 stat:DELIVRD", Vec::new())), DeliverReport::Other);
        assert_eq!(
            parse_deliver(&deliver(4, "text:id:7 stat:DELIVRD", Vec::new())),
            DeliverReport::Unreadable
        );
        assert_eq!(parse_deliver(&deliver(4, "stat:DELIVRD", Vec::new())), DeliverReport::Unreadable);
        assert_eq!(parse_deliver(&deliver(0x20, "id:7 stat:DELIVRD", Vec::new())), DeliverReport::Underway);
    }
}
