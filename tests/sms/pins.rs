//! PINs: the origin as it serves, from the customer's number to the message on the phone.

use crate::smsc_link::{
    GOOD, PATIENCE, RIGHT, SmscLink, UNANSWERED_SECONDS, password_file, real_dependencies, until_connected,
};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::limits::PIN_DIGITS;
use onbill_domain::locale::Locale;
use onbill_domain::signature::sign_request;
use onbill_origin::ambient::{Clock as _, Random, SystemRandom};
use onbill_origin::app::App;
use onbill_origin::config::{AccountSource, Config};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::keys::{self, KeyHolder};
use onbill_test_harness::wait::wait_until;
use onbill_test_harness::{
    ACME_ACCOUNTS, ManualClock, build_app, db_folder, import_account_file, origin_config_with,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

const ORIGIN: &str = "127.0.0.1:8788";

pub(crate) struct PinOrigin {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    clock: Arc<ManualClock>,
    /// Ends with the origin.
    _working: JoinSet<()>,
    _place: TestDb,
}

impl PinOrigin {
    /// Sends through the link's SMSC.
    async fn new(link: &SmscLink, name: &str, answer_seconds: u64) -> Self {
        let sms = json!({"by": "smpp", "url": format!("smpp://{}", link.address), "system_id": "onbill",
            "password_file": password_file(RIGHT), "sender": "Acme", "answer_seconds": answer_seconds});
        Self::sending_by(&sms, name, &link.clock).await
    }

    /// Sends through any gateway.
    pub(crate) async fn sending_by(sms: &Value, name: &str, clock: &Arc<ManualClock>) -> Self {
        let config = Config {
            name: name.to_owned(),
            listen: ORIGIN.parse().expect("is an address"),
            // No webhooks: the partner is not there.
            partners: Vec::new(),
            sms: serde_json::from_value(sms.clone()).expect("are settings"),
            ..origin_config_with("acme", AccountSource::Table)
        };
        let place = TestDb::new_sqlite_file(&db_folder());
        let store = place.open_store(1).await.expect("opens");
        let app = build_app("acme", config, store, &real_dependencies(clock));
        import_account_file(&app, &app.store, ACME_ACCOUNTS).await;
        let mut working = JoinSet::new();
        working.spawn(Arc::clone(&app).run_sms_gateway());
        let (router, clock) = (app.router(), Arc::clone(clock));
        Self { app, router, clock, _working: working, _place: place }
    }

    /// A customer enters a number in the widget.
    pub(crate) async fn enter_number(&self, locale: &str) {
        let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": locale});
        let mut request = Request::post(format!("http://{ORIGIN}/edge/v1/validate"))
            .header("content-type", "application/json")
            .header("host", ORIGIN)
            .body(Bytes::from(body.to_string()))
            .expect("is a request");
        let ring = keys::keyring(&KeyHolder::Edge);
        let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
        let nonce = (&SystemRandom as &dyn Random).nonce();
        sign_request(&mut request, key, self.clock.now(), &nonce).expect("signs");
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.expect("routers do not fail");
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// Delivers what is due now, and what is due again some time later, until a message has come.
    async fn deliver_until_received(&self, link: &SmscLink, messages: usize) {
        wait_until("the PIN comes", async || {
            self.app.worker.deliver_due().await.expect("works");
            self.clock.advance_seconds(3);
            link.received_sms(GOOD).await.len() >= messages
        })
        .await;
    }
}

pub(crate) fn pin_in(text: &str) -> &str {
    text.split_whitespace()
        .find(|word| word.len() == PIN_DIGITS && word.bytes().all(|b| b.is_ascii_digit()))
        .expect("has a PIN")
}

#[tokio::test]
async fn pin_arrives_in_every_language() {
    for name in ["Acme", "Acme 📱"] {
        let link = SmscLink::new().await;
        let origin = PinOrigin::new(&link, name, PATIENCE.as_secs()).await;
        until_connected(&*origin.app.sms).await;
        for (at, locale) in Locale::ALL.into_iter().enumerate() {
            origin.enter_number(locale.as_str()).await;
            origin.deliver_until_received(&link, at + 1).await;
            let text = &link.received_sms(GOOD).await[at];
            assert!(!pin_in(text).is_empty() && text.contains(name), "{text}");
        }
        let wishes = link.operator.smsc_wishes();
        assert!(
            wishes.iter().all(|wish| wish.priority == 3 && wish.validity.ends_with("000R")),
            "{wishes:?}"
        );
        let latin = wishes.iter().filter(|wish| wish.coding == 0).count();
        assert_eq!(latin > 0, name == "Acme", "the emoji takes it to UCS-2");
    }
}

#[tokio::test]
async fn origin_serves_before_its_smsc_does() {
    let link = SmscLink::begin_with_faults(json!({"smsc": "down"}), RIGHT, &json!({})).await;
    let origin = PinOrigin::new(&link, "Acme", PATIENCE.as_secs()).await;
    origin.enter_number("en").await;
    origin.app.worker.deliver_due().await.expect("works");
    assert!(link.received_sms(GOOD).await.is_empty());
    link.inject_faults(json!({})).await;
    // The PIN's attempts must not run out before.
    until_connected(&*origin.app.sms).await;
    origin.deliver_until_received(&link, 1).await;
    assert_eq!(link.received_sms(GOOD).await.len(), 1);
}

#[tokio::test]
async fn pin_with_lost_response_is_sent_again() {
    let link = SmscLink::new().await;
    let origin = PinOrigin::new(&link, "Acme", UNANSWERED_SECONDS).await;
    until_connected(&*origin.app.sms).await;
    link.inject_faults(json!({"smsc": "hang-after"})).await;
    origin.enter_number("en").await;
    origin.deliver_until_received(&link, 1).await;
    link.inject_faults(json!({})).await;
    origin.deliver_until_received(&link, 2).await;
    let texts = link.received_sms(GOOD).await;
    assert_eq!(pin_in(&texts[0]), pin_in(&texts[1]), "it is the same one");
    for _ in 0..5 {
        origin.clock.advance_seconds(60);
        origin.app.worker.deliver_due().await.expect("works");
    }
    assert_eq!(link.received_sms(GOOD).await.len(), 2, "it has arrived, and that is known");
}
