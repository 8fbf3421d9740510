//! The loader's versions, its types, and the page that explains refusals.

use super::test_edge::{EDGE, OTHER_EDGE, TestEdge, request};
use crate::fake::KvFault;
use crate::platform::RateLimiter;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::{encode_base64, encode_base64url};
use serde_json::Value;

const FACTS: &str = "/widget/v1/onbill.json";

/// The address of the present version, without the edge's own.
async fn version_path(edge: &TestEdge) -> String {
    let facts = edge.get(FACTS).await.json();
    facts["url"].as_str().and_then(|url| url.strip_prefix(EDGE)).expect("is the edge's").to_owned()
}

#[tokio::test]
async fn version_is_named_with_its_hash() {
    let edge = TestEdge::new();
    let response = edge.get(FACTS).await;
    assert_eq!((response.status(), response.header("content-type")), (200, "application/json"));
    let facts = response.json();
    assert_eq!(facts["types"], format!("{EDGE}/widget/v1/onbill.d.ts"));
    let version = edge.get(&version_path(&edge).await).await;
    assert_eq!((version.status(), version.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(version.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(version.text(), edge.get("/widget/v1/onbill.js").await.text());
    let hash = sha256(version.text().as_bytes());
    assert_eq!(facts["integrity"], format!("sha256-{}", encode_base64(&hash)));
    assert_eq!(facts["url"], format!("{EDGE}/widget/v1/onbill/{}.js", encode_base64url(&hash)));
    let mut known = request("GET", &version_path(&edge).await, "");
    known.headers_mut().insert("if-none-match", version.header("etag").parse().expect("is a value"));
    assert_eq!(edge.send(known).await.status(), 304);
}

/// Each language and each address of the edge has a version of its own.
#[tokio::test]
async fn versions_are_those_of_a_language_and_an_address() {
    let edge = TestEdge::new();
    let facts = async |base: &str, query: &str, language: &str| {
        let mut request = request("GET", FACTS, "");
        *request.uri_mut() = format!("{base}{FACTS}{query}").parse().expect("is a URI");
        request.headers_mut().insert("accept-language", language.parse().expect("is a value"));
        edge.send(request).await.json()
    };
    let english = facts(EDGE, "", "en").await;
    let german = facts(EDGE, "?locale=de", "en").await;
    assert_ne!(english, german);
    assert_eq!(german, facts(EDGE, "", "de-AT, en").await);
    assert_ne!(english["integrity"], facts(OTHER_EDGE, "", "en").await["integrity"]);
    // Whatever the browser's language: the address says which. The present ones need neither KV nor the rate.
    edge.platform.kv_fail(Some(KvFault::Down));
    edge.platform.exhaust_rate(RateLimiter::Widget, true);
    for (facts, words) in [(german, "Erneut versuchen"), (english, "Try again")] {
        let path = facts["url"].as_str().and_then(|url| url.strip_prefix(EDGE)).expect("is the edge's");
        for language in ["en", "de", "ar"] {
            let mut request = request("GET", path, "");
            request.headers_mut().insert("accept-language", language.parse().expect("is a value"));
            let version = edge.send(request).await;
            assert_eq!(version.status(), 200, "{language}");
            assert!(version.text().contains(words), "{language}");
        }
    }
    let stranger = http::Request::get(FACTS).header("host", "evil.example").body(bytes::Bytes::new());
    assert_eq!(edge.send(stranger.expect("is a request")).await.status(), 404);
}

#[tokio::test]
async fn version_of_an_earlier_release_is_kept_in_kv() {
    let edge = TestEdge::new();
    let earlier = "(() => { /* an earlier release */ })();";
    let hash = encode_base64url(&sha256(earlier.as_bytes()));
    let (path, key) = (format!("/widget/v1/onbill/{hash}.js"), format!("loader/{hash}"));
    assert_eq!(edge.get(&path).await.refusal(), (404, "not-found".to_owned()));
    edge.platform.kv_set(&key, Some(earlier));
    let response = edge.get(&path).await;
    assert_eq!((response.status(), response.text()), (200, earlier));
    // KV cannot make the edge serve another script under this name.
    edge.platform.kv_set(&key, Some("alert(1)"));
    assert_eq!(edge.get(&path).await.refusal(), (404, "not-found".to_owned()));
    edge.platform.kv_fail(Some(KvFault::Down));
    assert_eq!(edge.get(&path).await.refusal(), (503, "service-unavailable".to_owned()));
    edge.platform.kv_fail(None);
    edge.platform.exhaust_rate(RateLimiter::Widget, true);
    assert_eq!(edge.get(&path).await.refusal().0, 429);
    for malformed in [hash.as_str(), "x.js", &format!("{hash}.css"), &format!("{}%2F.js", &hash[3..])] {
        let response = edge.get(&format!("/widget/v1/onbill/{malformed}")).await;
        assert_eq!(response.refusal(), (404, "not-found".to_owned()), "{malformed}");
    }
}

#[tokio::test]
async fn version_is_named_only_once_it_is_kept() {
    let edge = TestEdge::new();
    for fault in [KvFault::WritesFail, KvFault::Down] {
        edge.platform.kv_fail(Some(fault));
        assert_eq!(edge.get(FACTS).await.refusal(), (503, "service-unavailable".to_owned()), "{fault:?}");
        assert!(edge.platform.kv_entries().is_empty());
    }
    edge.platform.kv_fail(Some(KvFault::ReadsFail));
    assert_eq!(edge.get(FACTS).await.status(), 200);
    edge.platform.kv_fail(None);
    let path = version_path(&edge).await;
    let hash = path.trim_start_matches("/widget/v1/onbill/").trim_end_matches(".js");
    let kept = edge.platform.kv_value(&format!("loader/{hash}"));
    assert_eq!(kept.as_deref(), Some(edge.get("/widget/v1/onbill.js").await.text()));
}

#[tokio::test]
async fn types_and_refusals_are_for_engineers() {
    let edge = TestEdge::new();
    let types = edge.get("/widget/v1/onbill.d.ts").await;
    assert_eq!((types.status(), types.header("content-type")), (200, "text/plain; charset=utf-8"));
    assert!(types.text().contains("interface PayOnBillElement"));
    let refusals = edge.get("/widget/v1/refusals").await;
    assert_eq!((refusals.status(), refusals.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = refusals.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(refusals.text().contains("<h2 id=\"page-not-listed\">"));
    let facts: Value = edge.get(FACTS).await.json();
    assert_eq!(facts.as_object().map(serde_json::Map::len), Some(3));
}
