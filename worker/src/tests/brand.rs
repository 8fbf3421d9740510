//! Logos of operators and partners, and operators' fonts: which frame has them, and how they are served.

use super::test_edge::{TestEdge, operators, partners, request};
use crate::fake::KvFault;
use crate::platform::RateLimiter;
use onbill_domain::encoding::encode_base64;
use onbill_domain::limits::{FONT_BYTES_MAX, LOGO_BYTES_MAX};
use serde_json::json;

const OFFER: &str = "/widget/v1/frame?operator=acme&offer=netflix-standard";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

fn edge_with_logos() -> TestEdge {
    let (mut operators, mut partners) = (operators(), partners());
    operators[0]["logo"] = json!("acme-2");
    partners[0]["logo"] = json!("netflix-1");
    TestEdge::with(&operators, &partners)
}

#[tokio::test]
async fn frame_shows_the_logos_of_those_it_is_about() {
    let edge = edge_with_logos();
    for (path, logos, has_some) in [
        (OFFER, "<img src=\"logo/acme-2\" alt=\"\"><img src=\"logo/netflix-1\" alt=\"\">", true),
        ("/widget/v1/frame?operator=acme&offer=tunes-family", "<img src=\"logo/acme-2\" alt=\"\">", true),
        ("/widget/v1/frame?operator=acme&view=account", "<img src=\"logo/acme-2\" alt=\"\">", true),
        ("/widget/v1/frame?operator=nova&offer=tunes-family", "", false),
    ] {
        let frame = edge.get(path).await;
        assert!(frame.text().contains(&format!("<div id=\"logos\">{logos}</div>")), "{path}");
        let allows_pictures = frame.header("content-security-policy").contains("; img-src 'self'; ");
        assert_eq!(allows_pictures, has_some, "{path}");
    }
}

/// Whoever writes a logo could write a script into it: it must not run with the edge's rights.
#[tokio::test]
async fn logo_is_a_picture_and_no_page() {
    let edge = edge_with_logos();
    edge.platform.set_setting("logo/acme-2", Some(SVG));
    for method in ["GET", "HEAD"] {
        let logo = edge.send(request(method, "/widget/v1/logo/acme-2", "")).await;
        assert_eq!((logo.status(), logo.header("content-type")), (200, "image/svg+xml"));
        assert_eq!(logo.text(), if method == "GET" { SVG } else { "" });
        assert_eq!(
            logo.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
        );
        assert_eq!(logo.header("cache-control"), "public, max-age=86400");
    }
}

#[tokio::test]
async fn logo_that_cannot_be_shown_is_refused() {
    let edge = edge_with_logos();
    edge.platform.set_setting("operator/acme", Some("an entry"));
    edge.platform.set_setting("logo/large", Some(&"x".repeat(LOGO_BYTES_MAX + 1)));
    edge.platform.set_setting("logo/largest", Some(&"x".repeat(LOGO_BYTES_MAX)));
    for name in ["acme-2", "large", "acme.svg", "..%2Foperator%2Facme", "ACME"] {
        let response = edge.get(&format!("/widget/v1/logo/{name}")).await;
        assert_eq!(response.refusal(), (404, "not-found".to_owned()), "{name}");
    }
    assert!(edge.platform.log_lines().iter().any(|line| line.contains("a logo is too large to be shown")));
    assert_eq!(edge.get("/widget/v1/logo/largest").await.status(), 200);
    edge.platform.settings_fail(Some(KvFault::Down));
    assert_eq!(edge.get("/widget/v1/logo/largest").await.refusal(), (503, "service-unavailable".to_owned()));
    edge.platform.exhaust_rate(RateLimiter::Widget, true);
    assert_eq!(edge.get("/widget/v1/logo/largest").await.refusal().0, 429);
    // They are counted apart: the customer's steps keep their own rate.
    assert!(edge.platform.rate_keys().iter().all(|(_, key)| key.starts_with("asset/")));
}

/// A WOFF2 with so many bytes, as the store has it.
fn stored_font(length: usize) -> (Vec<u8>, String) {
    let mut woff2 = b"wOF2".to_vec();
    woff2.resize(length, 7);
    let stored = encode_base64(&woff2);
    (woff2, stored)
}

#[tokio::test]
async fn frame_has_the_font_of_its_operator() {
    let mut operators = operators();
    operators[0]["font"] = json!("acme-sans");
    let edge = TestEdge::with(&operators, &partners());
    for (path, has_font) in [(OFFER, true), ("/widget/v1/frame?operator=nova&offer=tunes-family", false)] {
        let frame = edge.get(path).await;
        let rule = "@font-face{font-family:onbill-operator;src:url(font/acme-sans);";
        assert_eq!(frame.text().contains(rule), has_font, "{path}");
        let policy = frame.header("content-security-policy");
        assert_eq!(policy.contains("; font-src 'self'; "), has_font, "{policy}");
        assert!(!policy.contains("img-src"), "{policy}");
    }
    let (woff2, stored) = stored_font(FONT_BYTES_MAX);
    edge.platform.set_setting("font/acme-sans", Some(&format!("{stored}\n")));
    let font = edge.get("/widget/v1/font/acme-sans").await;
    assert_eq!((font.status(), font.header("content-type")), (200, "font/woff2"));
    assert_eq!(font.header("cache-control"), "public, max-age=86400");
    assert_eq!(font.0.body()[..], woff2[..]);
}

#[tokio::test]
async fn font_that_is_none_is_refused() {
    let edge = TestEdge::new();
    let (_, too_large) = stored_font(FONT_BYTES_MAX + 1);
    let truetype = encode_base64(b"\0\x01\0\0");
    for stored in [too_large.as_str(), truetype.as_str(), "wOF2", ""] {
        edge.platform.set_setting("font/acme-sans", Some(stored));
        let font = edge.get("/widget/v1/font/acme-sans").await;
        assert_eq!(font.refusal(), (404, "not-found".to_owned()));
        let line = edge.platform.log_lines().join("\n");
        assert!(line.contains("a font is too large, or is no WOFF2 in base64"), "{line}");
    }
    for name in ["other", "acme.woff2", "..%2Flogo%2Facme"] {
        let response = edge.get(&format!("/widget/v1/font/{name}")).await;
        assert_eq!(response.refusal(), (404, "not-found".to_owned()), "{name}");
    }
}
