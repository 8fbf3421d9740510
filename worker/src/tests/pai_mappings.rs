//! The reports of an operator's origin: the status of its PAIs.

use super::test_edge::{
    EdgeResponse, TestEdge, mapping, operator_keyring, operators, pai, partners, request,
};
use crate::fake::KvFault;
use bytes::Bytes;
use http::Request;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::{BODY_BYTES_MAX, PAI_CHARS_MAX, PAI_MAPPINGS_PER_CALL_MAX};
use onbill_domain::pai::Pai;
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use serde_json::{Value, json};

const PATH: &str = "/origin/v1/pai-mapping";
const BATCH_PATH: &str = "/origin/v1/pai-mappings";

fn signed(key: (KeyUse, &str), body: &Value) -> Request<Bytes> {
    signed_to(PATH, key, body)
}

fn signed_to(path: &str, key: (KeyUse, &str), body: &Value) -> Request<Bytes> {
    let ring = operator_keyring(key.1.trim_start_matches("operator:"), &["r1.1"]);
    let mut request = request("POST", path, &body.to_string());
    let key = ring.signing_key(key.0, key.1).expect("is there");
    let now = Timestamp::from_unix_seconds(super::test_edge::NOW);
    sign_request(&mut request, key, now, "nonce-of-the-origin").expect("signs");
    request
}

fn report(operator: &str, state: &str, version: u64) -> Value {
    json!({"pai": pai(), "mapping": mapping(operator, state, version)})
}

async fn tell(edge: &TestEdge, state: &str, version: u64) -> EdgeResponse {
    edge.send(signed((KeyUse::OriginToEdge, "operator:acme"), &report("acme", state, version))).await
}

fn stored(edge: &TestEdge) -> Option<Value> {
    let value = edge.platform.kv_value(&format!("pai/{}", pai()))?;
    serde_json::from_str(&value).ok()
}

#[tokio::test]
async fn kv_follows_reports_and_never_goes_back() {
    let edge = TestEdge::new();
    for (state, version, kept) in [
        ("ACTIVE", 2, mapping("acme", "ACTIVE", 2)),
        ("SUSPENDED", 3, mapping("acme", "SUSPENDED", 3)),
        ("ACTIVE", 2, mapping("acme", "SUSPENDED", 3)),
        ("CLOSED", 5, mapping("acme", "CLOSED", 5)),
        ("ACTIVE", 6, mapping("acme", "CLOSED", 5)),
        ("SUSPENDED", 4, mapping("acme", "CLOSED", 5)),
    ] {
        assert_eq!(tell(&edge, state, version).await.status(), 200, "{state} {version}");
        assert_eq!(stored(&edge), Some(kept), "{state} {version}");
    }
    assert!(edge.platform.take_sent().is_empty(), "no origin is called");
}

#[tokio::test]
async fn unreadable_mapping_is_replaced() {
    let edge = TestEdge::new();
    edge.platform.kv_set(&format!("pai/{}", pai()), Some("garbage"));
    assert_eq!(tell(&edge, "CLOSED", 2).await.status(), 200);
    assert_eq!(stored(&edge), Some(mapping("acme", "CLOSED", 2)));
}

#[tokio::test]
async fn mapping_is_refused_for_another_operators_pai() {
    let edge = TestEdge::new();
    let acme = (KeyUse::OriginToEdge, "operator:acme");
    assert_eq!(edge.send(signed(acme, &report("nova", "ACTIVE", 1))).await.refusal().0, 403);
    assert_eq!(stored(&edge), None);
    let novas = mapping("nova", "ACTIVE", 1);
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&novas.to_string()));
    assert_eq!(tell(&edge, "CLOSED", 9).await.refusal(), (403, "forbidden".to_owned()));
    assert_eq!(stored(&edge), Some(novas), "another operator's PAI");
}

#[tokio::test]
async fn mapping_is_accepted_from_origins_only() {
    let edge = TestEdge::new();
    let body = report("acme", "CLOSED", 9);
    let mut changed = signed((KeyUse::OriginToEdge, "operator:acme"), &body);
    *changed.body_mut() = report("acme", "ACTIVE", 9).to_string().into();
    for (what, request) in [
        ("unsigned", request("POST", PATH, &body.to_string())),
        ("changed on the way", changed),
        ("with another key of the same two", signed((KeyUse::EdgeToOrigin, "operator:acme"), &body)),
        ("by a partner", edge.signed_request("netflix-1", "POST", PATH, &body)),
    ] {
        assert_eq!(edge.send(request).await.refusal(), (401, "authorization-failure".to_owned()), "{what}");
    }
    for (what, body) in [("no mapping", json!({"pai": pai()})), ("no state", report("acme", "LOST", 1))] {
        let response = edge.send(signed((KeyUse::OriginToEdge, "operator:acme"), &body)).await;
        assert_eq!(response.refusal().0, 400, "{what}");
    }
    assert_eq!(stored(&edge), None);
}

#[tokio::test]
async fn mapping_report_is_503_when_kv_fails() {
    for fault in [KvFault::ReadsFail, KvFault::WritesFail, KvFault::WritesFailAndLand, KvFault::Down] {
        let edge = TestEdge::new();
        edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "CLOSED", 5).to_string()));
        edge.platform.kv_fail(Some(fault));
        assert_eq!(
            tell(&edge, "CLOSED", 6).await.refusal(),
            (503, "service-unavailable".to_owned()),
            "{fault:?}"
        );
        if fault == KvFault::ReadsFail {
            assert_eq!(
                stored(&edge),
                Some(mapping("acme", "CLOSED", 5)),
                "what is not known is not written over"
            );
        }
        edge.platform.kv_fail(None);
        assert_eq!(tell(&edge, "CLOSED", 6).await.status(), 200);
        assert_eq!(stored(&edge), Some(mapping("acme", "CLOSED", 6)));
    }
}

/// The `n`-th of many PAIs.
fn nth(n: u8) -> Pai {
    Pai::from_random([n; 16])
}

/// Acme's origin compares: each PAI with its state and version.
async fn compare(edge: &TestEdge, reported: &[(Pai, &str, u64)], only: bool) -> EdgeResponse {
    let reported = reported
        .iter()
        .map(|(pai, state, version)| json!({"pai": pai, "mapping": mapping("acme", state, *version)}));
    let body = json!({"mappings": reported.collect::<Vec<_>>(), "compareOnly": only});
    edge.send(signed_to(BATCH_PATH, (KeyUse::OriginToEdge, "operator:acme"), &body)).await
}

fn store(edge: &TestEdge, pai: Pai, value: &Value) {
    edge.platform.kv_set(&format!("pai/{pai}"), Some(&value.to_string()));
}

fn stored_of(edge: &TestEdge, pai: Pai) -> Option<Value> {
    serde_json::from_str(&edge.platform.kv_value(&format!("pai/{pai}"))?).ok()
}

#[tokio::test]
async fn batch_reports_differences_and_updates_older_mappings() {
    let edge = TestEdge::new();
    let there = [
        (1, mapping("acme", "ACTIVE", 3)),
        (2, mapping("acme", "ACTIVE", 2)),
        (3, json!("garbage")),
        (5, mapping("acme", "ACTIVE", 4)),
        (6, mapping("acme", "CLOSED", 3)),
        (7, mapping("nova", "ACTIVE", 1)),
        (8, mapping("acme", "SUSPENDED", 3)),
    ];
    for (n, value) in &there {
        store(&edge, nth(*n), value);
    }
    let reported: Vec<_> = (1..=8).map(|n| (nth(n), "ACTIVE", 3)).collect();
    let expected = json!({"same": 1, "behind": 3, "ahead": [nth(5), nth(6), nth(8)], "foreign": [nth(7)]});
    let later = there.iter().filter(|(n, _)| [5, 6, 8].contains(n));
    let later: Vec<_> = later.map(|(n, value)| json!({"pai": nth(*n), "mapping": value})).collect();
    let mut only_compared = expected.clone();
    only_compared["later"] = json!(later);
    assert_eq!(compare(&edge, &reported, true).await.json(), only_compared);
    for (n, value) in &there {
        assert_eq!(stored_of(&edge, nth(*n)).as_ref(), Some(value), "only compared");
    }
    assert_eq!(stored_of(&edge, nth(4)), None, "only compared");
    assert_eq!(compare(&edge, &reported, false).await.json(), expected);
    for n in 2..=4 {
        assert_eq!(stored_of(&edge, nth(n)), Some(mapping("acme", "ACTIVE", 3)), "{n}");
    }
    for (n, value) in there.iter().filter(|(n, _)| *n >= 5) {
        assert_eq!(stored_of(&edge, nth(*n)).as_ref(), Some(value), "is not written over");
    }
    let expected = json!({"same": 4, "behind": 0, "ahead": [nth(5), nth(6), nth(8)], "foreign": [nth(7)]});
    assert_eq!(compare(&edge, &reported, false).await.json(), expected);
}

#[tokio::test]
async fn batch_is_bounded_and_has_each_pai_once() {
    let edge = TestEdge::new();
    let many: Vec<_> = (1..=26).map(|n| (nth(n), "ACTIVE", 1)).collect();
    let invalid = (400, "invalid-request".to_owned());
    assert_eq!(compare(&edge, &many, false).await.refusal(), invalid);
    assert_eq!(compare(&edge, &[many[0], many[1], many[0]], false).await.refusal(), invalid);
    assert_eq!(edge.platform.kv_entries(), []);
    assert_eq!(compare(&edge, &many[..25], false).await.status(), 200);
    let longest = json!({"pai": "p".repeat(PAI_CHARS_MAX), "mapping": {"operator": "o".repeat(64), "subscriber": pai(),
                         "state": "SUSPENDED", "version": u64::MAX}});
    assert!(longest.to_string().len() * PAI_MAPPINGS_PER_CALL_MAX + 100 < BODY_BYTES_MAX);
}

#[tokio::test]
async fn batch_is_refused_for_another_operators_pai() {
    let edge = TestEdge::new();
    let acme = (KeyUse::OriginToEdge, "operator:acme");
    let both = json!({"mappings": [report("acme", "ACTIVE", 1), {"pai": nth(1), "mapping": mapping("nova", "ACTIVE", 1)}]});
    assert_eq!(edge.send(signed_to(BATCH_PATH, acme, &both)).await.refusal().0, 403);
    let own = json!({"mappings": [report("acme", "ACTIVE", 1)]});
    let edge_key = (KeyUse::EdgeToOrigin, "operator:acme");
    for stranger in [request("POST", BATCH_PATH, &own.to_string()), signed_to(BATCH_PATH, edge_key, &own)] {
        assert_eq!(edge.send(stranger).await.refusal().0, 401);
    }
    assert_eq!(stored(&edge), None);
}

#[tokio::test]
async fn batch_is_refused_when_kv_fails_for_one() {
    for fault in [KvFault::ReadsFail, KvFault::WritesFail, KvFault::Down] {
        let edge = TestEdge::new();
        store(&edge, nth(1), &mapping("acme", "ACTIVE", 3));
        edge.platform.kv_fail(Some(fault));
        let reported = [(nth(1), "ACTIVE", 3), (nth(2), "ACTIVE", 3)];
        assert_eq!(compare(&edge, &reported, false).await.refusal().0, 503, "{fault:?}");
    }
}

/// A PAI that another system issued can be a count, so another operator's origin could report it first.
#[tokio::test]
async fn guessable_pai_is_left_to_the_origins_where_there_are_several() {
    let guessable = Pai::parse("ENT1664367665579").expect("is a PAI");
    let acme = (KeyUse::OriginToEdge, "operator:acme");
    let body = json!({"pai": guessable, "mapping": mapping("acme", "ACTIVE", 1)});
    let counted =
        |same: usize, behind: usize| json!({"same": same, "behind": behind, "ahead": [], "foreign": []});

    let edge = TestEdge::new();
    assert_eq!(edge.send(signed(acme, &body)).await.status(), 200);
    for only in [true, false] {
        let reported = [(guessable, "ACTIVE", 1)];
        assert_eq!(compare(&edge, &reported, only).await.json(), counted(1, 0), "nothing to mend");
    }
    assert_eq!(edge.platform.kv_entries(), []);

    let alone = TestEdge::with(&json!([operators()[0]]), &partners());
    assert_eq!(compare(&alone, &[(guessable, "ACTIVE", 1)], false).await.json(), counted(0, 1));
    assert_eq!(alone.platform.kv_entries().len(), 1, "no other operator could have it");
}
