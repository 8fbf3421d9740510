//! Delivery receipts: a `deliver_sm` that reports on an earlier message (SMPP 3.4 §5.2.12 and
//! appendix B). The report is in optional parameters, in its text, or in both; the parameters take
//! precedence.

use super::deliver::Deliver;
use crate::sms::receipt::{DeliveryReceipt, DeliveryState, keep_code};

/// The bits of `esm_class` that hold the type of the message (§5.2.12), and two of its values.
const MESSAGE_TYPE: u8 = 0x3C;
const DELIVERY_RECEIPT: u8 = 0x04;
const INTERMEDIATE_NOTIFICATION: u8 = 0x20;

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
pub(super) fn parse_deliver(deliver: &Deliver) -> DeliverReport {
    match deliver.esm_class & MESSAGE_TYPE {
        DELIVERY_RECEIPT => {}
        INTERMEDIATE_NOTIFICATION => return DeliverReport::Underway,
        _ => return DeliverReport::Other,
    }
    let text = Fields::of(&deliver.text);
    let id = deliver.receipted_message_id.clone().filter(|id| !id.is_empty()).or_else(|| text.find("id"));
    let state = deliver.message_state.and_then(state_by_number);
    let state = state.or_else(|| state_by_word(&text.find("stat")?));
    match (id, state) {
        (Some(message_id), Some(ReportedState::Ended(state))) => {
            let code = text.find("err").filter(|_| state != DeliveryState::Delivered);
            let code = code.and_then(|code| keep_code(&code));
            DeliverReport::Final(DeliveryReceipt { message_id, state, code })
        }
        (_, Some(ReportedState::Underway)) => DeliverReport::Underway,
        _ => DeliverReport::Unreadable,
    }
}

/// The state of a message in a report.
enum ReportedState {
    Ended(DeliveryState),
    Underway,
}

/// The state by its number (§5.2.28); `None` for one that says nothing.
fn state_by_number(state: u8) -> Option<ReportedState> {
    Some(match state {
        2 => ReportedState::Ended(DeliveryState::Delivered),
        3 => ReportedState::Ended(DeliveryState::Expired),
        4 => ReportedState::Ended(DeliveryState::Deleted),
        5 => ReportedState::Ended(DeliveryState::Undeliverable),
        8 => ReportedState::Ended(DeliveryState::Rejected),
        // Scheduled (SMPP 5.0 §4.7.15), en route, accepted.
        0 | 1 | 6 => ReportedState::Underway,
        _ => return None,
    })
}

/// The state by its word (appendix B), which some SMSCs spell out.
fn state_by_word(state: &str) -> Option<ReportedState> {
    Some(match state.to_ascii_uppercase().as_str() {
        "DELIVRD" | "DELIVERED" => ReportedState::Ended(DeliveryState::Delivered),
        "EXPIRED" => ReportedState::Ended(DeliveryState::Expired),
        "DELETED" => ReportedState::Ended(DeliveryState::Deleted),
        "UNDELIV" | "UNDELIVERABLE" => ReportedState::Ended(DeliveryState::Undeliverable),
        "REJECTD" | "REJECTED" => ReportedState::Ended(DeliveryState::Rejected),
        "ENROUTE" | "ACCEPTD" | "ACCEPTED" => ReportedState::Underway,
        _ => return None,
    })
}

/// The words of `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`, with names in any
/// case and blanks around the colon. What follows `text:` is the beginning of the message itself,
/// and may contain anything.
struct Fields(Vec<String>);

impl Fields {
    fn of(text: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
        {
            match words.last_mut() {
                Some(name) if word.starts_with(':') => name.push_str(word),
                _ => words.push(word.to_owned()),
            }
            if words.last().is_some_and(|word| value_of(word, "text").is_some()) {
                words.pop();
                break;
            }
        }
        Self(words)
    }

    /// The first value of a member that has one.
    fn find(&self, name: &str) -> Option<String> {
        let values = self.0.iter().enumerate().filter_map(|(at, word)| match value_of(word, name)? {
            "" => self.0.get(at + 1).map(String::as_str).filter(|next| !next.contains(':')),
            value => Some(value),
        });
        values.map(str::to_owned).next()
    }
}

/// What follows `name:` in a word.
fn value_of<'w>(word: &'w str, name: &str) -> Option<&'w str> {
    let (found, value) = word.split_once(':')?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(esm_class: u8, text: &str) -> Deliver {
        Deliver { esm_class, text: text.to_owned(), ..Deliver::default() }
    }

    fn with_parameters(text: &str, id: Option<&str>, message_state: Option<u8>) -> Deliver {
        Deliver { receipted_message_id: id.map(str::to_owned), message_state, ..deliver(4, text) }
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
            assert_eq!(parse_deliver(&deliver(4, &text)), expected, "{state}");
        }
    }

    #[test]
    fn parameters_count_more_than_the_text() {
        let text = "id:wrong stat:UNDELIV";
        let parse = |text: &str, id, state| parse_deliver(&with_parameters(text, id, state));
        assert_eq!(parse(text, Some("right"), Some(2)), ended("right", DeliveryState::Delivered));
        assert_eq!(parse(text, Some("right"), None), ended("right", DeliveryState::Undeliverable));
        assert_eq!(parse("id:7", None, Some(3)), ended("7", DeliveryState::Expired));
        assert_eq!(parse("", Some("7"), Some(6)), DeliverReport::Underway);
        for unclear in [7, 9, 200] {
            assert_eq!(parse(text, Some(""), Some(unclear)), ended("wrong", DeliveryState::Undeliverable));
        }
    }

    #[test]
    fn words_of_receipt_are_read_in_any_case_and_spacing() {
        for text in [
            "id:4016 stat:delivrd",
            "ID:4016 Stat:DELIVRD",
            "id: 4016 sub: stat: DELIVRD err:",
            "id :4016 stat : Delivered",
            "id:4016\0stat:DELIVRD\0",
            "id:4016\r\nsubmit date:2611221415 done date:2611221415\r\nstat:DELIVRD",
            "id:4016 stat:DELIVRD TEXT :id:1 stat:UNDELIV",
            "id:4016 stat:DELIVRD Text: stat:UNDELIV",
        ] {
            assert_eq!(parse_deliver(&deliver(4, text)), ended("4016", DeliveryState::Delivered), "{text}");
        }
        assert_eq!(parse_deliver(&deliver(4, "id:a:b stat:DELIVRD")), ended("a:b", DeliveryState::Delivered));
        for text in ["id: stat:DELIVRD", "msgid:4016 stat:DELIVRD", "id:4016 stats:DELIVRD", "id:4016 stat:"]
        {
            assert_eq!(parse_deliver(&deliver(4, text)), DeliverReport::Unreadable, "{text}");
        }
    }

    #[test]
    fn error_code_goes_with_undelivered_receipts_only() {
        let code_of = |text: &str| match parse_deliver(&deliver(4, text)) {
            DeliverReport::Final(receipt) => receipt.code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code_of("id:7 stat:UNDELIV err:011 text:hi").as_deref(), Some("011"));
        for text in [
            "id:7 stat:DELIVRD err:011",
            "id:7 stat:UNDELIV err:000",
            "id:7 stat:UNDELIV err:12025550101",
            "id:7 stat:UNDELIV text:err:011",
        ] {
            assert_eq!(code_of(text), None, "{text}");
        }
    }

    #[test]
    fn what_the_customer_wrote_is_not_believed() {
        assert_eq!(parse_deliver(&deliver(0, "id:7 stat:DELIVRD")), DeliverReport::Other);
        assert_eq!(parse_deliver(&deliver(0x40, "id:7 stat:DELIVRD")), DeliverReport::Other);
        assert_eq!(parse_deliver(&deliver(4, "text:id:7 stat:DELIVRD")), DeliverReport::Unreadable);
        assert_eq!(parse_deliver(&deliver(4, "stat:DELIVRD")), DeliverReport::Unreadable);
        assert_eq!(parse_deliver(&deliver(0x20, "id:7 stat:DELIVRD")), DeliverReport::Underway);
    }
}
