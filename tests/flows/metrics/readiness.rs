//! The health of a running origin, by both of its listeners.

use super::ask_json;
use http::StatusCode;
use onbill_origin::app::Supervisor;
use onbill_origin::app::service::{self, Listeners};
use onbill_origin::config::AdminListen;
use onbill_origin::store::SCHEMA_VERSION;
use onbill_test_harness::TestSystem;
use onbill_test_harness::plain_get::get_page;
use onbill_test_harness::tcp::listen_on;
use onbill_test_harness::wait::wait_until;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// A request whose body does not end: a stop waits for it, for a while.
const HALF_BODY: &[u8] = b"POST /edge/v1/pin HTTP/1.1\r\nhost: pay.example\r\n\
    content-type: application/json\r\ncontent-length: 100\r\n\r\n{";

#[tokio::test]
async fn origin_without_workers_is_not_ready() {
    let system = TestSystem::start();
    for router in [system.acme.app().admin_router(), system.acme.app().router()] {
        let (status, body) = ask_json(&router, "/readyz").await;
        assert_eq!((status, &body["reasons"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(["queues-stopped"])));
        let (status, body) = ask_json(&router, "/livez").await;
        assert_eq!((status, body), (StatusCode::OK, json!({"status": "ok"})), "it runs");
        let (status, body) = ask_json(&router, "/version").await;
        let expected =
            json!({"version": env!("CARGO_PKG_VERSION"), "commit": null, "schemaVersion": SCHEMA_VERSION});
        assert_eq!((status, body), (StatusCode::OK, expected));
    }
}

#[tokio::test]
async fn schema_of_an_older_program_is_noticed() {
    let system = TestSystem::start();
    let app = system.acme.app();
    app.readiness.check().await;
    system.acme.db.run_sql("PRAGMA user_version = 0").await;
    app.readiness.check().await;
    let (_, body) = ask_json(&app.admin_router(), "/readyz").await;
    assert_eq!(body["reasons"], json!(["schema-outdated", "queues-stopped"]));
}

#[tokio::test]
async fn origin_is_ready_until_it_is_asked_to_stop() {
    let system = TestSystem::start();
    let (calls, calls_address) = listen_on(Ipv4Addr::LOCALHOST).await;
    let (admin, admin_address) = listen_on(Ipv4Addr::LOCALHOST).await;
    let (calls_address, admin_address) = (calls_address.to_string(), admin_address.to_string());
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move {
        let _ = stopped.await;
    };
    let listeners = Listeners { calls, admin: Some(admin), console: None };
    let running = tokio::spawn(service::run(
        Arc::clone(system.acme.app()),
        listeners,
        None,
        Supervisor::default(),
        stopped,
    ));
    wait_until("it becomes ready", async || reasons(&admin_address).await == Some(vec![])).await;
    assert_eq!(reasons(&calls_address).await, Some(vec![]));
    let (status, page) = get_page(&admin_address, "/metrics").await.expect("answers");
    assert!(status == StatusCode::OK && page.contains("\nonbill_ready 1\n"), "{page}");
    let outside = get_page(&calls_address, "/metrics").await.expect("answers");
    assert_eq!(outside.0, StatusCode::NOT_FOUND, "metrics are for the admin listener");

    let mut unfinished = TcpStream::connect(&calls_address).await.expect("connects");
    unfinished.write_all(HALF_BODY).await.expect("is written");
    wait_until("the half request has arrived", async || {
        let page = get_page(&admin_address, "/metrics").await;
        page.is_some_and(|(_, page)| page.contains("\nonbill_http_requests_in_flight 1\n"))
    })
    .await;
    stop.send(()).expect("it runs");
    wait_until("it says that it stops", async || {
        reasons(&admin_address).await == Some(vec!["stopping".to_owned()])
    })
    .await;
    assert!(get_page(&calls_address, "/livez").await.is_none(), "it takes no calls any more");
    drop(unfinished);
    running.await.expect("does not panic").expect("was asked to end");
    assert!(get_page(&admin_address, "/readyz").await.is_none());
}

#[tokio::test]
async fn admin_listener_is_reached_by_its_own_address_only() {
    let system = TestSystem::start();
    let address = AdminListen::default().address().expect("is on");
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST, "the default is this machine's own");
    let (calls, _) = listen_on(Ipv4Addr::LOCALHOST).await;
    let (admin, address) = listen_on(Ipv4Addr::LOCALHOST).await;
    let listeners = Listeners { calls, admin: Some(admin), console: None };
    let running = tokio::spawn(service::run(
        Arc::clone(system.acme.app()),
        listeners,
        None,
        Supervisor::default(),
        std::future::pending(),
    ));
    wait_until("it answers", async || get_page(&address.to_string(), "/livez").await.is_some()).await;
    let others = [Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))), outside_address()];
    for other in others.into_iter().flatten() {
        let other = SocketAddr::new(other, address.port());
        assert!(get_page(&other.to_string(), "/metrics").await.is_none(), "{other} is answered");
    }
    running.abort();
}

/// The address by which other machines know this one, if there is one. Nothing is sent.
fn outside_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// The reasons for not being ready; `None` when nothing answers.
async fn reasons(address: &str) -> Option<Vec<String>> {
    let (_, body) = get_page(address, "/readyz").await?;
    let body: Value = serde_json::from_str(&body).expect("is JSON");
    let reasons = body["reasons"].as_array().cloned().unwrap_or_default();
    Some(reasons.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect())
}
