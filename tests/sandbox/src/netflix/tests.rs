//! The partner as the edge, a customer and its own billing department use it.

use super::*;
use crate::account_file;
use crate::testing::{
    NOW, PartySurroundings, WholeResponse, ask, form, get, get_json, json_post, keys, signed,
};
use fake_edge::FakeEdge;
use http::StatusCode;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::money::Money;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

mod account_states;
mod answers;
mod app;
mod billing;
mod coupons;
mod fake_edge;
mod messages;
mod pages;
mod refunds;
mod webhooks;

const BASE: &str = "http://127.0.0.1:8791";
const RETURN: &str = "http://127.0.0.1:8787/widget/v1/return/acme/ticket";
const SIMS: &str =
    "msisdn,status,type,balance,currency,activated_on\n+12025550101,active,postpaid,,USD,2021-03-14\n";
const PAI: &str = "07070707-0707-4707-8707-070707070707";

struct NetflixUnderTest {
    world: PartySurroundings,
    router: Router,
    edge: Arc<Mutex<FakeEdge>>,
    calls: std::cell::Cell<u32>,
}

fn partner() -> NetflixUnderTest {
    let usd = Currency::parse("USD").expect("is listed");
    let operator = |id: &str, name: &str, network: &str| KnownOperator {
        id: OperatorId::parse(id).expect("is a slug"),
        name: name.to_owned(),
        price: Money { amount_minor: 1599, currency: usd },
        network: NetworkCode::parse(network).expect("is a code"),
        sims: account_file::parse(SIMS).expect("is an account file"),
        site: Some("http://127.0.0.1:8790".to_owned()),
    };
    let config = NetflixConfig {
        partner: PartnerId::parse("netflix").expect("is a slug"),
        public_url: BASE.to_owned(),
        edge_url: "http://127.0.0.1:8787".to_owned(),
        edge_authority: None,
        keys: keys(),
        operators: vec![operator("acme", "Acme <Mobile>", "001-01")],
        retry_pause: Duration::ZERO,
    };
    let (world, edge) = (PartySurroundings::new(), Arc::new(Mutex::new(FakeEdge::default())));
    let answering = edge.clone();
    world.answer(move |request| answering.lock().expect("is whole").answer(&request));
    let router = Netflix::new(config, world.outside()).expect("has its keys").router();
    NetflixUnderTest { world, router, edge, calls: std::cell::Cell::new(0) }
}

fn session(token: &str) -> Value {
    json!({"token": token, "operator": "acme", "channel": "web", "locale": "en", "returnURL": RETURN})
}

impl NetflixUnderTest {
    async fn announce(&self, body: &Value) -> WholeResponse {
        self.calls.set(self.calls.get() + 1);
        let nonce = format!("nonce-of-call-{:04}", self.calls.get());
        let url = format!("{BASE}/signup-sessions");
        ask(&self.router, signed("POST", &url, Some(body), KeyUse::EdgeToPartner, NOW, &nonce)).await
    }

    /// The path of a fresh sign-up page.
    async fn visit(&self, token: &str) -> String {
        let answer = self.announce(&session(token)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["url"].as_str().expect("is text").strip_prefix(BASE).expect("is ours").to_owned()
    }

    async fn accounts(&self) -> Value {
        ask(&self.router, get_json("/accounts")).await.json()
    }

    /// A member whose plan is on the bill, charged for December; returns the id of the charge.
    async fn charged(&self) -> String {
        let page = self.visit("t").await;
        ask(&self.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
        let run = self.run("2026-12").await;
        run["charges"][0]["extTransactionID"].as_str().expect("is text").to_owned()
    }

    /// The charges in the JSON, newest first, and the contradictions.
    async fn charges(&self) -> Value {
        ask(&self.router, get_json("/charges")).await.json()
    }

    async fn run(&self, month: &str) -> Value {
        ask(&self.router, json_post("/billing-runs", &json!({"month": month}))).await.json()
    }
}

#[tokio::test]
async fn only_the_edge_may_announce_customers() {
    let partner = partner();
    let url = format!("{BASE}/signup-sessions");
    let body = session("t");
    let with = |key_use, at| signed("POST", &url, Some(&body), key_use, at, "0123456789abcdef");
    let mut unsigned = with(KeyUse::EdgeToPartner, NOW);
    unsigned.headers_mut().remove("signature-input");
    for (what, request) in [
        ("unsigned", unsigned),
        ("stale", with(KeyUse::EdgeToPartner, NOW - 301)),
        ("with another use's key and tag", with(KeyUse::OriginToOperator, NOW)),
        ("with our own key", with(KeyUse::PartnerCall, NOW)),
    ] {
        assert_eq!(ask(&partner.router, request).await.code(), "authorization-failure", "{what}");
    }
    assert_eq!(ask(&partner.router, with(KeyUse::EdgeToPartner, NOW)).await.status, StatusCode::CREATED);
    assert_eq!(
        ask(&partner.router, with(KeyUse::EdgeToPartner, NOW)).await.code(),
        "authorization-failure",
        "a replay"
    );
    assert_eq!(partner.edge.lock().expect("is whole").tokens.len(), 1, "nothing else reached the edge");
}

#[tokio::test]
async fn session_needs_a_token_confirmed_by_the_edge() {
    let partner = partner();
    partner.visit("t").await;
    let again = partner.announce(&session("t")).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "token-already-used"));
    assert_eq!(partner.announce(&session("forged")).await.code(), "token-invalid");
    assert_eq!(
        partner.announce(&session("for-nova")).await.code(),
        "invalid-request",
        "the token is another operator's"
    );
    let mut elsewhere = session("u");
    elsewhere["returnURL"] = json!("http://127.0.0.1:8787/widget/v1/return/acme/other");
    assert_eq!(
        partner.announce(&elsewhere).await.code(),
        "invalid-request",
        "the token names another return address"
    );
    elsewhere["returnURL"] = json!("https://evil.example/");
    assert_eq!(partner.announce(&elsewhere).await.code(), "invalid-request");
    let mut unknown = session("v");
    unknown["operator"] = json!("nova");
    assert_eq!(partner.announce(&unknown).await.code(), "parameter-not-supported");
    partner.edge.lock().expect("is whole").lost = 2;
    partner.visit("w").await;
    partner.edge.lock().expect("is whole").lost = 99;
    assert_eq!(partner.announce(&session("x")).await.code(), "service-unavailable");
    let down = ask(&partner.router, json_post("/faults", &json!({"down": true}))).await;
    assert_eq!(down.status, StatusCode::OK);
    assert_eq!(partner.announce(&session("y")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn new_account_is_billed_from_the_start() {
    let partner = partner();
    let page = partner.visit("t").await;
    let shown = ask(&partner.router, get(&page)).await;
    assert!(shown.text.contains("Acme &lt;Mobile&gt;") && !shown.text.contains("<Mobile>"));
    let sent =
        ask(&partner.router, form(&format!("{page}/new"), "email=new%40example.com&password=x&terms=yes"))
            .await;
    assert_eq!(sent.headers["location"], format!("{page}/done"));
    let done = ask(&partner.router, get(&format!("{page}/done"))).await;
    assert!(done.text.contains("You’re all set") && done.text.contains(RETURN));
    let subscriptions = partner.edge.lock().expect("is whole").subscriptions.clone();
    assert_eq!(subscriptions.len(), 1);
    assert_eq!(
        (&subscriptions[0]["pai"], &subscriptions[0]["origin"], &subscriptions[0]["plan"]),
        (&json!(PAI), &json!("NEW_ACCOUNT"), &json!("standard"))
    );
    let accounts = partner.accounts().await;
    assert_eq!(accounts["leaks"], json!([]));
    let account = &accounts["accounts"][3];
    assert_eq!(
        (&account["email"], &account["pays"]["how"], &account["pays"]["pai"]),
        (&json!("new@example.com"), &json!("bill"), &json!(PAI))
    );
    // Once more with the same page: nothing happens.
    ask(&partner.router, form(&format!("{page}/new"), "email=b%40example.com&password=x&terms=yes")).await;
    assert_eq!(partner.accounts().await, accounts);
}

#[tokio::test]
async fn existing_account_moves_from_card_to_bill_once() {
    let partner = partner();
    let page = partner.visit("t").await;
    let existing = format!("{page}/existing");
    let wrong = ask(&partner.router, form(&existing, "email=dana%40example.com&password=no&terms=yes")).await;
    assert!(wrong.status == StatusCode::BAD_REQUEST && wrong.text.contains("do not match"));
    ask(&partner.router, form(&existing, "email=Dana%40example.com&password=demo&terms=yes")).await;
    assert_eq!(partner.accounts().await["accounts"][0]["pays"]["how"], "bill");
    assert_eq!(partner.accounts().await["accounts"].as_array().map(Vec::len), Some(3));
    let other = partner.visit("u").await;
    let again = ask(
        &partner.router,
        form(&format!("{other}/existing"), "email=dana%40example.com&password=demo&terms=yes"),
    )
    .await;
    assert!(again.text.contains("paid on a phone bill already"));
    assert_eq!(partner.edge.lock().expect("is whole").subscriptions.len(), 1);
}

#[tokio::test]
async fn forms_are_validated_and_input_is_escaped() {
    let partner = partner();
    let page = partner.visit("t").await;
    for (body, says) in [
        ("email=&password=x&terms=yes", "Enter an e-mail address"),
        ("email=a%20b%40example.com&password=x&terms=yes", "Enter an e-mail address"),
        ("email=new%40example.com&password=&terms=yes", "Enter a password"),
        ("email=new%40example.com&password=x", "Please agree"),
        ("email=lee%40example.com&password=x&terms=yes", "Log in to it instead"),
    ] {
        let answer = ask(&partner.router, form(&format!("{page}/new"), body)).await;
        assert!(
            answer.status == StatusCode::BAD_REQUEST && answer.text.contains(says),
            "{body}: {}",
            answer.text
        );
    }
    let evil = "email=%22%3E%3Cscript%3E%40x&password=x&terms=yes";
    let answer = ask(&partner.router, form(&format!("{page}/new"), evil)).await;
    assert!(answer.text.contains("&quot;&gt;&lt;script&gt;@x") && !answer.text.contains("<script>"));
    assert!(partner.edge.lock().expect("is whole").subscriptions.is_empty());
}

#[tokio::test]
async fn edge_refusal_is_explained_and_changes_nothing() {
    let partner = partner();
    let page = partner.visit("t").await;
    let body = "email=dana%40example.com&password=demo&terms=yes";
    for (refusal, status, says) in [
        ((503, "service-unavailable"), 503, "does not answer right now"),
        ((404, "pai-not-found"), 409, "no longer knows this sign-up"),
        ((400, "insufficient-balance"), 409, "Please top up"),
    ] {
        partner.edge.lock().expect("is whole").refuse_subscription = Some(refusal);
        let answer = ask(&partner.router, form(&format!("{page}/existing"), body)).await;
        assert_eq!(answer.status.as_u16(), status);
        assert!(answer.text.contains(says) && answer.text.contains("Try again"), "{}", answer.text);
        assert_eq!(partner.accounts().await["accounts"][0]["pays"]["how"], "card");
    }
    partner.edge.lock().expect("is whole").refuse_subscription = None;
    ask(&partner.router, form(&format!("{page}/existing"), body)).await;
    assert_eq!(partner.accounts().await["accounts"][0]["pays"]["how"], "bill");
}

#[tokio::test]
async fn visit_ends_after_an_hour() {
    let partner = partner();
    let page = partner.visit("t").await;
    partner.world.clock.0.store(NOW + 3600, Ordering::SeqCst);
    assert_eq!(ask(&partner.router, get(&page)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&partner.router, get("/signup/nobody")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn number_leaked_to_the_partner_is_shown_red() {
    let partner = partner();
    assert!(!ask(&partner.router, get("/accounts")).await.text.contains(r#"id="leaks""#));
    let mut body = session("t");
    body["note"] = json!("for (202) 555-0101");
    partner.announce(&body).await;
    ask(&partner.router, get("/?from=%2B442079460958")).await;
    let leaks = partner.accounts().await["leaks"].clone();
    assert_eq!(leaks.as_array().map(Vec::len), Some(2), "{leaks}");
    assert_eq!(leaks[0]["where"], "POST /signup-sessions, body");
    assert_eq!((&leaks[1]["where"], &leaks[1]["found"]), (&json!("GET /, address"), &json!("+442079460958")));
    assert!(ask(&partner.router, get("/accounts")).await.text.contains(r#"id="leaks""#));
}
