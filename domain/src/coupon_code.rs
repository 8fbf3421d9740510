//! The code of a coupon: it is sent by SMS, and a customer types it at the partner.
//!
//! A code has twenty symbols of Crockford's base 32, which has no I, L, O and U, in five groups of
//! four: two symbols name the operator, sixteen are random (80 bits), and two check the others. The
//! check symbols are of a Reed-Solomon code over the field of 32 elements with distance three,
//! which detects every one or two wrong symbols, and so every swap of two. A mistyped code is
//! refused without asking an origin. The check is no help in guessing codes, as anyone can compute
//! it.

use crate::typed::code_symbols;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroize;

/// The number of random bytes in a code.
pub const CODE_RANDOM_BYTES: usize = 10;

/// Longest text that is parsed, in bytes: symbols of three bytes, each with a separator of three
/// bytes, and marks around them.
const INPUT_BYTES_MAX: usize = 8 * SYMBOLS;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS: usize = 20;
const TAG_SYMBOLS: usize = 2;
const CHECK_SYMBOLS: usize = 2;
const GROUP_SYMBOLS: usize = 4;

/// The operator of a code, by its first two symbols. It routes the code to an origin and is no
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CouponTag([u8; TAG_SYMBOLS]);

impl CouponTag {
    /// Parses two symbols in upper case.
    pub fn parse(text: &str) -> Option<Self> {
        let symbols: [u8; TAG_SYMBOLS] = text.as_bytes().try_into().ok()?;
        let value = |symbol: u8| {
            ALPHABET.iter().position(|known| *known == symbol).and_then(|at| u8::try_from(at).ok())
        };
        Some(Self([value(symbols[0])?, value(symbols[1])?]))
    }
}

impl Serialize for CouponTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let symbols = self.0.map(|value| char::from(ALPHABET[usize::from(value)]));
        serializer.collect_str(&String::from_iter(symbols))
    }
}

impl TryFrom<String> for CouponTag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("tag must be two of the symbols 0 to 9 and A to Z without I, L, O and U")
    }
}

/// A coupon code. It cannot be printed or compared: [`Self::grouped`] is for the SMS, and
/// [`Self::symbols`] for the keyed hash that is stored.
#[derive(Clone)]
pub struct CouponCode([u8; SYMBOLS]);

impl CouponCode {
    /// Makes a code of fresh random bytes.
    pub fn from_random(tag: CouponTag, random: [u8; CODE_RANDOM_BYTES]) -> Self {
        let mut values = [0; SYMBOLS];
        values[..TAG_SYMBOLS].copy_from_slice(&tag.0);
        // Five bytes make eight symbols.
        for (bytes, symbols) in random.chunks(5).zip(values[TAG_SYMBOLS..].chunks_mut(8)) {
            let bits = bytes.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
            for (symbol, shift) in symbols.iter_mut().zip((0..8).rev()) {
                let [.., low] = (bits >> (5 * shift)).to_be_bytes();
                *symbol = low & 31;
            }
        }
        let check = compute_check(&values[..SYMBOLS - CHECK_SYMBOLS]);
        values[SYMBOLS - CHECK_SYMBOLS..].copy_from_slice(&check);
        Self(values)
    }

    /// Parses what a customer typed, in either case, with anything around and between its letters
    /// and digits, O for 0, and I or L for 1. `None` when it was mistyped: a wrong number of
    /// symbols, another letter, or a check that does not match.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > INPUT_BYTES_MAX {
            return None;
        }
        let mut code = Self([0; SYMBOLS]);
        let mut count = 0;
        for symbol in code_symbols(typed) {
            *code.0.get_mut(count)? = symbol_value(symbol)?;
            count += 1;
        }
        let (data, found) = code.0.split_at(SYMBOLS - CHECK_SYMBOLS);
        (count == SYMBOLS && compute_check(data) == found).then_some(code)
    }

    /// The tag of the operator.
    pub fn tag(&self) -> CouponTag {
        CouponTag([self.0[0], self.0[1]])
    }

    /// The code in five groups, `AC7K-…`, for the SMS. The caller wipes it.
    pub fn grouped(&self) -> String {
        let mut text = String::with_capacity(SYMBOLS + SYMBOLS / GROUP_SYMBOLS);
        for (n, symbol) in self.symbols().iter().enumerate() {
            if n > 0 && n % GROUP_SYMBOLS == 0 {
                text.push('-');
            }
            text.push(char::from(*symbol));
        }
        text
    }

    /// The code without groups, for the keyed hash. The caller wipes it.
    pub fn symbols(&self) -> [u8; SYMBOLS] {
        self.0.map(|value| ALPHABET[usize::from(value)])
    }
}

impl Drop for CouponCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The value of a symbol, 0 to 31.
fn symbol_value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == symbol)?;
    u8::try_from(at).ok()
}

/// The check symbols: the remainder of the data symbols, as a polynomial times x², divided by
/// (x - α)(x - α²) = x² + 6x + 8.
fn compute_check(data: &[u8]) -> [u8; CHECK_SYMBOLS] {
    data.iter().fold([0; CHECK_SYMBOLS], |[high, low], symbol| {
        let factor = symbol ^ high;
        [low ^ multiply_in_field(factor, 6), multiply_in_field(factor, 8)]
    })
}

/// The product in the field of 32 elements, of polynomials over two elements modulo x⁵ + x² + 1; α
/// is 2.
fn multiply_in_field(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b > 0 {
        product ^= a * (b & 1);
        a <<= 1;
        a ^= (a >> 5) * 0b10_0101;
        b >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag() -> CouponTag {
        CouponTag::parse("AC").expect("are symbols")
    }

    fn parse_and_group(typed: &str) -> Option<String> {
        CouponCode::parse(typed).map(|code| code.grouped())
    }

    #[test]
    fn coupon_code_format_is_pinned() {
        let random = [0, 1, 2, 3, 4, 250, 251, 252, 253, 254];
        let code = CouponCode::from_random(tag(), random);
        assert_eq!(code.grouped(), "AC00-0G40-R4ZB-XZSZ-FYRJ");
        assert_eq!(&code.symbols(), b"AC000G40R4ZBXZSZFYRJ");
        assert_eq!(code.tag(), tag());
        assert_eq!(CouponCode::from_random(tag(), [0; 10]).grouped().len(), 24);
    }

    #[test]
    fn coupon_code_is_parsed_as_customers_type() {
        let code = CouponCode::from_random(tag(), [0, 1, 2, 3, 4, 250, 251, 252, 253, 254]).grouped();
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', ""),
            code.replace('-', " \u{2013} "),
            code.replace('0', "o"),
            format!("\t{code}\n"),
            format!("\u{2068}{code}\u{2069}."),
            code.replace('-', "\u{2011}\u{ad}"),
            code.replace('0', "٠"),
            code.chars()
                .map(|c| {
                    if c == '-' { '\u{ff0d}' } else { char::from_u32(u32::from(c) + 0xfee0).expect("is one") }
                })
                .collect(),
        ] {
            assert_eq!(parse_and_group(&typed), Some(code.clone()), "{typed}");
        }
        let with_ones =
            (0..=255).map(|n| CouponCode::from_random(tag(), [n; 10]).grouped()).find(|c| c.contains('1'));
        let with_ones = with_ones.expect("one of them has a 1");
        for one in ["i", "I", "l", "L"] {
            assert_eq!(parse_and_group(&with_ones.replace('1', one)), Some(with_ones.clone()));
        }
        let umlaut = code.replacen('A', "Ä", 1);
        for mistyped in ["", "-", &code[1..], &format!("{code}0"), &umlaut, &code.replacen('A', "U", 1)] {
            assert_eq!(parse_and_group(mistyped), None, "{mistyped}");
        }
        assert_eq!(parse_and_group(&format!("{code}{}", " ".repeat(160))), None, "is too long to be one");
    }

    #[test]
    fn coupon_tag_is_two_symbols() {
        for bad in ["", "A", "ACM", "ac", "AU", "A-", "OI", "Ä"] {
            assert!(CouponTag::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_field_element_has_an_inverse() {
        for a in 1..32 {
            let mut products: Vec<u8> = (0..32).map(|b| multiply_in_field(a, b)).collect();
            products.sort_unstable();
            assert_eq!(products, (0..32).collect::<Vec<_>>(), "{a} has an inverse");
        }
        // α, and the polynomial that has α and α² as its roots.
        assert_eq!((2 ^ multiply_in_field(2, 2), multiply_in_field(2, multiply_in_field(2, 2))), (6, 8));
    }

    proptest! {
        #[test]
        fn every_one_or_two_wrong_symbols_are_detected(tag: [u8; 2], random: [u8; 10]) {
            let code = CouponCode::from_random(CouponTag(tag.map(|n| n & 31)), random);
            let symbols = code.symbols();
            let read = |symbols: &[u8]| CouponCode::parse(std::str::from_utf8(symbols).expect("is ASCII"));
            prop_assert!(read(&symbols).is_some());
            for at in 0..SYMBOLS {
                for wrong in ALPHABET {
                    let mut slipped = symbols;
                    slipped[at] = *wrong;
                    prop_assert_eq!(read(&slipped).is_some(), slipped == symbols);
                    if at + 1 < SYMBOLS {
                        slipped.swap(at, at + 1);
                        prop_assert_eq!(read(&slipped).is_some(), slipped == symbols);
                    }
                }
            }
        }

        #[test]
        fn coupon_code_parser_accepts_any_text(typed: String) {
            if let Some(code) = CouponCode::parse(&typed) {
                prop_assert_eq!(parse_and_group(&code.grouped()), Some(code.grouped()));
            }
        }
    }
}
