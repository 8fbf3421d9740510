//! The return page, to which the partner sends the customer.

use super::test_edge::{ACME, TestEdge, request, upstream_response};
use crate::platform::{RateLimiter, Unreachable};
use serde_json::{Value, json};

const BACK: &str = "/widget/v1/return/acme/ticket-1";

fn origin() -> String {
    format!("POST {ACME}/edge/v1/return")
}

#[tokio::test]
async fn customer_is_redirected_with_the_signed_result() {
    let edge = TestEdge::new();
    let location = "https://my.acme.example/done?x=1&onbill_result=a.b.c#top";
    edge.stub_response(&origin(), 200, &json!({"location": location}));
    let response = edge.get(BACK).await;
    assert_eq!((response.status(), response.header("location"), response.text()), (303, location, ""));
    assert_eq!(
        response.header("referrer-policy"),
        "no-referrer",
        "the operator's page does not learn the ticket"
    );
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(edge.platform.take_sent().remove(0).body(), r#"{"ticket":"ticket-1","cancelled":false}"#);
    edge.get(&format!("{BACK}?outcome=cancelled")).await;
    assert_eq!(edge.platform.take_sent().remove(0).body(), r#"{"ticket":"ticket-1","cancelled":true}"#);
    for other in ["?outcome=success", "?outcome=", "?cancelled", "?outcome=Cancelled"] {
        edge.get(&format!("{BACK}{other}")).await;
        let asked = edge.platform.take_sent().remove(0);
        assert_eq!(asked.body(), r#"{"ticket":"ticket-1","cancelled":false}"#, "{other}");
    }
}

#[tokio::test]
async fn unknown_ticket_gets_a_page() {
    let edge = TestEdge::new();
    edge.stub_refusal(&origin(), 404, "not-found");
    for path in
        [BACK, "/widget/v1/return/other/ticket-1", &format!("/widget/v1/return/acme/{}", "t".repeat(129))]
    {
        let response = edge.get(path).await;
        assert_eq!(
            (response.status(), response.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(response.text().contains("This link no longer works") && !response.text().contains("<a "));
        assert!(response.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    assert_eq!(edge.platform.take_sent().len(), 1, "what cannot be a ticket is not asked for");
    edge.stub_refusal(&origin(), 400, "invalid-request");
    let response = edge.get(BACK).await;
    assert_eq!(response.status(), 404, "what the origin cannot read leads nowhere either");
    assert!(response.text().contains("This link no longer works"));
}

#[tokio::test]
async fn retry_after_of_the_origin_is_passed_on() {
    let edge = TestEdge::new();
    let mut busy = upstream_response(429, r#"{"code":"too-many-requests","message":"m"}"#);
    busy.headers_mut().insert("retry-after", "7".parse().expect("is a value"));
    edge.stub_result(&origin(), Ok(busy));
    let response = edge.get(BACK).await;
    assert_eq!((response.status(), response.header("retry-after")), (429, "7"));
    assert!(response.text().contains("<a href=\"\">"));
}

#[tokio::test]
async fn return_page_offers_retry_when_operator_is_down() {
    let edge = TestEdge::new();
    for response in [
        Err(Unreachable::TimedOut),
        Ok(upstream_response(200, "{}")),
        Ok(upstream_response(200, r#"{"location":"https://evil.example/?onbill_result=a"}"#)),
        Ok(upstream_response(200, r#"{"location":"https://nova.example/?onbill_result=a"}"#)),
        Ok(upstream_response(200, r#"{"location":"/done"}"#)),
        Ok(upstream_response(200, "{\"location\":\"https://my.acme.example/\\r\\nset-cookie: a=b\"}")),
        Ok(upstream_response(503, r#"{"code":"service-unavailable","message":"m"}"#)),
        Ok(upstream_response(401, r#"{"code":"authorization-failure","message":"m"}"#)),
    ] {
        let case = format!("{response:?}");
        edge.stub_result(&origin(), response);
        let mut request = request("GET", BACK, "");
        request.headers_mut().insert("accept-language", "de-DE,de;q=0.9".parse().expect("is a value"));
        let response = edge.send(request).await;
        assert_eq!((response.status(), response.header("retry-after")), (503, "30"), "{case}");
        assert!(response.text().contains("<html lang=\"de\"") && response.text().contains("<a href=\"\">"));
        assert!(!response.text().contains("ticket-1"));
        assert_eq!(response.header("location"), "");
    }
    let lines = edge.platform.log_lines();
    assert!(lines.iter().all(|line| !line.contains("ticket-1") && !line.contains("onbill_result")));
    let line: Value = serde_json::from_str(&lines[2]).expect("is JSON");
    assert_eq!(line["fault"], "operator:acme: unexpected response: a return page on a foreign site");
}

#[tokio::test]
async fn return_page_is_rate_limited() {
    let edge = TestEdge::new();
    edge.platform.exhaust_rate(RateLimiter::Widget, true);
    let response = edge.get(BACK).await;
    assert_eq!((response.status(), response.header("retry-after")), (429, "60"));
    assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    assert!(edge.platform.take_sent().is_empty());
}
