//! The account file: CSV with the header `msisdn,status,type,balance,currency,activated_on`, the
//! same that an origin imports. Here a single bad line refuses the whole file: it is demo data, and
//! half of it would confuse.

use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use std::collections::HashSet;

pub const HEADER: [&str; 6] = ["msisdn", "status", "type", "balance", "currency", "activated_on"];

/// One line of the file.
#[derive(Clone, Debug)]
pub struct Subscriber {
    pub msisdn: Msisdn,
    /// The operator's own id of the subscriber. It contains no number, and changes with the owner
    /// of the number.
    pub subscriber_id: String,
    pub account: Account,
    /// The day of activation.
    pub activated_on: Day,
}

/// Parses the file's text. The error names the line and the column, and never quotes a number.
pub fn parse(text: &str) -> Result<Vec<Subscriber>, String> {
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| complain(&error))?;
    if header.iter().ne(HEADER) {
        return Err(format!("line 1: the header must be {}", HEADER.join(",")));
    }
    let mut seen = HashSet::new();
    let mut subscribers = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| complain(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let subscriber = subscriber(&record, line)?;
        if !seen.insert(subscriber.msisdn.expose().to_owned()) {
            return Err(format!("line {line}, column msisdn: the number is there twice"));
        }
        subscribers.push(subscriber);
    }
    Ok(subscribers)
}

fn subscriber(record: &csv::StringRecord, line: u64) -> Result<Subscriber, String> {
    let field = |column: &str| {
        let at = HEADER.iter().position(|name| *name == column);
        at.and_then(|at| record.get(at)).unwrap_or_default()
    };
    let bad = |column: &str, what: &str| format!("line {line}, column {column}: {what}");

    let msisdn =
        Msisdn::parse(field("msisdn")).ok_or_else(|| bad("msisdn", "is not an E.164 number with +"))?;
    let status = AccountStatus::parse(field("status"))
        .ok_or_else(|| bad("status", "must be active, suspended or ceased"))?;
    let account_type =
        AccountType::parse(field("type")).ok_or_else(|| bad("type", "must be postpaid or prepaid"))?;
    let currency =
        Currency::parse(field("currency")).ok_or_else(|| bad("currency", "is not an ISO 4217 currency"))?;
    let balance = match (field("balance"), account_type) {
        ("", AccountType::Postpaid) => None,
        ("", AccountType::Prepaid) => return Err(bad("balance", "a prepaid account has one")),
        (digits, _) => {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            let amount_minor = plain.then(|| digits.parse().ok()).flatten();
            let amount_minor =
                amount_minor.ok_or_else(|| bad("balance", "must be a whole number of minor units"))?;
            Some(Money { amount_minor, currency })
        }
    };
    let activated_on =
        Day::parse(field("activated_on")).ok_or_else(|| bad("activated_on", "must be a date, YYYY-MM-DD"))?;
    let subscriber_id = format!("line-{line}-since-{activated_on}");
    Ok(Subscriber { msisdn, subscriber_id, account: Account { status, account_type, balance }, activated_on })
}

/// The error of the csv crate, reduced to the place and the cause.
fn complain(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: has {len} columns instead of {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => format!("line {line}, column {}: is not UTF-8", err.field() + 1),
        _ => format!("line {line}: is not CSV"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "msisdn,status,type,balance,currency,activated_on\n";
    const GOOD: &str = "+12025550101,active,postpaid,,USD,2021-03-14\n";

    #[test]
    fn demo_files_are_valid_and_their_numbers_exist() {
        use rlibphonenumber::{PhoneNumber, Region};
        for (text, region) in [
            (include_str!("../accounts/acme.csv"), Region::US),
            (include_str!("../accounts/nova.csv"), Region::ES),
        ] {
            let subscribers = parse(text).expect("is well formed");
            assert!(subscribers.len() >= 6);
            for subscriber in subscribers {
                let number = PhoneNumber::parse(subscriber.msisdn.expose(), None).expect("is a number");
                assert!(number.is_valid_for_region(region), "{}", subscriber.msisdn.expose());
            }
        }
    }

    #[test]
    fn bad_line_is_reported_by_line_and_column() {
        let complaint = |lines: &str| parse(&format!("{HEAD}{GOOD}{lines}")).expect_err("is refused");
        for (line, says) in [
            (
                "12025550102,active,postpaid,,USD,2021-03-14",
                "line 3, column msisdn: is not an E.164 number with +",
            ),
            (
                "+12025550101,active,postpaid,,USD,2021-03-14",
                "line 3, column msisdn: the number is there twice",
            ),
            (
                "+12025550102,Active,postpaid,,USD,2021-03-14",
                "line 3, column status: must be active, suspended or ceased",
            ),
            ("+12025550102,active,,,USD,2021-03-14", "line 3, column type: must be postpaid or prepaid"),
            (
                "+12025550102,active,prepaid,,USD,2021-03-14",
                "line 3, column balance: a prepaid account has one",
            ),
            (
                "+12025550102,active,prepaid,12.50,USD,2021-03-14",
                "line 3, column balance: must be a whole number of minor units",
            ),
            (
                "+12025550102,active,prepaid,+5,USD,2021-03-14",
                "line 3, column balance: must be a whole number of minor units",
            ),
            (
                "+12025550102,active,prepaid,99999999999999999999,USD,2021-03-14",
                "line 3, column balance: must be a whole number of minor units",
            ),
            (
                "+12025550102,active,postpaid,,usd,2021-03-14",
                "line 3, column currency: is not an ISO 4217 currency",
            ),
            (
                "+12025550102,active,postpaid,,USD,14.03.2021",
                "line 3, column activated_on: must be a date, YYYY-MM-DD",
            ),
            ("+12025550102,active,postpaid", "line 3: has 3 columns instead of 6"),
        ] {
            assert_eq!(complaint(line), says);
        }
        assert!(
            parse("number,state\n")
                .expect_err("is refused")
                .starts_with("line 1: the header must be msisdn,")
        );
        assert!(parse("").is_err());
        assert_eq!(parse(HEAD).expect("may be empty").len(), 0);
    }
}
