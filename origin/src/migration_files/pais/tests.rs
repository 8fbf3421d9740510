//! `pais.csv`, as other systems and people write it.

use super::super::test_rules::{TestRules, line_with, list_problems};
use super::*;

const SOUND: [&str; 14] = [
    "netflix",
    "ENT1664367665579",
    "+12025550101",
    "s-1",
    "ACTIVE",
    "2022-09-28T12:01:05Z",
    "sub-1",
    "EXISTING_ACCOUNT",
    "standard",
    "1599",
    "USD",
    "2026-12-17",
    "2022-09-28T12:00:00Z",
    "the shop in Main Street",
];

fn file_of(lines: &[String]) -> String {
    format!("{}\n{}\n", PAIS_HEADER.join(","), lines.join("\n"))
}

/// The lines that are sound by themselves, and what is wrong with the others and between lines.
fn check(rules: Rules<'_>, files: &[&str]) -> (Vec<(u64, ImportedPai)>, Vec<Problem>, KnownPais) {
    let (mut sound, mut problems) = (Vec::new(), Vec::new());
    let mut check = PaiCheck::new(rules);
    for (place, file) in files.iter().enumerate() {
        let name = format!("pais-{place}.csv");
        let take = |line, imported| sound.push((line, imported));
        let read = check.read(&name, file.as_bytes(), take, |problem| problems.push(problem), |_| {});
        read.expect("has its header");
    }
    let known = check.finish(|problem| problems.push(problem));
    (sound, problems, known)
}

#[test]
fn line_is_read_with_all_its_values() {
    let test = TestRules::new();
    let closed = [(1, "pci123"), (2, ""), (3, ""), (4, "CLOSED"), (6, "sub-2"), (12, ""), (13, "")];
    let bare = [(1, "a"), (2, "202-555-0102"), (3, "s-2"), (6, "sub-3"), (9, ""), (10, ""), (11, "")];
    let unsubscribed =
        [(1, "b"), (2, "2025550103"), (3, "s-3"), (6, ""), (7, ""), (8, ""), (9, ""), (10, "")];
    let lines = [
        line_with(&SOUND, &[]),
        line_with(&SOUND, &closed),
        line_with(&SOUND, &bare),
        line_with(&SOUND, &unsubscribed),
    ];
    for text in [file_of(&lines), format!("\u{feff}{}", file_of(&lines).replace('\n', "\r\n"))] {
        let (sound, problems, known) = check(test.rules(), &[&text]);
        assert_eq!(problems, []);
        let [(2, first), (3, closed), (4, bare), (5, unsubscribed)] = &sound[..] else { panic!("{sound:?}") };
        let subscriber = first.subscriber.as_ref().expect("has one");
        assert_eq!((subscriber.msisdn.expose(), &subscriber.subscriber_ref[..]), ("+12025550101", "s-1"));
        assert_eq!((first.partner.as_str(), first.pai.as_str()), ("netflix", "ENT1664367665579"));
        assert_eq!(
            (first.state, first.since.to_string().as_str()),
            (PaiState::Active, "2022-09-28T12:01:05Z")
        );
        let subscription = first.subscription.as_ref().expect("has one");
        assert_eq!(subscription.ext_subscription_id.as_str(), "sub-1");
        assert_eq!(
            (subscription.origin, subscription.plan.as_str()),
            (SubscriptionSource::ExistingAccount, "standard")
        );
        assert_eq!(subscription.price.expect("is known").amount_minor, 1599);
        assert_eq!(first.paid_until.expect("is there").to_string(), "2026-12-17");
        assert_eq!(first.consent.as_ref().expect("is there").by, "the shop in Main Street");
        assert_eq!((closed.state, &closed.subscriber, &closed.consent), (PaiState::Closed, &None, &None));
        assert_eq!(bare.subscription.as_ref().expect("has one").price, None);
        assert_eq!(unsubscribed.subscription, None);
        assert!(known.has(0, first.pai) && !known.has(1, first.pai));
    }
}

#[test]
fn each_wrong_value_is_named_by_line_and_column() {
    let test = TestRules::new();
    let wrong: [(usize, &str, &str); 27] = [
        (0, "", "value"),
        (0, "hulu", "partner"),
        (1, "", "value"),
        (1, "a b", "value"),
        (1, "ENT2025550101", "number-in-pai"),
        (2, "", "value"),
        (2, "555", "value"),
        (3, "", "value"),
        (4, "", "value"),
        (4, "active", "value"),
        (5, "", "value"),
        (5, "2022-09-28", "value"),
        (5, "2026-12-01T00:00:00Z", "value"),
        (6, "sub 1", "value"),
        (7, "", "value"),
        (7, "OLD", "value"),
        (8, "", "value"),
        (9, "", "value"),
        (9, "0", "value"),
        (9, "15.99", "value"),
        (9, "+1599", "value"),
        (10, "", "value"),
        (10, "EUR", "currency"),
        (11, "17.12.2026", "value"),
        (12, "", "value"),
        (12, "yesterday", "value"),
        (13, "", "value"),
    ];
    let lines: Vec<_> =
        wrong.iter().map(|(column, value, _)| line_with(&SOUND, &[(*column, *value)])).collect();
    let (sound, problems, _) = check(test.rules(), &[&file_of(&lines)]);
    assert!(sound.is_empty(), "{sound:?}");
    assert_eq!(problems.len(), wrong.len());
    for ((line, (column, value, kind)), problem) in (2..).zip(wrong).zip(&problems) {
        let begins = format!("line {line}, column {}: ", PAIS_HEADER[column]);
        assert!(problem.text.starts_with(&begins), "{} for {begins}{value}", problem.text);
        assert_eq!(problem.kind.as_str(), kind, "{begins}{value}");
        assert!(!problem.text.contains("5550101"), "{}", problem.text);
    }
}

#[test]
fn number_in_a_pai_is_taken_on_request() {
    let test = TestRules::new();
    let rules = Rules { number_in_pai: true, ..test.rules() };
    let (sound, problems, _) = check(rules, &[&file_of(&[line_with(&SOUND, &[(1, "12025550101")])])]);
    assert_eq!((sound.len(), problems), (1, Vec::new()));
}

#[test]
fn lines_that_contradict_each_other_are_both_named() {
    let test = TestRules::new();
    // Each PAI has a subscription of its own.
    let other = |replaced: &[(usize, &str)]| {
        let id = replaced.iter().find(|(column, _)| *column == 1).map_or("sub-1", |(_, pai)| *pai);
        line_with(&SOUND, &[replaced, &[(6, id)]].concat())
    };
    let first = file_of(&[
        other(&[]),
        other(&[(1, "a"), (2, "2025550102"), (3, "s-2")]),
        // The same subscriber at another partner, and a PAI of before.
        other(&[(0, "tunes"), (1, "b"), (2, "2025550102"), (3, "s-2")]),
        other(&[(1, "c"), (2, "2025550102"), (3, "s-0"), (4, "CLOSED")]),
        // Another subscriber of the first number, and a second PAI of the second one.
        other(&[(0, "tunes"), (1, "d"), (3, "s-9")]),
        other(&[(1, "e"), (2, "2025550102"), (3, "s-2"), (4, "SUSPENDED")]),
    ]);
    let second = file_of(&[other(&[(1, "c"), (2, "2025550103"), (3, "s-3")])]);
    let (sound, problems, _) = check(test.rules(), &[&first, &second]);
    assert_eq!(sound.len(), 7);
    let two = "has an open PAI of this subscriber at this partner too";
    let subscribers = "has an open PAI of another subscriber of this number";
    let mut found = list_problems(&problems);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("pai-twice", "line 2, column pai: pais-0.csv line 5 has the same PAI"),
            ("pai-twice", "line 5, column pai: pais-1.csv line 2 has the same PAI"),
            ("two-open-pais", &format!("line 3, column msisdn: line 7 {two}")[..]),
            ("two-open-pais", &format!("line 7, column msisdn: line 3 {two}")[..]),
            ("two-subscribers", &format!("line 2, column subscriber_ref: line 6 {subscribers}")[..]),
            ("two-subscribers", &format!("line 6, column subscriber_ref: line 2 {subscribers}")[..]),
        ]
    );
}

#[test]
fn subscription_of_two_lines_is_named_at_both() {
    let test = TestRules::new();
    let other = |pai, number, partner| {
        line_with(&SOUND, &[(0, partner), (1, pai), (2, number), (3, pai), (4, "ACTIVE")])
    };
    let first = file_of(&[other("a", "2025550101", "netflix"), other("b", "2025550102", "tunes")]);
    let second = file_of(&[other("c", "2025550103", "netflix")]);
    let (_, problems, _) = check(test.rules(), &[&first, &second]);
    assert_eq!(
        list_problems(&problems),
        [
            (
                "subscription-taken",
                "line 2, column ext_subscription_id: pais-1.csv line 2 has the same subscription"
            ),
            (
                "subscription-taken",
                "line 2, column ext_subscription_id: pais-0.csv line 2 has the same subscription"
            ),
        ]
    );
}

#[test]
fn odd_lines_take_no_other_with_them() {
    let test = TestRules::new();
    let long = "x".repeat(30_000);
    let lines = [
        line_with(&SOUND, &[(13, long.as_str())]),
        "netflix,a".to_owned(),
        line_with(&SOUND, &[]),
        "netflix,\"b".to_owned(),
    ];
    let (sound, problems, _) = check(test.rules(), &[&file_of(&lines)]);
    assert_eq!(sound.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [4]);
    assert_eq!(
        list_problems(&problems),
        [
            ("unreadable", "line 2: is longer than 16384 bytes"),
            ("value", "line 3, column msisdn: is missing"),
            ("unreadable", "line 5: a quotation mark is not closed in the same line"),
        ]
    );
}

#[test]
fn another_file_is_refused_whole() {
    let test = TestRules::new();
    for text in ["", "\n", "partner;pai\n", "PK\u{3}\u{4}", "partner,pai\n"] {
        let refused =
            PaiCheck::new(test.rules()).read("pais.csv", text.as_bytes(), |_, _| {}, |_| {}, |_| {});
        assert!(refused.is_err(), "{text:?}");
    }
    let utf_16: Vec<u8> =
        [0xfeff_u16].into_iter().chain("partner,pai".encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let refused = PaiCheck::new(test.rules()).read("pais.csv", &utf_16[..], |_, _| {}, |_| {}, |_| {});
    assert!(refused.expect_err("is UTF-16").0.starts_with("is not UTF-8 text;"));
}

#[test]
fn closed_pai_without_its_number_must_not_look_like_one() {
    let test = TestRules::new();
    let line = |pai: &str| {
        let closed = [(1, pai), (2, ""), (3, ""), (4, "CLOSED"), (12, ""), (13, "")];
        file_of(&[line_with(&SOUND, &closed)])
    };
    for (pai, is_taken, with_leave) in [
        ("ENT1664367665579", true, true),
        ("4567890123456789", true, true),
        ("pci123", true, true),
        ("12025550102", false, true),
        ("ENT-2025550102", false, true),
        ("aaaaaaaa-aaaa-4aaa-8aaa-a12025550101", false, false),
    ] {
        for (number_in_pai, expected) in [(false, is_taken), (true, with_leave)] {
            let rules = Rules { number_in_pai, ..test.rules() };
            let (sound, problems, _) = check(rules, &[&line(pai)]);
            assert_eq!((sound.len(), problems.is_empty()), (usize::from(expected), expected), "{pai}");
            assert!(problems.iter().all(|each| each.kind == ProblemKind::NumberInPai), "{problems:?}");
        }
    }
}
