//! The body of a `deliver_sm` (SMPP 3.4 §4.6.1), read as far as a receipt needs it.
//!
//! SMSCs are not exact in the rest: a service type that is too long, a time of 12 digits, an octet
//! behind the text, a parameter of another length. None of it says what became of a message, so
//! none of it costs a receipt. What the receipt needs must be there in full.

use bytes::{Buf as _, Bytes};

/// The optional parameters that are read (§5.3.2).
const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
const MESSAGE_PAYLOAD: u16 = 0x0424;
const MESSAGE_STATE: u16 = 0x0427;
/// The bit of `esm_class` that says that the text begins with a header (§5.2.12).
const HAS_HEADER: u8 = 0x40;
/// The `data_coding` of a text in UCS-2 (§5.2.19).
const UCS2: u8 = 8;

/// What a receipt needs of a `deliver_sm`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Deliver {
    pub(super) esm_class: u8,
    /// The text, or the payload that is there instead of it.
    pub(super) text: String,
    pub(super) receipted_message_id: Option<String>,
    /// The number of the state.
    pub(super) message_state: Option<u8>,
}

impl Deliver {
    /// Reads a body; `None` when it ends before its text does.
    pub(super) fn parse(mut body: Bytes) -> Option<Self> {
        read_c_string(&mut body)?; // service_type
        for _ in ["source", "destination"] {
            skip_octets(&mut body, 2)?; // type of number, numbering plan
            read_c_string(&mut body)?;
        }
        let esm_class = read_octet(&mut body)?;
        skip_octets(&mut body, 2)?; // protocol_id, priority_flag
        read_c_string(&mut body)?; // schedule_delivery_time
        read_c_string(&mut body)?; // validity_period
        skip_octets(&mut body, 2)?; // registered_delivery, replace_if_present_flag
        let data_coding = read_octet(&mut body)?;
        skip_octets(&mut body, 1)?; // sm_default_msg_id
        let octets = usize::from(read_octet(&mut body)?);
        let mut text = (body.len() >= octets).then(|| body.split_to(octets))?;
        let mut deliver = Self { esm_class, ..Self::default() };
        for (tag, value) in read_parameters(&body) {
            match tag {
                RECEIPTED_MESSAGE_ID => deliver.receipted_message_id = Some(read_text(&value)),
                MESSAGE_STATE => deliver.message_state = read_number(&value),
                MESSAGE_PAYLOAD => text = value,
                _ => {}
            }
        }
        if esm_class & HAS_HEADER != 0 {
            let header = text.first().map_or(0, |octets| usize::from(*octets) + 1);
            text.advance(header.min(text.len()));
        }
        let text =
            if data_coding == UCS2 { read_ucs2(&text) } else { String::from_utf8_lossy(&text).into_owned() };
        text.trim_matches(|c: char| c.is_whitespace() || c.is_control()).clone_into(&mut deliver.text);
        Some(deliver)
    }
}

/// An id, up to the first NUL.
pub(super) fn read_text(octets: &[u8]) -> String {
    let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(&octets[..end]).trim().to_owned()
}

fn read_ucs2(octets: &[u8]) -> String {
    let units: Vec<u16> = octets.as_chunks().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    String::from_utf16_lossy(&units)
}

/// A number whose octets are all zero but one, whatever their count and order are.
fn read_number(octets: &[u8]) -> Option<u8> {
    let mut significant = octets.iter().copied().filter(|octet| *octet != 0);
    let number = significant.next();
    significant.next().is_none().then_some(number.unwrap_or(0))
}

/// The parameters behind the text. Some SMSCs end a text with a NUL that they do not count: the
/// parameters then begin behind it.
fn read_parameters(body: &Bytes) -> Vec<(u16, Bytes)> {
    let (parameters, is_whole) = split_parameters(body.clone());
    if is_whole || body.first() != Some(&0) {
        return parameters;
    }
    let (behind_nul, is_whole) = split_parameters(body.slice(1..));
    if is_whole { behind_nul } else { parameters }
}

/// The parameters that are there in full, and whether they are all of the body.
fn split_parameters(mut body: Bytes) -> (Vec<(u16, Bytes)>, bool) {
    let mut parameters = Vec::new();
    while body.len() >= 4 {
        let (tag, octets) = (body.get_u16(), usize::from(body.get_u16()));
        if body.len() < octets {
            return (parameters, false);
        }
        parameters.push((tag, body.split_to(octets)));
    }
    (parameters, body.is_empty())
}

fn read_octet(body: &mut Bytes) -> Option<u8> {
    body.try_get_u8().ok()
}

fn skip_octets(body: &mut Bytes, octets: usize) -> Option<()> {
    (body.len() >= octets).then(|| body.advance(octets))
}

/// The octets before a NUL, of any length.
fn read_c_string(body: &mut Bytes) -> Option<Bytes> {
    let octets = body.iter().position(|octet| *octet == 0)?;
    let text = body.split_to(octets);
    body.advance(1);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECEIPT: &[u8] = b"id:4016 stat:DELIVRD";

    /// A body with this service type, validity period and text, and these octets behind it.
    fn body(service_type: &[u8], validity: &[u8], text: &[u8], behind: &[u8]) -> Bytes {
        let octets = [u8::try_from(text.len()).expect("is short")];
        let parts: [&[u8]; 10] = [
            service_type,
            b"\0\x01\x01",
            b"12025550101\0",
            b"\x05\0Acme\0",
            b"\x04\0\0\0",
            validity,
            b"\0\0\0\0\0",
            &octets,
            text,
            behind,
        ];
        Bytes::from(parts.concat())
    }

    fn parse(behind: &[u8]) -> Deliver {
        Deliver::parse(body(b"", b"", RECEIPT, behind)).expect("has its text")
    }

    #[test]
    fn optional_part_costs_no_receipt() {
        let sound = Deliver { esm_class: 4, text: "id:4016 stat:DELIVRD".to_owned(), ..Deliver::default() };
        assert_eq!(parse(b""), sound);
        for (service_type, validity) in [(&b"CMT12345"[..], &b""[..]), (b"", b"261122141500")] {
            assert_eq!(Deliver::parse(body(service_type, validity, RECEIPT, b"")), Some(sound.clone()));
        }
        for behind in [&b"\0"[..], b"\0\0", b"\x04", b"\x04\x24\0\xFF", b"\x12\x34\0\x02ab\0"] {
            assert_eq!(parse(behind), sound, "{behind:?}");
        }
        assert_eq!(Deliver::parse(body(b"", b"", b"id:4016 stat:DELIVRD\0", b"")), Some(sound));
    }

    #[test]
    fn parameters_are_read_at_any_length() {
        for id in [&b"\0\x1E\0\x05"[..], b"\0\0\x1E\0\x05"] {
            let without_nul = parse(&[id, b"abfab"].concat());
            assert_eq!(without_nul.receipted_message_id.as_deref(), Some("abfab"));
        }
        assert_eq!(parse(b"\0\x1E\0\x06abfab\0").receipted_message_id.as_deref(), Some("abfab"));
        for state in [&b"\x04\x27\0\x01\x02"[..], b"\x04\x27\0\x04\0\0\0\x02", b"\x04\x27\0\x04\x02\0\0\0"] {
            assert_eq!(parse(state).message_state, Some(2), "{state:?}");
        }
        assert_eq!(parse(b"\x04\x27\0\x02\x02\x05").message_state, None);
        assert_eq!(parse(b"\x04\x27\0\0").message_state, Some(0));
        assert_eq!(parse(b"\x04\x24\0\x04id:7").text, "id:7", "the payload is there instead");
    }

    #[test]
    fn text_is_read_in_ucs2_and_behind_a_header() {
        let mut ucs2 = body(b"", b"", b"\0i\0d\0:\x007", b"").to_vec();
        let coding = ucs2.len() - 8 - 3;
        ucs2[coding] = 8;
        assert_eq!(Deliver::parse(Bytes::from(ucs2)).expect("is whole").text, "id:7");
        let mut headed = body(b"", b"", b"\x05\0\x03\x01\x01\x01id:7", b"").to_vec();
        let class = headed.iter().position(|octet| *octet == 4).expect("is there");
        headed[class] = 0x44;
        assert_eq!(Deliver::parse(Bytes::from(headed)).expect("is whole").text, "id:7");
    }

    #[test]
    fn body_without_its_text_is_none() {
        let whole = body(b"", b"", RECEIPT, b"");
        for end in 0..whole.len() {
            assert_eq!(Deliver::parse(whole.slice(..end)), None, "{end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Deliver::parse(Bytes::from(body));
        }
    }
}
