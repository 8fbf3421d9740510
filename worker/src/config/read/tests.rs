//! A deployment's configuration, with one mistake at a time.

use crate::Config;
use crate::tests::test_edge::{edge_keyring, operators, partners};
use onbill_domain::ids::OfferId;
use serde_json::{Value, json};

const EDGES: &str = r#"["https://edge.example", "http://127.0.0.1:8787"]"#;

fn read(operators: &Value, partners: &Value, keyring: &Value) -> Result<Config, String> {
    let texts = [operators, partners, keyring].map(Value::to_string);
    Config::read(Some(EDGES), Some(&texts[0]), Some(&texts[1]), Some(&texts[2]))
        .map_err(|fault| fault.to_string())
}

fn complaint_after(change: impl FnOnce(&mut Value, &mut Value, &mut Value)) -> String {
    let (mut operators, mut partners, mut keyring) = (operators(), partners(), edge_keyring());
    change(&mut operators, &mut partners, &mut keyring);
    read(&operators, &partners, &keyring).expect_err("is refused")
}

#[test]
fn valid_configuration_is_read() {
    let mut operators = operators();
    operators[1]["partners"] = json!([]);
    let config = read(&operators, &partners(), &edge_keyring()).expect("is valid");
    let offer = OfferId::parse("netflix-standard").expect("is a slug");
    let acme = config.find_operator("acme").expect("is there");
    let nova = config.find_operator("nova").expect("is there");
    assert_eq!(
        config.find_partner_by_offer(acme, &offer).map(|partner| partner.name.as_str()),
        Some("Netflix")
    );
    assert!(config.find_partner_by_offer(nova, &offer).is_none(), "nova sells nobody");
    let netflix = config.find_partner("netflix").expect("is there");
    assert_eq!(config.operators_of(netflix).count(), 1);
    assert!(config.find_operator("other").is_none());
}

#[test]
fn missing_or_malformed_variable_is_refused() {
    let (operators, partners, keyring) =
        (operators().to_string(), partners().to_string(), edge_keyring().to_string());
    let cases = [
        (None, Some(partners.as_str()), Some(keyring.as_str()), "the variable OPERATORS is missing"),
        (Some(operators.as_str()), None, Some(keyring.as_str()), "the variable PARTNERS is missing"),
        (Some(operators.as_str()), Some(partners.as_str()), None, "the secret KEYRING is missing"),
        (Some("[]"), Some(partners.as_str()), Some(keyring.as_str()), "OPERATORS: the list is empty"),
        (Some(operators.as_str()), Some("[]"), Some(keyring.as_str()), "PARTNERS: the list is empty"),
    ];
    for (operators, partners, keyring, complaint) in cases {
        let fault = Config::read(Some(EDGES), operators, partners, keyring).expect_err("is refused");
        assert_eq!(fault.to_string(), complaint);
    }
    for text in ["", "{", "{}", "[1]"] {
        assert!(Config::read(Some(EDGES), Some(text), Some(&partners), Some(&keyring)).is_err(), "{text}");
        assert!(Config::read(Some(EDGES), Some(&operators), Some(&partners), Some(text)).is_err(), "{text}");
    }
}

#[test]
fn edge_urls_are_site_origins() {
    let texts = [operators(), partners(), edge_keyring()].map(|value| value.to_string());
    let read = |edges: Option<&str>| {
        let config = Config::read(edges, Some(&texts[0]), Some(&texts[1]), Some(&texts[2]));
        config.map(|config| config.edge_urls().to_vec()).map_err(|fault| fault.to_string())
    };
    assert_eq!(
        read(Some(EDGES)),
        Ok(vec!["https://edge.example".to_owned(), "http://127.0.0.1:8787".to_owned()])
    );
    assert_eq!(read(None), Err("the variable EDGE_URLS is missing".to_owned()));
    for bad in [
        "[]",
        r#"["https://edge.example/"]"#,
        r#"["https://edge.example:443"]"#,
        r#"["http://edge.example"]"#,
        r#"["https://Edge.example"]"#,
        r#"["https://e'dge.example"]"#,
        r#"["edge.example"]"#,
        r#"["https://edge.example", "https://edge.example"]"#,
        r#"[["https://edge.example"]]"#,
    ] {
        assert!(read(Some(bad)).is_err(), "{bad}");
    }
}

#[test]
fn mistake_is_named_in_the_complaint() {
    type Change = fn(&mut Value, &mut Value, &mut Value);
    let cases: [(Change, &str); 29] = [
        (|o, _, _| o[0]["coupons"] = json!("ac"), "acme: coupons must be"),
        (|o, _, _| o[0]["dashboard"] = json!([]), "unknown field `dashboard`"),
        (|_, p, _| p[0]["callback"] = json!(""), "unknown field `callback`"),
        (|o, _, _| o[0]["name"] = json!(" "), "acme: name must be"),
        (|o, _, _| o[0]["country"] = json!("us"), "acme: country must be"),
        (|o, _, _| o[0]["country"] = json!("USA"), "acme: country must be"),
        (|o, _, _| o[0]["origin"] = json!("http://origin.acme.example"), "acme: origin must be"),
        (|o, _, _| o[0]["origin"] = json!("http://localhost.acme.example"), "acme: origin must be"),
        (|o, _, _| o[0]["origin"] = json!("http://127.0.0.1.acme.example"), "acme: origin must be"),
        (|o, _, _| o[0]["origin"] = json!("https://origin.acme.example/"), "acme: origin must be"),
        (|o, _, _| o[0]["origin"] = json!("https://u@origin.acme.example"), "acme: origin must be"),
        (|o, _, _| o[0]["dashboards"] = json!([]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["http://my.acme.example"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://a.example; x"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://*.acme.example"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://a.example;script-src"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://a.example,b.example"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://a.exampl%65"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["dashboards"] = json!(["https://[::1;*]"]), "acme: dashboards must be"),
        (|o, _, _| o[0]["partners"] = json!(["other"]), "acme: partners names one that is not in PARTNERS"),
        (|_, p, _| p[0]["url"] = json!("http://netflix.example"), "netflix: url must be an https URL"),
        (|_, p, _| p[0]["url"] = json!("https://netflix.example/"), "netflix: url must have no query"),
        (|_, p, _| p[0]["url"] = json!("https://netflix.example/a?b"), "netflix: url must have no query"),
        (|_, p, _| p[0]["offers"] = json!([]), "netflix: offers is empty"),
        (|_, p, _| p[0]["ui_origins"] = json!(["netflix.example"]), "netflix: ui_origins must be"),
        (|_, p, _| p[0]["ui_origins"] = json!(["http://netflix.example"]), "netflix: ui_origins must be"),
        (|_, p, _| p[0]["ui_origins"] = json!(["https://netflix.example/x"]), "netflix: ui_origins must be"),
        (|_, p, _| p[0]["name"] = json!("a\u{7}"), "netflix: name must be"),
        (|_, p, _| p[0]["name"] = json!("a".repeat(61)), "netflix: name must be"),
    ];
    for (change, expected) in cases {
        let complaint = complaint_after(change);
        assert!(complaint.contains(expected), "{complaint} / {expected}");
    }
}

#[test]
fn duplicate_entry_is_refused() {
    let twice = |text: String, expected: &str| assert!(text.contains(expected), "{text}");
    twice(complaint_after(|o, _, _| o[1]["id"] = json!("acme")), "the id acme is there twice");
    twice(
        complaint_after(|o, _, _| o[1]["origin"] = o[0]["origin"].clone()),
        "the origin https://origin.acme.example is there twice",
    );
    twice(
        complaint_after(|o, _, _| o[0]["dashboards"] = json!(["https://a.example", "https://a.example"])),
        "the dashboard https://a.example is there twice",
    );
    let tags = complaint_after(|o, _, _| {
        o[0]["coupons"] = json!("AC");
        o[1]["coupons"] = json!("AC");
    });
    twice(tags, "the coupons AC is there twice");
    twice(complaint_after(|_, p, _| p[0]["offers"] = json!(["a", "b", "a"])), "the offer a is there twice");
    twice(
        complaint_after(|_, p, _| p[1]["offers"] = p[0]["offers"].clone()),
        "the offer netflix-standard is there twice",
    );
}

#[test]
fn party_without_its_keys_is_refused() {
    let keys = edge_keyring().as_array().expect("is a list").len();
    for at in 0..keys {
        let complaint = complaint_after(|_, _, keyring| {
            keyring.as_array_mut().expect("is a list").remove(at);
        });
        assert!(complaint.contains("KEYRING: there is no "), "{complaint}");
    }
}

#[test]
fn private_partner_key_is_refused() {
    let complaint = complaint_after(|_, _, keyring| {
        let key = keyring.as_array_mut().expect("is a list").iter_mut();
        let key = key.into_iter().find(|key| key["id"] == "netflix-1").expect("is there");
        key["private"] = json!(onbill_domain::encoding::encode_base64url(&[40; 32]));
    });
    assert_eq!(complaint, "KEYRING: key netflix-1 must be the public half only");
}
