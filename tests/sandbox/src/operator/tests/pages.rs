//! The pages as people meet them: what stands first, what is not there, and the widget's states.

use super::{AcmeUnderTest, POSTPAID, acme};
use crate::testing::{WholeResponse, ask, form, get, keys};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::token::{self, ResultClaims, SessionClaims};

/// A page as a browser asks for it.
fn open(path: &str) -> Request<Bytes> {
    let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
    Request::get(path).header("accept", accept).body(Bytes::new()).expect("is a request")
}

/// The same page for the customer with this number.
async fn as_customer(acme: &AcmeUnderTest, msisdn: &str, path: &str) -> WholeResponse {
    let log_in = ask(&acme.router, form("/log-in", &format!("msisdn=%2B{}", &msisdn[1..]))).await;
    let cookie = log_in.headers["set-cookie"].to_str().expect("is text");
    let mut request = open(path);
    let pair = cookie.split(';').next().expect("has a first part");
    request.headers_mut().insert("cookie", pair.parse().expect("is a value"));
    ask(&acme.router, request).await
}

#[tokio::test]
async fn widget_stands_before_everything_else_on_the_overview() {
    let acme = acme();
    for page in [ask(&acme.router, open("/")).await, as_customer(&acme, POSTPAID, "/").await] {
        let at = |what: &str| page.text.find(what).unwrap_or(usize::MAX);
        assert!(at("<h1>") < at("<pay-on-bill"), "{}", page.text);
        for later in ["class=\"pitch\"", "class=\"cards\"", "Behind the scenes"] {
            assert!(at("<pay-on-bill") < at(later), "{later}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn menu_marks_the_page_that_is_shown() {
    let acme = acme();
    for (path, name) in [
        ("/", "Overview"),
        ("/subscriptions", "Subscriptions"),
        ("/plans", "Plans"),
        ("/bill", "Bills"),
        ("/bill?msisdn=%2B12025550101", "Bills"),
        ("/sms?msisdn=%2B12025550101", "Messages"),
    ] {
        let page = ask(&acme.router, open(path)).await.text;
        assert!(page.contains(&format!("aria-current=\"page\">{name}</a>")), "{path}: {page}");
        assert_eq!(page.matches("aria-current").count(), 1, "{path}: {page}");
    }
    for path in ["/coupons", "/done", "/nothing"] {
        let page = ask(&acme.router, open(path)).await.text;
        assert!(!page.contains("aria-current"), "the menu does not lead to {path}: {page}");
    }
}

#[tokio::test]
async fn people_get_a_page_where_programs_get_a_refusal() {
    let acme = acme();
    for (path, status, says) in [
        ("/nothing", StatusCode::NOT_FOUND, "There is no such page."),
        ("/bill?msisdn=%2B34612345601", StatusCode::NOT_FOUND, "There is no such account here."),
        ("/sms?msisdn=nobody", StatusCode::BAD_REQUEST, "msisdn must be an E.164 number."),
    ] {
        let page = ask(&acme.router, open(path)).await;
        assert_eq!(page.status, status, "{path}");
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert!(page.text.contains(says) && page.text.contains("To the start"), "{path}: {}", page.text);
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        let refusal = ask(&acme.router, get(path)).await;
        assert_eq!((refusal.status, refusal.json()["message"].as_str()), (status, Some(says)), "{path}");
    }
}

#[tokio::test]
async fn a_plan_is_bought_on_the_second_press() {
    let acme = acme();
    let page = as_customer(&acme, POSTPAID, "/plans").await.text;
    let (_, asked) = page.split_once("<details class=\"ask\">").expect("asks once more");
    let at = |what: &str| asked.find(what).expect(what);
    assert!(at("<summary>Buy 6 months</summary>") < at("<form"), "the form is behind the first press");
    assert!(at("<form") < at("Yes, buy 6 months") && at("+1 (202) 555-0101") < at("<form"), "{asked}");
}

#[tokio::test]
async fn playground_signs_in_whom_a_state_needs() {
    let acme = acme();
    let customers: [(&str, &[&str]); 6] = [
        ("signed-in", &["+12025550115"]),
        ("prepaid", &["+12025550108"]),
        ("low-balance", &["+12025550104"]),
        ("suspended", &["+12025550105"]),
        ("ended-line", &["+12025550106"]),
        ("lines", &["+12025550115", "+12025550114", "+12025550113"]),
    ];
    for (state, numbers) in customers {
        let page = ask(&acme.router, open(&format!("/playground?state={state}&locale=de"))).await;
        assert_eq!(page.status, StatusCode::OK);
        let session = format!("/playground/session/{state}");
        assert!(page.text.contains(&format!("data-session=\"{session}\"")), "{}", page.text);
        assert!(page.text.contains("locale=\"de\""), "{}", page.text);
        let session = ask(&acme.router, get(&session)).await.json();
        let session = session["session"].as_str().expect("is text").to_owned();
        let claims = token::verify::<SessionClaims>(&keys(), "acme", acme.operator.now(), &session);
        let named: Vec<String> =
            claims.expect("is genuine").numbers.iter().map(|msisdn| msisdn.expose().to_owned()).collect();
        assert_eq!(named, numbers, "{state}");
    }
    for state in ["number", "success", "no-such-state"] {
        let session = ask(&acme.router, get(&format!("/playground/session/{state}"))).await;
        assert_eq!(session.status, StatusCode::NO_CONTENT, "{state}");
    }
}

#[tokio::test]
async fn playground_brings_a_result_along() {
    let acme = acme();
    for (state, code) in [
        ("success", None),
        ("pending", None),
        ("cancelled", None),
        ("expired", Some("token-expired")),
        ("forged", Some("token-invalid")),
    ] {
        let sent = ask(&acme.router, open(&format!("/playground?state={state}&theme=dark"))).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{state}");
        let address = sent.headers["location"].to_str().expect("is text").to_owned();
        let (rest, result) = address.split_once("&onbill_result=").expect("has a result");
        assert_eq!(rest, format!("/playground?state={state}&theme=dark&locale=en"));
        let claims = token::verify::<ResultClaims>(&keys(), "acme", acme.operator.now(), result);
        match (claims, code) {
            (Ok(claims), None) => assert_eq!(claims.outcome.as_str(), state),
            (claims, code) => assert_eq!(claims.err().map(|reject| reject.code.as_str()), code, "{state}"),
        }
        assert_eq!(ask(&acme.router, open(&address)).await.status, StatusCode::OK, "{state}");
    }
}
