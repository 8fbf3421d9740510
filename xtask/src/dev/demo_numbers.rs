//! Picks example numbers from an accounts file, with what each one demonstrates: those that the quickstart's walkthrough
//! names, and one of each other kind of account. The origin reads the file itself and rejects errors in it; this file only
//! picks examples.

use std::fs;
use std::path::Path;

use onbill_domain::currency::Currency;
use onbill_domain::money::Money;

use crate::failure::{Context, Failure, Outcome};

/// A number worth trying in the local system.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DemoNumber {
    pub(crate) msisdn: String,
    pub(crate) description: String,
}

/// Reads one number for each kind of account in the file.
pub(crate) fn read_demo_numbers(file: &Path, price: u32) -> Outcome<Vec<DemoNumber>> {
    let doing = format!("read the accounts file {}", file.display());
    let text = fs::read_to_string(file).context(&doing)?;
    let demos = pick_demo_numbers(&text, price).ok_or_else(|| {
        Failure::new(format!("cannot {doing}: its first line must be {HEADER}, separated by commas"))
    })?;
    if demos.is_empty() {
        return Err(Failure::new(format!(
            "{} has no accounts: a line for each comes after the first",
            file.display()
        )));
    }
    Ok(demos)
}

/// The numbers of the quickstart's walkthrough, with what it does with them.
const WALKTHROUGH: [(&str, &str); 3] = [
    ("+12025550101", "begin here"),
    ("+12025550102", "for an account that is moved from the card to the bill"),
    ("+12025550109", "its SIM, for the app on a phone"),
];

const HEADER: &str = "msisdn,status,type,balance,currency,activated_on";
const COLUMNS: [&str; 5] = ["msisdn", "status", "type", "balance", "currency"];

fn pick_demo_numbers(text: &str, price: u32) -> Option<Vec<DemoNumber>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next()?.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
    let mut at = [0; COLUMNS.len()];
    for (at, column) in at.iter_mut().zip(COLUMNS) {
        *at = header.iter().position(|name| *name == column)?;
    }
    let mut demos: Vec<DemoNumber> = Vec::new();
    let mut kinds: Vec<AccountKind> = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [msisdn, status, account_type, balance, currency] =
            at.map(|n| fields.get(n).copied().unwrap_or_default());
        let Some(kind) = AccountKind::from_fields(status, account_type, balance, price) else { continue };
        let part = WALKTHROUGH.iter().find(|(named, _)| *named == msisdn).map(|(_, part)| part);
        if part.is_none() && kinds.contains(&kind) {
            continue;
        }
        kinds.push(kind);
        let part = part.map(|part| format!("; {part}")).unwrap_or_default();
        let description = format!("{}{part}", kind.describe(balance, currency));
        demos.push(DemoNumber { msisdn: msisdn.to_owned(), description });
    }
    Some(demos)
}

/// An account that another system bills today.
pub(crate) struct IncumbentCustomer {
    pub(crate) msisdn: String,
    /// The sandbox's own id of the subscriber.
    pub(crate) subscriber_ref: String,
}

/// Picks active postpaid accounts that the walkthrough does not name, as many as are asked for.
pub(crate) fn pick_incumbent_customers(text: &str, count: usize) -> Option<Vec<IncumbentCustomer>> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next()?.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
    let place = |name: &str| header.iter().position(|found| *found == name);
    let at = [place("msisdn")?, place("status")?, place("type")?, place("activated_on")?];
    let mut customers = Vec::new();
    for (number, line) in (2..).zip(lines) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [msisdn, status, account_type, activated_on] =
            at.map(|n| fields.get(n).copied().unwrap_or_default());
        let is_named = WALKTHROUGH.iter().any(|(named, _)| *named == msisdn);
        if !is_named && (status, account_type) == ("active", "postpaid") && customers.len() < count {
            let subscriber_ref = format!("line-{number}-since-{activated_on}");
            customers.push(IncumbentCustomer { msisdn: msisdn.to_owned(), subscriber_ref });
        }
    }
    (customers.len() == count).then_some(customers)
}

impl DemoNumber {
    /// The number as the quickstart spells it and people type it: `(202) 555-0101`. Another country's stays international.
    pub(crate) fn spell(&self) -> String {
        let national = self.msisdn.strip_prefix("+1").filter(|digits| digits.len() == 10);
        let parts = national.and_then(|digits| Some((digits.get(..3)?, digits.get(3..6)?, digits.get(6..)?)));
        parts.map_or_else(
            || self.msisdn.clone(),
            |(area, exchange, line)| format!("({area}) {exchange}-{line}"),
        )
    }
}

/// Accounts of one kind get the same response to a sign-up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AccountKind {
    Postpaid,
    Prepaid,
    PrepaidTooLittle,
    PrepaidEmpty,
    Suspended,
    Ceased,
}

impl AccountKind {
    fn from_fields(status: &str, account_type: &str, balance: &str, price: u32) -> Option<Self> {
        Some(match (status, account_type) {
            ("suspended", _) => Self::Suspended,
            ("ceased", _) => Self::Ceased,
            ("active", "postpaid") => Self::Postpaid,
            ("active", "prepaid") => match balance.parse::<i64>() {
                Ok(balance) if balance >= i64::from(price) => Self::Prepaid,
                Ok(1..) => Self::PrepaidTooLittle,
                _ => Self::PrepaidEmpty,
            },
            _ => return None,
        })
    }

    fn describe(self, balance: &str, currency: &str) -> String {
        let has = || match (balance.parse(), Currency::parse(currency)) {
            (Ok(amount_minor), Some(currency)) => Money { amount_minor, currency }.to_string(),
            _ => format!("{balance} {currency}"),
        };
        match self {
            Self::Postpaid => "postpaid: can pay".to_owned(),
            Self::Prepaid => format!("prepaid with {}: can pay", has()),
            Self::PrepaidTooLittle => format!("prepaid with {}, less than the price: refused", has()),
            Self::PrepaidEmpty => "prepaid without balance: refused".to_owned(),
            Self::Suspended => "suspended for non-payment: refused".to_owned(),
            Self::Ceased => "ceased: no text message comes, as for an unknown number".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}msisdn,status,type,balance,currency,activated_on\r\n\
        +12025550101,active,postpaid,,USD,2020-01-01\r\n+12025550102,active,postpaid,,USD,2020-01-01\r\n\
        +12025550103,active,prepaid,5000,USD,2020-01-01\r\n+12025550104,active,prepaid,300,USD,2020-01-01\r\n\
        +12025550105,active,prepaid,0,USD,2020-01-01\r\n+12025550106,suspended,postpaid,,USD,2020-01-01\r\n\
        +12025550107,ceased,prepaid,1,USD,2020-01-01\r\n\r\n+12025550108,unheard-of,,,,\r\n";

    #[test]
    fn account_kind_is_shown_once() {
        let demos = pick_demo_numbers(FILE, 1599).expect("has the columns");
        let shown: Vec<String> =
            demos.iter().map(|demo| format!("{} {}", &demo.msisdn[9..], demo.description)).collect();
        assert_eq!(
            shown,
            [
                "101 postpaid: can pay; begin here",
                "102 postpaid: can pay; for an account that is moved from the card to the bill",
                "103 prepaid with 50.00 USD: can pay",
                "104 prepaid with 3.00 USD, less than the price: refused",
                "105 prepaid without balance: refused",
                "106 suspended for non-payment: refused",
                "107 ceased: no text message comes, as for an unknown number",
            ]
        );
    }

    #[test]
    fn walkthrough_numbers_are_those_of_the_quickstart() {
        let quickstart = include_str!("../../../docs/quickstart.md");
        let readme = include_str!("../../../README.md");
        let demos = pick_demo_numbers(include_str!("../../../tests/sandbox/accounts/acme.csv"), 1599)
            .expect("is sound");
        let spelled: Vec<String> = demos.iter().map(DemoNumber::spell).collect();
        for (msisdn, _) in WALKTHROUGH {
            let number = DemoNumber { msisdn: msisdn.to_owned(), description: String::new() }.spell();
            assert!(quickstart.contains(&format!("`{number}`")), "{number} is not in the quickstart");
        }
        for page in [quickstart, readme] {
            for named in page.split("`(").skip(1).filter_map(|rest| rest.split('`').next()) {
                let number = format!("({named}");
                assert!(spelled.contains(&number), "a page names {number}, and dev does not print it");
            }
        }
        let abroad = DemoNumber { msisdn: "+34600000001".to_owned(), description: String::new() };
        assert_eq!(abroad.spell(), "+34600000001");
    }

    #[test]
    fn columns_are_found_by_name_and_required() {
        let moved = "type,msisdn,currency,balance,status\npostpaid,+34600000001,EUR,,active\n";
        assert_eq!(pick_demo_numbers(moved, 1399).expect("has the columns")[0].msisdn, "+34600000001");
        assert_eq!(pick_demo_numbers("number,status\n", 1599), None);
        assert_eq!(pick_demo_numbers("", 1599), None);
    }
}
