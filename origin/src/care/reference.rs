//! A reference of a desk, such as a ticket. The audit keeps it permanently, so it has no telephone number in
//! it.
//!
//! What reads as a number is refused, as a whole or as a part: after letters (`tel:+1202…`, `T2025550101`),
//! before a counter (`2025550101-2`), and with signs between its digits. So that ids of tickets pass:
//! - fewer than [`NUMBER_DIGITS_MIN`] digits are no part that counts: `INC0012345`;
//! - no part begins with a year or a date that stands by itself, nor does the whole: `CASE-2026-11-0042` and
//!   `2026-001234` would have a number of Washington in them;
//! - a UUID, or an id of a case in Salesforce, is left out at the end.
//!
//! A longer id that is a number by chance is refused as well: nothing tells it from one.

use crate::config::NumberPlan;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::Reject;

/// Fewest digits of a number within a reference. Ids of tickets have up to eight as a rule.
const NUMBER_DIGITS_MIN: usize = 9;
/// Most digits: 15 (ITU-T E.164 §6.1), and a prefix for calls abroad.
const NUMBER_DIGITS_MAX: usize = 20;
/// What people write between the digits of a number. A reference has no blanks.
const SEPARATORS: [char; 10] = ['-', '.', '/', '~', '(', ')', '[', ']', '_', ','];
/// The length of a UUID (RFC 9562 §4), and of one without its hyphens, as `ServiceNow` writes it.
const UUID_CHARS: [usize; 2] = [36, 32];
/// The length of an id in Salesforce, without and with the part that tells capital letters from small ones.
const CASE_CHARS: [usize; 2] = [15, 18];
/// What the id of a case begins with there.
const CASE_PREFIX: &str = "500";

/// 400 `invalid-request` for a reference that has a telephone number in it.
pub fn refuse_number(numbers: NumberPlan, reference: &ExtId) -> Result<(), Reject> {
    let text = reference.as_str();
    let is_number = numbers.parse(text).is_ok() && !is_date_and_counter(text);
    if !is_number && !has_number(numbers, without_id(text)) {
        return Ok(());
    }
    Err(Reject::invalid_request(
        "A reference has no telephone number in it, because the audit keeps it permanently. Name the ticket. If the \
         id of the ticket reads as a number by chance, write a letter and its last seven digits.",
    ))
}

/// Whether digits in this text are a number, together with what separates them.
fn has_number(numbers: NumberPlan, text: &str) -> bool {
    let is_part = |char: char| char.is_ascii_digit() || char == '+' || SEPARATORS.contains(&char);
    let mut runs = text.split(|char| !is_part(char)).flat_map(|run| run.split('+').enumerate());
    runs.any(|(pluses, run)| {
        let groups: Vec<&str> = run.split(SEPARATORS).filter(|group| !group.is_empty()).collect();
        (0..groups.len()).any(|first| {
            let has_plus = pluses > 0 && first == 0;
            (has_plus || !is_date(groups[first])) && begins_with_number(numbers, has_plus, &groups[first..])
        })
    })
}

/// Whether the first of these groups of digits, or the first few together, are a number.
fn begins_with_number(numbers: NumberPlan, has_plus: bool, groups: &[&str]) -> bool {
    let mut digits = String::new();
    for group in groups {
        digits.push_str(group);
        if digits.len() > NUMBER_DIGITS_MAX {
            return false;
        }
        let typed = if has_plus { format!("+{digits}") } else { digits.clone() };
        if digits.len() >= NUMBER_DIGITS_MIN && numbers.parse(&typed).is_ok() {
            return true;
        }
    }
    false
}

/// Whether this is a year or a day, and what was counted in it. With fewer digits it may be a whole number in
/// two groups, such as `2026-1130` in Denmark.
fn is_date_and_counter(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= NUMBER_DIGITS_MIN && text.split_once(SEPARATORS).is_some_and(|(first, _)| is_date(first))
}

/// Whether these digits are a year such as `2026`, or a day such as `20261130`. Years before 2000 are none:
/// `1912` is the beginning of a number in Georgia, with its country code.
fn is_date(digits: &str) -> bool {
    let is_in =
        |part: Option<&str>, from: &str, to: &str| part.is_some_and(|part| from <= part && part <= to);
    let is_year = is_in(digits.get(..4), "2000", "2099");
    let is_day = is_in(digits.get(4..6), "01", "12") && is_in(digits.get(6..), "01", "31");
    is_year && (digits.len() == 4 || (digits.len() == 8 && is_day))
}

/// The characters of an id, and its form.
type IdKind = (usize, fn(&str) -> bool);

/// The text without the id at its end that differs from a number by its form.
fn without_id(text: &str) -> &str {
    let [uuid, plain_uuid] = UUID_CHARS;
    let [case, long_case] = CASE_CHARS;
    let kinds: [IdKind; 4] =
        [(uuid, is_uuid), (plain_uuid, is_plain_uuid), (case, is_case_id), (long_case, is_case_id)];
    let before = kinds.iter().find_map(|(chars, is_id)| {
        let (before, end) = text.split_at_checked(text.len().checked_sub(*chars)?)?;
        let stands_alone = !before.ends_with(|char: char| char.is_ascii_alphanumeric());
        (stands_alone && is_id(end)).then_some(before)
    });
    before.unwrap_or(text)
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.chars().all(|char| char == '-' || char.is_ascii_hexdigit())
}

/// Digits alone are none.
fn is_plain_uuid(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_hexdigit())
        && text.contains(|char: char| char.is_ascii_alphabetic())
}

/// Digits alone are none.
fn is_case_id(text: &str) -> bool {
    text.starts_with(CASE_PREFIX)
        && text.chars().all(|char| char.is_ascii_alphanumeric())
        && text.contains(|char: char| char.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(country: &str, text: &str) -> bool {
        let numbers = NumberPlan::for_country(country).expect("is a country");
        refuse_number(numbers, &ExtId::parse(text).expect("is an id")).is_err()
    }

    #[test]
    fn number_is_refused_wherever_it_stands() {
        for text in [
            "+12025550101",
            "2025550101",
            "202-555-0101",
            "tel:+12025550101",
            "tel:+1202-555-0101",
            "T2025550101",
            "T-2025550101",
            "T12025550101",
            "T(202)555-0101",
            "ticket_202_555_0101",
            "2025550101-2",
            "x2025550101x",
            "call/202.555.0101/2026",
            "CASE-2026-2025550101",
            "CASE-20261130-202-555-0101",
            "T+34612345678",
            "T-2025550101-550e8400-e29b-41d4-a716-446655440000",
            "T-2025550101-9d385017c611228701d22104cc95c371",
            "T-2025550101-5003000000D8cuI",
            "2026-2025550101",
            "1912-555-0101",
            "T-1912-555-0101",
        ] {
            assert!(is_refused("US", text), "{text}");
        }
        for text in ["612345678", "T612345678", "T-612-34-56-78", "T+12025550101"] {
            assert!(is_refused("ES", text), "{text}");
        }
    }

    #[test]
    fn ids_of_tickets_pass() {
        for text in [
            "T-1",
            "INC0012345",
            "CASE-2026-11-0042",
            "INC-2026-004213",
            "CASE-20261130-17",
            "JIRA-1234/56",
            "5557-0101",
            "R-123456789012",
            "550e8400-e29b-41d4-a716-446655440000",
            "REQ-00000000-0000-4000-8000-002025550101",
            "REQ-2026-0001234",
            "2026-001234",
            "2026-11-0042",
            "20261130-001",
            "INC000012345678",
            "5003000000D8cuI",
            "CASE/5003000000D8cuIAAR",
        ] {
            assert!(!is_refused("US", text), "{text}");
        }
        assert!(!is_refused("ES", "9d385017c611228701d22104cc95c371"), "with a number of Spain in it");
        assert!(!is_refused("FR", "20261130-1"), "with a number of France in it");
    }
}
