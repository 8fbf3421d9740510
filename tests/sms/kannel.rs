//! SMS over HTTP, to a gateway with Kannel's interface.

use crate::pins::{PinOrigin, pin_in};
use crate::smsc_link::{
    GOOD, RIGHT, UNANSWERED_SECONDS, clock, new_operator, open_adapter, open_on, password_file, read_inbox,
    tcp_peer,
};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http::StatusCode;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::sms::{RetryCause, SendSmsResult, Sms};
use onbill_test_harness::ManualClock;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::tcp::listen_on;
use onbill_test_harness::wait::wait_until;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::Level;

/// A gateway, and every URL that was requested.
struct KannelGateway {
    clock: Arc<ManualClock>,
    site: Router,
    address: SocketAddr,
    urls: Arc<Mutex<Vec<String>>>,
    working: JoinSet<()>,
}

impl KannelGateway {
    async fn new() -> Self {
        let clock = clock();
        let site = new_operator(&clock).router();
        let (urls, mut working) = (Arc::default(), JoinSet::new());
        let (listener, address) = listen_on(Ipv4Addr::LOCALHOST).await;
        serve_gateway(&mut working, listener, site.clone(), &urls);
        Self { clock, site, address, urls, working }
    }

    fn sms_settings(&self, password: &str, receipts: Option<SocketAddr>) -> Value {
        json!({"by": "kannel", "url": format!("http://{}/cgi-bin/sendsms", self.address), "username": "onbill",
               "password_file": password_file(password), "sender": "Acme",
               "receipts_url": receipts.map(|address| format!("http://{address}"))})
    }

    /// An origin that this gateway can report to.
    async fn start_origin(&mut self, name: &str) -> PinOrigin {
        let (listener, address) = listen_on(Ipv4Addr::LOCALHOST).await;
        let origin = PinOrigin::sending_by(&self.sms_settings(RIGHT, Some(address)), name, &self.clock).await;
        serve_gateway(&mut self.working, listener, origin.router.clone(), &self.urls);
        origin
    }

    async fn inject_faults(&self, faults: Value) {
        let request = Request::post("/faults").header("content-type", "application/json");
        let request = request.body(Body::from(faults.to_string())).expect("is a request");
        let answer = self.site.clone().oneshot(request).await.expect("routers do not fail");
        assert!(answer.status().is_success(), "{faults}");
    }
}

/// Over a real socket, with each URL recorded as an access log would.
fn serve_gateway(
    working: &mut JoinSet<()>,
    listener: TcpListener,
    router: Router,
    urls: &Arc<Mutex<Vec<String>>>,
) {
    let urls = Arc::clone(urls);
    let noted = router.layer(from_fn(move |request: Request, next: Next| {
        urls.lock().expect("is whole").push(request.uri().to_string());
        next.run(request)
    }));
    working.spawn(async move { axum::serve(listener, noted).await.expect("serves") });
}

#[tokio::test]
async fn pin_arrives_in_every_language_without_url_leak() {
    for name in ["Acme", "Acme 📱"] {
        let mut gateway = KannelGateway::new().await;
        let origin = gateway.start_origin(name).await;
        for (at, locale) in Locale::ALL.into_iter().enumerate() {
            origin.enter_number(locale.as_str()).await;
            origin.app.worker.deliver_due().await.expect("works");
            let text = &read_inbox(&gateway.site, GOOD).await[at];
            assert!(!pin_in(text).is_empty() && text.contains(name), "{text}");
        }
        let reported = || {
            let urls = gateway.urls.lock().expect("is whole");
            urls.iter().filter(|url| url.starts_with("/sms/v1/receipt/")).count()
        };
        wait_until("each is reported", async || reported() == Locale::ALL.len()).await;
        let pins: Vec<String> =
            read_inbox(&gateway.site, GOOD).await.iter().map(|text| pin_in(text).to_owned()).collect();
        for url in gateway.urls.lock().expect("is whole").iter() {
            let kept = ["2025550101", "Acme", RIGHT];
            assert!(!kept.iter().any(|secret| url.contains(secret)), "{url}");
            assert!(!pins.iter().any(|pin| url.contains(pin)), "{url}");
        }
    }
}

#[tokio::test]
async fn receipts_are_accepted_by_their_token() {
    let (log, _logging) = LogCapture::capture_thread(Level::TRACE);
    let mut gateway = KannelGateway::new().await;
    let origin = gateway.start_origin("Acme").await;
    for (fault, state) in [("good", "delivered"), ("failed", "undeliverable")] {
        gateway.inject_faults(json!({"receipts": fault})).await;
        origin.enter_number("en").await;
        origin.app.worker.deliver_due().await.expect("works");
        wait_until("it is in the log", async || log.to_text().contains(&format!("state=\"{state}\""))).await;
    }
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("is a request");
        origin.router.clone().oneshot(request).await.expect("routers do not fail").status()
    };
    let token = "AAAAAAAAAAAAAAAAAAAAAA";
    for (path, status) in [
        (format!("/sms/v1/receipt/{token}?status=8"), StatusCode::NO_CONTENT),
        (format!("/sms/v1/receipt/{token}?status=3"), StatusCode::BAD_REQUEST),
        (format!("/sms/v1/receipt/{token}"), StatusCode::BAD_REQUEST),
        ("/sms/v1/receipt/short?status=1".to_owned(), StatusCode::NOT_FOUND),
        (format!("/sms/v1/receipt/{token}.?status=1"), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ask(&path).await, status, "{path}");
    }
    let log = log.to_text();
    assert!(!log.contains(token) && !log.contains("2025550101") && !log.contains(RIGHT), "{log}");
    // For a gateway that sends no reports, the report URL does not exist.
    let silent = PinOrigin::sending_by(&json!({"by": "csp"}), "Acme", &gateway.clock).await;
    let request = Request::get(format!("/sms/v1/receipt/{token}?status=1")).body(Body::empty());
    let answer = silent.router.clone().oneshot(request.expect("is a request")).await;
    assert_eq!(answer.expect("routers do not fail").status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_the_gateway_says_is_understood() {
    let gateway = KannelGateway::new().await;
    let with = |password: &str| {
        let settings = serde_json::from_value(gateway.sms_settings(password, None)).expect("are settings");
        open_adapter(&settings, &gateway.clock)
    };
    let (right, wrong) = (with(RIGHT), with("hunter3!"));
    let number = |number: &str| Msisdn::parse(number).expect("is E.164");
    let (good, stranger) = (number(GOOD), number("+12025559999"));
    let text = |to| Sms { to, body: "hello", urgent: true, valid_until: None, receipt: true };
    assert_eq!(
        right.send(&text(&good)).await,
        SendSmsResult::Accepted { message_id: None },
        "nobody to report to"
    );
    assert_eq!(right.send(&text(&stranger)).await, SendSmsResult::Refused);
    assert_eq!(wrong.send(&text(&good)).await, SendSmsResult::Later(RetryCause::Unreachable));
    for (faults, sent) in [
        (json!({"smsc": "throttle"}), SendSmsResult::Later(RetryCause::Throttled)),
        (json!({"smsc": "queue-full"}), SendSmsResult::Accepted { message_id: None }),
        (json!({"sendsms": "down"}), SendSmsResult::Later(RetryCause::Throttled)),
        (json!({"sendsms": "garbage"}), SendSmsResult::Later(RetryCause::Unclear)),
        (json!({"sendsms": "error-after"}), SendSmsResult::Later(RetryCause::Unclear)),
    ] {
        gateway.inject_faults(faults.clone()).await;
        assert_eq!(right.send(&text(&good)).await, sent, "{faults}");
    }
    let settings = serde_json::from_value(gateway.sms_settings(RIGHT, None)).expect("are settings");
    let impatient = open_on(&tcp_peer(Duration::from_secs(UNANSWERED_SECONDS)), &settings, &gateway.clock);
    gateway.inject_faults(json!({"sendsms": "hang-after"})).await;
    assert_eq!(impatient.send(&text(&good)).await, SendSmsResult::Later(RetryCause::Unclear));
    assert_eq!(read_inbox(&gateway.site, GOOD).await.len(), 1 + 1 + 2, "what is unclear may have arrived");
}
