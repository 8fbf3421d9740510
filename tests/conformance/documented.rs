//! docs/conformance.md lists exactly the checks of the kits. Its tables are written from the code:
//!
//! ```sh
//! ONBILL_RECORD=1 cargo test -p onbill-tests --test conformance documented
//! ```

use super::{csp_faults, partner_faults};
use onbill_sandbox::account_file;
use onbill_test_harness::ACME_ACCOUNTS;
use onbill_test_harness::environment::read_variable;
use onbill_tool::certify::{CheckFacts, csp_checks, partner_checks};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

const HEAD: &str = "| check | what is tested | expected | what you mend |\n|---|---|---|---|\n";

/// The table of a kit's checks.
fn table_of(checks: &[&CheckFacts]) -> String {
    let rows = checks.iter().map(|facts| {
        let cells = [facts.name, facts.expected, facts.mend].map(|text| text.replace('|', "\\|"));
        format!("| `{}` | {} |\n", facts.id, cells.join(" | "))
    });
    format!("{HEAD}{}", rows.collect::<String>())
}

/// The page with this table in the place of the one that follows the heading.
fn with_table(page: &str, heading: &str, table: &str) -> String {
    let (before, rest) = page.split_once(heading).expect("the page has the heading");
    let begin = rest.find("| check |").expect("a table follows");
    let end = rest[begin..].find("\n\n").map_or(rest.len(), |end| begin + end + 1);
    format!("{before}{heading}{}{table}{}", &rest[..begin], &rest[end..])
}

fn page_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md")
}

#[test]
fn page_lists_the_checks_of_both_kits() {
    let path = page_path();
    let page = fs::read_to_string(&path).expect("is there");
    let expected = with_table(&page, "## Checks of a CSP API\n", &table_of(&csp_checks()));
    let expected = with_table(&expected, "## Checks of a partner\n", &table_of(&partner_checks()));
    if read_variable("ONBILL_RECORD").is_some() {
        fs::write(&path, &expected).expect("can be written");
        return;
    }
    assert!(
        page == expected,
        "docs/conformance.md does not list the checks of the code. Write it again: \
         ONBILL_RECORD=1 cargo test -p onbill-tests --test conformance documented"
    );
}

#[test]
fn ids_are_unique_and_name_their_kit() {
    let mut seen = HashSet::new();
    for (kit, checks) in [("csp-", csp_checks()), ("partner-", partner_checks())] {
        for facts in checks {
            assert!(facts.id.starts_with(kit) && seen.insert(facts.id), "{}", facts.id);
            for text in [facts.name, facts.expected, facts.mend] {
                assert!(!text.trim().is_empty(), "{}", facts.id);
            }
        }
    }
}

/// A check that no fault is planted for may find nothing at all.
#[test]
fn each_check_has_a_planted_fault() {
    let planted: HashSet<&str> =
        csp_faults::FAULTS.iter().chain(partner_faults::FAULTS).map(|(_, _, check)| *check).collect();
    let checks = csp_checks().into_iter().chain(partner_checks());
    let without: Vec<&str> = checks.map(|facts| facts.id).filter(|id| !planted.contains(id)).collect();
    assert_eq!(without, Vec::<&str>::new());
}

#[test]
fn page_says_what_each_prepaid_suspended_or_ceased_number_does() {
    let page = fs::read_to_string(page_path()).expect("is there");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `+1202555")).collect();
    for subscriber in account_file::parse(ACME_ACCOUNTS).expect("is an account file") {
        let number = subscriber.msisdn.expose();
        let account = subscriber.account;
        let (status, kind) = (account.status.as_str().to_lowercase(), account.account_type.as_str());
        let row = rows.iter().find(|row| row.contains(number)).copied();
        let Some(row) = row else {
            assert_eq!((status.as_str(), kind), ("active", "postpaid"), "{number} has no row of its own");
            continue;
        };
        assert!(row.contains(&status) && row.contains(kind), "{number}: {row}");
        if let Some(balance) = account.balance {
            let amount = format!("{}.{:02} USD", balance.amount_minor / 100, balance.amount_minor % 100);
            assert!(row.contains(&amount), "{number}: {row}");
        }
    }
}
