//! Billing's own codes, which are passed on to the partner.

use onbill_domain::msisdn::Msisdn;
use onbill_domain::raw_code::{is_code, may_have_number};
use onbill_domain::refusal_detail::RefusalReason;

/// Keeps a code that the partner may read. It must be a code: not a sentence, without the number in
/// it, and none of the words by which an operator says something of a person, such as `minor`. Where
/// the number is not known here, no code with as many digits as could be one is kept.
pub(super) fn keep_publishable(raw_code: Option<String>, msisdn: Option<&Msisdn>) -> Option<String> {
    raw_code.filter(|code| is_publishable(code, msisdn))
}

fn is_publishable(raw_code: &str, msisdn: Option<&Msisdn>) -> bool {
    is_code(raw_code)
        && RefusalReason::parse(&raw_code.trim().to_ascii_lowercase()).is_none()
        && !may_have_number(raw_code, msisdn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_code_without_known_number_has_few_digits() {
        for code in ["61", "R-204", "no-such-charge", "123456"] {
            assert!(is_publishable(code, None), "{code}");
        }
        for code in ["2025550101", "555 01 01", "", "a\tb"] {
            assert!(!is_publishable(code, None), "{code}");
        }
    }

    #[test]
    fn raw_code_never_says_something_of_a_person() {
        let msisdn = Msisdn::parse("+12025550101").expect("is E.164");
        for code in ["minor", "Minor", "LOST-OR-STOLEN", " fraud ", "business-line"] {
            assert!(!is_publishable(code, Some(&msisdn)) && !is_publishable(code, None), "{code}");
        }
        assert!(is_publishable("minor-unit-error", None));
    }
}
