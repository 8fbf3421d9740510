//! The way back from the partner.

use super::kit::{ACME, World, request, response};
use crate::platform::{Sieve, Unreachable};
use serde_json::{Value, json};

const BACK: &str = "/widget/v1/return/acme/ticket-1";

fn origin() -> String {
    format!("POST {ACME}/edge/v1/return")
}

#[tokio::test]
async fn the_customer_leaves_with_the_signed_result() {
    let world = World::new();
    let location = "https://my.acme.example/done?x=1&onbill_result=a.b.c#top";
    world.answers(&origin(), 200, &json!({"location": location}));
    let answer = world.get(BACK).await;
    assert_eq!((answer.status(), answer.header("location"), answer.text()), (303, location, ""));
    assert_eq!(
        answer.header("referrer-policy"),
        "no-referrer",
        "the ticket is not told to the operator's page"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(world.platform.take_sent().remove(0).body(), r#"{"ticket":"ticket-1","cancelled":false}"#);
    world.get(&format!("{BACK}?outcome=cancelled")).await;
    assert_eq!(world.platform.take_sent().remove(0).body(), r#"{"ticket":"ticket-1","cancelled":true}"#);
    for other in ["?outcome=success", "?outcome=", "?cancelled", "?outcome=Cancelled"] {
        world.get(&format!("{BACK}{other}")).await;
        let asked = world.platform.take_sent().remove(0);
        assert_eq!(asked.body(), r#"{"ticket":"ticket-1","cancelled":false}"#, "{other}");
    }
}

#[tokio::test]
async fn an_unknown_way_back_is_a_kind_page() {
    let world = World::new();
    world.refuses(&origin(), 404, "not-found");
    for path in
        [BACK, "/widget/v1/return/other/ticket-1", &format!("/widget/v1/return/acme/{}", "t".repeat(129))]
    {
        let answer = world.get(path).await;
        assert_eq!(
            (answer.status(), answer.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(answer.text().contains("This link no longer works") && !answer.text().contains("<a "));
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    assert_eq!(world.platform.take_sent().len(), 1, "what cannot be a ticket is not asked for");
    world.refuses(&origin(), 400, "invalid-request");
    let answer = world.get(BACK).await;
    assert_eq!(answer.status(), 404, "what the origin cannot read leads nowhere either");
    assert!(answer.text().contains("This link no longer works"));
}

#[tokio::test]
async fn an_operator_that_asks_for_patience_is_passed_on() {
    let world = World::new();
    let mut busy = response(429, r#"{"code":"too-many-requests","message":"m"}"#);
    busy.headers_mut().insert("retry-after", "7".parse().expect("is a value"));
    world.answers_raw(&origin(), Ok(busy));
    let answer = world.get(BACK).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (429, "7"));
    assert!(answer.text().contains("<a href=\"\">"));
}

#[tokio::test]
async fn an_operator_that_is_down_is_a_page_with_a_way_to_try_again() {
    let world = World::new();
    for answer in [
        Err(Unreachable::TimedOut),
        Ok(response(200, "{}")),
        Ok(response(200, r#"{"location":"https://evil.example/?onbill_result=a"}"#)),
        Ok(response(200, r#"{"location":"https://nova.example/?onbill_result=a"}"#)),
        Ok(response(200, r#"{"location":"/done"}"#)),
        Ok(response(200, "{\"location\":\"https://my.acme.example/\\r\\nset-cookie: a=b\"}")),
        Ok(response(503, r#"{"code":"service-unavailable","message":"m"}"#)),
        Ok(response(401, r#"{"code":"authorization-failure","message":"m"}"#)),
    ] {
        let told = format!("{answer:?}");
        world.answers_raw(&origin(), answer);
        let mut request = request("GET", BACK, "");
        request.headers_mut().insert("accept-language", "de-DE,de;q=0.9".parse().expect("is a value"));
        let answer = world.send(request).await;
        assert_eq!((answer.status(), answer.header("retry-after")), (503, "30"), "{told}");
        assert!(answer.text().contains("<html lang=\"de\"") && answer.text().contains("<a href=\"\">"));
        assert!(!answer.text().contains("ticket-1"));
        assert_eq!(answer.header("location"), "");
    }
    let lines = world.platform.log_lines();
    assert!(lines.iter().all(|line| !line.contains("ticket-1") && !line.contains("onbill_result")));
    let line: Value = serde_json::from_str(&lines[2]).expect("is JSON");
    assert_eq!(line["fault"], "operator:acme: unexpected answer: a way back to a foreign page");
}

#[tokio::test]
async fn guessing_tickets_is_slowed_down() {
    let world = World::new();
    world.platform.use_up(Sieve::Widget, true);
    let answer = world.get(BACK).await;
    assert_eq!((answer.status(), answer.header("retry-after")), (429, "60"));
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert!(world.platform.take_sent().is_empty());
}
