//! Parses a number that a person typed: E.164 or the national format of the operator's country,
//! with spaces, dashes, brackets, in the digits of any script. libphonenumber's rules decide; we
//! add only the checks in which it is too lenient.

use onbill_domain::limits::MSISDN_INPUT_BYTES_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::Reject;
use rlibphonenumber::enums::Region;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

/// The numbering plan of the operator's country.
#[derive(Clone, Copy, Debug)]
pub struct NumberPlan {
    region: Region,
}

impl NumberPlan {
    /// The numbering plan of an ISO 3166 country code such as `US`; `None` when there is none.
    pub fn for_country(code: &str) -> Option<Self> {
        let region: Region = code.parse().ok()?;
        PHONE_NUMBER_UTIL.get_supported_regions().any(|known| known == region).then_some(Self { region })
    }

    /// Parses a typed number. The refusal is the same for everything that cannot be a subscriber's
    /// number, and does not reveal whether a well-formed one has an account.
    pub fn parse(&self, typed: &str) -> Result<Msisdn, Reject> {
        let refuse = || Reject::invalid_request("msisdn is not a telephone number.");
        // Letters would be read as keypad digits ("1-800-FLOWERS"), and marks such as ; # * as
        // extensions or codes.
        if typed.len() > MSISDN_INPUT_BYTES_MAX || !typed.chars().all(is_number_character) {
            return Err(refuse());
        }
        let number = PHONE_NUMBER_UTIL.parse(typed, Some(self.region)).map_err(|_| refuse())?;
        if !number.is_valid() {
            return Err(refuse());
        }
        Msisdn::parse(&number.format_as(PhoneNumberFormat::E164)).ok_or_else(refuse)
    }

    /// Normalizes a number that came as E.164, so that one line is not two in the ledger: in some
    /// plans a device may or may not have certain digits in its SIM. A number that no plan knows
    /// stays as it is: the operator knows better whether it is in use.
    pub fn normalize(&self, number: &Msisdn) -> Msisdn {
        self.parse(number.expose()).unwrap_or_else(|_| number.clone())
    }
}

/// Digits of any script, the plus sign, and common separators between digits.
fn is_number_character(c: char) -> bool {
    // Direction marks are copied along with a number from a page or a contact list (UAX #9).
    let is_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // `is_numeric` is also true for fractions and circled numbers, which the library then refuses.
    c.is_numeric() || c.is_whitespace() || is_direction || "+＋()-‐‑‒–—−.·/".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(country: &str, typed: &str) -> Option<String> {
        let plan = NumberPlan::for_country(country).expect("is a country");
        plan.parse(typed).ok().map(|number| number.expose().to_owned())
    }

    #[test]
    fn people_write_one_number_in_many_ways() {
        for typed in [
            "+12025550101",
            "2025550101",
            "(202) 555-0101",
            "202.555.0101",
            " 1 202 555 0101 ",
            "202–555–0101",
            "٢٠٢٥٥٥٠١٠١",
            "+١ ٢٠٢ ٥٥٥ ٠١٠١",
            "۲۰۲۵۵۵۰۱۰۱",
            "２０２５５５０１０１",
            "\u{200e}+1 202 555 0101",
            "\u{202d}\u{2068}+1 202 555 0101\u{2069}\u{202c}",
        ] {
            assert_eq!(read("US", typed).as_deref(), Some("+12025550101"), "{typed}");
        }
        assert_eq!(read("ES", "612 34 56 78").as_deref(), Some("+34612345678"));
        assert_eq!(read("ES", "+1 202 555 0101").as_deref(), Some("+12025550101"), "of another country");
    }

    #[test]
    fn number_in_e164_has_one_spelling() {
        let spell = |number: &str| {
            let plan = NumberPlan::for_country("US").expect("is a country");
            plan.normalize(&Msisdn::parse(number).expect("is E.164")).expose().to_owned()
        };
        assert_eq!(spell("+12025550101"), "+12025550101");
        assert_eq!(spell("+4407911123456"), "+447911123456", "a trunk prefix that does not belong there");
        assert_eq!(spell("+999123456789"), "+999123456789", "of no plan");
    }

    #[test]
    fn what_is_not_a_number_is_refused_alike() {
        for typed in [
            "",
            " ",
            "1-800-FLOWERS",
            "abc",
            "202555010",
            "+1202555010111111",
            "12345",
            "+999123456789",
            "2025550101 ext. 5",
            "2025550101;ext=5",
            "2025550101,,5",
            "*100#",
            "½½½½½½½½½½",
            "0000000000",
            "+",
            "++12025550101 5",
            "'; DROP TABLE accounts; --",
            "²⁰²⁵⁵⁵⁰¹⁰¹",
        ] {
            assert_eq!(read("US", typed), None, "{typed}");
        }
        assert_eq!(read("US", &"2".repeat(5000)), None);
        assert!(NumberPlan::for_country("XX").is_none());
    }
}
