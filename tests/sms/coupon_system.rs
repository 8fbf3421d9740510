//! All parties of a coupon, over real connections: the operator with its billing and its SMSC, an
//! origin that serves, and in front of it the edge, which the partner calls. Only time is
//! simulated, and passes when a test advances it.

use crate::smsc_link::{
    GOOD, PATIENCE, RIGHT, clock, operator_at, password_file, read_inbox, real_dependencies, until_connected,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as Incoming;
use axum::middleware::{Next, from_fn};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::key::{Key, KeyUse};
use onbill_domain::signature::sign_request;
use onbill_edge::fake::FakePlatform;
use onbill_edge::platform::Unreachable;
use onbill_origin::ambient::{Clock as _, Random, SystemRandom};
use onbill_origin::app::App;
use onbill_origin::config::{AccountSource, Config};
use onbill_origin::http::{HttpPeer, Peer as _};
use onbill_sandbox::operator::{ListeningSmsc, Operator};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::keys::{self, KeyHolder};
use onbill_test_harness::process_host;
use onbill_test_harness::tcp::{listen_on, serve_router};
use onbill_test_harness::wait::wait_until;
use onbill_test_harness::{
    ACME_ACCOUNTS, ManualClock, build_app, db_folder, import_account_file, origin_config_with,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

const EDGE_URL: &str = "http://127.0.0.1:8787";
const REDEEM: &str = "/ott/v1/coupon/redeem";
/// Connections of the origin to its database.
const CONNECTIONS: usize = 4;

pub(crate) struct CouponSystem {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) operator: Operator,
    pub(crate) app: Arc<App>,
    /// Where the partner's calls wait at the origin, if a test wants it.
    pub(crate) turnstile: Arc<CallBarrier>,
    site: Router,
    origin: SocketAddr,
    edge: FakePlatform,
    edge_config: onbill_edge::Config,
    http: HttpPeer,
    smsc_at: SocketAddr,
    smsc: Option<ListeningSmsc>,
    /// Ends with the system.
    pub(crate) working: JoinSet<()>,
    place: TestDb,
}

/// Holds calls until enough have arrived, which are then released at once.
pub(crate) struct CallBarrier {
    came: AtomicUsize,
    opens_at: watch::Sender<usize>,
}

impl CallBarrier {
    /// Calls wait for each other from now on, until there are this many.
    pub(crate) fn gather_calls(&self, calls: usize) {
        self.came.store(0, Ordering::SeqCst);
        self.opens_at.send_replace(calls);
    }

    async fn wait_for_others(&self) {
        let mut opens_at = self.opens_at.subscribe();
        let came = self.came.fetch_add(1, Ordering::SeqCst) + 1;
        self.opens_at.send_if_modified(|needed| {
            let is_full = came == *needed;
            if is_full {
                *needed = 0;
            }
            is_full
        });
        // The sender belongs to the turnstile, which is alive.
        let _ = opens_at.wait_for(|needed| *needed == 0).await;
    }
}

impl CouponSystem {
    /// With this database, and these changes to the settings of its SMSC.
    pub(crate) async fn open_with(place: TestDb, smsc: &Value) -> Self {
        let clock = clock();
        let (site_listener, site_at) = listen_on(Ipv4Addr::LOCALHOST).await;
        let operator = operator_at(&site_at.to_string(), &clock);
        let (smsc_listener, smsc_at) = listen_on(process_host()).await;
        let listening = operator.open_smsc(smsc_listener).await.expect("opens");
        let (origin_listener, origin) = listen_on(Ipv4Addr::LOCALHOST).await;
        let http = HttpPeer::new(PATIENCE).expect("starts");
        let store = place.open_store(CONNECTIONS).await.expect("opens");
        let config = origin_config(origin, site_at, smsc_at, smsc);
        let app = build_app("acme", config, store, &real_dependencies(&clock));
        import_account_file(&app, &app.store, ACME_ACCOUNTS).await;

        let turnstile = Arc::new(CallBarrier { came: AtomicUsize::new(0), opens_at: watch::Sender::new(0) });
        let gate = Arc::clone(&turnstile);
        let gated = app.router().layer(from_fn(move |call: Incoming, next: Next| {
            let gate = Arc::clone(&gate);
            async move {
                if call.uri().path() == REDEEM {
                    gate.wait_for_others().await;
                }
                next.run(call).await
            }
        }));
        let site = operator.router();
        let mut working = JoinSet::new();
        serve_router(&mut working, site_listener, site.clone());
        serve_router(&mut working, origin_listener, gated);
        let sending = Arc::clone(&app);
        working.spawn(sending.run_sms_gateway());
        let system = Self {
            edge: new_edge(&clock, &http),
            edge_config: edge_config(origin),
            clock,
            operator,
            app,
            turnstile,
            site,
            origin,
            http,
            smsc_at,
            smsc: Some(listening),
            working,
            place,
        };
        system.until_bound().await;
        system
    }

    /// One with its database in a file, and one with it on a database server.
    pub(crate) async fn on_each_kind_of_database(smsc: &Value) -> [Self; 2] {
        let file = TestDb::new_sqlite_file(&db_folder());
        [Self::open_with(file, smsc).await, Self::open_with(TestDb::new_postgres_schema().await, smsc).await]
    }

    pub(crate) async fn until_bound(&self) {
        until_connected(&*self.app.sms).await;
    }

    /// Ends the SMSC as a power cut does: it accepts no connections, and existing ones break.
    pub(crate) async fn kill_smsc(&mut self) {
        self.smsc = None;
        wait_until("nobody is bound", async || self.operator.smsc_bound() == 0).await;
    }

    /// Starts it again at the same address.
    pub(crate) async fn restart_smsc(&mut self) {
        let listener = TcpListener::bind(self.smsc_at).await.expect("the port is free again");
        self.smsc = Some(self.operator.open_smsc(listener).await.expect("opens"));
    }

    /// Sets the operator's faults: those that are not named are cleared.
    pub(crate) async fn inject_faults(&self, faults: Value) {
        let request = Request::post("/faults").header("content-type", "application/json");
        let request = request.body(Body::from(faults.to_string())).expect("is a request");
        let answer = self.site.clone().oneshot(request).await.expect("routers do not fail");
        assert!(answer.status().is_success(), "{faults}");
    }

    pub(crate) async fn deliver_due(&self) {
        self.app.worker.deliver_due().await.expect("works");
    }

    /// Delivers what becomes due, while time passes, until the condition holds.
    pub(crate) async fn deliver_until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        wait_until(what, async || {
            self.deliver_due().await;
            self.clock.advance_seconds(10);
            is_so().await
        })
        .await;
    }

    /// The operator's systems have a coupon issued.
    pub(crate) async fn issue_coupon(&self, id: &str, locale: &str) {
        let coupon = json!({"extCouponID": id, "msisdn": GOOD, "plan": "6M", "locale": locale,
                            "amount": {"value": 8999, "currency": "USD"}});
        let (status, answer) = self.operator_calls(Method::POST, "", &coupon).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }

    /// The state of a coupon as the operator's systems see it.
    pub(crate) async fn find_coupon(&self, id: &str) -> Value {
        let (status, coupon) = self.operator_calls(Method::GET, &format!("/{id}"), &Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{coupon}");
        coupon
    }

    /// Waits until a coupon has this state.
    pub(crate) async fn until_state(&self, id: &str, state: &str) {
        wait_until(state, async || self.find_coupon(id).await["state"] == state).await;
    }

    async fn operator_calls(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let uri = format!("http://{}/operator/v1/coupons{path}", self.origin);
        let request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        let mut request = request.body(body).expect("is a request");
        let ring = keys::keyring(&KeyHolder::Operator("acme"));
        self.sign_now(
            &mut request,
            ring.signing_key(KeyUse::OperatorToOrigin, "operator:acme").expect("is there"),
        );
        let answer = self.http.send(request).await.expect("the origin answers");
        (answer.status(), serde_json::from_slice(answer.body()).expect("is JSON"))
    }

    /// A customer enters their number in the widget.
    pub(crate) async fn enter_number(&self) {
        let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en"});
        let mut request = to_edge("/widget/v1/account/validate", &body);
        request.headers_mut().insert("origin", HeaderValue::from_static(EDGE_URL));
        let answer = onbill_edge::handle(&self.edge, &self.edge_config, request).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    /// The partner redeems a customer's code.
    pub(crate) async fn redeem_code(&self, code: &str, reference: &str) -> (StatusCode, Bytes) {
        let mut request = to_edge(REDEEM, &json!({"code": code, "extReference": reference}));
        let ring = keys::keyring(&KeyHolder::Partner("netflix"));
        self.sign_now(&mut request, ring.keys_for_use(KeyUse::PartnerCall).last().expect("is there"));
        let answer = onbill_edge::handle(&self.edge, &self.edge_config, request).await;
        (answer.status(), answer.into_body())
    }

    fn sign_now(&self, request: &mut Request<Bytes>, key: &Key) {
        let random: &dyn Random = &SystemRandom;
        sign_request(request, key, self.clock.now(), &random.nonce()).expect("signs");
    }

    /// What the customer's phone has received, oldest first.
    pub(crate) async fn read_inbox(&self) -> Vec<String> {
        read_inbox(&self.site, GOOD).await
    }

    pub(crate) async fn read_bill(&self) -> Vec<Value> {
        let request = Request::get(format!("/bill?msisdn={}", GOOD.replace('+', "%2B")));
        let request = request.header("accept", "application/json").body(Body::empty()).expect("is a request");
        let answer = self.site.clone().oneshot(request).await.expect("routers do not fail");
        let body = to_bytes(answer.into_body(), 1 << 20).await.expect("is whole");
        let bill: Value = serde_json::from_slice(&body).expect("is JSON");
        bill["lines"].as_array().expect("has lines").clone()
    }

    /// The numbers of redemptions and charges in the database, read without the origin.
    pub(crate) async fn count_redemptions(&self) -> (i64, i64) {
        (self.place.count_rows("coupon_redemptions").await, self.place.count_rows("transactions").await)
    }

    /// How many charges have this status.
    pub(crate) async fn count_charges(&self, status: &str) -> i64 {
        self.place.count_rows(&format!("transactions WHERE status = '{status}'")).await
    }

    /// How many coupons were delivered.
    pub(crate) async fn count_delivered(&self) -> usize {
        let delivered = self.place.count_rows("coupons WHERE delivered_at IS NOT NULL").await;
        usize::try_from(delivered).expect("is a count")
    }

    /// How many reports are kept for messages that are not known yet.
    pub(crate) async fn reports_kept(&self) -> i64 {
        self.place.count_rows("sms_receipts").await
    }
}

/// The code in an SMS.
pub(crate) fn code_in(text: &str) -> &str {
    let mut words = text.split_whitespace().map(|word| word.trim_matches(['.', ',', ':', ';']));
    words.find(|word| word.len() == 24 && CouponCode::parse(word).is_some()).expect("has a code")
}

fn to_edge(path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(format!("{EDGE_URL}{path}")).header("content-type", "application/json");
    request.body(Bytes::from(body.to_string())).expect("is a request")
}

/// The edge's own code; its calls go out over connections.
fn new_edge(clock: &Arc<ManualClock>, http: &HttpPeer) -> FakePlatform {
    let edge = FakePlatform::new(Arc::clone(&clock.0), 1);
    let http = http.clone();
    edge.on_network(move |request| {
        let http = http.clone();
        async move { http.send(request).await.map_err(|_| Unreachable::Broken) }
    });
    edge
}

fn edge_config(origin: SocketAddr) -> onbill_edge::Config {
    let operators = json!([{"id": "acme", "name": "Acme Mobile", "country": "US", "origin": format!("http://{origin}"),
                            "dashboards": ["https://my.acme.example"], "coupons": "AC", "key_epochs": [keys::KEY_EPOCH]}]);
    onbill_test_harness::edge_config(&operators)
}

fn origin_config(origin: SocketAddr, site: SocketAddr, smsc: SocketAddr, more: &Value) -> Config {
    let mut sms = json!({"by": "smpp", "url": format!("smpp://{smsc}"), "system_id": "onbill",
                         "password_file": password_file(RIGHT), "sender": "Acme",
                         "answer_seconds": PATIENCE.as_secs()});
    sms.as_object_mut().expect("is an object").extend(more.as_object().cloned().unwrap_or_default());
    Config {
        listen: origin,
        bss_url: format!("http://{site}/csp"),
        // No webhooks: the partner is not there.
        partners: Vec::new(),
        sms: serde_json::from_value(sms).expect("are settings"),
        ..origin_config_with("acme", AccountSource::Table)
    }
}
