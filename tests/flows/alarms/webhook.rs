//! The alarm webhook: what a post looks like, how it is signed, and what a receiver that hangs or
//! refuses costs.

use super::shown::{SINK, attach_sink};
use axum::Router;
use axum::http::HeaderMap;
use http::StatusCode;
use onbill_domain::encoding::encode_base64;
use onbill_domain::key::hmac_sha256;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::{TestSystem, write_password_file};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the receiver got: headers and body of each call.
fn received(system: &TestSystem) -> Vec<(HeaderMap, Vec<u8>)> {
    let calls = system.network.calls_after(0).into_iter().filter(|call| call.authority == SINK);
    calls.map(|call| (call.request.0, call.request.1.to_vec())).collect()
}

#[tokio::test]
async fn post_is_signed_and_says_what_to_do() {
    let mut system = TestSystem::start();
    attach_sink(&mut system);
    let secret = [7_u8; 32];
    let file = write_password_file(
        Path::new(env!("CARGO_TARGET_TMPDIR")),
        &format!("whsec_{}", encode_base64(&secret)),
    );
    system.reconfigure_acme(|config| {
        config.alarms.webhook_secret_file = Some(file);
        config.alarms.instance = Some("origin-1".to_owned());
    });
    let app = system.acme.app();
    let webhook = app.alarm_webhook.as_ref().expect("is configured");
    app.instruments.alarms.raise(Alarm::SmsNotLetIn, "smpp");
    webhook.post_waiting().await;
    system.advance_seconds(60);
    app.instruments.alarms.clear(Alarm::SmsNotLetIn, "smpp");
    webhook.post_waiting().await;

    let posts = received(&system);
    let bodies: Vec<Value> =
        posts.iter().map(|(_, body)| serde_json::from_slice(body).expect("is JSON")).collect();
    let mut data = json!({
        "operator": "acme", "instance": "origin-1", "alarm": "sms-not-let-in", "subject": "smpp",
        "severity": "page", "kind": "condition", "raisedAt": "2026-11-18T11:06:40Z", "count": 1,
        "runbook": "docs/operate/alarms.md#sms-not-let-in",
    });
    assert_eq!(bodies[0], json!({"type": "alarm.raised", "timestamp": "2026-11-18T11:06:40Z", "data": data}));
    data["clearedAt"] = json!("2026-11-18T11:07:40Z");
    assert_eq!(
        bodies[1],
        json!({"type": "alarm.cleared", "timestamp": "2026-11-18T11:07:40Z", "data": data})
    );
    for (headers, body) in &posts {
        let header = |name: &str| headers[name].to_str().expect("is text");
        let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
        signed.extend(body);
        let expected = format!("v1,{}", encode_base64(&hmac_sha256(&secret, &signed)));
        assert_eq!(header("webhook-signature"), expected);
        assert_eq!(header("content-type"), "application/json");
    }
    assert_ne!(posts[0].0["webhook-id"], posts[1].0["webhook-id"]);
}

#[tokio::test]
async fn second_origin_tells_the_same_of_the_ledger() {
    let mut system = TestSystem::start();
    attach_sink(&mut system);
    for instance in ["origin-1", "origin-2"] {
        system.reconfigure_acme(|config| config.alarms.instance = Some(instance.to_owned()));
        let app = system.acme.app();
        for alarm in [Alarm::CouponUnpaid, Alarm::DiskLow] {
            app.instruments.alarms.raise(alarm, "x");
        }
        app.alarm_webhook.as_ref().expect("is configured").post_waiting().await;
    }
    let posts = received(&system);
    let ids: Vec<_> = posts.into_iter().map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[0], ids[2], "it is one coupon");
    assert_ne!(ids[1], ids[3], "these are two disks");
}

#[tokio::test]
async fn end_is_reported_for_an_origin_that_is_gone() {
    let mut system = TestSystem::start();
    attach_sink(&mut system);
    let tell = async |system: &TestSystem| {
        let app = system.acme.app();
        app.alarm_watch.exchange().await;
        app.alarm_webhook.as_ref().expect("is configured").post_waiting().await;
        app.alarm_watch.exchange().await;
    };
    system.reconfigure_acme(|config| config.alarms.instance = Some("pod-1".to_owned()));
    system.acme.app().instruments.alarms.raise(Alarm::SmsNotLetIn, "smpp");
    tell(&system).await;
    // As a pod that gets another name with each start.
    system.reconfigure_acme(|config| config.alarms.instance = Some("pod-2".to_owned()));
    system.advance_seconds(7_201);
    system.acme.app().sweep().await.expect("works");
    tell(&system).await;
    assert_eq!(received(&system).len(), 1, "the first one has a minute to tell it");
    system.advance_seconds(61);
    for _ in 0..2 {
        tell(&system).await;
    }
    let posts = received(&system).into_iter();
    let posts: Vec<Value> = posts.map(|(_, body)| serde_json::from_slice(&body).expect("is JSON")).collect();
    let of = |post: &Value| (post["type"].clone(), post["data"]["instance"].clone());
    let reported: Vec<_> = posts.iter().map(of).collect();
    assert_eq!(reported, [(json!("alarm.raised"), json!("pod-1")), (json!("alarm.cleared"), json!("pod-1"))]);
}

#[tokio::test]
async fn receiver_that_hangs_delays_nothing_else() {
    let mut system = TestSystem::start();
    attach_sink(&mut system);
    let never = Router::new().fallback(async || {
        std::future::pending::<()>().await;
        StatusCode::OK
    });
    system.network.attach_service(SINK, never);
    let app = Arc::clone(system.acme.app());
    let mut working = tokio::task::JoinSet::new();
    working.spawn(Arc::clone(app.alarm_webhook.as_ref().expect("is configured")).run());
    for n in 0..5_000 {
        app.instruments.alarms.raise(Alarm::CouponUnpaid, &n.to_string());
    }
    // Raising, the table and the customers go on.
    app.alarm_watch.make_round().await;
    assert_eq!(system.enter_number(&system.acme, "+12025550101").await.0, StatusCode::OK);
    let counts = app.instruments.alarms.webhook_counts();
    assert_eq!(counts.posted.load(Ordering::Relaxed), 0);
    // What waits for it is bounded.
    assert!(counts.dropped.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn untaken_change_is_reported_after_a_restart() {
    let mut system = TestSystem::start();
    attach_sink(&mut system);
    let answer_with = |system: &TestSystem, status: StatusCode| {
        system.network.attach_service(SINK, Router::new().fallback(async move || status));
    };
    let tell = async |system: &TestSystem| {
        let app = system.acme.app();
        app.alarm_watch.make_round().await;
        app.alarm_webhook.as_ref().expect("is configured").post_waiting().await;
        app.alarm_watch.exchange().await;
    };
    answer_with(&system, StatusCode::SERVICE_UNAVAILABLE);
    system.acme.app().instruments.alarms.raise(Alarm::CouponUnpaid, "x");
    tell(&system).await;
    // It ends without another word, and so does the next one.
    for _ in 0..2 {
        system.restart_acme(|_| true).await;
        system.advance_seconds(61);
        answer_with(&system, StatusCode::NO_CONTENT);
        tell(&system).await;
    }
    let about_it = |(_, body): &(HeaderMap, Vec<u8>)| {
        let body: Value = serde_json::from_slice(body).expect("is JSON");
        body["data"]["alarm"] == Alarm::CouponUnpaid.as_str()
    };
    let posts = received(&system).into_iter().filter(about_it);
    let ids: Vec<_> = posts.map(|(headers, _)| headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 2, "one was refused and one taken, and no start tells it again");
    assert_eq!(ids[0], ids[1]);
}
