//! The code of a coupon: what stands in the text message, and what a customer types at the partner.
//!
//! Twenty symbols of Crockford's base 32, which has no I, L, O and U, in five groups of four: two name the operator,
//! sixteen are random (80 bits), and two check the rest. They are those of a Reed-Solomon code over the field of 32
//! elements, with distance three: one or two wrong symbols anywhere, and so each swap of two, are always noticed. A slip
//! of the customer's is told apart from a wrong code without asking anybody, and without a hint at other codes: whoever
//! guesses can compute the check as well.

use serde::Deserialize;
use zeroize::Zeroize;

/// Random bytes in a code.
pub const CODE_RANDOM_BYTES: usize = 10;

/// Longest text that is read as a code, in bytes: its symbols, with a separator of three bytes after each.
const TYPED_BYTES_MAX: usize = 4 * SYMBOLS;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS: usize = 20;
const TAG_SYMBOLS: usize = 2;
const CHECK_SYMBOLS: usize = 2;
const GROUP: usize = 4;

/// Which operator a code is of: its first two symbols. It routes a code to an origin, and is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CouponTag([u8; TAG_SYMBOLS]);

impl CouponTag {
    /// Two symbols, in capitals as codes are written.
    pub fn parse(text: &str) -> Option<Self> {
        let symbols: [u8; TAG_SYMBOLS] = text.as_bytes().try_into().ok()?;
        let value = |symbol: u8| {
            ALPHABET.iter().position(|known| *known == symbol).and_then(|at| u8::try_from(at).ok())
        };
        Some(Self([value(symbols[0])?, value(symbols[1])?]))
    }
}

impl TryFrom<String> for CouponTag {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("tag must be two of the symbols 0 to 9 and A to Z without I, L, O and U")
    }
}

/// A code. It cannot be printed or compared: [`Self::grouped`] is for the text message, [`Self::symbols`] for the hash
/// that is kept of it.
#[derive(Clone)]
pub struct CouponCode([u8; SYMBOLS]);

impl CouponCode {
    /// The code of fresh random bytes.
    pub fn from_random(tag: CouponTag, random: [u8; CODE_RANDOM_BYTES]) -> Self {
        let mut values = [0; SYMBOLS];
        values[..TAG_SYMBOLS].copy_from_slice(&tag.0);
        // Five bytes are eight symbols.
        for (bytes, symbols) in random.chunks(5).zip(values[TAG_SYMBOLS..].chunks_mut(8)) {
            let bits = bytes.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
            for (symbol, shift) in symbols.iter_mut().zip((0..8).rev()) {
                let [.., low] = (bits >> (5 * shift)).to_be_bytes();
                *symbol = low & 31;
            }
        }
        let check = check(&values[..SYMBOLS - CHECK_SYMBOLS]);
        values[SYMBOLS - CHECK_SYMBOLS..].copy_from_slice(&check);
        Self(values)
    }

    /// Reads what a customer typed: in any case, with any spaces and dashes, O for 0, I and L for 1. `None` for a slip:
    /// another number of symbols, one that is none, or a check that does not fit.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.len() > TYPED_BYTES_MAX {
            return None;
        }
        let mut code = Self([0; SYMBOLS]);
        let mut count = 0;
        for symbol in typed.chars().filter(|c| !is_separator(*c)) {
            *code.0.get_mut(count)? = value(symbol)?;
            count += 1;
        }
        let (data, found) = code.0.split_at(SYMBOLS - CHECK_SYMBOLS);
        (count == SYMBOLS && check(data) == found).then_some(code)
    }

    /// Which operator it names.
    pub fn tag(&self) -> CouponTag {
        CouponTag([self.0[0], self.0[1]])
    }

    /// For the text message: `AC7K-…`, in five groups. Whoever gets it wipes it.
    pub fn grouped(&self) -> String {
        let mut spelled = String::with_capacity(SYMBOLS + SYMBOLS / GROUP);
        for (n, symbol) in self.symbols().iter().enumerate() {
            if n > 0 && n % GROUP == 0 {
                spelled.push('-');
            }
            spelled.push(char::from(*symbol));
        }
        spelled
    }

    /// In its one form, for the keyed hash. Whoever gets it wipes it.
    pub fn symbols(&self) -> [u8; SYMBOLS] {
        self.0.map(|value| ALPHABET[usize::from(value)])
    }
}

impl Drop for CouponCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn is_separator(c: char) -> bool {
    // The dashes that keyboards and word processors make of one.
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn value(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == symbol)?;
    u8::try_from(at).ok()
}

/// The remainder of the symbols, as a polynomial times x², by (x - α)(x - α²) = x² + 6x + 8.
fn check(data: &[u8]) -> [u8; CHECK_SYMBOLS] {
    data.iter().fold([0; CHECK_SYMBOLS], |[high, low], symbol| {
        let factor = symbol ^ high;
        [low ^ times(factor, 6), times(factor, 8)]
    })
}

/// A product in the field of 32 elements, of polynomials over two elements modulo x⁵ + x² + 1; α is 2.
fn times(mut a: u8, mut b: u8) -> u8 {
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

    fn reads_as(typed: &str) -> Option<String> {
        CouponCode::parse(typed).map(|code| code.grouped())
    }

    #[test]
    fn a_code_has_one_spelling_that_stays() {
        let random = [0, 1, 2, 3, 4, 250, 251, 252, 253, 254];
        let code = CouponCode::from_random(tag(), random);
        assert_eq!(code.grouped(), "AC00-0G40-R4ZB-XZSZ-FYRJ");
        assert_eq!(&code.symbols(), b"AC000G40R4ZBXZSZFYRJ");
        assert_eq!(code.tag(), tag());
        assert_eq!(CouponCode::from_random(tag(), [0; 10]).grouped().len(), 24);
    }

    #[test]
    fn a_code_is_read_as_people_type() {
        let code = CouponCode::from_random(tag(), [0, 1, 2, 3, 4, 250, 251, 252, 253, 254]).grouped();
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', ""),
            code.replace('-', " \u{2013} "),
            code.replace('0', "o"),
            format!("\t{code}\n"),
        ] {
            assert_eq!(reads_as(&typed), Some(code.clone()), "{typed}");
        }
        let with_ones =
            (0..=255).map(|n| CouponCode::from_random(tag(), [n; 10]).grouped()).find(|c| c.contains('1'));
        let with_ones = with_ones.expect("one of them has a 1");
        for one in ["i", "I", "l", "L"] {
            assert_eq!(reads_as(&with_ones.replace('1', one)), Some(with_ones.clone()));
        }
        let umlaut = code.replacen('A', "Ä", 1);
        for slip in ["", "-", &code[1..], &format!("{code}0"), &umlaut, &code.replacen('A', "U", 1)] {
            assert_eq!(reads_as(slip), None, "{slip}");
        }
        assert_eq!(reads_as(&format!("{code}{}", " ".repeat(80))), None, "is too long to be one");
    }

    #[test]
    fn a_tag_is_two_symbols() {
        for bad in ["", "A", "ACM", "ac", "AU", "A-", "OI", "Ä"] {
            assert!(CouponTag::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_field_is_one() {
        for a in 1..32 {
            let mut products: Vec<u8> = (0..32).map(|b| times(a, b)).collect();
            products.sort_unstable();
            assert_eq!(products, (0..32).collect::<Vec<_>>(), "{a} has an inverse");
        }
        // α, and the polynomial that has α and α² as its roots.
        assert_eq!((2 ^ times(2, 2), times(2, times(2, 2))), (6, 8));
    }

    proptest! {
        #[test]
        fn every_slip_of_one_or_two_symbols_is_noticed(tag: [u8; 2], random: [u8; 10]) {
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
        fn nothing_that_is_typed_breaks_it(typed: String) {
            if let Some(code) = CouponCode::parse(&typed) {
                prop_assert_eq!(reads_as(&code.grouped()), Some(code.grouped()));
            }
        }
    }
}
