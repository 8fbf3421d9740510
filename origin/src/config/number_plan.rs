//! Parses a number that a person typed or a system sent: E.164 or the national format of the
//! operator's country, punctuated in any way, in the digits of any script. libphonenumber's rules
//! decide; we add only the checks in which it is too lenient, and the renumberings that it does not
//! follow.

use super::renumbering;
use onbill_domain::limits::MSISDN_INPUT_BYTES_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::Reject;
use onbill_domain::typed::plain_number;
use rlibphonenumber::enums::{NumberLengthType, Region};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use zeroize::Zeroizing;

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

    /// Parses a number, as a person typed it or a system sent it. Every number enters here, so that
    /// one line has one spelling in the ledger. The refusal is the same for everything that cannot
    /// be a subscriber's number, and does not reveal whether a well-formed one has an account.
    ///
    /// A number with its country code need not be known to the numbering plan, whose newest ranges
    /// the library learns later than the operator: its length decides.
    pub fn parse(&self, typed: &str) -> Result<Msisdn, Reject> {
        self.read(typed).ok_or_else(|| Reject::invalid_request("msisdn is not a telephone number."))
    }

    /// Whether the number begins with the calling code of the operator's country. Some countries share
    /// one: Canada's numbers are domestic in the United States.
    pub fn is_domestic(&self, number: &Msisdn) -> bool {
        let digits = number.expose().trim_start_matches('+');
        // No calling code begins with another one (ITU-T E.164 §6.2.1).
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.region);
        code.is_some_and(|code| digits.starts_with(&code.to_string()))
    }

    fn read(self, typed: &str) -> Option<Msisdn> {
        if typed.len() > MSISDN_INPUT_BYTES_MAX {
            return None;
        }
        let plain = plain_number(typed)?;
        let number = PHONE_NUMBER_UTIL.parse(&*plain, Some(self.region)).ok()?;
        let spelled = Zeroizing::new(number.format_as(PhoneNumberFormat::E164).into_owned());
        if let Some(renumbered) = renumbering::apply(&spelled)
            && PHONE_NUMBER_UTIL.parse(&*renumbered, None).is_ok_and(|number| number.is_valid())
        {
            return Msisdn::parse(&renumbered);
        }
        // The length is asked about first: the ranges take longer.
        let is_taken = plain.starts_with('+')
            && number.is_possible_with_reason() == Ok(NumberLengthType::IsPossible)
            || number.is_valid();
        if is_taken { Msisdn::parse(&spelled) } else { None }
    }
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
            "（２０２）５５５－０１０１",
            "２０２－５５５－０１０１",
            "202\u{ad}555\u{ad}0101",
            "202\u{2011}555\u{2011}0101",
            "२०२५५५०१०१",
            "tel:+1-202-555-0101",
            "202/555~0101",
        ] {
            assert_eq!(read("US", typed).as_deref(), Some("+12025550101"), "{typed}");
        }
        assert_eq!(read("JP", "０９０－１２３４－５６７８").as_deref(), Some("+819012345678"));
        assert_eq!(read("JP", "０９０ー１２３４ー５６７８").as_deref(), Some("+819012345678"));
        assert_eq!(read("ES", "612 34 56 78").as_deref(), Some("+34612345678"));
        assert_eq!(read("ES", "+1 202 555 0101").as_deref(), Some("+12025550101"), "of another country");
    }

    #[test]
    fn number_is_domestic_by_its_calling_code() {
        for (country, number, is_domestic) in [
            ("US", "+12025550101", true),
            ("US", "+16135550101", true),
            ("US", "+34612345678", false),
            ("ES", "+34612345678", true),
            ("ES", "+351912345678", false),
            ("ES", "+12025550101", false),
        ] {
            let plan = NumberPlan::for_country(country).expect("is a country");
            let msisdn = Msisdn::parse(number).expect("is E.164");
            assert_eq!(plan.is_domestic(&msisdn), is_domestic, "{country} {number}");
        }
    }

    #[test]
    fn number_of_known_length_needs_no_known_range() {
        let spell = |number: &str| read("US", number);
        assert_eq!(
            spell("+4407911123456").as_deref(),
            Some("+447911123456"),
            "a trunk prefix that does not belong there"
        );
        assert_eq!(spell("+1 (000) 555-0101").as_deref(), Some("+10005550101"), "of no range");
        assert_eq!(spell("(000) 555-0101"), None, "without its country code");
        assert_eq!(spell("+100055501012"), None, "of no length");
        assert_eq!(spell("+999123456789"), None, "of no country");
    }

    #[test]
    fn renumbered_line_has_one_spelling() {
        for (country, spellings, line) in [
            (
                "MX",
                &["+525512345678", "+5215512345678", "55 1234 5678", "+52 1 55 1234 5678"][..],
                "+525512345678",
            ),
            (
                "AR",
                &["+5491123456789", "+541123456789", "011 15-2345-6789", "11 2345-6789"],
                "+5491123456789",
            ),
            ("BR", &["+5511987654321", "+551187654321", "(11) 98765-4321"], "+5511987654321"),
            ("BJ", &["+2290197000001", "+22997000001"], "+2290197000001"),
            ("US", &["+525512345678", "+5215512345678"], "+525512345678"),
            ("US", &["+15215512345", "521 551 2345"], "+15215512345"),
        ] {
            for spelling in spellings {
                assert_eq!(read(country, spelling).as_deref(), Some(line), "{country} {spelling}");
            }
        }
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
