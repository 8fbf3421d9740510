//! The loader and the frame's shell.

use super::kit::{World, operators, partners, request};
use serde_json::{Value, json};

const FRAME: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard";

fn boot(page: &str) -> Value {
    let start = page.find("id=\"boot\"").expect("is there");
    let json = &page[start..][page[start..].find('>').expect("ends") + 1..];
    serde_json::from_str(&json[..json.find("</script>").expect("ends")]).expect("is JSON")
}

#[tokio::test]
async fn the_loader_is_cached_by_its_tag() {
    let world = World::new();
    let first = world.get("/widget/v1/onbill.js").await;
    assert_eq!(first.status(), 200);
    assert_eq!(first.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(first.header("cache-control"), "public, max-age=300, stale-while-revalidate=86400");
    assert_eq!(first.header("cross-origin-resource-policy"), "cross-origin");
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
        let answer = world.send(request).await;
        assert_eq!((answer.status(), answer.header("etag")), (status, tag), "{condition}");
        assert_eq!(answer.text().is_empty(), status == 304);
    }
}

#[tokio::test]
async fn the_frame_is_bound_to_the_operators_pages() {
    let world = World::new();
    let answer = world.get(&format!("{FRAME}&return-url=https%3A%2F%2Fmy.acme.example%2Fdone")).await;
    assert_eq!(answer.status(), 200);
    let policy = answer.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("is there");
    assert_eq!(nonce.len(), 22, "128 bits");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; \
             frame-ancestors https://my.acme.example https://m.acme.example; base-uri 'none'; form-action 'none'"
        )
    );
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(answer.header("permissions-policy").contains("geolocation=()"));
    assert!(!answer.text().contains("{{"), "every placeholder is filled");
    let tags = answer.text().matches("<script").count() + answer.text().matches("<style").count();
    assert_eq!(answer.text().matches(&format!(" nonce=\"{nonce}\"")).count(), tags);
    let again = world.get(FRAME).await;
    assert!(!again.header("content-security-policy").contains(nonce), "a nonce is used once");

    let mut boot = boot(answer.text());
    assert!(boot["strings"].as_object_mut().is_some_and(|strings| strings.len() > 20));
    boot["strings"] = Value::Null;
    assert_eq!(
        boot,
        json!({
            "operator": {"id": "acme", "name": "Acme Mobile", "country": "US"},
            "partner": {"id": "netflix", "name": "Netflix"},
            "offer": "netflix-standard", "partners": {"netflix": "Netflix", "tunes": "Tunes"},
            "locale": "en", "strings": null,
            "dashboards": ["https://my.acme.example", "https://m.acme.example"],
            "returnURL": "https://my.acme.example/done",
        })
    );
}

#[tokio::test]
async fn a_customers_own_page_needs_no_offer() {
    let mut operators = operators();
    operators[0]["partners"] = json!(["tunes"]);
    let world = World::with(&operators, &partners());
    let answer = world.get("/widget/v1/frame?operator=acme&view=account&locale=en").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().contains("<title>What you pay through Acme Mobile</title>"));
    assert!(answer.header("content-security-policy").contains("frame-ancestors https://my.acme.example"));
    let boot = boot(answer.text());
    assert_eq!((&boot["offer"], &boot["partner"]), (&Value::Null, &Value::Null));
    assert_eq!(boot["partners"], json!({"tunes": "Tunes"}), "only whom the operator sells");
    for query in [
        "operator=other&view=account",
        "operator=acme&view=bill",
        "operator=acme&view=bill&offer=tunes-family",
    ] {
        assert_eq!(world.get(&format!("/widget/v1/frame?{query}")).await.status(), 404, "{query}");
    }
    let stranger = world.get("/widget/v1/frame?operator=acme&view=account&parent=https://nova.example").await;
    assert_eq!(stranger.status(), 403);
}

#[tokio::test]
async fn a_page_that_says_who_it_is_frames_it_alone() {
    let world = World::new();
    let answer = world.get(&format!("{FRAME}&parent=https://m.acme.example")).await;
    assert!(answer.header("content-security-policy").contains("frame-ancestors https://m.acme.example;"));
    for stranger in ["https://nova.example", "https://m.acme.example/", "https://evil.example", "null"] {
        let answer = world.get(&format!("{FRAME}&parent={stranger}")).await;
        assert_eq!(answer.status(), 403, "{stranger}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(!answer.text().contains(stranger));
    }
}

#[tokio::test]
async fn what_is_not_offered_is_a_kind_page() {
    let mut operators = operators();
    operators[1]["partners"] = json!(["tunes"]);
    let world = World::with(&operators, &partners());
    for (query, status) in [
        ("operator=other&offer=netflix-standard", 404),
        ("operator=acme&offer=other", 404),
        ("operator=nova&offer=netflix-standard", 404),
        ("operator=%3Cscript%3E&offer=netflix-standard", 404),
        ("operator=acme", 404),
        ("", 404),
        ("operator=acme&offer=netflix-standard&return-url=https://evil.example/", 400),
        ("operator=acme&offer=netflix-standard&return-url=javascript:alert(1)", 400),
        ("operator=acme&offer=netflix-standard&return-url=https://nova.example/", 400),
        ("operator=nova&offer=tunes-family", 200),
    ] {
        let answer = world.get(&format!("/widget/v1/frame?{query}")).await;
        assert_eq!(
            (answer.status(), answer.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{query}"
        );
        if status != 200 {
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{query}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.text().contains("<h1>") && !answer.text().contains("evil"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn the_language_is_the_parameters_then_the_browsers_then_english() {
    let world = World::new();
    for (query, header, expected) in [
        ("&locale=ar-EG", "de", "<html lang=\"ar\" dir=\"rtl\">"),
        ("&locale=xx", "pt, de;q=0.9", "<html lang=\"de\" dir=\"ltr\">"),
        ("", "es-MX", "<html lang=\"es\" dir=\"ltr\">"),
        ("", "xx", "<html lang=\"en\" dir=\"ltr\">"),
    ] {
        for path in [format!("{FRAME}{query}"), format!("/widget/v1/frame?operator=other{query}")] {
            let mut request = request("GET", &path, "");
            request.headers_mut().insert("accept-language", header.parse().expect("is a value"));
            assert!(world.send(request).await.text().contains(expected), "{path} {header}");
        }
    }
}

#[tokio::test]
async fn a_name_can_never_become_markup() {
    let mut operators = operators();
    let name = "A</script><script>alert(1)</script>\"'&{{nonce}}<!--";
    operators[0]["name"] = json!(name);
    let world = World::with(&operators, &partners());
    let plain = World::new().get(FRAME).await;
    let answer = world.get(FRAME).await;
    assert_eq!(boot(answer.text())["operator"]["name"], name);
    for tag in ["<script", "</script", "<!--"] {
        assert_eq!(answer.text().matches(tag).count(), plain.text().matches(tag).count(), "{tag}");
    }
    assert!(
        answer
            .text()
            .contains("A&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;{{nonce}}")
    );
}
