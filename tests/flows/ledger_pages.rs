//! The operator's own systems read the ledger, a page at a time.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::limits::{BODY_BYTES_MAX, TRANSACTIONS_PER_PAGE};
use onbill_domain::pai::Pai;
use onbill_domain::signature::sign_request;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

fn page_request(system: &TestSystem, holder: &KeyHolder, query: &str) -> Request<Bytes> {
    let mut request =
        Request::get(format!("http://{}/operator/v1/transactions?{query}", system.acme.origin_address))
            .body(Bytes::new())
            .expect("is a request");
    let (ring, by) = match holder {
        KeyHolder::Edge => (keys::keyring(holder), KeyUse::EdgeToOrigin),
        _ => (keys::keyring(holder), KeyUse::OperatorToOrigin),
    };
    let key = ring.signing_key(by, "operator:acme").expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    request
}

async fn read_page(system: &TestSystem, query: &str) -> (StatusCode, Value) {
    system.send_request(page_request(system, &KeyHolder::Operator("acme"), query)).await
}

/// The partner's ids of the charges on all pages, and the number of pages.
async fn read_through(system: &TestSystem, query: &str) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = read_page(system, &format!("{query}{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        pages += 1;
        let lines = page["transactions"].as_array().expect("has lines");
        assert!(page.to_string().len() <= BODY_BYTES_MAX && lines.len() <= TRANSACTIONS_PER_PAGE as usize);
        names.extend(lines.iter().map(|line| line["extTransactionID"].as_str().expect("has one").to_owned()));
        let Some(next) = page["next"].as_str() else { return (names, pages) };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn every_charge_is_on_one_page() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let mut posted = Vec::new();
    for n in 0..=2 * TRANSACTIONS_PER_PAGE {
        // The longest ids: a page of them still fits into a response.
        let name = format!("c-{n:0>126}");
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, &name, 100)).await;
        posted.push(name);
        system.advance_seconds(i64::from(n % 2));
    }
    let today = system.now().to_string()[..10].to_owned();
    let (mut names, pages) = read_through(&system, &format!("from={today}&to={today}")).await;
    assert_eq!(pages, 3);
    names.sort();
    assert_eq!(names, posted);
    let (names, _) = read_through(&system, "from=2026-01-01&to=2026-01-31").await;
    assert!(names.is_empty());
}

#[tokio::test]
async fn charge_page_shows_status_without_a_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let today = system.now().to_string()[..10].to_owned();
    let (_, first) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let back = json!({"extRefundID": "r-1", "reason": "asked", "amount": {"value": 600, "currency": "USD"}});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", back).await;
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-2", 1599)).await;
    system.network.clear_faults();

    let now = system.now().to_string();
    let (_, page) = read_page(&system, &format!("from={today}&to={today}&status=APPROVED")).await;
    let approved = json!({"transactionID": first["transactionID"], "extTransactionID": "c-1", "partner": "netflix",
        "amount": {"value": 1599, "currency": "USD"}, "refunded": {"value": 600, "currency": "USD"},
        "status": "APPROVED", "createdAt": now, "settledAt": now});
    assert_eq!(page, json!({"transactions": [approved]}));
    let (_, page) =
        read_page(&system, &format!("from={today}&to={today}&partner=netflix&status=PENDING")).await;
    assert_eq!(page["transactions"][0]["extTransactionID"], "c-2");
    assert!(!page.to_string().contains("settledAt") && !page.to_string().contains(&pai));
    let declined = format!("from={today}&to={today}&status=DECLINED");
    assert_eq!(read_page(&system, &declined).await, (StatusCode::OK, json!({"transactions": []})));
    let (partner, pai) = (PartnerId::parse("netflix").expect("is one"), Pai::parse(&pai).expect("is one"));
    let reason = DeclineReason::AccountClosedFraud;
    system.acme.app().store.close_pai(system.now(), partner, pai, reason).await.expect("works");
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai.to_string(), "c-3", 1599)).await;
    let (_, page) = read_page(&system, &declined).await;
    assert_eq!(page["transactions"][0]["declineReason"], "account-closed-fraud");
}

#[tokio::test]
async fn query_that_is_none_is_refused() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let days = "from=2026-11-01&to=2026-11-30";
    let cursor = |plain: &str| format!("{days}&cursor={}", encode_base64url(plain.as_bytes()));
    for (query, code) in [
        (String::new(), "invalid-request"),
        ("from=2026-11-01".to_owned(), "invalid-request"),
        ("from=2026-11-31&to=2026-12-01".to_owned(), "invalid-request"),
        ("from=2026-11-02&to=2026-11-01".to_owned(), "invalid-request"),
        (format!("{days}&status=approved"), "invalid-request"),
        (format!("{days}&cursor=!"), "invalid-request"),
        (cursor("1795000000"), "invalid-request"),
        (cursor("1595000000 t-1"), "invalid-request"),
        (cursor("1795000000 \0"), "invalid-request"),
        (format!("{days}&partner=tunes"), "parameter-not-supported"),
    ] {
        let (status, refusal) = read_page(&system, &query).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{query}");
    }
    let (status, _) = system.send_request(page_request(&system, &KeyHolder::Edge, days)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the ledger is the operator's own");
    let mut changed = page_request(&system, &KeyHolder::Operator("acme"), days);
    *changed.uri_mut() =
        format!("http://{}/operator/v1/transactions?{days}&status=DECLINED", system.acme.origin_address)
            .parse()
            .expect("is a URL");
    assert_eq!(system.send_request(changed).await.0, StatusCode::UNAUTHORIZED, "the query is signed");
}
