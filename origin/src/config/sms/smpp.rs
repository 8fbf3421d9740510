//! `[sms]` with `by = "smpp"`: the address of the SMSC, and our account at it.

use super::place::place_of;
use crate::config::complaints::Complaints;
use rusmpp::values::{Npi, Ton};
use serde::{Deserialize, Serialize, Serializer};
use std::path::PathBuf;

/// Messages in flight at once when the configuration gives no number: what most SMSCs allow by
/// default.
const WINDOW_DEFAULT: u16 = 10;
/// An SMSC that allows more is rare, and each message takes memory.
const WINDOW_MAX: u16 = 100;
/// Silence after which the SMSC is sent an `enquire_link`, in seconds: routers drop an idle
/// connection after minutes.
const ENQUIRE_SECONDS_DEFAULT: u64 = 30;
const ENQUIRE_SECONDS_MAX: u64 = 300;
/// How long an SMSC may take to respond, in seconds.
const ANSWER_SECONDS_DEFAULT: u64 = 10;
/// Even with the most parts that an SMS may have, an attempt ends well before another worker may
/// start one.
const ANSWER_SECONDS_MAX: u64 = 30;
/// Characters of the fields, without their final NUL (SMPP 3.4 §4.1.5).
const SYSTEM_ID_CHARS_MAX: usize = 15;
const SYSTEM_TYPE_CHARS_MAX: usize = 12;
/// Characters of a password, without its final NUL.
pub(crate) const SMPP_PASSWORD_CHARS_MAX: usize = 8;
/// Digits of a sender that is a number.
const NUMBER_DIGITS_MAX: usize = 20;
/// Characters of a sender that is a name (3GPP TS 23.040 §9.1.2.5).
const NAME_CHARS_MAX: usize = 11;

/// The SMSC, and our account at it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// The address of the SMSC: `smpp://host:port`, or `smpps://` with TLS.
    pub url: SmppAddress,
    /// Our user name at the SMSC.
    pub system_id: String,
    /// A file with the password in its first line.
    pub password_file: PathBuf,
    /// Our type of system, where the SMSC requires one.
    #[serde(default)]
    pub system_type: String,
    /// The sender of messages: a number with its `+`, a short code, or a name.
    pub sender: String,
    /// Type of number of the sender, when the SMSC requires another than the sender's form implies.
    pub sender_ton: Option<u8>,
    /// Numbering plan of the sender, when the SMSC requires another than the sender's form implies.
    pub sender_npi: Option<u8>,
    /// Most messages in flight at once.
    #[serde(default = "window_default")]
    pub window: u16,
    /// Seconds between two `enquire_link` requests.
    #[serde(default = "enquire_seconds_default")]
    pub enquire_seconds: u64,
    /// Seconds that the SMSC has for a response.
    #[serde(default = "answer_seconds_default")]
    pub answer_seconds: u64,
    /// The form of the message ids in receipts.
    #[serde(default)]
    pub message_id: MessageIdForm,
}

onbill_domain::wire_enum! {
    /// How the message id of a receipt differs from that of the answer to the message.
    pub enum MessageIdForm {
        /// The first receipts tell.
        Auto = "auto",
        /// Not at all.
        AsIs = "as-is",
        /// In the case of its letters, or in the zeros before it.
        AnyCase = "any-case",
        /// It is hexadecimal in the answer, and decimal in the receipt.
        HexThenDecimal = "hex-then-decimal",
        /// It is decimal in the answer, and hexadecimal in the receipt.
        DecimalThenHex = "decimal-then-hex",
    }
}

#[expect(clippy::derivable_impls, reason = "the derives of the enum are the macro's")]
impl Default for MessageIdForm {
    fn default() -> Self {
        Self::Auto
    }
}

fn window_default() -> u16 {
    WINDOW_DEFAULT
}

fn enquire_seconds_default() -> u64 {
    ENQUIRE_SECONDS_DEFAULT
}

fn answer_seconds_default() -> u64 {
    ANSWER_SECONDS_DEFAULT
}

impl SmppSettings {
    /// Checks what the types cannot. The error says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut complaints = Complaints::default();
        self.list_complaints(&mut complaints);
        complaints.into_result()
    }

    pub(super) fn list_complaints(&self, complaints: &mut Complaints) {
        for (member, text, most) in [
            ("system_id", &self.system_id, SYSTEM_ID_CHARS_MAX),
            ("system_type", &self.system_type, SYSTEM_TYPE_CHARS_MAX),
        ] {
            if text.len() > most || !text.bytes().all(|b| b.is_ascii_graphic()) {
                complaints.add(
                    place_of(member),
                    format!("sms: {member} must be at most {most} printable ASCII characters"),
                );
            }
        }
        if self.system_id.is_empty() {
            complaints.add(place_of("system_id"), "sms: system_id must not be empty");
        }
        let sender = self.source_address().map(drop);
        complaints.take(place_of("sender"), sender.map_err(|complaint| format!("sms: {complaint}")));
        for (member, value, most) in [
            ("window", u64::from(self.window), u64::from(WINDOW_MAX)),
            ("enquire_seconds", self.enquire_seconds, ENQUIRE_SECONDS_MAX),
            ("answer_seconds", self.answer_seconds, ANSWER_SECONDS_MAX),
        ] {
            if !(1..=most).contains(&value) {
                complaints.add(place_of(member), format!("sms: {member} must be from 1 to {most}"));
            }
        }
    }

    /// The sender as it is in a message, with type of number and numbering plan.
    pub(crate) fn source_address(&self) -> Result<(String, Ton, Npi), String> {
        let digits = |text: &str| {
            (1..=NUMBER_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
        };
        let (address, ton, npi) = match self.sender.strip_prefix('+') {
            Some(number) if digits(number) => (number, Ton::International, Npi::Isdn),
            None if digits(&self.sender) => (&*self.sender, Ton::Unknown, Npi::Isdn),
            None if is_name(&self.sender) => (&*self.sender, Ton::Alphanumeric, Npi::Unknown),
            _ => {
                return Err(format!(
                    "sender must be a number, a short code, or a name of at most {NAME_CHARS_MAX} ASCII characters"
                ));
            }
        };
        let ton = self.sender_ton.map_or(ton, Ton::from);
        let npi = self.sender_npi.map_or(npi, Npi::from);
        Ok((address.to_owned(), ton, npi))
    }
}

fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() || b == b' ';
    (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)
}

/// The address of an SMSC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SmppAddress {
    /// Whether the connection uses TLS. Without TLS it is only for the operator's own network.
    pub(crate) tls: bool,
    /// Host name or IP address.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Serialize for SmppAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (scheme, port) = (if self.tls { "smpps" } else { "smpp" }, self.port);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        serializer.collect_str(&format_args!("{scheme}://{host}:{port}"))
    }
}

impl TryFrom<String> for SmppAddress {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        const COMPLAINT: &str = "url must be of the form smpp://host:port or smpps://host:port";
        let (tls, rest) = match url.split_once("://") {
            Some(("smpp", rest)) => (false, rest),
            Some(("smpps", rest)) => (true, rest),
            _ => return Err(COMPLAINT),
        };
        let authority: http::uri::Authority = rest.parse().map_err(|_| COMPLAINT)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        match authority.port_u16() {
            Some(port) if port > 0 && !host.is_empty() && !rest.contains('@') => {
                Ok(Self { tls, host: host.to_owned(), port })
            }
            _ => Err(COMPLAINT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<SmppSettings, String> {
        let text = format!("system_id = \"onbill\"\npassword_file = \"p\"\n{more}");
        let settings: SmppSettings = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        settings.check().map(|()| settings)
    }

    fn sender(sender: &str) -> Result<(String, Ton, Npi), String> {
        read(&format!("url = \"smpp://smsc:2775\"\nsender = \"{sender}\""))?.source_address()
    }

    #[test]
    fn sender_is_known_by_its_form() {
        assert_eq!(sender("+12025550100"), Ok(("12025550100".to_owned(), Ton::International, Npi::Isdn)));
        assert_eq!(sender("7700"), Ok(("7700".to_owned(), Ton::Unknown, Npi::Isdn)));
        assert_eq!(sender("Acme Mobile"), Ok(("Acme Mobile".to_owned(), Ton::Alphanumeric, Npi::Unknown)));
        for bad in ["", "Acme Mobile 2", "+", "+12a", "Nova Móvil"] {
            assert!(sender(bad).is_err(), "{bad}");
        }
        let own = read("url = \"smpp://smsc:2775\"\nsender = \"7700\"\nsender_ton = 3\nsender_npi = 0");
        assert_eq!(
            own.and_then(|own| own.source_address()),
            Ok(("7700".to_owned(), Ton::NetworkSpecific, Npi::Unknown))
        );
    }

    #[test]
    fn smsc_url_has_scheme_host_and_port_only() {
        let address = |url: &str| SmppAddress::try_from(url.to_owned());
        let smsc = SmppAddress { tls: true, host: "smsc.acme.example".to_owned(), port: 3550 };
        assert_eq!(address("smpps://smsc.acme.example:3550"), Ok(smsc));
        let local = SmppAddress { tls: false, host: "::1".to_owned(), port: 2775 };
        assert_eq!(address("smpp://[::1]:2775"), Ok(local));
        for bad in [
            "smsc:2775",
            "smpp://smsc",
            "http://smsc:80",
            "smpp://u:p@smsc:1",
            "smpp://smsc:0",
            "smpp://smsc:1/x",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mistake_is_explained_in_words() {
        let good = "url = \"smpp://smsc:2775\"\nsender = \"Acme\"";
        assert!(read(good).is_ok());
        for (more, complaint) in [
            ("window = 0", "window must be from 1 to 100"),
            ("enquire_seconds = 301", "enquire_seconds must be"),
            ("answer_seconds = 0", "answer_seconds must be"),
            ("password = \"hunter2\"", "unknown field"),
            ("system_type = \"more than twelve\"", "system_type must be"),
        ] {
            let mistakes = read(&format!("{good}\n{more}")).expect_err(more);
            assert!(mistakes.contains(complaint), "{mistakes}");
        }
    }
}
