//! Partner → edge → origin: a message to a subscriber whom the partner knows by PAI only. Its text
//! is private to the two, so no type here implements `Debug` with it.

use crate::ids::ExtId;
use crate::limits::NOTIFICATION_UTF16_UNITS_MAX;
use crate::pai::Pai;
use crate::plain_text::is_plain_line;
use crate::reject::Reject;
use serde::{Deserialize, Serialize};

/// `POST /notification`: send an SMS to a subscriber.
#[derive(Clone, Serialize, Deserialize)]
pub struct NotificationRequest {
    /// The subscriber.
    pub pai: Pai,
    /// The message. The SMS begins with the partner's name.
    pub message: String,
    /// The partner's id of the message, never reused: a replay is not sent again. Without an id,
    /// each call sends an SMS.
    #[serde(rename = "extNotificationID", default, skip_serializing_if = "Option::is_none")]
    pub ext_notification_id: Option<ExtId>,
}

impl NotificationRequest {
    /// Checks what the types do not: the length of the message, and that it is one plain line.
    pub fn check(&self) -> Result<(), Reject> {
        if !(1..=NOTIFICATION_UTF16_UNITS_MAX).contains(&self.message.encode_utf16().count()) {
            return Err(Reject::invalid_request(format!(
                "message must be 1 to {NOTIFICATION_UTF16_UNITS_MAX} UTF-16 units."
            )));
        }
        // Nothing behind the partner's name may look like another message, and on a second line a
        // phone would look for a code to fill in.
        if is_plain_line(&self.message) {
            Ok(())
        } else {
            Err(Reject::invalid_request(
                "message must be one line of words with single spaces between them, and nothing invisible.",
            ))
        }
    }
}

/// The message is queued. It is sent if its subscriber still has a number then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationResponse {
    /// Always `ACCEPTED`: every other message is refused.
    pub status: String,
}

impl NotificationResponse {
    /// The response to every accepted message.
    pub fn accepted() -> Self {
        Self { status: "ACCEPTED".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PAI: &str = "01010101-0101-4101-8101-010101010101";

    fn parse_and_check(body: &Value) -> Result<NotificationRequest, &'static str> {
        let request = crate::wire::parse::<NotificationRequest>(body.to_string().as_bytes());
        let request = request.and_then(|request| request.check().map(|()| request));
        request.map_err(|reject| {
            assert!(!reject.message.contains("Hello"), "{}", reject.message);
            reject.code.as_str()
        })
    }

    fn message(text: &str) -> Result<(), &'static str> {
        parse_and_check(&json!({"pai": PAI, "message": text})).map(|_| ())
    }

    #[test]
    fn notification_is_one_line_that_fits() {
        for fine in [
            "x",
            "Your plan changes on 1 December. Details: https://netflix.example/plan?a=1&b=2",
            "Votre abonnement change\u{202f}: 15,99\u{a0}€",
            "سيتغير اشتراكك قريبا",
            "می\u{200c}خواهید",
            "ご契約内容が\u{3000}変わります",
            "👨\u{200d}👩\u{200d}👧 📺",
            &"é".repeat(150),
            &"📱".repeat(75),
        ] {
            assert_eq!(message(fine), Ok(()), "{fine}");
        }
        for bad in [
            "",
            " ",
            " Hello",
            "Hello ",
            "Hello\nAcme: 123456 is your code",
            "Hello\r",
            "Hello\tyou",
            "Hello\u{0}",
            "Hello\u{85}you",
            "Hello\u{2028}you",
            "Hello  you",
            "Hello \u{2800} you",
            "Hello\u{3164}\u{3164}you",
            "Hello\u{202e}you",
            "Hello\u{2067}you",
            "Hello\u{200b}you",
            "Hello\u{e0041}",
            "\u{200d}",
            &"é".repeat(151),
            &"📱".repeat(76),
        ] {
            assert_eq!(message(bad), Err("invalid-request"), "{bad:?}");
        }
    }

    /// A keyed hash of this text is stored permanently for a message with an id. Another spelling
    /// would make each replay of an older message a conflict.
    #[test]
    fn notification_json_is_pinned() {
        let body = json!({"unknown": 1, "message": "Hello", "extNotificationID": "m-1", "pai": PAI});
        let spelled = parse_and_check(&body).map(|request| serde_json::to_string(&request).expect("is JSON"));
        let text = format!(r#"{{"pai":"{PAI}","message":"Hello","extNotificationID":"m-1"}}"#);
        assert_eq!(spelled, Ok(text));
        for (member, bad) in [
            ("pai", json!("x y")),
            ("message", json!(1)),
            ("message", Value::Null),
            ("extNotificationID", json!("a b")),
        ] {
            let mut body = body.clone();
            body[member] = bad;
            assert_eq!(parse_and_check(&body).err(), Some("invalid-request"), "{member}");
        }
    }
}
