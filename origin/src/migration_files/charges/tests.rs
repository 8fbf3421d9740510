//! `charges.csv`, as other systems and people write it.

use super::super::headers::PAIS_HEADER;
use super::super::pais::PaiCheck;
use super::super::test_rules::{TestRules, line_with, list_problems};
use super::*;

const SOUND: [&str; 11] = [
    "netflix",
    "c-1",
    "ENT1664367665579",
    "1599",
    "USD",
    "600",
    "APPROVED",
    "bill-1",
    "2026-11-18T12:00:00Z",
    "2026-11-18",
    "2026-12-17",
];

/// The PAIs that come with the charges.
fn known_pais(rules: Rules<'_>) -> KnownPais {
    let mut check = PaiCheck::new(rules);
    let lines = [
        "netflix,ENT1664367665579,+12025550101,s-1,ACTIVE,2022-09-28T12:01:05Z,,,,,,,,",
        "tunes,t-1,+12025550101,s-1,ACTIVE,2022-09-28T12:01:05Z,,,,,,,,",
    ];
    let text = format!("{}\n{}\n", PAIS_HEADER.join(","), lines.join("\n"));
    let complain = |problem| panic!("{problem:?}");
    check.read("pais.csv", text.as_bytes(), |_, _| {}, complain, |_| {}).expect("has its header");
    check.finish(|problem| panic!("{problem:?}"))
}

fn check(lines: &[String]) -> (Vec<(u64, ImportedCharge)>, Vec<Problem>) {
    let test = TestRules::new();
    let known = known_pais(test.rules());
    let (mut sound, mut problems) = (Vec::new(), Vec::new());
    let mut check = ChargeCheck::new(test.rules(), &known);
    let csv = format!("{}\n{}\n", CHARGES_HEADER.join(","), lines.join("\n"));
    let take = |line, imported| sound.push((line, imported));
    let read = check.read("charges.csv", csv.as_bytes(), take, |problem| problems.push(problem), |_| {});
    read.expect("has its header");
    check.finish(|problem| problems.push(problem));
    (sound, problems)
}

#[test]
fn line_is_read_with_all_its_values() {
    let declined = [(1, "c-2"), (5, ""), (6, "DECLINED"), (7, "")];
    let pending = [(1, "c-3"), (5, "0"), (6, "PENDING"), (7, "")];
    let all_back = [(1, "c-4"), (5, "1599")];
    let other = [(0, "tunes"), (2, "t-1")];
    let lines = [&[][..], &declined, &pending, &all_back, &other].map(|replaced| line_with(&SOUND, replaced));
    let (sound, problems) = check(&lines);
    assert_eq!(problems, []);
    let (_, first) = &sound[0];
    assert_eq!((first.partner.as_str(), first.ext_transaction_id.as_str()), ("netflix", "c-1"));
    assert_eq!((first.pai.as_str(), first.amount.to_string().as_str()), ("ENT1664367665579", "15.99 USD"));
    assert_eq!((first.refunded_minor, first.status), (600, TransactionStatus::Approved));
    assert_eq!(first.billing_ref.as_ref().map(ExtId::as_str), Some("bill-1"));
    assert_eq!(first.posted_at.to_string(), "2026-11-18T12:00:00Z");
    assert_eq!(first.service_period.to().to_string(), "2026-12-17");
    assert_eq!(
        sound[1..].iter().map(|(_, charge)| charge.refunded_minor).collect::<Vec<_>>(),
        [0, 0, 1599, 600]
    );
}

#[test]
fn each_wrong_value_is_named_by_line_and_column() {
    let wrong: [(usize, &str, &str); 21] = [
        (0, "hulu", "partner"),
        (0, "tunes", "pai-unknown"),
        (1, "", "value"),
        (1, "c 1", "value"),
        (2, "", "value"),
        (2, "ENT1664367665570", "pai-unknown"),
        (2, "ent1664367665579", "pai-unknown"),
        (3, "", "value"),
        (3, "-1599", "value"),
        (3, "100000001", "value"),
        (4, "", "value"),
        (4, "EUR", "currency"),
        (5, "1600", "refunded-above-charged"),
        (5, "6.00", "value"),
        (6, "approved", "value"),
        (7, "", "value"),
        (8, "2026-11-18", "value"),
        (8, "2026-12-01T00:00:00Z", "value"),
        (9, "", "value"),
        (10, "2026-11-17", "value"),
        (10, "2028-01-01", "value"),
    ];
    let lines: Vec<_> =
        wrong.iter().map(|(column, value, _)| line_with(&SOUND, &[(*column, *value)])).collect();
    let (sound, problems) = check(&lines);
    assert!(sound.is_empty(), "{sound:?}");
    assert_eq!(problems.len(), wrong.len());
    for ((line, (column, value, kind)), problem) in (2..).zip(wrong).zip(&problems) {
        // Where the partner has no such PAI, the PAI is what is named.
        let column = if kind == "pai-unknown" { 2 } else { column };
        let begins = format!("line {line}, column {}: ", CHARGES_HEADER[column]);
        assert!(problem.text.starts_with(&begins), "{} for {begins}{value}", problem.text);
        assert_eq!(problem.kind.as_str(), kind, "{begins}{value}");
    }
    let declined = line_with(&SOUND, &[(6, "DECLINED")]);
    let (_, problems) = check(&[declined]);
    let why = "line 2, column refunded: must be empty or 0 for a charge that is not APPROVED";
    assert_eq!(list_problems(&problems), [("value", why)]);
}

#[test]
fn charge_twice_is_named_by_both_lines() {
    let lines = [&[][..], &[(1, "c-2")], &[(7, "bill-2")], &[(0, "tunes"), (2, "t-1")], &[]]
        .map(|replaced| line_with(&SOUND, replaced));
    let (sound, problems) = check(&lines);
    assert_eq!(sound.len(), 5);
    assert_eq!(
        list_problems(&problems),
        [(2, 4), (4, 2), (6, 2)]
            .map(|(line, other)| format!(
                "line {line}, column ext_transaction_id: line {other} has the same charge"
            ))
            .each_ref()
            .map(|text| ("charge-twice", text.as_str()))
    );
}
