//! A deployment's configuration, with one mistake at a time.

use super::super::operators::{KnownOperator, Operators, find_listed};
use crate::Config;
use crate::tests::test_edge::{
    EDGE, Variables, operators, partner_keyring, partners, read_config, root_key, variables,
};
use http::Request;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::timestamp::Timestamp;
use serde_json::{Value, json};

/// The variable is never old.
const NO_TIME: Timestamp = Timestamp::from_unix_seconds(0);

fn sound() -> Variables {
    variables(&operators(), &partners())
}

fn read_with(name: &'static str, value: Option<&str>) -> Result<Config, String> {
    let mut variables = sound();
    match value {
        Some(value) => variables.insert(name, value.to_owned()),
        None => variables.remove(name),
    };
    read_config(&variables).map_err(|fault| fault.to_string())
}

/// What is wrong with the whole after a change of partners or their keys.
fn complaint_after(change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let (mut partners, mut keyring) = (partners(), partner_keyring());
    change(&mut partners, &mut keyring);
    let mut variables = variables(&operators(), &partners);
    variables.insert("PARTNER_KEYS", keyring.to_string());
    read_config(&variables).expect_err("is refused").to_string()
}

fn find(config: &Config, id: &str) -> Option<KnownOperator> {
    let Operators::Listed(listed) = config.operators() else { panic!("they are in the variable") };
    find_listed(listed, &OperatorId::parse(id).expect("is a slug"))
}

/// What is wrong with the first operator after a change; the second one is served nevertheless.
fn entry_complaint_after(change: impl FnOnce(&mut Value)) -> String {
    let mut operators = operators();
    change(&mut operators);
    let config = read_with("OPERATORS", Some(&operators.to_string())).expect("the list can be read");
    assert!(find(&config, "nova").expect("is there").is_ok(), "another operator's entry is not its mistake");
    assert_eq!(config.operators().broken_count(NO_TIME), 1);
    find(&config, "acme").expect("is there").expect_err("is broken").to_string()
}

#[test]
fn valid_configuration_is_read() {
    let mut operators = operators();
    operators[1]["partners"] = json!([]);
    let config = read_with("OPERATORS", Some(&operators.to_string())).expect("is valid");
    let offer = OfferId::parse("netflix-standard").expect("is a slug");
    let acme = find(&config, "acme").expect("is there").expect("is sound");
    let nova = find(&config, "nova").expect("is there").expect("is sound");
    assert_eq!(
        config.find_partner_by_offer(&acme, &offer).map(|partner| partner.name.as_str()),
        Some("Netflix")
    );
    assert!(config.find_partner_by_offer(&nova, &offer).is_none(), "nova sells no partner");
    assert!(find(&config, "other").is_none());
    assert_eq!(config.operators().broken_count(NO_TIME), 0);
    let stored = read_with("OPERATORS", None).expect("they may be in the store");
    assert!(matches!(stored.operators(), Operators::Stored(_)));
}

#[test]
fn missing_or_malformed_variable_is_refused() {
    let root = root_key("r1");
    for (name, value, complaint) in [
        ("EDGE_URLS", None, "the variable EDGE_URLS is missing"),
        ("PARTNERS", None, "the variable PARTNERS is missing"),
        ("EDGE_ROOT_KEY", None, "the secret EDGE_ROOT_KEY is missing"),
        ("EDGE_ROOT_KEY", Some(&root[3..]), "EDGE_ROOT_KEY must be an id, a dot and 32 bytes in base64url"),
        ("EDGE_ROOT_KEY_NEXT", Some(""), "EDGE_ROOT_KEY_NEXT must be an id, a dot and 32 bytes in base64url"),
        ("EDGE_ROOT_KEY_NEXT", Some(&root), "EDGE_ROOT_KEY and EDGE_ROOT_KEY_NEXT: the id r1 is there twice"),
        ("PARTNER_KEYS", None, "the secret PARTNER_KEYS is missing"),
        ("OPERATORS", Some("[]"), "OPERATORS: the list is empty"),
        ("PARTNERS", Some("[]"), "PARTNERS: the list is empty"),
        ("DEPLOYMENT", Some("Local"), "DEPLOYMENT must be local or public"),
    ] {
        assert_eq!(read_with(name, value).expect_err("is refused"), complaint, "{name}");
    }
    for text in ["", "{", "{}", "[1]"] {
        for name in ["PARTNERS", "PARTNER_KEYS"] {
            assert!(read_with(name, Some(text)).is_err(), "{name}: {text}");
        }
    }
    for text in ["", "{", "{}", "[{]"] {
        assert!(read_with("OPERATORS", Some(text)).is_err(), "{text}");
    }
    let shown = read_with("EDGE_ROOT_KEY_NEXT", Some(&root_key("r2"))).expect("is sound");
    assert!(!format!("{shown:?}").contains(&root_key("r1")[3..20]), "secrets are not shown");
}

#[test]
fn edge_urls_are_site_origins() {
    let read = |edges: &str| read_with("EDGE_URLS", Some(edges)).map(|config| config.edge_urls().to_vec());
    assert_eq!(read(r#"["https://edge.example"]"#), Ok(vec!["https://edge.example".to_owned()]));
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
        r#"["https://edge.example", "http://127.0.0.1:8787"]"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}

#[test]
fn this_machine_is_for_local_deployments() {
    let mut local = sound();
    local.insert("EDGE_URLS", r#"["http://127.0.0.1:8787"]"#.to_owned());
    local.insert(
        "OPERATORS",
        operators().to_string().replace("https://origin.acme.example", "http://127.0.0.1:1"),
    );
    local.insert("PARTNERS", partners().to_string().replace("https://tunes.example", "http://localhost:2"));
    local.insert("DEPLOYMENT", "local".to_owned());
    let config = read_config(&local).expect("is sound");
    assert_eq!(config.operators().broken_count(NO_TIME), 0);
    for (deployment, urls) in [("public", EDGE), ("local", EDGE)] {
        local.insert("DEPLOYMENT", deployment.to_owned());
        local.insert("EDGE_URLS", json!([urls]).to_string());
        assert_eq!(read_config(&local).is_ok(), deployment == "local", "PARTNERS names this machine");
    }
    local.insert("DEPLOYMENT", "public".to_owned());
    local.insert("PARTNERS", partners().to_string());
    let config = read_config(&local).expect("is sound but for one operator");
    let fault = find(&config, "acme").expect("is there").expect_err("is on this machine").to_string();
    assert!(fault.starts_with("acme: origin must be"), "{fault}");
}

/// Wherever a local edge is put by mistake, it serves no other machine.
#[test]
fn local_edge_serves_this_machine_only() {
    let local = read_with("DEPLOYMENT", Some("local")).expect("is sound");
    let public = read_with("DEPLOYMENT", Some("public")).expect("is sound");
    let called_at = |uri: &str, host: Option<&str>| {
        let request = Request::builder().uri(uri);
        let request = host.into_iter().fold(request, |request, host| request.header("host", host));
        request.body(()).expect("is a request")
    };
    for (uri, host) in [
        ("http://127.0.0.1:8787/healthz", None),
        ("http://localhost:8787/healthz", None),
        ("http://[::1]:8787/healthz", None),
        ("/healthz", Some("127.0.0.1:8787")),
        ("/healthz", Some("localhost")),
    ] {
        assert_eq!(local.find_misplacement(&called_at(uri, host)), None, "{uri} {host:?}");
    }
    for (uri, host) in [
        ("https://onbill-edge.acme.workers.dev/healthz", None),
        ("https://pay.example.com/healthz", Some("127.0.0.1")),
        ("http://192.0.2.1/healthz", None),
        ("/healthz", Some("pay.example.com:8787")),
    ] {
        let fault = local.find_misplacement(&called_at(uri, host)).expect("is refused").to_string();
        assert_eq!(fault, "DEPLOYMENT is local, and the call came to another host");
        assert_eq!(public.find_misplacement(&called_at(uri, host)), None, "{uri} {host:?}");
    }
}

#[test]
fn broken_entry_stops_its_operator_only() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 6] = [
        (|o| o[0]["origin"] = json!("http://origin.acme.example"), "acme: origin must be"),
        (|o| o[0]["dashboard"] = json!([]), "acme: unknown member dashboard"),
        (|o| o[0]["name"] = json!("a".repeat(6000)), "acme: the entry has more than 4096 bytes"),
        (|o| o[0]["partners"] = json!(["other"]), "acme: partners names other, which is not in PARTNERS"),
        (|o| o[0]["key_epochs"] = json!(["r1.1", "r3.1"]), "acme: key_epochs names r3.1, and there is no"),
        (|o| o[0]["key_epochs"] = json!(["r1"]), "acme: not a key epoch"),
    ];
    for (change, expected) in cases {
        let complaint = entry_complaint_after(change);
        assert!(complaint.starts_with(expected), "{complaint} / {expected}");
    }
}

#[test]
fn operator_with_two_entries_is_not_guessed() {
    let mut operators = operators();
    let mut second = operators[0].clone();
    second["origin"] = json!("https://other.acme.example");
    operators.as_array_mut().expect("is a list").push(second);
    let config = read_with("OPERATORS", Some(&operators.to_string())).expect("the list can be read");
    let fault = find(&config, "acme").expect("is there").expect_err("is broken");
    assert_eq!(fault.to_string(), "acme: the id is there twice");
    assert!(find(&config, "nova").expect("is there").is_ok());
    assert_eq!(config.operators().broken_count(NO_TIME), 2);
}

#[test]
fn mistake_is_named_in_the_complaint() {
    type Change = fn(&mut Value, &mut Value);
    let cases: [(Change, &str); 10] = [
        (|p, _| p[0]["callback"] = json!(""), "unknown field `callback`"),
        (|p, _| p[0]["url"] = json!("http://netflix.example"), "netflix: url is not allowed"),
        (|p, _| p[0]["url"] = json!("https://netflix.example/"), "netflix: url must have no query"),
        (|p, _| p[0]["url"] = json!("https://netflix.example/a?b"), "netflix: url must have no query"),
        (|p, _| p[0]["offers"] = json!([]), "netflix: offers is empty"),
        (|p, _| p[0]["ui_origins"] = json!(["netflix.example"]), "netflix: ui_origins must be"),
        (|p, _| p[0]["ui_origins"] = json!(["http://netflix.example"]), "netflix: ui_origins must be"),
        (|p, _| p[0]["ui_origins"] = json!(["https://netflix.example/x"]), "netflix: ui_origins must be"),
        (|p, _| p[0]["name"] = json!("a\u{7}"), "netflix: name must be"),
        (|p, _| p[0]["name"] = json!("a".repeat(61)), "netflix: name must be"),
    ];
    for (change, expected) in cases {
        let complaint = complaint_after(change);
        assert!(complaint.contains(expected), "{complaint} / {expected}");
    }
}

#[test]
fn offer_of_two_partners_is_refused() {
    let twice = |text: String, expected: &str| assert!(text.contains(expected), "{text}");
    twice(complaint_after(|p, _| p[0]["offers"] = json!(["a", "b", "a"])), "the offer a is there twice");
    twice(
        complaint_after(|p, _| p[1]["offers"] = p[0]["offers"].clone()),
        "the offer netflix-standard is there twice",
    );
}

#[test]
fn partner_without_its_keys_is_refused() {
    let keys = partner_keyring().as_array().expect("is a list").len();
    for at in 0..keys {
        let complaint = complaint_after(|_, keyring| {
            keyring.as_array_mut().expect("is a list").remove(at);
        });
        assert!(complaint.contains("PARTNER_KEYS: there is no "), "{complaint}");
    }
}

#[test]
fn private_partner_key_is_refused() {
    let complaint = complaint_after(|_, keyring| {
        let key = keyring.as_array_mut().expect("is a list").iter_mut();
        let key = key.into_iter().find(|key| key["id"] == "netflix-1").expect("is there");
        key["private"] = json!(onbill_domain::encoding::encode_base64url(&[40; 32]));
    });
    assert_eq!(complaint, "PARTNER_KEYS: key netflix-1 must be the public half only");
}
