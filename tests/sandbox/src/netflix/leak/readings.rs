//! The ways in which bytes can be read as text with a number in it: as they are, unescaped, and
//! decoded.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// Depth of base64 inside base64 that is decoded: a token in an encoded form field.
const DEPTH_MAX: u32 = 2;

/// Shortest run that is tried as base64: eight digits encoded.
const BASE64_CHARS_MIN: usize = 11;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One way to read some bytes.
pub(super) struct ByteReading {
    pub(super) text: String,
    /// Whether it makes sense as text, or is the result of a wrong decoding.
    pub(super) is_text: bool,
}

/// All readings of `bytes`.
pub(super) fn of(bytes: &[u8]) -> Vec<ByteReading> {
    let mut readings = Vec::new();
    read(bytes, 0, &mut readings);
    readings
}

fn read(bytes: &[u8], depth: u32, readings: &mut Vec<ByteReading>) {
    // UTF-16 of digits is the digits with zero bytes between.
    let without_zeros: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
    let is_text = std::str::from_utf8(&without_zeros).is_ok_and(|text| !text.chars().any(is_binary));
    let text = ascii_digits(&String::from_utf8_lossy(&without_zeros));
    let text = ascii_digits(&percent_decode_str(&json_unescaped(&text)).decode_utf8_lossy());
    if depth < DEPTH_MAX {
        for run in base64_runs(&text) {
            for piece in (0..4).filter_map(|skip| decode(run.get(skip..)?)) {
                read(&piece, depth + 1, readings);
            }
        }
    }
    readings.push(ByteReading { text, is_text });
}

fn is_binary(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
}

fn base64_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/_-".contains(c))
        .filter(|run| run.len() >= BASE64_CHARS_MIN)
}

/// Decodes either alphabet; a last lone character, which encodes nothing, is dropped.
fn decode(run: &str) -> Option<Vec<u8>> {
    let standard = run.replace('-', "+").replace('_', "/");
    let whole = if standard.len() % 4 == 1 { &standard[..standard.len() - 1] } else { &standard };
    LENIENT.decode(whole).ok()
}

/// Decimal digits of scripts that phones are typed in, as ASCII.
fn ascii_digits(text: &str) -> String {
    const ZEROS: [u32; 5] = [0x0660, 0x06f0, 0x0966, 0x09e6, 0xff10];
    let fold = |c: char| {
        let code = u32::from(c);
        let digit = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10));
        digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
    };
    text.chars().map(fold).collect()
}

/// `\u0030` written out.
fn json_unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(c) => {
                plain.push(c);
                plain.push_str(&part[4..]);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

/// The text without the separators that people put between digits.
pub(super) fn without_separators(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !"-.()/+_\u{2010}\u{2011}\u{2012}\u{2013}".contains(*c))
        .collect()
}

/// The bytes of ASCII digits in hex.
pub(super) fn in_hex(digits: &str) -> String {
    // The code of a digit is 0x30 to 0x39.
    digits.chars().flat_map(|digit| ['3', digit]).collect()
}
