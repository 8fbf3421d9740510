//! Renumberings that left a line with two spellings, both of which are still in use: the older one
//! in accounts, contact lists and SIMs.
//!
//! The newer spelling counts: the one in which the line is called from abroad.

use zeroize::Zeroizing;

/// A change of a country's numbers: those of the old length, with certain digits at a place, got
/// other digits there.
struct Renumbering {
    country_code: &'static str,
    /// Digits of the old national number.
    old_digits: usize,
    /// The place of the change, counted in the national number from 0.
    at: usize,
    /// The digits of which the old number has one at that place; empty for any.
    has: &'static str,
    removes: usize,
    inserts: &'static str,
}

const RENUMBERINGS: [Renumbering; 4] = [
    // Mexico, 2019: mobile numbers lost their 1.
    Renumbering { country_code: "52", old_digits: 11, at: 0, has: "1", removes: 1, inserts: "" },
    // Argentina: a mobile number has a 9 when it is called from abroad, and not at home. Its area
    // code does not begin with 9.
    Renumbering { country_code: "54", old_digits: 10, at: 0, has: "12345678", removes: 0, inserts: "9" },
    // Brazil, 2012 to 2016: mobile numbers got a ninth digit after their area code.
    Renumbering { country_code: "55", old_digits: 10, at: 2, has: "6789", removes: 0, inserts: "9" },
    // Benin, 2024: all numbers got 01 at their beginning.
    Renumbering { country_code: "229", old_digits: 8, at: 0, has: "", removes: 0, inserts: "01" },
];

/// The newer spelling of an E.164 number; `None` when it has none.
pub(super) fn apply(number: &str) -> Option<Zeroizing<String>> {
    RENUMBERINGS.iter().find_map(|change| {
        let national = number.strip_prefix('+')?.strip_prefix(change.country_code)?;
        let (before, after) = national.split_at_checked(change.at)?;
        let is_old = national.len() == change.old_digits
            && (change.has.is_empty() || after.starts_with(|digit| change.has.contains(digit)));
        let rest = after.get(change.removes..)?;
        is_old.then(|| Zeroizing::new(format!("+{}{before}{}{rest}", change.country_code, change.inserts)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_spelling_is_never_changed_again() {
        for old in ["+5215512345678", "+541123456789", "+551187654321", "+22997000001"] {
            let new = apply(old).expect("has a newer spelling");
            assert!(apply(&new).is_none(), "{old}");
        }
        for unchanged in ["+12025550101", "+551123456789", "+5511987654321", "+5491123456789", "+52", "+"] {
            assert!(apply(unchanged).is_none(), "{unchanged}");
        }
    }
}
