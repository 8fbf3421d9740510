//! The loader at the address of this release, and the frame's shell. `loader.rs` has its other addresses.

use super::test_edge::{EDGE, OTHER_EDGE, TestEdge, operators, partners, request};
use serde_json::{Value, json};

const FRAME: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard";

fn boot(page: &str) -> Value {
    let start = page.find("id=\"boot\"").expect("is there");
    let json = &page[start..][page[start..].find('>').expect("ends") + 1..];
    serde_json::from_str(&json[..json.find("</script>").expect("ends")]).expect("is JSON")
}

#[tokio::test]
async fn loader_is_cached_by_its_etag() {
    let edge = TestEdge::new();
    let first = edge.get("/widget/v1/onbill.js").await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(first.header("cache-control"), "public, max-age=300, stale-while-revalidate=86400");
    assert_eq!(first.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(first.header("access-control-allow-origin"), "*", "it may be a module");
    assert_eq!(first.header("vary"), "accept-language");
    let tag = first.header("etag");
    for (condition, status) in [
        (tag.to_owned(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let mut request = request("GET", "/widget/v1/onbill.js", "");
        request.headers_mut().insert("if-none-match", condition.parse().expect("is a value"));
        let response = edge.send(request).await;
        assert_eq!((response.status(), response.header("etag")), (status, tag), "{condition}");
        assert_eq!(response.text().is_empty(), status == 304);
    }
}

/// Most customers never see their own page: its script is no part of the frame.
#[tokio::test]
async fn own_page_has_a_script_of_its_own() {
    let edge = TestEdge::new();
    let script = edge.get("/widget/v1/frame-account.js").await;
    assert_eq!((script.status(), script.header("content-type")), (200, "text/javascript; charset=utf-8"));
    assert_eq!(script.header("cache-control"), "no-store", "it is of the frame's version");
    assert!(script.text().contains("unlink-past"), "{}", script.text());
    let frame = edge.get(FRAME).await;
    assert!(frame.text().contains("frame-account.js") && !frame.text().contains("unlink-past"));
}

/// A page cannot say where the edge is, nor can a caller that sends a `Host`.
#[tokio::test]
async fn loader_has_the_address_it_was_asked_at() {
    let edge = TestEdge::new();
    let at = async |base: &str| {
        let mut request = request("GET", "/widget/v1/onbill.js", "");
        *request.uri_mut() = format!("{base}/widget/v1/onbill.js").parse().expect("is a URI");
        edge.send(request).await
    };
    let (one, other) = (at(EDGE).await, at(OTHER_EDGE).await);
    assert!(one.text().contains(&format!("const edge = '{EDGE}';")));
    assert!(other.text().contains(&format!("const edge = '{OTHER_EDGE}';")));
    assert_ne!(one.header("etag"), other.header("etag"));
    for stranger in ["https://evil.example", "http://edge.example", "https://edge.example:8443"] {
        let response = at(stranger).await;
        assert_eq!(response.refusal(), (404, "not-found".to_owned()), "{stranger}");
    }
    let by_header =
        http::Request::get("/widget/v1/onbill.js").header("host", "evil.example").body(bytes::Bytes::new());
    assert_eq!(edge.send(by_header.expect("is a request")).await.status(), 404);
}

#[tokio::test]
async fn frame_is_restricted_to_the_operators_pages() {
    let edge = TestEdge::new();
    let response = edge.get(&format!("{FRAME}&return-url=https%3A%2F%2Fmy.acme.example%2Fdone")).await;
    assert_eq!(response.status(), 200);
    let policy = response.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("is there");
    assert_eq!(nonce.len(), 22, "128 bits");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
             frame-ancestors https://my.acme.example https://m.acme.example; base-uri 'none'; form-action 'none'"
        )
    );
    assert_eq!(response.header("referrer-policy"), "no-referrer");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    assert!(response.header("permissions-policy").contains("geolocation=()"));
    assert!(!response.text().contains("{{"), "every placeholder is filled");
    let tags = response.text().matches("<script").count() + response.text().matches("<style").count();
    assert_eq!(response.text().matches(&format!(" nonce=\"{nonce}\"")).count(), tags);
    let again = edge.get(FRAME).await;
    assert!(!again.header("content-security-policy").contains(nonce), "a nonce is used once");

    let mut boot = boot(response.text());
    assert!(boot["strings"].as_object_mut().is_some_and(|strings| strings.len() > 20));
    boot["strings"] = Value::Null;
    assert_eq!(
        boot,
        json!({
            "operator": {"id": "acme", "name": "Acme Mobile", "country": "US",
                         "numbers": {"code": "1", "format": "(###) ###-####"}},
            "partner": {"id": "netflix", "name": "Netflix", "url": "https://www.netflix.example"},
            "offer": "netflix-standard", "partners": {"netflix": "Netflix", "tunes": "Tunes"},
            "locale": "en", "strings": null,
            "dashboards": ["https://my.acme.example", "https://m.acme.example"],
            "returnURL": "https://my.acme.example/done",
        })
    );
}

#[tokio::test]
async fn account_frame_needs_no_offer() {
    let mut operators = operators();
    operators[0]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    let response = edge.get("/widget/v1/frame?operator=acme&view=account&locale=en").await;
    assert_eq!(response.status(), 200);
    assert!(response.text().contains("<title>What you pay through Acme Mobile</title>"));
    assert!(response.header("content-security-policy").contains("frame-ancestors https://my.acme.example"));
    let boot = boot(response.text());
    assert_eq!((&boot["offer"], &boot["partner"]), (&Value::Null, &Value::Null));
    assert_eq!(boot["partners"], json!({"tunes": "Tunes"}), "only whom the operator sells");
    for query in [
        "operator=other&view=account",
        "operator=acme&view=bill",
        "operator=acme&view=bill&offer=tunes-family",
    ] {
        assert_eq!(edge.get(&format!("/widget/v1/frame?{query}")).await.status(), 404, "{query}");
    }
    let stranger = edge.get("/widget/v1/frame?operator=acme&view=account&parent=https://nova.example").await;
    assert_eq!(stranger.status(), 403);
}

#[tokio::test]
async fn frame_is_restricted_to_the_named_parent() {
    let edge = TestEdge::new();
    let response = edge.get(&format!("{FRAME}&parent=https://m.acme.example")).await;
    assert!(response.header("content-security-policy").contains("frame-ancestors https://m.acme.example;"));
    for stranger in ["https://nova.example", "https://m.acme.example/", "https://evil.example", "null"] {
        let response = edge.get(&format!("{FRAME}&parent={stranger}")).await;
        assert_eq!(response.status(), 403, "{stranger}");
        assert!(response.text().contains("page-not-listed") && !response.text().contains(stranger));
    }
}

#[tokio::test]
async fn unserved_frame_gets_a_page() {
    let mut operators = operators();
    operators[1]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    for (query, status, code) in [
        ("operator=other&offer=netflix-standard", 404, "operator-not-served"),
        ("operator=acme&offer=other", 404, "offer-not-served"),
        ("operator=acme&offer=%00", 404, "offer-not-served"),
        ("operator=nova&offer=netflix-standard", 404, "offer-not-served"),
        ("operator=%3Cscript%3E&offer=netflix-standard", 404, "operator-not-served"),
        ("operator=acme&view=bill", 404, "view-not-served"),
        ("operator=acme", 400, "attribute-missing"),
        ("operator=&offer=netflix-standard", 400, "attribute-missing"),
        ("operator=acme&offer=&view=", 400, "attribute-missing"),
        ("", 400, "attribute-missing"),
        (
            "operator=acme&offer=netflix-standard&return-url=https://evil.example/",
            400,
            "return-url-not-listed",
        ),
        ("operator=acme&offer=netflix-standard&return-url=javascript:alert(1)", 400, "return-url-not-listed"),
        (
            "operator=acme&offer=netflix-standard&return-url=https://nova.example/",
            400,
            "return-url-not-listed",
        ),
        (
            "operator=acme&offer=netflix-standard&return-url=https://my.acme.example/?onbill_result%3Da",
            400,
            "return-url-taken",
        ),
        ("operator=acme&offer=netflix-standard&lacks=allow-forms", 400, "lacks-allow-forms"),
        ("operator=acme&offer=netflix-standard&lacks=allow-same-origin", 400, "lacks-allow-same-origin"),
        ("operator=acme&offer=netflix-standard&lacks=made-up", 200, ""),
        ("operator=nova&offer=tunes-family", 200, ""),
    ] {
        let response = edge.get(&format!("/widget/v1/frame?{query}")).await;
        assert_eq!(
            (response.status(), response.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{query}"
        );
        assert_eq!(response.header("cross-origin-resource-policy"), "cross-origin", "{query}");
        assert_eq!(response.header("cross-origin-embedder-policy"), "require-corp", "{query}");
        if status != 200 {
            // Any page may show it, and learns why.
            assert!(!response.header("content-security-policy").contains("frame-ancestors"), "{query}");
            assert!(response.text().contains(&format!("'{code}'")), "{query}: {}", response.text());
            let line = edge.platform.log_lines().pop().expect("is logged");
            assert!(line.contains(&format!("\"reason\":\"{code}\"")), "{line}");
            assert_eq!(response.header("cache-control"), "no-store");
            assert!(
                response.text().contains("<h1>") && !response.text().contains("evil"),
                "{}",
                response.text()
            );
        }
    }
}

#[tokio::test]
async fn language_is_parameter_then_browser_then_english() {
    let edge = TestEdge::new();
    for (query, header, expected) in [
        ("&locale=ar-EG", "de", "<html lang=\"ar\" dir=\"rtl\">"),
        ("&locale=xx", "tlh, de;q=0.9", "<html lang=\"de\" dir=\"ltr\">"),
        ("", "es-MX", "<html lang=\"es\" dir=\"ltr\">"),
        ("", "xx", "<html lang=\"en\" dir=\"ltr\">"),
    ] {
        for path in [format!("{FRAME}{query}"), format!("/widget/v1/frame?operator=other{query}")] {
            let mut request = request("GET", &path, "");
            request.headers_mut().insert("accept-language", header.parse().expect("is a value"));
            let response = edge.send(request).await;
            assert!(response.text().contains(expected), "{path} {header}");
            let warns = response.status() == 200 && query == "&locale=xx";
            assert_eq!(response.text().contains("refusals#locale"), warns, "{path}");
        }
    }
}

/// On a slow network the page is shown before its script is there.
#[tokio::test]
async fn frame_has_its_title_before_its_script() {
    let edge = TestEdge::new();
    for (purpose, title) in [
        ("offer=netflix-standard", "Netflix through Acme Mobile"),
        ("view=account", "What you pay through Acme Mobile"),
    ] {
        let response = edge.get(&format!("/widget/v1/frame?operator=acme&{purpose}&locale=en")).await;
        let (shell, _) = response.text().split_once("<script").expect("has a script");
        assert!(shell.contains(&format!(">{title}</p>")), "{purpose}");
        assert!(shell.contains(">One moment, please…</p>"), "{purpose}");
    }
}

#[tokio::test]
async fn operator_name_can_never_become_markup() {
    let mut operators = operators();
    let name = "A</script><script>alert(1)</script>\"'&{{nonce}}<!--";
    operators[0]["name"] = json!(name);
    let edge = TestEdge::with(&operators, &partners());
    let plain = TestEdge::new().get(FRAME).await;
    let response = edge.get(FRAME).await;
    assert_eq!(boot(response.text())["operator"]["name"], name);
    for tag in ["<script", "</script", "<!--"] {
        assert_eq!(response.text().matches(tag).count(), plain.text().matches(tag).count(), "{tag}");
    }
    assert!(
        response
            .text()
            .contains("A&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;{{nonce}}")
    );
}
