//! The operator as its origin and its subscribers use it.

use super::*;
use crate::account_file;
use crate::testing::{
    NOW, PartySurroundings, WholeResponse, ask, form, get, get_json, json_post, keys, signed,
};
use http::StatusCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::token::{self, ResultClaims, SessionClaims, SignupOutcome};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

mod coupons;
mod csp_api;
mod pages;
mod staff_login;

use csp_api::charge;

const BASE: &str = "http://127.0.0.1:8790";
const POSTPAID: &str = "+12025550101";
const PREPAID: &str = "+12025550103";

struct AcmeUnderTest {
    world: PartySurroundings,
    operator: Operator,
    router: Router,
    calls: std::cell::Cell<u32>,
}

fn acme() -> AcmeUnderTest {
    let slug = OperatorId::parse("acme").expect("is a slug");
    let config = OperatorConfig {
        colours: BrandColours::of(&slug),
        operator: slug,
        name: "Acme <Mobile> & \"Co\"".to_owned(),
        country: "US".to_owned(),
        currency: Currency::parse("USD").expect("is listed"),
        public_url: BASE.to_owned(),
        edge_url: "http://127.0.0.1:8787".to_owned(),
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        return_path: "/done".to_owned(),
        keys: keys(),
        coupons: Some(coupons::on_sale()),
        terms: Some("1. You pay <every> month.\n".to_owned()),
        accounts: account_file::parse(include_str!("../../accounts/acme.csv")).expect("is well formed"),
        gateway: None,
        staff: Some(staff_login::client()),
    };
    let world = PartySurroundings::new();
    let operator = Operator::new(config, world.outside());
    AcmeUnderTest { router: operator.router(), operator, world, calls: std::cell::Cell::new(0) }
}

impl AcmeUnderTest {
    /// A call of the origin, with a nonce of its own.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> WholeResponse {
        self.calls.set(self.calls.get() + 1);
        let nonce = format!("nonce-of-call-{:04}", self.calls.get());
        let url = format!("{BASE}{path}");
        let request = signed(method, &url, body.as_ref(), KeyUse::OriginToOperator, self.now(), &nonce);
        ask(&self.router, request).await
    }

    fn now(&self) -> i64 {
        self.world.clock.0.load(Ordering::SeqCst)
    }

    async fn charge(&self, id: &str, msisdn: &str, value: i64) -> WholeResponse {
        self.call("POST", "/csp/transaction", Some(charge(id, msisdn, value))).await
    }

    async fn bill(&self, msisdn: &str) -> Value {
        ask(&self.router, get_json(&format!("/bill?msisdn=%2B{}", &msisdn[1..]))).await.json()
    }
}

#[tokio::test]
async fn terms_are_shown_as_they_are_written() {
    let acme = acme();
    for (path, part) in [
        ("/terms", "1. You pay &lt;every&gt; month.\n</div>"),
        ("/privacy", "neither your number nor your name"),
    ] {
        let page = ask(&acme.router, get(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains(part), "{}", page.text);
    }
}

#[tokio::test]
async fn bill_tells_two_partners_apart() {
    let acme = acme();
    for (id, partner, code, tax) in [("t-1", "netflix", "OTT-1", 120), ("t-2", "tunes", "OTT-2", 70)] {
        let mut body = charge(id, POSTPAID, 999);
        (body["partner"], body["chargeCode"]) = (json!(partner), json!(code));
        body["tax"]["amount"]["value"] = json!(tax);
        let answer = acme.call("POST", "/csp/transaction", Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    let refund = json!({"refundID": "r-1", "transactionID": "t-2", "partner": "tunes", "chargeCode": "OTT-2",
        "amount": {"value": 500, "currency": "USD"},
        "tax": {"amount": {"value": 35, "currency": "USD"}, "included": true}});
    assert_eq!(acme.call("POST", "/csp/refund", Some(refund)).await.status, StatusCode::CREATED);
    let bill = acme.bill(POSTPAID).await;
    let lines: Vec<_> = bill["lines"]
        .as_array()
        .expect("has lines")
        .iter()
        .map(|line| (&line["partner"], &line["chargeCode"], line["tax"]["amount"]["value"].as_i64()))
        .collect();
    let expected = [("netflix", "OTT-1", 120), ("tunes", "OTT-2", 70), ("tunes", "OTT-2", -35)];
    let expected = expected.map(|(partner, code, tax)| (json!(partner), json!(code), Some(tax)));
    assert!(
        lines.iter().copied().eq(expected.iter().map(|(partner, code, tax)| (partner, code, *tax))),
        "{bill}"
    );

    let page = ask(&acme.router, get(&format!("/bill?msisdn=%2B{}", &POSTPAID[1..]))).await;
    for text in ["netflix · OTT-1 · with $1.20 tax (8.25 %)", "tunes · OTT-2 · with $0.70 tax (8.25 %)"] {
        assert!(page.text.contains(text), "{}", page.text);
    }
}

#[tokio::test]
async fn sms_reach_the_inbox_and_are_escaped() {
    let acme = acme();
    let text = "<b>Code</b> & \"more\": 123456";
    let sent = acme.call("POST", "/csp/notification", Some(json!({"msisdn": POSTPAID, "text": text}))).await;
    assert_eq!(sent.status, StatusCode::ACCEPTED);
    let inbox = ask(&acme.router, get_json("/sms?msisdn=%2B12025550101")).await.json();
    assert_eq!(inbox, json!([{"at": "2026-11-18T11:06:40Z", "text": text}]));
    let page = ask(&acme.router, get("/sms?msisdn=%2B12025550101")).await;
    assert!(page.text.contains("&lt;b&gt;Code&lt;/b&gt; &amp; &quot;more&quot;: 123456"));
    assert!(
        page.text.contains("Acme &lt;Mobile&gt; &amp; &quot;Co&quot;") && !page.text.contains("<Mobile>")
    );
    assert_eq!(ask(&acme.router, get_json("/sms?msisdn=%2B12025550102")).await.json(), json!([]));
    assert_eq!(ask(&acme.router, get_json("/bill?msisdn=%2B34612345601")).await.code(), "account-not-found");
}

#[tokio::test]
async fn session_number_is_in_no_url_or_cookie() {
    let acme = acme();
    let out = ask(&acme.router, get("/session")).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let log_in = ask(&acme.router, form("/log-in", "msisdn=%2B12025550101&theme=dark&locale=ar")).await;
    assert_eq!(log_in.headers["location"], "/?theme=dark&locale=ar");
    let cookie = log_in.headers["set-cookie"].to_str().expect("is text").to_owned();
    assert!(!cookie.contains("2025550101"));
    let mut request = get("/session");
    let pair = cookie.split(';').next().expect("has a first part").to_owned();
    request.headers_mut().insert("cookie", format!("other=1; {pair}").parse().expect("is a value"));
    let session = ask(&acme.router, request).await.json();
    let session = session["session"].as_str().expect("is text");
    let claims =
        token::verify::<SessionClaims>(&keys(), "acme", acme.operator.now(), session).expect("is genuine");
    assert_eq!(claims.numbers, [Msisdn::parse(POSTPAID).expect("is E.164")]);
    assert_eq!(
        ask(&acme.router, form("/log-in", "msisdn=%2B12025550199")).await.status,
        StatusCode::BAD_REQUEST
    );

    let mut page = get("/");
    page.headers_mut().insert("cookie", pair.parse().expect("is a value"));
    let page = ask(&acme.router, page).await;
    assert!(page.text.contains("<pay-on-bill") && page.text.contains("data-logged-in"));
    assert!(
        page.headers["content-security-policy"].to_str().expect("is text").contains("default-src 'none'")
    );
}

#[tokio::test]
async fn result_needs_a_valid_signature() {
    let acme = acme();
    let claims = ResultClaims {
        iss: token::ISSUER.to_owned(),
        aud: OperatorId::parse("acme").expect("is a slug"),
        outcome: SignupOutcome::Success,
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        partner_subscription_id: Some("p-1".to_owned()),
        jti: "j".to_owned(),
        iat: NOW,
        exp: NOW + 600,
    };
    let keys = keys();
    let result = token::sign(keys.keys_for_use(KeyUse::ReturnResult).last().expect("is there"), &claims)
        .expect("signs");
    let good = ask(&acme.router, get(&format!("/done?onbill_result={result}"))).await;
    assert_eq!(good.status, StatusCode::OK);
    assert!(
        good.text.contains(r#"id="result" data-signature="valid" data-outcome="success""#),
        "{}",
        good.text
    );
    let forged =
        ask(&acme.router, get(&format!("/done?onbill_result={}A", &result[..result.len() - 1]))).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert!(
        forged.text.contains(r#"data-signature="token-invalid""#) && !forged.text.contains("data-outcome")
    );
    acme.world.clock.0.store(NOW + 600, Ordering::SeqCst);
    let late = ask(&acme.router, get(&format!("/done?onbill_result={result}"))).await;
    assert!(late.text.contains(r#"data-signature="token-expired""#));
    assert_eq!(ask(&acme.router, get("/done")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_fail_before_or_after_the_work() {
    let acme = acme();
    let switch = async |faults: Value| ask(&acme.router, json_post("/faults", &faults)).await.status;
    assert_eq!(switch(json!({"down": true})).await, StatusCode::OK);
    let down = acme.charge("t-1", POSTPAID, 1599).await;
    assert_eq!(
        (down.code().as_str(), &down.headers["retry-after"]),
        ("service-unavailable", &"30".parse().expect("is a value"))
    );
    assert_eq!(ask(&acme.router, get("/healthz")).await.json(), json!({"status": "ok"}));
    assert_eq!(
        switch(json!({"transaction": "error-after", "transaction-status": "garbage"})).await,
        StatusCode::OK
    );
    assert_eq!(acme.charge("t-1", POSTPAID, 1599).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    let torn = acme.call("GET", "/csp/transaction/t-1", None).await;
    assert!(torn.status.is_success() && serde_json::from_str::<Value>(&torn.text).is_err());
    assert_eq!(switch(json!({"transaction": "melt"})).await, StatusCode::BAD_REQUEST);
    assert_eq!(switch(json!({})).await, StatusCode::OK);
    assert_eq!(acme.charge("t-1", POSTPAID, 1599).await.status, StatusCode::OK, "the effect was there");
    assert_eq!(acme.bill(POSTPAID).await["lines"].as_array().map(Vec::len), Some(1));
}
