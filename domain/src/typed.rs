//! What people type and paste, without what a keyboard, a clipboard or bidirectional text adds.
//!
//! Codes are letters and digits only, so everything else around and between them is dropped. Of a
//! number only what is known to separate digits is dropped: a comma or a letter may mean something.

use zeroize::Zeroizing;

/// The zeros of all decimal digits (Unicode 16, general category Nd), from which the other nine
/// follow.
const ZEROS: [char; 71] = [
    '0',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11de0}',
    '\u{11f50}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1ccf0}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// The symbols of a typed code: its letters and digits, in ASCII where they have such a form.
pub fn code_symbols(typed: &str) -> impl Iterator<Item = char> {
    typed.chars().filter(|c| c.is_alphanumeric()).map(to_ascii)
}

/// A typed number as an optional `+` and ASCII digits. `None` when it has anything that does not
/// merely separate digits, or a `+` elsewhere than before them.
pub fn plain_number(typed: &str) -> Option<Zeroizing<String>> {
    // The scheme of a link to a number (RFC 3966).
    let typed = match typed.trim_start().get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &typed.trim_start()[4..],
        _ => typed,
    };
    let mut plain = Zeroizing::new(String::with_capacity(typed.len()));
    for c in typed.chars().filter(|c| !is_separator(*c)) {
        match to_ascii(c) {
            '+' | '\u{fe62}' | '\u{ff0b}' if plain.is_empty() => plain.push('+'),
            digit if digit.is_ascii_digit() => plain.push(digit),
            _ => return None,
        }
    }
    Some(plain)
}

/// Whether a character may stand between the digits of a number without meaning anything: blanks,
/// invisible characters, dashes, brackets, dots, slashes and tildes. The library of phone numbers
/// ignores the same.
fn is_separator(c: char) -> bool {
    let is_dash = matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    );
    let is_mark =
        matches!(
            c,
            '(' | ')' | '[' | ']' | '.' | '/' | '~' | '\u{b7}' | '\u{2053}' | '\u{2219}' | '\u{223c}'
        ) || matches!(c, '\u{22c5}' | '\u{30fb}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0e}' | '\u{ff0f}')
            || matches!(c, '\u{ff3b}' | '\u{ff3d}' | '\u{ff5e}' | '\u{ff65}');
    c.is_whitespace() || c.is_control() || is_invisible(c) || is_dash || is_mark
}

/// Characters that are not seen: soft hyphens, joiners, marks and isolates of text direction (UAX
/// #9), and selectors of a character's look.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The ASCII form of a digit of any script, and of a full-width letter.
fn to_ascii(c: char) -> char {
    let value = |zero: char| u32::from(c).checked_sub(u32::from(zero)).filter(|value| *value < 10);
    let digit = ZEROS.iter().find_map(|zero| char::from_digit(value(*zero)?, 10));
    let letter = match c {
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => char::from_u32(u32::from(c) - 0xfee0),
        _ => None,
    };
    digit.or(letter).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_its_letters_and_digits() {
        let read = |typed: &str| code_symbols(typed).collect::<String>();
        for typed in [
            "12AB",
            " 12-ab. ",
            "\u{200e}12AB",
            "\u{2068}12\u{2069}AB",
            "\u{202d}12AB\u{202c}",
            "1\u{2011}2A\u{ad}B",
            "\u{a0}12\u{202f}AB\u{feff}",
            "１２ＡＢ",
            "１２ａｂ。",
            "١٢AB",
            "१२AB",
            "𝟏𝟐AB",
            "1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}AB",
            "«12\0AB»",
        ] {
            assert_eq!(read(typed).to_ascii_uppercase(), "12AB", "{typed:?}");
        }
        assert_eq!(read("12ÄB½"), "12ÄB½", "other letters and numbers stay, and match nothing");
    }

    #[test]
    fn number_is_plus_and_digits() {
        let read = |typed: &str| plain_number(typed).map(|plain| plain.to_string());
        for (typed, plain) in [
            ("+1 (202) 555-0101", "+12025550101"),
            ("２０２－５５５－０１８８", "2025550188"),
            ("（２０２）５５５－０１８８", "2025550188"),
            ("＋１ ２０２．５５５．０１８８", "+12025550188"),
            ("202\u{ad}555\u{ad}0188", "2025550188"),
            ("202\u{2011}555\u{2011}0188", "2025550188"),
            ("\u{202d}\u{2068}+1\u{a0}202 555 0188\u{2069}\u{202c}\u{200f}", "+12025550188"),
            ("०१२", "012"),
            ("tel:+1-202-555-0188", "+12025550188"),
            ("", ""),
        ] {
            assert_eq!(read(typed).as_deref(), Some(plain), "{typed:?}");
        }
        for typed in ["1-800-FLOWERS", "12;ext=5", "12,,5", "*100#", "1+2", "++12", "½", "1x2", "²"] {
            assert_eq!(read(typed), None, "{typed}");
        }
    }

    #[test]
    fn zeros_are_sorted_and_numeric() {
        assert!(ZEROS.is_sorted_by(|one, next| u32::from(*one) + 10 <= u32::from(*next)));
        for zero in ZEROS {
            assert!(zero.is_numeric() && zero.is_alphanumeric(), "{:x}", u32::from(zero));
        }
    }
}
