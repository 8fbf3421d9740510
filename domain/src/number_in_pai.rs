//! Whether a PAI that another system issued has its line's number in it. A partner must not learn the
//! number from the PAI, so such a PAI is brought in only when the operator insists.
//!
//! Not here: PAIs that onbill issues, which are random.

use crate::msisdn::Msisdn;
use crate::pai::Pai;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Longest calling code, in digits (ITU-T E.164 §6.2.1). Its length is not known here, so that up to so
/// many digits may be missing from a number that is written without it.
const CALLING_CODE_DIGITS_MAX: usize = 3;

/// Shortest spelling that counts, in digits: a shorter one would be found in too many PAIs by chance. A
/// random PAI of 16 digits meets one of seven digits once in a million.
const SPELLING_CHARS_MIN: usize = 7;

/// Shortest spelling that counts in what a PAI says in base64, in hexadecimal digits. There are more
/// places there to find one by chance.
const DECODED_CHARS_MIN: usize = 8;

/// Whether a PAI of this line may be brought in. `number_in_pai` is the operator's leave for those with
/// the number in them. There is none for one in the form of onbill's own, which says of itself that it
/// is random: the log and the edge's store show those as they are.
pub fn may_import(pai: Pai, number: &Msisdn, number_in_pai: bool) -> bool {
    !has_number(pai, number) || (number_in_pai && pai.random_bytes().is_none())
}

/// Whether a PAI has this number in it: with the calling code or without, with separators, in decimal
/// digits, in packed digits of either order, as an integer in hexadecimal, or any of these or the text
/// in hexadecimal or base64.
pub fn has_number(pai: Pai, number: &Msisdn) -> bool {
    let spellings = list_spellings(number);
    let is_in = |text: &str, chars_min: usize| {
        spellings.iter().any(|spelling| spelling.len() >= chars_min && text.contains(spelling.as_str()))
    };
    let joined = pai.as_str().chars().filter(char::is_ascii_alphanumeric);
    let joined = Zeroizing::new(joined.map(|each| each.to_ascii_lowercase()).collect::<String>());
    // Base64 in a PAI begins at any character. Two characters are three hexadecimal digits, so that
    // the first and the second one are all beginnings there are.
    is_in(&joined, SPELLING_CHARS_MIN)
        || pai.as_str().split(['.', '~']).any(|run| {
            (0..2).any(|skipped| is_in(&base64_as_hex(run.bytes().skip(skipped)), DECODED_CHARS_MIN))
        })
}

/// The number in each spelling, in lower case. Longer ones that contain one of these are found by it.
fn list_spellings(number: &Msisdn) -> Vec<Zeroizing<String>> {
    let digits = number.expose().trim_start_matches('+');
    let spared = digits.len().saturating_sub(SPELLING_CHARS_MIN).min(CALLING_CODE_DIGITS_MAX);
    let end = &digits[spared..];
    let mut spellings = vec![Zeroizing::new(end.to_owned()), encode_hex(end.bytes())];
    for national in (0..=spared).map(|from| &digits[from..]) {
        // As in SMS: 3GPP TS 23.040, section 9.1.2.3.
        let swapped = national.as_bytes().chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]);
        spellings.push(Zeroizing::new(swapped.map(char::from).collect()));
        let value: u64 = national.parse().unwrap_or_default();
        spellings.push(Zeroizing::new(format!("{value:x}")));
        let size = value.to_be_bytes().iter().skip_while(|byte| **byte == 0).count();
        spellings.push(encode_hex(value.to_le_bytes().into_iter().take(size)));
    }
    spellings
}

fn encode_hex(bytes: impl Iterator<Item = u8>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for byte in bytes {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What is written in base64url, of either padding, in hexadecimal digits. The last bits are left out.
fn base64_as_hex(run: impl Iterator<Item = u8>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    let (mut bits, mut count) = (0_u32, 0);
    for value in run.filter_map(base64_value) {
        bits = bits << 6 | u32::from(value);
        count += 6;
        while count >= 4 {
            count -= 4;
            text.extend(char::from_digit(bits >> count, 16));
            bits &= (1 << count) - 1;
        }
    }
    text
}

/// The value of a character of base64url (RFC 4648 §5).
fn base64_value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use crate::encoding::encode_base64url;

    fn pai(text: &str) -> Pai {
        Pai::parse(text).expect("is a PAI")
    }

    fn number(text: &str) -> Msisdn {
        Msisdn::parse(text).expect("is E.164")
    }

    #[test]
    fn number_is_found_in_any_spelling() {
        let american = number("+12025550101");
        for text in [
            "12025550101",
            "2025550101",
            "0012025550101",
            "ENT2025550101",
            "202.555.0101",
            "1-202-555-0101~a",
            "0000000000000000000012025550101000",
            // Each digit as text.
            "3132303235353530313031",
            "nflx-2B3132303235353530313031",
            // As an integer, with the country and without, in either order of bytes.
            "2ccc75515",
            "02CCC75515",
            "78bb7115",
            "1555C7CC02",
            // Packed, the digits swapped.
            "2120550501f1",
            "0252551010",
        ] {
            assert!(has_number(pai(text), &american), "{text}");
        }
        let spanish = number("+34612345601");
        for text in ["34612345601", "612345601", "612-345-601", "0034612345601x"] {
            assert!(has_number(pai(text), &spanish), "{text}");
            assert!(!has_number(pai(text), &american), "{text}");
        }
        for text in ["12345678", "x12345678x", "bc614e", "21436587"] {
            assert_eq!(has_number(pai(text), &number("+12345678")), text != "bc614e", "{text}");
        }
    }

    #[test]
    fn number_is_found_in_base64() {
        for (e164, packed) in [
            ("+12025550101", [0x12_u8, 0x02, 0x55, 0x50, 0x10, 0x1f]),
            ("+34612345601", [0x34, 0x61, 0x23, 0x45, 0x60, 0x1f]),
        ] {
            let value: u64 = e164[1..].parse().expect("are digits");
            let swapped = packed.map(|byte| byte.rotate_left(4));
            let (highest_first, lowest_first) = (value.to_be_bytes(), value.to_le_bytes());
            let plain: [&[u8]; 7] = [
                e164.as_bytes(),
                &e164.as_bytes()[1..],
                &e164.as_bytes()[3..],
                &packed,
                &swapped,
                &highest_first,
                &lowest_first,
            ];
            for plain in plain {
                for before in ["", "a", "ab", "abc"] {
                    let encoded = encode_base64url(&[before.as_bytes(), plain, b"z"].concat());
                    for text in [encoded.clone(), format!("N{encoded}"), format!("ENT.{encoded}~1")] {
                        assert!(has_number(pai(&text), &number(e164)), "{e164} {plain:?} {text}");
                    }
                }
            }
        }
    }

    #[test]
    fn pai_without_the_number_is_taken() {
        let number = number("+12025550101");
        for text in
            ["4567890123456789", "ENT1664367665579", "pci123", "12025550102", "a", "2025550", "-", "AAAA"]
        {
            assert!(!has_number(pai(text), &number), "{text}");
            assert!(may_import(pai(text), &number, false), "{text}");
        }
        for n in 0..2_000_u32 {
            let hash = sha256(&n.to_be_bytes());
            let random = Pai::from_random(*hash.first_chunk().expect("is long enough"));
            assert!(!has_number(random, &number), "{random}");
            assert!(!has_number(pai(&encode_base64url(&hash)), &number), "{n}");
        }
    }

    #[test]
    fn number_in_a_pai_needs_the_operators_leave() {
        let number = number("+12025550101");
        assert!(!may_import(pai("12025550101"), &number, false));
        assert!(may_import(pai("12025550101"), &number, true));
        let in_the_form_of_ours = pai("00000000-0000-4000-8000-012025550101");
        assert!(!may_import(in_the_form_of_ours, &number, true), "the log would show it");
        assert!(!may_import(in_the_form_of_ours, &number, false));
    }
}
