//! The whole system: two operators with their origins on one edge, and the partner.

use crate::database::TestDb;
use crate::keys::{self, KeyHolder};
use crate::{
    ACME_ACCOUNTS, ManualClock, NOVA_ACCOUNTS, SequenceRandom, TestNetwork, TestOperator, TestOrigin,
    crash_point,
};
use axum::Router;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::money::Money;
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use onbill_edge::Config;
use onbill_edge::fake::FakePlatform;
use onbill_origin::ambient::{Clock as _, Random};
use onbill_origin::config::{Config as OriginConfig, CurrencyLimits};
use onbill_sandbox::netflix::{KnownOperator, Netflix, NetflixConfig, NetworkCode};
use onbill_sandbox::{PartyDependencies, account_file};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub const EDGE: &str = "127.0.0.1:8787";
pub const NETFLIX: &str = "127.0.0.1:8791";

/// The system, and the means to act as its customers and its partner.
pub struct TestSystem {
    clock: ManualClock,
    random: Arc<SequenceRandom>,
    pub network: Arc<TestNetwork>,
    pub edge: Arc<FakePlatform>,
    pub acme: TestOperator,
    pub nova: TestOperator,
    pub netflix: Netflix,
    partner_keys: Keyring,
}

/// What all parties share.
struct TestEnv {
    clock: ManualClock,
    network: Arc<TestNetwork>,
}

impl TestEnv {
    fn new() -> Self {
        let clock = ManualClock::default();
        Self { network: Arc::new(TestNetwork::new(clock.clone())), clock }
    }

    fn sandbox_env(&self, who: &'static str) -> PartyDependencies {
        PartyDependencies {
            clock: Arc::new(self.clock.clone()),
            random: SequenceRandom::new(who),
            http: Arc::clone(&self.network) as _,
        }
    }
}

impl TestSystem {
    /// A new test system: no customer has signed up.
    pub fn start() -> Self {
        let ground = TestEnv::new();
        let turn = crash_point::StoreTurn::default();
        let acme = TestOperator::new("acme", &ground.sandbox_env("acme"), &turn);
        let nova = TestOperator::new("nova", &ground.sandbox_env("nova"), &turn);
        Self::assemble_system(ground, acme, nova)
    }

    /// A test system with operators whose billing takes files.
    pub async fn with_files() -> Self {
        let mut system = Self::start();
        system.acme.bill_by_files();
        system.nova.bill_by_files();
        system.restart_acme(|_| true).await;
        system.nova.restart_origins(|_| true).await;
        system.nova.attach_origin(&system.network);
        system
    }

    /// A test system with two programs of Acme's origin on one PostgreSQL database. They race, so
    /// runs are not reproducible.
    pub async fn with_two_origins() -> Self {
        let ground = TestEnv::new();
        let place = TestDb::new_postgres_schema().await;
        let acme = TestOperator::with_origins(2, place, "acme", &ground.sandbox_env("acme")).await;
        let nova = TestOperator::new("nova", &ground.sandbox_env("nova"), &crash_point::StoreTurn::default());
        Self::assemble_system(ground, acme, nova)
    }

    fn assemble_system(ground: TestEnv, acme: TestOperator, nova: TestOperator) -> Self {
        let known = |operator: &TestOperator, network: &str, accounts: &str| KnownOperator {
            id: operator.app().config.operator.clone(),
            name: operator.app().config.name.clone(),
            price: operator.app().config.offers[0].price,
            network: network.parse_as(NetworkCode::parse),
            sims: account_file::parse(accounts).expect("is an account file"),
            site: None,
        };
        let partner_keys = keys::keyring(&KeyHolder::Partner("netflix"));
        let netflix = NetflixConfig {
            partner: "netflix".parse_as(onbill_domain::ids::PartnerId::parse),
            public_url: format!("http://{NETFLIX}"),
            edge_url: format!("http://{EDGE}"),
            edge_authority: None,
            keys: partner_keys.clone(),
            operators: vec![known(&acme, "001-01", ACME_ACCOUNTS), known(&nova, "001-02", NOVA_ACCOUNTS)],
            retry_pause: Duration::ZERO,
        };
        let netflix = Netflix::new(netflix, ground.sandbox_env("netflix")).expect("has its keys");

        let TestEnv { clock, network } = ground;
        let edge = Arc::new(FakePlatform::new(Arc::clone(&clock.0), 1));
        let config = Arc::new(edge_config(&json!([acme.edge_config_entry(), nova.edge_config_entry()])));

        network.attach_service(NETFLIX, netflix.router());
        for operator in [&acme, &nova] {
            operator.attach_origin(&network);
            network.attach_service(operator.dashboard_address, operator.sandbox.router());
        }
        network.attach_edge(EDGE, Arc::clone(&edge), config);
        let (random, partner_keys) = (SequenceRandom::new("world"), partner_keys);
        Self { clock, random, network, edge, acme, nova, netflix, partner_keys }
    }

    /// Restarts programs of Acme's origin, as after a crash.
    pub async fn restart_acme(&mut self, wanted: impl Fn(&TestOrigin) -> bool) {
        self.acme.restart_origins(wanted).await;
        self.acme.attach_origin(&self.network);
    }

    /// Puts a copy in the place of the database of Acme's origin, and starts the origin on it with
    /// `--recovering`. The next restart ends that.
    pub async fn restore_acme_recovering(&mut self, copy: TestDb) {
        self.acme.is_recovering = true;
        self.restore_acme(copy).await;
        self.acme.is_recovering = false;
    }

    /// Starts Acme's origin again with `--recovering`. The next restart ends that.
    pub async fn restart_acme_recovering(&mut self) {
        self.acme.is_recovering = true;
        self.restart_acme(|_| true).await;
        self.acme.is_recovering = false;
    }

    /// Puts a copy in the place of the database of Acme's origin, and starts the origin on it.
    pub async fn restore_acme(&mut self, copy: TestDb) {
        self.acme.db = copy;
        self.restart_acme(|_| true).await;
    }

    /// Restarts Acme's origin with these limits on what an account may be charged.
    pub fn set_acme_limits(&mut self, limits: Value) {
        let limits: Vec<CurrencyLimits> = serde_json::from_value(limits).expect("are limits");
        self.reconfigure_acme(|config| config.limits = limits);
    }

    /// Restarts Acme's origin with this highest price that a partner may report for the first offer.
    pub fn set_acme_price_ceiling(&mut self, amount_minor: i64) {
        self.reconfigure_acme(|config| {
            let price = config.offers[0].price;
            config.offers[0].price_ceiling = Some(Money { amount_minor, ..price });
        });
    }

    /// Restarts Acme's origin with another configuration.
    pub fn reconfigure_acme(&mut self, change: impl FnOnce(&mut OriginConfig)) {
        self.acme.restart_with_config(change);
        self.acme.attach_origin(&self.network);
    }

    /// Restarts Nova's origin with another configuration.
    pub fn reconfigure_nova(&mut self, change: impl FnOnce(&mut OriginConfig)) {
        self.nova.restart_with_config(change);
        self.nova.attach_origin(&self.network);
    }

    /// Puts an edge with a challenge in front of the same system, and a service that checks solutions.
    pub fn attach_challenge(&self, siteverify: Router) {
        let operators = json!([self.acme.edge_config_entry(), self.nova.edge_config_entry()]);
        let config = edge_config(&operators).with_challenge(Some("site-key"), Some("challenge-secret"));
        self.network.attach_edge(EDGE, Arc::clone(&self.edge), Arc::new(config.expect("is sound")));
        self.network.attach_service("challenges.cloudflare.com", siteverify);
    }

    /// Lets time pass for all parties.
    pub fn advance_seconds(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A request signed as the partner does.
    pub fn sign_as_partner(&self, method: &Method, path: &str, body: &Value) -> Request<Bytes> {
        self.sign_with(&self.partner_keys, method, path, body)
    }

    /// A request signed with the key of any partner.
    pub fn sign_with(&self, keys: &Keyring, method: &Method, path: &str, body: &Value) -> Request<Bytes> {
        let mut request = Self::unsigned_request(method, path, body);
        let key = keys.keys_for_use(KeyUse::PartnerCall).last().expect("is there");
        sign_request(&mut request, key, self.now(), &self.next_nonce()).expect("signs");
        request
    }

    /// The partner's genuine post, as an edge that validates nothing passes it on to Acme.
    pub fn forward_as_edge(&self, path: &str, body: &Value) -> Request<Bytes> {
        let genuine = self.sign_as_partner(&Method::POST, path, body);
        let mut request = Request::post(format!("http://{}{path}", self.acme.origin_address))
            .header("content-type", "application/json")
            .body(genuine.body().clone())
            .expect("is a request");
        for (from, to) in
            [("signature-input", PARTNER_SIGNATURE_INPUT_HEADER), ("signature", PARTNER_SIGNATURE_HEADER)]
        {
            request.headers_mut().insert(to, genuine.headers()[from].clone());
        }
        let ring = keys::keyring(&KeyHolder::Edge);
        let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
        sign_request(&mut request, key, self.now(), &self.next_nonce()).expect("signs");
        request
    }

    pub fn next_nonce(&self) -> String {
        let random: &dyn Random = &*self.random;
        random.nonce()
    }

    pub fn unsigned_request(method: &Method, path: &str, body: &Value) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(format!("http://{EDGE}{path}"));
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        request.header("content-type", "application/json").body(body).expect("is a request")
    }

    /// Sends a request to the service at its address. Returns JSON, or null.
    pub async fn send_request(&self, request: Request<Bytes>) -> (StatusCode, Value) {
        let answer = self.network.send_call(request).await.expect("somebody answers");
        (answer.status(), serde_json::from_slice(answer.body()).unwrap_or_default())
    }

    /// A call of the partner, which records it.
    pub async fn call_ott(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        self.try_call_ott(method, path, body).await.expect("somebody answers")
    }

    /// The call, which fails when no response arrives.
    pub async fn try_call_ott(&self, method: Method, path: &str, body: Value) -> Option<(StatusCode, Value)> {
        self.netflix.call(method, path, &body).await
    }

    /// The JSON report of the partner's billing run.
    pub async fn run_billing(&self, month: &str) -> Value {
        let request = Request::post(format!("http://{NETFLIX}/billing-runs"))
            .header("content-type", "application/json");
        let request = request.body(Bytes::from(json!({"month": month}).to_string())).expect("is a request");
        let (status, run) = self.send_request(request).await;
        assert_eq!(status, StatusCode::OK, "{run}");
        run
    }

    /// The partner's accounts and leaks, as JSON.
    pub async fn partner_accounts(&self) -> Value {
        self.get_json(&format!("http://{NETFLIX}/accounts")).await
    }

    /// The partner's charges with everything reported about them, and the contradictions.
    pub async fn partner_charges(&self) -> Value {
        self.get_json(&format!("http://{NETFLIX}/charges")).await
    }

    /// One of the partner's accounts that is paid by card.
    pub async fn card_payer_email(&self) -> String {
        let account = self.find_partner_account(|account| account["pays"]["how"] == "card").await;
        let account = account.expect("one pays by card");
        account["email"].as_str().expect("is text").to_owned()
    }

    /// The PAI by which the partner knows a customer.
    pub async fn pai_of(&self, email: &str) -> String {
        self.find_pai_of(email).await.expect("pays on the bill")
    }

    /// The PAI, if the customer pays on the bill.
    pub async fn find_pai_of(&self, email: &str) -> Option<String> {
        let account = self.find_partner_account(|account| account["email"] == email).await?;
        account["pays"]["pai"].as_str().map(str::to_owned)
    }

    async fn find_partner_account(&self, is_wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let accounts = self.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
        accounts.into_iter().find(is_wanted)
    }

    /// Reads a page without faults.
    pub(crate) async fn get_json(&self, url: &str) -> Value {
        let request = Request::get(url).header("accept", "application/json").body(Bytes::new());
        let answer = self
            .network
            .exchange_undisturbed(request.expect("is a request"))
            .await
            .expect("somebody answers");
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        serde_json::from_slice(answer.body()).unwrap_or_default()
    }
}

/// The network owns all services, and they own the network: without this the test system would
/// never be freed.
impl Drop for TestSystem {
    fn drop(&mut self) {
        self.network.shut_down();
    }
}

/// The edge's configuration with these operators and both partners.
pub fn edge_config(operators: &Value) -> Config {
    let partners = json!([
        {"id": "netflix", "name": "Netflix", "url": format!("http://{NETFLIX}"), "offers": ["netflix-standard"]},
        {"id": "tunes", "name": "Tunes", "url": "http://127.0.0.1:8792", "offers": ["tunes-family"]},
    ]);
    let variables = [
        ("DEPLOYMENT", "local".to_owned()),
        ("EDGE_URLS", json!([format!("http://{EDGE}")]).to_string()),
        ("OPERATORS", operators.to_string()),
        ("PARTNERS", partners.to_string()),
        ("EDGE_ROOT_KEY", keys::edge_root_key()),
        ("PARTNER_KEYS", keys::keyring_json(&KeyHolder::Edge)),
    ];
    let find =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    Config::read(find).expect("is sound")
}

/// Parses a constant that is known to be well formed.
pub(crate) trait ParseAs {
    fn parse_as<T>(&self, parse: impl Fn(&str) -> Option<T>) -> T;
}

impl ParseAs for str {
    fn parse_as<T>(&self, parse: impl Fn(&str) -> Option<T>) -> T {
        parse(self).expect("is well formed")
    }
}
