//! Splits a text into short messages: in the GSM alphabet if that has all of its characters,
//! otherwise in UCS-2; in one message if it fits, otherwise in parts that the phone joins by their
//! header (3GPP TS 23.040 §9.2.3.24.1).

use super::gsm7;

/// Most parts of one text: more than a thousand Latin characters, or five hundred others. All texts
/// that we send are shorter; a mistake that makes one long should not cost an operator a thousand
/// messages.
const PARTS_MAX: usize = 8;
/// Octets of the header of a part, with its length: 5, element 0 of 3 octets, reference, parts,
/// number.
const HEADER_OCTETS: usize = 6;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// The GSM 7-bit default alphabet.
    Gsm,
    /// UCS-2, or rather UTF-16, as every phone reads it: so emoji work.
    Ucs2,
}

/// The capacity of one message.
struct MessageCapacity {
    alphabet: Alphabet,
    /// Octets of a message on its own.
    whole: usize,
    /// Octets of a part, without its header.
    part: usize,
}

/// 140 octets are 160 septets. The header takes the space of seven.
const GSM: MessageCapacity = MessageCapacity { alphabet: Alphabet::Gsm, whole: 160, part: 153 };
const UCS2: MessageCapacity =
    MessageCapacity { alphabet: Alphabet::Ucs2, whole: 140, part: 140 - HEADER_OCTETS };

/// A text in short messages, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) alphabet: Alphabet,
    /// The messages; with their headers, where there are several.
    pub(super) messages: Vec<Vec<u8>>,
}

impl Parts {
    /// Whether the messages begin with headers.
    pub(super) fn have_headers(&self) -> bool {
        self.messages.len() > 1
    }
}

/// Splits a text; the reference distinguishes its parts from those of other texts to the same
/// phone. `None` for a text that is empty or too long.
pub(super) fn split_sms(text: &str, reference: u8) -> Option<Parts> {
    let (room, characters) = match split_gsm7(text) {
        Some(characters) => (GSM, characters),
        None => (UCS2, text.chars().map(encode_ucs2).collect()),
    };
    let octets: usize = characters.iter().map(Vec::len).sum();
    let most = if octets <= room.whole { room.whole } else { room.part };
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    for character in characters {
        // A character is never split, be it an escape with its character or a pair of surrogates.
        match pieces.last_mut() {
            Some(last) if last.len() + character.len() <= most => last.extend(character),
            _ => pieces.push(character),
        }
    }
    if !(1..=PARTS_MAX).contains(&pieces.len()) {
        return None;
    }
    if let [_, _, ..] = &pieces[..] {
        let count = u8::try_from(pieces.len()).ok()?;
        for (piece, number) in pieces.iter_mut().zip(1..=count) {
            piece.splice(0..0, [5, 0, 3, reference, count, number]);
        }
    }
    Some(Parts { alphabet: room.alphabet, messages: pieces })
}

/// The septets of each character; `None` when the alphabet lacks one.
fn split_gsm7(text: &str) -> Option<Vec<Vec<u8>>> {
    let septets = |character| {
        let mut septets = Vec::with_capacity(2);
        gsm7::encode(character, &mut septets).then_some(septets)
    };
    text.chars().map(septets).collect()
}

fn encode_ucs2(character: char) -> Vec<u8> {
    character.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut_up(text: &str) -> Parts {
        split_sms(text, 0xA7).expect("is neither empty nor too long")
    }

    /// Octets of each message without its header.
    fn lengths(text: &str) -> Vec<usize> {
        let parts = cut_up(text);
        let header = if parts.have_headers() { HEADER_OCTETS } else { 0 };
        parts.messages.iter().map(|message| message.len() - header).collect()
    }

    #[test]
    fn text_is_split_where_a_part_is_full() {
        for (count, expected) in [
            (1, &[1][..]),
            (160, &[160]),
            (161, &[153, 8]),
            (306, &[153, 153]),
            (307, &[153, 153, 1]),
            (8 * 153, &[153; 8]),
        ] {
            assert_eq!(lengths(&"a".repeat(count)), expected, "{count} of the GSM alphabet");
        }
        for (count, expected) in
            [(1, &[2][..]), (70, &[140]), (71, &[134, 8]), (134, &[134, 134]), (135, &[134, 134, 2])]
        {
            assert_eq!(lengths(&"م".repeat(count)), expected, "{count} of UCS-2");
        }
        assert_eq!(split_sms("", 1), None);
        assert_eq!(split_sms(&"a".repeat(8 * 153 + 1), 1), None);
        assert_eq!(split_sms(&"م".repeat(8 * 67 + 1), 1), None);
    }

    /// The operator pays for each part of a partner's message, which includes the partner's name.
    #[test]
    fn partners_message_has_three_parts_at_most() {
        use crate::config::PARTNER_NAME_UNITS_MAX;
        use onbill_domain::limits::NOTIFICATION_UTF16_UNITS_MAX;
        let longest = |unit: &str| {
            let times = |units: usize| unit.repeat(units / unit.encode_utf16().count());
            format!("{}: {}", times(PARTNER_NAME_UNITS_MAX), times(NOTIFICATION_UTF16_UNITS_MAX))
        };
        for unit in ["a", "€", "م", "📱"] {
            assert!(lengths(&longest(unit)).len() <= 3, "{unit}");
        }
        assert_eq!(lengths(&format!("Netflix: {}", "a".repeat(NOTIFICATION_UTF16_UNITS_MAX))), [159]);
    }

    #[test]
    fn escape_and_what_follows_it_stay_together() {
        assert_eq!(lengths(&"€".repeat(80)), [160]);
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(10));
        assert_eq!(lengths(&text), [152, 12]);
        let parts = cut_up(&text);
        assert_eq!(parts.messages[1][HEADER_OCTETS..HEADER_OCTETS + 3], [0x1B, 0x65, b'a']);
    }

    #[test]
    fn pair_of_surrogates_stays_together() {
        assert_eq!(lengths(&"📱".repeat(35)), [140]);
        let text = format!("{}📱{}", "م".repeat(66), "م".repeat(10));
        assert_eq!(lengths(&text), [132, 24]);
        let parts = cut_up(&text);
        assert_eq!(parts.messages[1][HEADER_OCTETS..HEADER_OCTETS + 4], [0xD8, 0x3D, 0xDC, 0xF1]);
    }

    #[test]
    fn parts_carry_reference_and_order() {
        let parts = cut_up(&"a".repeat(400));
        assert!(parts.have_headers());
        for (message, number) in parts.messages.iter().zip(1..) {
            assert_eq!(message[..HEADER_OCTETS], [5, 0, 3, 0xA7, 3, number]);
        }
        assert!(!cut_up("short").have_headers());
    }

    #[test]
    fn character_outside_gsm7_makes_the_text_ucs2() {
        assert_eq!(cut_up("Acme").alphabet, Alphabet::Gsm);
        let parts = cut_up("Acme 📱");
        assert_eq!(parts.alphabet, Alphabet::Ucs2);
        assert_eq!(parts.messages, [b"\0A\0c\0m\0e\0 \xD8\x3D\xDC\xF1".to_vec()]);
    }

    proptest! {
        #[test]
        fn parts_lose_nothing_and_fit_their_length(text in "[a-z€\\[مñ📱]{1,400}") {
            let parts = cut_up(&text);
            let header = if parts.have_headers() { HEADER_OCTETS } else { 0 };
            let (room, whole) = match split_gsm7(&text) {
                Some(septets) => (if header == 0 { GSM.whole } else { GSM.part }, septets.concat()),
                None => (UCS2.whole - header, text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            };
            let bodies = || parts.messages.iter().map(|message| &message[header..]);
            prop_assert!(bodies().all(|body| body.len() <= room));
            prop_assert_eq!(bodies().flatten().copied().collect::<Vec<u8>>(), whole);
        }
    }
}
