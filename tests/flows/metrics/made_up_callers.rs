//! Callers that make up paths, methods, partners and ids: the page does not grow, and says nothing of
//! what they have made up.

use super::scrape_acme;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{EDGE, TestSystem};
use serde_json::json;

const GOOD: &str = "+12025550101";
/// What callers put wherever they can.
const MADE_UP: &str = "12025550199";

#[tokio::test]
async fn caller_adds_no_series() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let (status, _) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    assert_eq!(status, StatusCode::CREATED);
    call_wrongly(&system, 0).await;
    let before = scrape_acme(&system).await.series();
    for n in 1..40 {
        call_wrongly(&system, n).await;
    }
    let page = scrape_acme(&system).await;
    assert_eq!(page.series().difference(&before).count(), 0, "{:?}", page.series().difference(&before));
    let text = format!("{page:?}");
    assert!(!text.contains(MADE_UP) && !text.contains(&pai), "{text}");
    let refused = page.sum("onbill_signatures_refused_total", &[]);
    assert!(refused >= 40.0, "{refused}");
    for (caller, reason) in [("edge", "missing"), ("edge", "digest-mismatch"), ("partner", "unknown-key")] {
        let labels = [("caller", caller), ("reason", reason)];
        assert!(page.value("onbill_signatures_refused_total", &labels) >= 40.0, "{labels:?}");
    }
}

async fn call_wrongly(system: &TestSystem, n: usize) {
    let origin = &system.acme.origin_address;
    let odd = format!("BREW{MADE_UP}{n}");
    for (method, target) in [
        (odd.as_str(), format!("http://{origin}/{MADE_UP}/{n}")),
        ("GET", format!("http://{origin}/{MADE_UP}-{n}?{MADE_UP}={n}")),
        (odd.as_str(), format!("http://{origin}/ott/v1/transaction/{MADE_UP}-{n}")),
        ("POST", format!("http://{origin}/edge/v1/validate")),
        ("GET", format!("http://{origin}/sms/v1/receipt/{MADE_UP}{n}?status={MADE_UP}")),
    ] {
        let request = Request::builder().method(method).uri(target).header("x-partner", MADE_UP);
        system.send_request(request.body(Bytes::new()).expect("is a request")).await;
    }
    // As the edge with a key that it does not have for this, and for a partner that does not exist.
    let body = charge_body(MADE_UP, &format!("{MADE_UP}-{n}"), 1599);
    let mut forged = system.forward_as_edge("/ott/v1/transaction", &body);
    *forged.body_mut() = Bytes::from_static(b"{}");
    system.send_request(forged).await;
    system.send_request(unknown_key(system.forward_as_edge("/ott/v1/transaction", &body))).await;
    let asked = json!({"operator": MADE_UP, "offer": MADE_UP, "msisdn": MADE_UP, "locale": MADE_UP});
    system.call_widget("/account/validate", asked).await;
    let post =
        system.sign_as_partner(&Method::POST, &format!("/ott/v1/transaction/{MADE_UP}{n}/refund"), &body);
    system.send_request(post).await;
    let get = Request::get(format!("http://{EDGE}/ott/v1/{MADE_UP}")).body(Bytes::new());
    system.send_request(get.expect("is a request")).await;
}

/// Names another key of the partner's: the edge's own signature no longer fits, unless it is not of
/// that header.
fn unknown_key(mut request: Request<Bytes>) -> Request<Bytes> {
    let name = onbill_domain::wire::edge::PARTNER_SIGNATURE_INPUT_HEADER;
    let input = request.headers()[name].to_str().expect("is text").replace("call-1", "call-9");
    request.headers_mut().insert(name, input.parse().expect("is a value"));
    request
}
