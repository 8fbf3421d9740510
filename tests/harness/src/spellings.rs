//! A number, or a coupon's code, in every spelling that careless code could give it, and the search
//! for all of them at once.

use aho_corasick::AhoCorasick;
use onbill_domain::encoding::encode_base64url;
use std::fmt::Write as _;

pub struct Search {
    patterns: AhoCorasick,
    /// Each pattern with its description, for the report of a match.
    spellings: Vec<(String, Vec<u8>)>,
}

impl Search {
    /// Searches for these numbers, in E.164, and with the prefixes of calls from within the
    /// country.
    pub fn for_numbers(numbers: &[&str]) -> Self {
        Self::for_spellings(numbers.iter().flat_map(|number| spell_number(number)).collect())
    }

    /// Searches for these codes too.
    #[must_use]
    pub fn with_codes(self, codes: &[String]) -> Self {
        let codes = codes.iter().flat_map(|code| spellings_of_code(code));
        Self::for_spellings(self.spellings.into_iter().chain(codes).collect())
    }

    pub fn for_spellings(spellings: Vec<(String, Vec<u8>)>) -> Self {
        let patterns = AhoCorasick::new(spellings.iter().map(|(_, pattern)| pattern)).expect("are patterns");
        Self { patterns, spellings }
    }

    /// The first spelling that occurs in `bytes`.
    pub fn find_spelling(&self, bytes: &[u8]) -> Option<&str> {
        self.patterns.find(bytes).map(|found| self.spellings[found.pattern().as_usize()].0.as_str())
    }

    /// # Panics
    ///
    /// When a number is at `place`.
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some(spelling) = self.find_spelling(bytes) {
            panic!("{place} has {spelling}");
        }
    }
}

/// A text in each encoding.
pub fn spell_encoded(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |how: &str, bytes: Vec<u8>| all.push((format!("{text} {how}"), bytes));
    add("as it is", text.as_bytes().to_vec());
    add("in UTF-16LE", text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    add("in UTF-16BE", text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    add("in hex", write_hex(text.as_bytes(), "").into_bytes());
    add("in upper-case hex", write_hex(text.as_bytes(), "").to_uppercase().into_bytes());
    add("percent-encoded", write_hex(text.as_bytes(), "%").into_bytes());
    add("percent-encoded upper case", write_hex(text.as_bytes(), "%").to_uppercase().into_bytes());
    add("escaped for JSON", write_hex(text.as_bytes(), "\\u00").into_bytes());
    for before in 0..3 {
        let url = in_base64(text.as_bytes(), before);
        add("in base64", url.replace('-', "+").replace('_', "/").into_bytes());
        add("in base64url", url.into_bytes());
    }
    all
}

/// Each spelling of a code: as it is in the SMS, as people type it, as it is hashed, and its random
/// bytes. Its first symbols identify the operator, and are not secret.
fn spellings_of_code(code: &str) -> Vec<(String, Vec<u8>)> {
    let secret = code.get(5..).expect("has five groups");
    let written = ["-", "", " "].map(|between| secret.replace('-', between));
    let mut all: Vec<_> = written
        .iter()
        .flat_map(|text| [text.clone(), text.to_lowercase()])
        .flat_map(|text| spell_encoded(&text))
        .collect();
    all.push((format!("{code} as symbols' values"), smpp_octets(secret)));
    let bits = smpp_octets(&code.replace('-', "")[2..18])
        .iter()
        .fold(0_u128, |bits, symbol| bits << 5 | u128::from(*symbol));
    let random = bits.to_be_bytes()[6..].to_vec();
    all.push((format!("{code} in random bytes, in hex"), write_hex(&random, "").into_bytes()));
    all.push((format!("{code} in random bytes"), random));
    all
}

/// The values of Crockford's symbols.
fn smpp_octets(text: &str) -> Vec<u8> {
    let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let value = |symbol| alphabet.find(symbol).and_then(|at| u8::try_from(at).ok());
    text.chars().filter_map(value).collect()
}

/// Each spelling with its name. It also finds a longer spelling that contains a shorter one: with
/// `+`, with the country code, in a URL, in base64 of more than the number.
fn spell_number(e164: &str) -> Vec<(String, Vec<u8>)> {
    let digits = e164.trim_start_matches('+');
    let mut all: Vec<(String, Vec<u8>)> =
        written_forms(digits).iter().flat_map(|text| spell_encoded(text)).collect();
    let national = national_digits(digits);
    let mut nibbles = vec![("packed", format!("{digits}f")), ("packed from the right", format!("0{digits}"))];
    // With an odd number of digits, the whole bytes are so few that they occur by chance; the other
    // spellings find it.
    if national.len().is_multiple_of(2) {
        nibbles.push(("packed without its country", national.to_owned()));
    }
    for (how, nibbles) in nibbles {
        let packed = pack_nibbles(&nibbles);
        let swapped = packed.iter().map(|byte| byte.rotate_left(4)).collect();
        all.push((format!("{digits} {how}"), packed));
        all.push((format!("{digits} {how}, digits swapped"), swapped));
    }
    let value: u64 = digits.parse().expect("are digits");
    all.push((format!("{digits} as an integer"), value.to_le_bytes().to_vec()));
    // SQLite writes one of this size in six bytes.
    all.push((
        format!("{digits} as an integer, most significant byte first"),
        value.to_be_bytes()[2..].to_vec(),
    ));
    all
}

/// The numbers of the simulated operators are of two countries.
fn national_digits(digits: &str) -> &str {
    digits.strip_prefix("34").or_else(|| digits.strip_prefix('1')).expect("is American or Spanish")
}

/// As people write it, without the country code.
fn written_forms(digits: &str) -> Vec<String> {
    let national = national_digits(digits);
    let groups = [&national[..3], &national[3..6], &national[6..]];
    let mut written = vec![national.to_owned(), format!("({}) {}-{}", groups[0], groups[1], groups[2])];
    written.extend([" ", "-", ".", "/", "\u{a0}"].map(|between| groups.join(between)));
    written
}

fn write_hex(bytes: &[u8], before: &str) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{before}{byte:02x}").expect("can be written");
        text
    })
}

/// Base64 of these bytes after `before` other bytes, without the characters that depend on the
/// neighbours.
fn in_base64(bytes: &[u8], before: usize) -> String {
    let text = encode_base64url(&[&vec![0; before][..], bytes].concat());
    let whole = (before + bytes.len()) * 8 / 6;
    text[(before * 8).div_ceil(6)..whole].to_owned()
}

/// Two digits in a byte.
fn pack_nibbles(nibbles: &str) -> Vec<u8> {
    let pairs = nibbles.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("is ASCII"), 16).expect("is hex"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use onbill_domain::coupon_code::{CouponCode, CouponTag};

    const NUMBERS: [&str; 2] = ["+12025550101", "+34612345601"];

    /// Spellings that were written by hand or by others, and not by the code that searches.
    #[test]
    fn whatever_is_planted_is_found() {
        let search = Search::for_numbers(&NUMBERS);
        let mut planted: Vec<Vec<u8>> = [
            "msisdn=+12025550101&x",
            "+1 202 555 0101",
            "1-202-555-0101",
            "tel: (202) 555-0101.",
            "202.555.0101",
            "%2B12025550101",
            "%2b%31%32%30%32%35%35%35%30%31%30%31",
            "2b3132303235353530313031",
            "2B3132303235353530313031",
            r"\u002b\u0031\u0032\u0030\u0032\u0035\u0035\u0035\u0030\u0031\u0030\u0031",
            "34612345601",
            "612 345 601",
            "612-345-601",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into();
        planted.push(vec![0x12, 0x02, 0x55, 0x50, 0x10, 0x1f]);
        planted.push(vec![0x01, 0x20, 0x25, 0x55, 0x01, 0x01]);
        planted.push(vec![0x20, 0x25, 0x55, 0x01, 0x01]);
        // As in a GSM SMS: 3GPP TS 23.040, section 9.1.2.3.
        planted.push(vec![0x21, 0x20, 0x55, 0x05, 0x01, 0xf1]);
        planted.push(12_025_550_101_u64.to_le_bytes().to_vec());
        planted.push(12_025_550_101_i64.to_be_bytes().to_vec());
        for number in NUMBERS {
            planted.push(number.encode_utf16().flat_map(u16::to_le_bytes).collect());
            planted.push(number.encode_utf16().flat_map(u16::to_be_bytes).collect());
            for around in ["", "{", "{\"", "{\"n\":\"", "{\"msisdn\":\""] {
                let text = format!("{around}{number}\"}}");
                planted.push(STANDARD.encode(&text).into_bytes());
                planted.push(URL_SAFE_NO_PAD.encode(&text).into_bytes());
            }
        }
        for bytes in planted {
            let noise: Vec<u8> = (0..=255).rev().collect();
            let place = [&noise[..], &bytes, &noise].concat();
            assert!(search.find_spelling(&place).is_some(), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn spellings_are_all_searched_and_nothing_else_found() {
        let search = Search::for_numbers(&NUMBERS);
        for (name, bytes) in NUMBERS.iter().flat_map(|number| spell_number(number)) {
            assert!(bytes.len() >= 5, "{name} would be found by chance");
            assert!(search.find_spelling(&bytes).is_some(), "{name}");
            assert_eq!(search.find_spelling(&bytes[1..bytes.len() - 1]), None, "{name}, cut");
        }
        let others = ["+12025550102", "2025550199", "12025550110", "612345602", "1795000000", ""];
        for other in others {
            assert_eq!(search.find_spelling(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn code_is_found_however_it_is_written() {
        let code = CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), *b"0123456789");
        let search = Search::for_numbers(&[]).with_codes(&[code.grouped()]);
        let (spelled, symbols) = (code.grouped(), code.symbols());
        let plain = String::from_utf8(symbols.to_vec()).expect("is ASCII");
        for text in [
            spelled.clone(),
            spelled.to_lowercase(),
            spelled.replace('-', " "),
            plain.clone(),
            plain.to_lowercase(),
        ] {
            assert!(search.find_spelling(format!("code: {text}.").as_bytes()).is_some(), "{text}");
            assert!(
                search
                    .find_spelling(STANDARD.encode(format!("{{\"code\":\"{text}\"}}")).as_bytes())
                    .is_some(),
                "{text}"
            );
        }
        assert!(search.find_spelling(b"with 0123456789 in it").is_some(), "its random bytes");
        assert!(search.find_spelling(b"30313233343536373839").is_some(), "the same in hex");
        let other = CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), *b"0123456788");
        assert_eq!(search.find_spelling(other.grouped().as_bytes()), None);
    }

    #[test]
    #[should_panic(expected = "the log has 2025550101 as it is")]
    fn what_is_found_is_complained_about() {
        Search::for_numbers(&NUMBERS).assert_absent("the log", b"a customer with +12025550101 came by");
    }
}
