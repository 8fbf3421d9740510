//! Operators whose entries are in the store: when they are read, and what a wrong one stops.

use super::ott::{charge, charged};
use super::test_edge::{
    ACME, NOVA, TestEdge, mapping, operator_keyring, operators, pai, partners, request, root_key, variables,
};
use crate::fake::KvFault;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::OPERATORS_MAX;
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use serde_json::{Value, json};

const CHARGE: &str = "/ott/v1/transaction";
const FRAME: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard";

/// Both operators are in the store, and Acme has the PAI.
fn edge() -> TestEdge {
    let mut variables = variables(&operators(), &partners());
    variables.remove("OPERATORS");
    variables.insert("EDGE_ROOT_KEY_NEXT", root_key("r2"));
    let edge = TestEdge::with_variables(&variables);
    for operator in operators().as_array().expect("is a list") {
        put(&edge, operator);
    }
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "ACTIVE", 3).to_string()));
    edge.stub_response(&format!("POST {ACME}{CHARGE}"), 201, &charged());
    edge
}

fn put(edge: &TestEdge, entry: &Value) {
    let key = format!("operator/{}", entry["id"].as_str().expect("is text"));
    edge.platform.set_setting(&key, Some(&entry.to_string()));
}

async fn post(edge: &TestEdge) -> u16 {
    edge.call_as_netflix("POST", CHARGE, &charge()).await.status()
}

/// What the log says of a wrong entry.
fn alarms(edge: &TestEdge) -> Vec<String> {
    let lines = edge.platform.log_lines();
    let lines = lines.iter().map(|line| serde_json::from_str::<Value>(line).expect("is JSON"));
    let alarms = lines.filter(|line| line["alarm"] == "operator-entry-broken" && line["level"] == "error");
    alarms.map(|line| line["fault"].as_str().expect("is text").to_owned()).collect()
}

#[tokio::test]
async fn entry_is_read_once_a_minute() {
    let edge = edge();
    assert_eq!((post(&edge).await, post(&edge).await), (201, 201));
    assert_eq!(edge.platform.setting_reads(), 1);
    let mut moved = operators()[0].clone();
    moved["origin"] = json!(NOVA);
    put(&edge, &moved);
    edge.platform.advance_seconds(60);
    assert_eq!(post(&edge).await, 201, "a minute is not over");
    edge.platform.advance_seconds(1);
    edge.stub_response(&format!("POST {NOVA}{CHARGE}"), 200, &charged());
    assert_eq!(post(&edge).await, 200);
    assert_eq!(edge.platform.setting_reads(), 2);
    edge.platform.set_setting("operator/acme", None);
    edge.platform.advance_seconds(61);
    assert_eq!(edge.get(FRAME).await.status(), 404, "a removed operator is not served");
}

#[tokio::test]
async fn store_outage_stops_no_operator_for_an_hour() {
    let edge = edge();
    edge.platform.settings_fail(Some(KvFault::Down));
    let cold = edge.call_as_netflix("POST", CHARGE, &charge()).await;
    assert_eq!(cold.refusal(), (503, "service-unavailable".to_owned()), "absent is not believed");
    edge.platform.settings_fail(None);
    assert_eq!(post(&edge).await, 201);
    edge.platform.settings_fail(Some(KvFault::Down));
    for seconds in [61, 3500] {
        edge.platform.advance_seconds(seconds);
        // The partner's clock goes with the edge's.
        assert_eq!(edge.get(FRAME).await.status(), 200, "after {seconds} more seconds");
    }
    edge.platform.advance_seconds(100);
    assert_eq!(edge.get(FRAME).await.status(), 503);
}

#[tokio::test]
async fn broken_entry_is_503_with_an_alarm() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 5] = [
        (|e| e["origin"] = json!("http://127.0.0.1:8788"), "operator entry acme: origin must be"),
        (|e| e["name"] = json!("a".repeat(6000)), "operator entry acme: the entry has more than 4096 bytes"),
        (|e| e["key_epochs"] = json!(["r7.1"]), "operator entry acme: key_epochs names r7.1"),
        (|e| e["id"] = json!("nova"), "operator entry acme: id is not that of the key"),
        (|e| *e = json!([1]), "operator entry acme: not a JSON object"),
    ];
    for (change, expected) in cases {
        let edge = edge();
        let mut entry = operators()[0].clone();
        change(&mut entry);
        edge.platform.set_setting("operator/acme", Some(&entry.to_string()));
        for path in [FRAME, "/widget/v1/return/acme/ticket"] {
            assert_eq!(edge.get(path).await.status(), 503, "{expected}");
        }
        let body = json!({"operator": "acme", "flow": "f", "pin": "123456"});
        assert_eq!(edge.call_from_frame("/widget/v1/pin", &body).await.refusal().0, 503, "{expected}");
        let charged = edge.call_as_netflix("POST", CHARGE, &charge()).await;
        assert_eq!(charged.refusal(), (503, "service-unavailable".to_owned()), "{expected}");
        assert!(!charged.text().contains("acme"), "{}", charged.text());
        let alarms = alarms(&edge);
        assert!(alarms.len() > 2 && alarms.iter().all(|fault| fault.starts_with(expected)), "{alarms:?}");
        assert!(edge.sent_targets().is_empty());
        let nova = edge.get("/widget/v1/frame?operator=nova&offer=netflix-standard").await;
        assert_eq!(nova.status(), 200, "{expected}");
        let health = edge.get("/healthz").await;
        assert_eq!((health.status(), health.json()["status"].as_str()), (200, Some("degraded")));
    }
}

#[tokio::test]
async fn coupon_waits_while_an_entry_is_broken() {
    use onbill_domain::coupon_code::{CouponCode, CouponTag};
    let edge = edge();
    let mut acme = operators()[0].clone();
    acme["coupons"] = json!("AC");
    put(&edge, &acme);
    let redeem = async |tag: &str| {
        let code = CouponCode::from_random(CouponTag::parse(tag).expect("are symbols"), [7; 10]).grouped();
        let body = json!({"code": code, "extReference": "r-1"});
        edge.call_as_netflix("POST", "/ott/v1/coupon/redeem", &body).await.status()
    };
    assert_eq!(redeem("NV").await, 400);
    edge.platform.set_setting("operator/nova", Some("{"));
    edge.platform.advance_seconds(61);
    assert_eq!(redeem("NV").await, 503, "it may be a coupon of the operator whose entry is broken");
    edge.platform.take_sent();
    redeem("AC").await;
    assert_eq!(edge.sent_targets(), [format!("POST {ACME}/ott/v1/coupon/redeem")], "another's continues");
    let mut nova = operators()[1].clone();
    nova["coupons"] = json!("AC");
    put(&edge, &nova);
    edge.platform.advance_seconds(61);
    assert_eq!(redeem("AC").await, 503, "two operators have the tag");
}

#[tokio::test]
async fn keys_of_each_accepted_epoch_are_accepted() {
    let edge = edge();
    let report = |epoch: &str| {
        let ring = operator_keyring("acme", &[epoch]);
        let key = ring.signing_key(KeyUse::OriginToEdge, "operator:acme").expect("is there");
        let body = json!({"pai": pai(), "mapping": mapping("acme", "ACTIVE", 3)}).to_string();
        let mut request = request("POST", "/origin/v1/pai-mapping", &body);
        let now = Timestamp::from_unix_seconds(super::test_edge::NOW);
        sign_request(&mut request, key, now, "nonce-of-the-origin").expect("signs");
        edge.send(request)
    };
    assert_eq!(report("r1.1").await.status(), 200);
    for unknown in ["r1.2", "r2.1"] {
        assert_eq!(report(unknown).await.refusal().0, 401, "{unknown}");
    }
    let mut acme = operators()[0].clone();
    acme["key_epochs"] = json!(["r2.1", "r1.2", "r1.1"]);
    put(&edge, &acme);
    edge.platform.advance_seconds(61);
    for epoch in ["r1.1", "r1.2", "r2.1"] {
        assert_eq!(report(epoch).await.status(), 200, "{epoch}");
    }
    assert_eq!(report("r2.2").await.refusal().0, 401);
    edge.platform.take_sent();
    assert_eq!(post(&edge).await, 201);
    let sent = edge.platform.take_sent();
    let input = sent[0].headers()["signature-input"].to_str().expect("is text");
    assert!(input.contains("keyid=\"acme-edge-to-origin-r1.1\""), "the last one signs: {input}");
}

/// An entry that is not there is not proof that no operator has the PAI: it may be on its way.
#[tokio::test]
async fn missing_entry_is_no_absence() {
    let edge = edge();
    edge.platform.set_setting("operator/acme", None);
    edge.stub_refusal(&format!("POST {NOVA}/edge/v1/pai"), 404, "pai-not-found");
    assert_eq!(post(&edge).await, 503);
    assert!(
        edge.platform.log_lines().iter().any(|line| line.contains("operator entry acme: there is no entry"))
    );
    let has_it = mapping("nova", "ACTIVE", 1);
    edge.stub_response(&format!("POST {NOVA}/edge/v1/pai"), 200, &has_it);
    edge.stub_response(&format!("POST {NOVA}{CHARGE}"), 201, &charged());
    assert_eq!(post(&edge).await, 201, "another one has it");
    edge.platform.kv_set(&format!("pai/{}", pai()), None);
    edge.stub_refusal(&format!("POST {NOVA}/edge/v1/pai"), 404, "pai-not-found");
    assert_eq!(post(&edge).await, 404);
}

/// KV has forgotten the PAI, and Nova does not have it.
fn forget_pai(edge: &TestEdge) {
    edge.platform.kv_set(&format!("pai/{}", pai()), None);
    edge.stub_refusal(&format!("POST {NOVA}/edge/v1/pai"), 404, "pai-not-found");
}

/// The clock passes a second while the other entry is read.
#[tokio::test]
async fn entry_that_was_fresh_is_used_after_a_slow_read() {
    let edge = edge();
    forget_pai(&edge);
    edge.stub_response(&format!("POST {ACME}/edge/v1/pai"), 200, &mapping("acme", "ACTIVE", 3));
    assert_eq!(edge.get(FRAME).await.status(), 200, "Acme's entry is read");
    edge.platform.advance_seconds(60);
    edge.platform.slow_setting_reads(1);
    assert_eq!(post(&edge).await, 201);
}

#[tokio::test]
async fn listed_operator_whose_entry_is_not_there_is_no_absence() {
    let edge = edge();
    forget_pai(&edge);
    edge.platform.settings_fail(Some(KvFault::Behind(30)));
    assert_eq!(post(&edge).await, 503, "the list is newer than the entries");
}

#[tokio::test]
async fn empty_store_is_a_fault() {
    let edge = edge();
    for id in ["acme", "nova"] {
        edge.platform.set_setting(&format!("operator/{id}"), None);
    }
    assert_eq!((post(&edge).await, edge.get(FRAME).await.status()), (503, 503));
    forget_pai(&edge);
    assert_eq!(post(&edge).await, 503);
    assert!(edge.platform.log_lines().iter().any(|line| line.contains("the store has no operator")));
}

#[tokio::test]
async fn too_many_operators_are_an_alarm() {
    let edge = edge();
    forget_pai(&edge);
    for number in 0..=OPERATORS_MAX {
        edge.platform.set_setting(&format!("operator/o-{number}"), Some("{}"));
    }
    assert_eq!(post(&edge).await, 503);
    assert_eq!(alarms(&edge), ["the store has more than 1000 operators"]);
}

/// An entry outlives the versions of the edge: what a version does not know is no outage.
#[tokio::test]
async fn entry_is_served_without_what_is_unknown() {
    let edge = edge();
    let mut acme = operators()[0].clone();
    acme["partners"] = json!(["netflix", "other"]);
    acme["key_epochs"] = json!(["r1.1", "r9.1"]);
    acme["later"] = json!({});
    put(&edge, &acme);
    assert_eq!(post(&edge).await, 201);
    let unknown = "operator entry acme: unknown member later; partners names other, which is not in \
                   PARTNERS; key_epochs names r9.1, and there is no such root key";
    assert_eq!(alarms(&edge), [unknown]);
    assert_eq!(edge.get("/healthz").await.json(), json!({"status": "ok"}));
}

#[tokio::test]
async fn mapped_operator_that_does_not_sell_the_partner_is_no_absence() {
    let edge = edge();
    let mut acme = operators()[0].clone();
    acme["partners"] = json!(["tunes"]);
    put(&edge, &acme);
    edge.stub_refusal(&format!("POST {NOVA}/edge/v1/pai"), 404, "pai-not-found");
    assert_eq!(post(&edge).await, 503);
    assert_eq!(alarms(&edge), ["operator entry acme: it does not sell this partner"]);
    forget_pai(&edge);
    assert_eq!(post(&edge).await, 404);
}

#[tokio::test]
async fn health_forgets_an_unused_entry() {
    let edge = edge();
    edge.platform.set_setting("operator/acme", Some("{"));
    assert_eq!(edge.get(FRAME).await.status(), 503);
    for (seconds, status) in [(3600, "degraded"), (1, "ok")] {
        edge.platform.advance_seconds(seconds);
        assert_eq!(edge.get("/healthz").await.json()["status"], status);
    }
}

#[tokio::test]
async fn unknown_origin_is_refused_like_a_wrong_key() {
    let edge = edge();
    let ring = operator_keyring("other", &["r1.1"]);
    let key = ring.signing_key(KeyUse::OriginToEdge, "operator:other").expect("is there");
    let body = json!({"pai": pai(), "mapping": mapping("other", "ACTIVE", 3)}).to_string();
    let mut request = request("POST", "/origin/v1/pai-mapping", &body);
    let now = Timestamp::from_unix_seconds(super::test_edge::NOW);
    sign_request(&mut request, key, now, "nonce-of-the-origin").expect("signs");
    assert_eq!(edge.send(request).await.refusal(), (401, "authorization-failure".to_owned()));
}
