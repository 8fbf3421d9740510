//! A configuration file with mistakes is read to its end, and each mistake is found once.

use super::{Mistake, SAMPLE, read_config};
use crate::config::file::tests::GOOD;

fn mistakes(text: &str) -> Vec<Mistake> {
    read_config(text).err().unwrap_or_default()
}

/// The mistakes as a person sees them.
fn shown(text: &str) -> Vec<String> {
    mistakes(text).iter().map(ToString::to_string).collect()
}

/// The line on which this is written.
fn line_of(text: &str, what: &str) -> usize {
    let at = text.find(what).unwrap_or_else(|| panic!("{what} is in the text"));
    text[..at].matches('\n').count() + 1
}

#[test]
fn sound_file_and_sample_have_no_mistakes() {
    for text in [GOOD, SAMPLE] {
        assert_eq!(mistakes(text), []);
    }
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let text = r#"
operator = "Acme"
nmae = "Acme Mobile"
country = "ZZ"
listen = "8788"
database = "postgres://onbill:hunter2@db.acme.example"
edge_url = "https://edge.example/path"
bss_url = "http://bss.acme.example"
dashboards = ["https://my.acme.example", "http://acme.example"]
hand_off_seconds = 60
pins_per_hour = "many"

[links]
help = "javascript:alert(1)"
taxes = "added"

[billing]
by = "file"

[billing.codes]
"4012" = "no-money"

[sms]
by = "smpp"
url = "smpp://smsc:2775"
system_id = "onbill"
password_file = "p"
sender = "7700"
sender_ton = "x"
window = 101

[[offers]]
id = "netflix-standard"
partner = "netflix"
title = "Netflix Standard"
plan = "standard"
price = { value = 15.99, currency = "USD" }

[[offers]]
id = "netflix-standard"
title = "Netflix Premium"
plan = "premium"
price = { value = 2299, currency = "usd" }

[[partners]]
id = "netflix"
settlement = { model = "revenue-share", partner_basis_points = 10001 }

[[limits]]
currency = "USD"
month = 0

[coupons]
tag = "ac"
plans = [{ id = "6M", months = 60, offer = "netflix-gold" }]
"#;
    let found = mistakes(text);
    let printed = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for (written, complaint) in [
        ("operator = \"Acme\"", "not an operator name"),
        ("nmae", "did you mean name?"),
        ("country", "ISO 3166"),
        ("listen", "listen: "),
        ("database", "names no database"),
        ("edge_url", "bare origin"),
        ("bss_url", "must be https"),
        ("dashboards", "http://acme.example must be https"),
        ("hand_off_seconds", "hand_off_seconds must be 1 to 6"),
        ("pins_per_hour", "pins_per_hour: invalid type: string \"many\", expected a whole number"),
        ("help =", "links: help"),
        ("taxes =", "write it above the first section"),
        ("by = \"file\"", "did you mean files?"),
        ("\"4012\"", "is no decline reason"),
        ("sender_ton", "sms.sender_ton: "),
        ("window", "window must be from 1 to 100"),
        ("price = { value = 15.99", "offers[0].price.value: invalid type: floating point `15.99`"),
        ("[[offers]]\nid = \"netflix-standard\"\ntitle", "offers[1].partner is missing"),
        ("id = \"netflix-standard\"\ntitle", "offer netflix-standard is there twice"),
        ("price = { value = 2299", "offers[1].price.currency"),
        ("settlement", "partner_basis_points must be at most"),
        ("[[limits]]", "limits in USD"),
        ("tag =", "two of the symbols"),
        ("plans =", "months must be from 1 to 12"),
        ("plans =", "there is no offer netflix-gold"),
    ] {
        let line = line_of(text, written);
        let is_found = |mistake: &Mistake| {
            mistake.place.is_some_and(|(at, _)| at == line) && mistake.message.contains(complaint)
        };
        let count = found.iter().filter(|mistake| is_found(mistake)).count();
        assert_eq!(count, 1, "line {line}: {complaint} in\n{printed}");
    }
    let nowhere: Vec<&Mistake> = found.iter().filter(|mistake| mistake.place.is_none()).collect();
    assert_eq!(nowhere.len(), 1, "{printed}");
    assert_eq!(nowhere[0].message, "keys is missing");
    assert_eq!(found.len(), 26, "nothing is reported twice:\n{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
    let text = format!("{GOOD}[alarms]\nwebhook = \"https://hooks.example/T0/hunter2\"");
    let printed = read_config(&text).expect("is sound").to_toml().expect("is printable");
    assert!(printed.contains("https://hooks.example/***") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn mistake_has_line_and_column() {
    let text = GOOD.replace("country = \"US\"", "country = \"ZZ\"");
    let line = line_of(&text, "country");
    assert_eq!(shown(&text), [format!("{line}:9: country is not an ISO 3166 code such as US")]);
    let text = "name = \"Acm\u{e9}\" # \u{e9}\noperator =\nbss_url = \"x";
    let syntax = shown(text);
    assert!(syntax.len() == 2 && syntax[0].starts_with("2:") && syntax[1].starts_with("3:"), "{syntax:?}");
}

#[test]
fn what_follows_from_a_mistake_is_not_reported() {
    for (from, to, complaint) in [
        // Without its offer, the limits and the plan of a coupon would be wrong.
        ("price = { value = 1599, currency = \"USD\" }", "price = 1599", "offers[0].price"),
        ("title =", "tilte =", "did you mean title?"),
        ("[[limits]]\n", "[limits]\n", "limits"),
    ] {
        let text = GOOD.replace(from, to);
        let found = shown(&text);
        assert!(found.len() == 1 && found[0].contains(complaint), "{found:?}");
    }
}

#[test]
fn hopeless_file_is_refused_with_a_reason() {
    for text in ["", "operator", "= 1", "[operator]\n[name]\n[country]", "offers = 5", "\u{0}"] {
        assert!(!mistakes(text).is_empty(), "{text:?}");
    }
}

#[test]
fn configuration_in_effect_is_one_that_can_be_read() {
    let more = r#"
        [sms]
        by = "smpp"
        url = "smpps://[::1]:3550"
        system_id = "onbill"
        password_file = "p"
        sender = "Acme"
        [billing.codes]
        "4012" = "account-on-hold"
        [coupons]
        tag = "AC"
        plans = [{ id = "6M", months = 6, offer = "netflix-standard" }]
    "#;
    for text in [GOOD.to_owned(), format!("{GOOD}{more}"), SAMPLE.to_owned()] {
        let printed = read_config(&text).expect("is sound").to_toml().expect("is printable");
        let again = read_config(&printed).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{printed}"));
        assert_eq!(again.to_toml().expect("is printable"), printed);
        assert!(printed.contains("hand_off_seconds = 5"), "{printed}");
    }
}

#[test]
fn configuration_in_effect_has_no_password() {
    let text = GOOD.replace("acme.sqlite", "postgres://u:hunter2@127.0.0.1/onbill");
    let printed = read_config(&text).expect("is sound").to_toml().expect("is printable");
    assert!(printed.contains("postgres://u:***@127.0.0.1:5432/onbill"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
}
