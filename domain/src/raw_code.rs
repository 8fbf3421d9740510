//! Billing's own codes, which the partner may read: what a code looks like, and whether a number is in it.

use crate::limits::RAW_CODE_CHARS_MAX;
use crate::msisdn::Msisdn;

/// Last digits of a number that count as that number: what is left of one without its country and area
/// code.
const NUMBER_DIGITS: usize = 7;

/// Whether a text can be a code: printable ASCII of a code's length.
pub fn is_code(text: &str) -> bool {
    (1..=RAW_CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// Whether a text has the last digits of this number in it, with any punctuation between them. Where the
/// number is not known, any text with that many digits may have one in it.
pub fn may_have_number(text: &str, msisdn: Option<&Msisdn>) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match msisdn {
        Some(msisdn) => {
            let number = msisdn.expose();
            digits.contains(&number[number.len().saturating_sub(NUMBER_DIGITS)..])
        }
        None => digits.len() >= NUMBER_DIGITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_short_and_printable() {
        for code in ["0", "R-204", "no such charge", &"x".repeat(RAW_CODE_CHARS_MAX)] {
            assert!(is_code(code), "{code}");
        }
        for text in ["", "a\tb", "größer", &"x".repeat(RAW_CODE_CHARS_MAX + 1)] {
            assert!(!is_code(text), "{text}");
        }
    }

    #[test]
    fn number_is_found_by_its_last_seven_digits() {
        let msisdn = Msisdn::parse("+13125550142").expect("is E.164");
        for (text, is_found) in [
            ("line of +1 312 555 0142", true),
            ("312-555-0142", true),
            ("5550142", true),
            ("555.0142/7", true),
            ("550142", false),
            ("5550143", false),
            ("", false),
        ] {
            assert_eq!(may_have_number(text, Some(&msisdn)), is_found, "{text}");
        }
        let shortest = Msisdn::parse("+29012345").expect("is E.164");
        assert!(may_have_number("9012345", Some(&shortest)) && !may_have_number("12345", Some(&shortest)));
        for (text, is_found) in [("555 01 42", true), ("5550143", true), ("123456", false)] {
            assert_eq!(may_have_number(text, None), is_found, "{text}");
        }
    }
}
