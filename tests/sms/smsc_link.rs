//! An operator with its SMSC, and an adapter that is connected to it.

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use http::Request;
use onbill_domain::ids::OperatorId;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::ambient::{Clock, Random, SystemRandom};
use onbill_origin::config::SmsSettings;
use onbill_origin::http::{CspClient, HttpPeer, Peer, SignedClient};
use onbill_origin::instruments::Instruments;
use onbill_origin::sms::{
    self, DeliveryReceipt, ReceiptNotStored, ReceiptSink, RetryCause, SendSmsResult, Sms, SmsGateway,
};
use onbill_sandbox::PartyDependencies;
use onbill_sandbox::operator::{ListeningSmsc, Operator};
use onbill_test_harness::keys::{self, KeyHolder};
use onbill_test_harness::wait::wait_until;
use onbill_test_harness::write_password_file;
use onbill_test_harness::{GATEWAY_PASSWORD, ManualClock, operator_config};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

pub(crate) const GOOD: &str = "+12025550101";
pub(crate) const SITE: &str = "127.0.0.1:8790";
/// The correct password.
pub(crate) const RIGHT: &str = GATEWAY_PASSWORD;
/// Only ends a test that hangs.
const DEADLINE: Duration = Duration::from_mins(5);
/// Longer than a response takes on a busy machine: such a wait ends only for a response that never
/// comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The response timeout of an SMSC that does not respond, in seconds. A response that is sent has
/// to arrive in this time too, so it is only for tests without one.
pub(crate) const UNANSWERED_SECONDS: u64 = 5;
/// Between two tries of an adapter that is not connected.
const TRY_EVERY: Duration = Duration::from_millis(2);

/// Receipts that came; some may be refused first.
#[derive(Default)]
pub(crate) struct ReceivedReceipts {
    taken: Mutex<Vec<DeliveryReceipt>>,
    pub(crate) busy: AtomicU32,
}

#[async_trait]
impl ReceiptSink for ReceivedReceipts {
    async fn store_receipt(&self, receipt: DeliveryReceipt) -> Result<(), ReceiptNotStored> {
        if self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| times.checked_sub(1)).is_ok() {
            return Err(ReceiptNotStored);
        }
        self.taken.lock().expect("is whole").push(receipt);
        Ok(())
    }
}

pub(crate) struct SmscLink {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) operator: Operator,
    pub(crate) texts: Arc<dyn SmsGateway>,
    pub(crate) heard: Arc<ReceivedReceipts>,
    site: Router,
    /// The SMSC's.
    pub(crate) address: SocketAddr,
    /// Ends with the link.
    working: JoinSet<()>,
    _listening: ListeningSmsc,
}

/// The adapter's settings, with a password file of its own.
pub(crate) fn smpp_settings(address: SocketAddr, password: &str, more: &Value) -> SmsSettings {
    let mut settings = json!({
        "by": "smpp", "url": format!("smpp://{address}"), "system_id": "onbill", "password_file": password_file(password),
        "sender": "Acme", "window": 4, "answer_seconds": PATIENCE.as_secs(),
    });
    let more = more.as_object().cloned().unwrap_or_default();
    settings.as_object_mut().expect("is an object").extend(more);
    serde_json::from_value(settings).expect("are settings")
}

pub(crate) fn password_file(password: &str) -> PathBuf {
    write_password_file(Path::new(env!("CARGO_TARGET_TMPDIR")), password)
}

/// An adapter by itself.
pub(crate) fn open_adapter(settings: &SmsSettings, clock: &Arc<ManualClock>) -> Arc<dyn SmsGateway> {
    open_on(&tcp_peer(PATIENCE), settings, clock)
}

/// Opens an adapter on another network.
pub(crate) fn open_on(
    peer: &Arc<dyn Peer>,
    settings: &SmsSettings,
    clock: &Arc<ManualClock>,
) -> Arc<dyn SmsGateway> {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let random = Arc::new(SystemRandom) as Arc<dyn Random>;
    let ring = Arc::new(keys::keyring(&KeyHolder::Origin("acme")));
    let instruments = Instruments::new(Arc::clone(&clock));
    let client = SignedClient::new(ring, Arc::clone(peer), Arc::clone(&clock), Arc::clone(&random));
    let acme = OperatorId::parse("acme").expect("is a slug");
    let csp = CspClient::new("http://127.0.0.1:1", &acme, client, Arc::clone(&instruments));
    sms::open_gateway(settings, &Arc::new(csp), peer, &clock, &random, &instruments).expect("is sound")
}

/// The network, which is this machine; with the response timeout.
pub(crate) fn tcp_peer(patience: Duration) -> Arc<dyn Peer> {
    Arc::new(HttpPeer::new(patience).expect("starts"))
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}

impl SmscLink {
    /// Connected, with a window of four.
    pub(crate) async fn new() -> Self {
        Self::connect_with(&json!({})).await
    }

    /// Connected, with other settings.
    pub(crate) async fn connect_with(more: &Value) -> Self {
        let link = Self::begin_with(RIGHT, more).await;
        wait_until("the SMSC is bound", async || link.operator.smsc_bound() == 1).await;
        link
    }

    /// Connecting, with this password and other settings.
    pub(crate) async fn begin_with(password: &str, more: &Value) -> Self {
        Self::begin_with_faults(json!({}), password, more).await
    }

    /// Connecting, with these faults from the beginning.
    pub(crate) async fn begin_with_faults(faults: Value, password: &str, more: &Value) -> Self {
        let clock = clock();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
        let address = listener.local_addr().expect("has one");
        let operator = new_operator(&clock);
        let site = operator.router();
        let listening = operator.open_smsc(listener).await.expect("opens");
        let texts = open_adapter(&smpp_settings(address, password, more), &clock);
        let heard = Arc::new(ReceivedReceipts::default());
        let mut link = Self {
            clock,
            operator,
            texts,
            heard,
            site,
            address,
            working: JoinSet::new(),
            _listening: listening,
        };
        link.inject_faults(faults).await;
        let (texts, heard) = (Arc::clone(&link.texts), Arc::clone(&link.heard));
        link.working.spawn(async move { texts.run(&*heard).await });
        link
    }

    /// Sets the operator's faults.
    pub(crate) async fn inject_faults(&self, faults: Value) {
        let request = Request::post("/faults").header("content-type", "application/json");
        let request = request.body(Body::from(faults.to_string())).expect("is a request");
        let answer = self.site.clone().oneshot(request).await.expect("routers do not fail");
        assert!(answer.status().is_success(), "{faults}");
    }

    /// What a phone has received, oldest first.
    pub(crate) async fn received_sms(&self, number: &str) -> Vec<String> {
        read_inbox(&self.site, number).await
    }

    /// Sends an SMS as soon as there is a connection.
    pub(crate) async fn send_sms(&self, body: &str, urgent: bool) -> SendSmsResult {
        let to = Msisdn::parse(GOOD).expect("is E.164");
        let text = Sms { to: &to, body, urgent, valid_until: None, receipt: true };
        let sending = async {
            loop {
                match self.texts.send(&text).await {
                    SendSmsResult::Later(RetryCause::Unreachable) => tokio::time::sleep(TRY_EVERY).await,
                    sent => return sent,
                }
            }
        };
        tokio::time::timeout(DEADLINE, sending).await.expect("there is a connection at last")
    }

    /// The receipts that were accepted so far, once there are this many.
    pub(crate) async fn wait_for_receipts(&self, count: usize) -> Vec<DeliveryReceipt> {
        let taken = || self.heard.taken.lock().expect("is whole").clone();
        wait_until("the receipts come", async || taken().len() >= count).await;
        taken()
    }
}

/// The simulated operator, with a gateway.
pub(crate) fn new_operator(clock: &Arc<ManualClock>) -> Operator {
    operator_at(SITE, clock)
}

/// The simulated operator at another address.
pub(crate) fn operator_at(site: &str, clock: &Arc<ManualClock>) -> Operator {
    Operator::new(operator_config("acme", site), real_dependencies(clock))
}

/// What a party works with here: this machine's network and randomness, and the test's clock.
pub(crate) fn real_dependencies(clock: &Arc<ManualClock>) -> PartyDependencies {
    PartyDependencies {
        clock: Arc::clone(clock) as _,
        random: Arc::new(SystemRandom),
        http: tcp_peer(PATIENCE),
    }
}

pub(crate) async fn read_inbox(site: &Router, number: &str) -> Vec<String> {
    let path = format!("/sms?msisdn={}", number.replace('+', "%2B"));
    let request = Request::get(path).header("accept", "application/json");
    let request = request.body(Body::empty()).expect("is a request");
    let answer = site.clone().oneshot(request).await.expect("routers do not fail");
    let body = to_bytes(answer.into_body(), 1 << 22).await.expect("is whole");
    let messages: Vec<Value> = serde_json::from_slice(&body).expect("is JSON");
    messages.iter().map(|message| message["text"].as_str().expect("is text").to_owned()).collect()
}

/// Waits until an adapter can send. The SMSC may know that it is bound before the adapter does.
pub(crate) async fn until_connected(texts: &dyn SmsGateway) {
    let stranger = Msisdn::parse("+12025559999").expect("is E.164");
    let text = Sms { to: &stranger, body: "hello", urgent: true, valid_until: None, receipt: false };
    wait_until("it is connected", async || texts.send(&text).await == SendSmsResult::Refused).await;
}
