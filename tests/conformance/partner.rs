//! The partner's kit. Somebody at the partner finishes the sign-up, charges and refunds when the kit
//! asks for it: here that is a task.

use super::csp::{AT_ONCE, SHORT};
use super::faulty::{Fault, faulty, none};
use super::parties::{Served, dependencies, listen};
use super::partner_faults::FAULTS;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, StatusCode};
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_sandbox::account_file;
use onbill_sandbox::netflix::{KnownOperator, Netflix, NetflixConfig, NetworkCode};
use onbill_test_harness::keys::keyring;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder};
use onbill_tool::certify::{Announce, Ask, Limits, PartnerSettings, Report, certify_partner, partner_checks};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::ServiceExt as _;

/// What the kit asks for, as the task gets it.
enum Asked {
    Charge { page: String },
    Refund { charge: String },
}

fn netflix(address: &str, edge_url: &str) -> Netflix {
    let usd = onbill_domain::currency::Currency::parse("USD").expect("is listed");
    let acme = KnownOperator {
        id: OperatorId::parse("acme").expect("is a slug"),
        name: "Acme Mobile".to_owned(),
        price: onbill_domain::money::Money { amount_minor: 1599, currency: usd },
        network: NetworkCode::parse("001-01").expect("is one"),
        sims: account_file::parse(ACME_ACCOUNTS).expect("is an account file"),
        site: None,
    };
    let config = NetflixConfig {
        partner: PartnerId::parse("netflix").expect("is a slug"),
        public_url: format!("http://{address}"),
        edge_url: edge_url.to_owned(),
        edge_authority: None,
        keys: keyring(&KeyHolder::Partner("netflix")),
        operators: vec![acme],
        retry_pause: Duration::ZERO,
    };
    Netflix::new(config, dependencies()).expect("has its keys")
}

/// The report on the sandbox's partner, with a fault before it.
async fn certify(fault: Fault, limits: Limits) -> Report {
    let (listener, address) = listen().await;
    let (edge_listener, edge_address) = listen().await;
    let edge_url = format!("http://{edge_address}");
    let netflix = netflix(&address.to_string(), &edge_url);
    let _served = Served::new(listener, faulty(netflix.router(), fault));
    let settings = PartnerSettings {
        url: format!("http://{address}"),
        keys: keyring(&KeyHolder::Partner("netflix")),
        operator: OperatorId::parse("acme"),
        edge_url,
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        limits,
        wait: Duration::from_secs(30),
    };
    let (asks, asked) = unbounded_channel();
    let acting = tokio::spawn(act(netflix, asked));
    let report = certify_partner(&settings, edge_listener, announce(asks), &|_| {}).await;
    acting.abort();
    report.expect("is reached")
}

fn announce(asks: UnboundedSender<Asked>) -> Announce {
    Box::new(move |ask| {
        let ask = match ask {
            Ask::Charge { page } => Asked::Charge { page: page.to_owned() },
            Ask::Refund { charge } => Asked::Refund { charge: charge.to_owned() },
        };
        asks.send(ask).expect("somebody is there");
    })
}

/// Does what the kit asks for.
async fn act(netflix: Netflix, mut asked: UnboundedReceiver<Asked>) {
    while let Some(ask) = asked.recv().await {
        match ask {
            Asked::Charge { page } => {
                let pai = finish_signup(&netflix.router(), &page).await;
                let body = json!({"extTransactionID": "certified-1", "pai": pai,
                    "amount": {"value": 1599, "currency": "USD"}, "description": "Netflix Standard",
                    "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
                let (status, stated) = call(&netflix, "/ott/v1/transaction", &body).await;
                assert_eq!((status, &stated["status"]), (StatusCode::CREATED, &json!("PENDING")), "{stated}");
            }
            Asked::Refund { charge } => {
                let body = json!({"extRefundID": "given-back-1", "reason": "Left early",
                    "amount": {"value": 600, "currency": "USD"}});
                let (status, stated) =
                    call(&netflix, &format!("/ott/v1/transaction/{charge}/refund"), &body).await;
                assert_eq!((status, &stated["status"]), (StatusCode::CREATED, &json!("PENDING")), "{stated}");
            }
        }
    }
}

async fn call(netflix: &Netflix, path: &str, body: &Value) -> (StatusCode, Value) {
    netflix.call(Method::POST, path, body).await.expect("the kit answers, and signs it")
}

/// Fills the form of a sign-up page. Returns the new customer's PAI.
async fn finish_signup(router: &Router, page: &str) -> String {
    let path = page.splitn(4, '/').nth(3).expect("has a path");
    let form = Request::post(format!("/{path}/new"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("email=eve%40example.com&password=demo&terms=yes"))
        .expect("is a request");
    let answer = router.clone().oneshot(form).await.expect("routers do not fail");
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let accounts = Request::get("/accounts").header("accept", "application/json").body(Body::empty());
    let answer = router.clone().oneshot(accounts.expect("is a request")).await.expect("routers do not fail");
    let body: Bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("is whole");
    let accounts: Value = serde_json::from_slice(&body).expect("is JSON");
    let accounts = accounts["accounts"].as_array().expect("is a list");
    let eve = accounts.iter().find(|account| account["email"] == "eve@example.com").expect("is there");
    eve["pays"]["pai"].as_str().expect("pays on the bill").to_owned()
}

#[tokio::test]
async fn kit_passes_on_the_sandbox() {
    let report = certify(none, Limits::default()).await;
    assert_eq!((report.failed_ids(), report.skipped_ids()), (vec![], vec![]), "{}", report.to_table());
    assert_eq!(report.results.len(), partner_checks().len());
}

#[tokio::test]
async fn each_planted_fault_is_found_by_its_check() {
    let mut missed = Vec::new();
    for few in FAULTS.chunks(AT_ONCE) {
        let runs = few.iter().map(|(name, fault, check)| async move {
            let report = certify(*fault, SHORT).await;
            (!report.failed_ids().contains(check)).then(|| format!("{name}: {}", report.to_table()))
        });
        missed.extend(join_all(runs).await.into_iter().flatten());
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
