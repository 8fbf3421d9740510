//! Logos of operators and partners: where the frame shows them, and how they are served.

use super::test_edge::{TestEdge, operators, partners, request};
use crate::fake::KvFault;
use crate::platform::RateLimiter;
use onbill_domain::limits::LOGO_BYTES_MAX;
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
    for (path, logos, policy) in [
        (OFFER, "<img src=\"logo/acme-2\" alt=\"\"><img src=\"logo/netflix-1\" alt=\"\">", true),
        ("/widget/v1/frame?operator=acme&offer=tunes-family", "<img src=\"logo/acme-2\" alt=\"\">", true),
        ("/widget/v1/frame?operator=acme&view=account", "<img src=\"logo/acme-2\" alt=\"\">", true),
        ("/widget/v1/frame?operator=nova&offer=tunes-family", "", false),
    ] {
        let frame = edge.get(path).await;
        assert!(frame.text().contains(&format!("<div id=\"logos\">{logos}</div>")), "{path}");
        let allows_pictures = frame.header("content-security-policy").contains("; img-src 'self'; ");
        assert_eq!(allows_pictures, policy, "{path}");
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
    assert_eq!(
        edge.get("/widget/v1/logo/largest").await.refusal(),
        (503, "service-unavailable".to_owned())
    );
    edge.platform.exhaust_rate(RateLimiter::Widget, true);
    assert_eq!(edge.get("/widget/v1/logo/largest").await.refusal().0, 429);
}
