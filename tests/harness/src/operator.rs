//! One operator: its origin with a database of its own, and the operator's systems.

use crate::billing_files::BillingFiles;
use crate::crash_point::{CrashPoint, StoreFaults, StoreSchedule, StoreTurn};
use crate::database::TestDb;
use crate::keys::{self, KeyHolder};
use crate::system::ParseAs as _;
use crate::{EDGE, NETFLIX, TestNetwork};
use futures_util::future::join_all;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_origin::account::import::{ImportReport, import_accounts};
use onbill_origin::app::App;
use onbill_origin::config::Database;
use onbill_origin::config::SmsSettings;
use onbill_origin::config::{AccountSource, Billing, BillingDeadline, Config, PinsPerHour, SimSwapHours};
use onbill_origin::fault::Fault;
use onbill_origin::store::{OpenMode, Store};
use onbill_sandbox::operator::{BrandColours, GatewayLogin, Operator, OperatorConfig};
use onbill_sandbox::{PartyDependencies, account_file};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// The demo accounts of the two operators.
pub const ACME_ACCOUNTS: &str = include_str!("../../sandbox/accounts/acme.csv");
pub const NOVA_ACCOUNTS: &str = include_str!("../../sandbox/accounts/nova.csv");

/// Concurrent reads, or connections to a server: posts of one charge and its submission beside
/// them.
const CONNECTIONS: usize = 4;

/// One program of an origin. Each starts and crashes by itself.
pub struct TestOrigin {
    pub app: Arc<App>,
    pub crash_point: Arc<CrashPoint>,
    /// The store without fault injection.
    store: Arc<Store>,
}

/// An operator and its origin.
pub struct TestOperator {
    pub origin_address: &'static str,
    pub dashboard_address: &'static str,
    /// One program, or several on the same database.
    pub origins: Vec<TestOrigin>,
    pub sandbox: Operator,
    /// The configuration of every program that starts from now on.
    pub config: Config,
    pub(crate) files: Option<BillingFiles>,
    outside: PartyDependencies,
    turn: Option<StoreTurn>,
    /// Dropped last: the store is closed before its database is removed.
    pub db: TestDb,
}

/// The folder of databases in files: in memory if the machine has such a folder. A program's crash
/// loses nothing there that it would keep on a disk.
pub fn db_folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

struct OperatorFacts {
    name: &'static str,
    country: &'static str,
    currency: &'static str,
    price: i64,
    origin: &'static str,
    dashboard: &'static str,
    accounts: &'static str,
    source: AccountSource,
    tag: &'static str,
    /// How a number that Netflix's app has read is proved to be the customer's.
    proof: &'static str,
    /// The partner's name in messages to subscribers.
    partner_name: Option<&'static str>,
}

/// Acme keeps its accounts in the origin's table and trusts the partner for a number. Nova's origin
/// asks the operator's CSP API, and for a PIN.
fn facts_of(id: &str) -> OperatorFacts {
    match id {
        "acme" => OperatorFacts {
            name: "Acme Mobile",
            country: "US",
            currency: "USD",
            price: 1599,
            origin: "127.0.0.1:8788",
            dashboard: "127.0.0.1:8790",
            accounts: ACME_ACCOUNTS,
            source: AccountSource::Table,
            tag: "AC",
            proof: "device-read",
            partner_name: Some("Netflix"),
        },
        _ => OperatorFacts {
            name: "Nova Móvil",
            country: "ES",
            currency: "EUR",
            price: 1399,
            origin: "127.0.0.1:9788",
            dashboard: "127.0.0.1:9790",
            accounts: NOVA_ACCOUNTS,
            source: AccountSource::Csp,
            tag: "NV",
            proof: "pin",
            partner_name: None,
        },
    }
}

impl TestOperator {
    /// With one program, for which one call to a store at a time is enough.
    pub(crate) fn new(id: &'static str, outside: &PartyDependencies, turn: &StoreTurn) -> Self {
        let place = TestDb::new_sqlite_file(&db_folder());
        let TestDb::Sqlite(path) = &place else { unreachable!("is a file") };
        let store = Arc::new(Store::open_sqlite(path, 1, OpenMode::Create).expect("opens"));
        Self::assemble(place, vec![store], id, outside, Some(Arc::clone(turn)))
    }

    /// With this many programs on one database, concurrently.
    pub(crate) async fn with_origins(
        count: usize,
        place: TestDb,
        id: &'static str,
        outside: &PartyDependencies,
    ) -> Self {
        let mut stores = Vec::new();
        for _ in 0..count {
            stores.push(place.open(CONNECTIONS).await.expect("opens"));
        }
        Self::assemble(place, stores, id, outside, None)
    }

    fn assemble(
        place: TestDb,
        stores: Vec<Arc<Store>>,
        id: &'static str,
        outside: &PartyDependencies,
        turn: Option<StoreTurn>,
    ) -> Self {
        let facts = facts_of(id);
        let operator = OperatorConfig {
            operator: id.parse_as(OperatorId::parse),
            name: facts.name.to_owned(),
            country: facts.country.to_owned(),
            currency: facts.currency.parse_as(Currency::parse),
            public_url: format!("http://{}", facts.dashboard),
            edge_url: format!("http://{EDGE}"),
            offer: "netflix-standard".parse_as(OfferId::parse),
            return_path: "/done".to_owned(),
            keys: keys::keyring(&KeyHolder::Operator(id)),
            accounts: account_file::parse(facts.accounts).expect("is an account file"),
            gateway: Some(GatewayLogin { user: "onbill".to_owned(), password: "hunter2!".to_owned() }),
            colours: BrandColours::of(&id.parse_as(OperatorId::parse)),
            coupons: None,
        };
        let config = origin_config(id, &facts);
        let start = |store| TestOrigin::start(id, config.clone(), store, outside, turn.as_ref());
        Self {
            origin_address: facts.origin,
            dashboard_address: facts.dashboard,
            origins: stores.into_iter().map(start).collect(),
            sandbox: Operator::new(operator, outside.clone()),
            config,
            files: None,
            outside: outside.clone(),
            turn,
            db: place,
        }
    }

    pub(crate) fn attach_origin(&self, network: &TestNetwork) {
        network.attach_origin(self.origin_address, &self.origins);
    }

    /// Restarts programs of the origin on the same database, as after a crash.
    pub(crate) async fn restart_origins(&mut self, id: &'static str, wanted: impl Fn(&TestOrigin) -> bool) {
        let connections = if self.turn.is_some() { 1 } else { CONNECTIONS };
        for process in self.origins.iter_mut().filter(|process| wanted(process)) {
            let store = self.db.open(connections).await.expect("opens");
            *process = TestOrigin::start(id, self.config.clone(), store, &self.outside, self.turn.as_ref());
        }
    }

    /// The app of the only program, or of the first one.
    pub fn app(&self) -> &Arc<App> {
        &self.origins[0].app
    }

    /// Restarts the origin with another configuration, which stays from then on.
    pub(crate) fn reconfigure(&mut self, id: &'static str, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        for process in &mut self.origins {
            let store = Arc::clone(&process.store);
            *process = TestOrigin::start(id, self.config.clone(), store, &self.outside, self.turn.as_ref());
        }
    }

    pub(crate) fn edge_config_entry(&self) -> Value {
        json!({
            "id": self.id(), "name": self.app().config.name, "country": self.app().config.country,
            "origin": format!("http://{}", self.origin_address), "dashboards": [format!("http://{}", self.dashboard_address)],
            "coupons": facts_of(self.id()).tag,
        })
    }

    pub fn id(&self) -> &str {
        self.app().config.operator.as_str()
    }

    /// Imports an account file into the origin's table.
    pub async fn import_accounts(&self, csv: &str) -> ImportReport {
        let app = self.app();
        let report = import_accounts(
            &app.store,
            &app.vault,
            app.numbers,
            csv.as_bytes(),
            |complaint| panic!("{complaint}"),
            |_| {},
        );
        report.await.expect("imports")
    }

    /// Imports an account file without faults: the import is not what is tested.
    pub async fn import_accounts_undisturbed(&self, csv: &str) {
        let app = self.app();
        let report = import_accounts(
            &self.origins[0].store,
            &app.vault,
            app.numbers,
            csv.as_bytes(),
            |why| panic!("{why}"),
            |_| {},
        );
        report.await.expect("imports");
    }

    /// Delivers what is due in the outbox, in all programs concurrently, until they crash. Returns
    /// how many jobs were tried.
    pub async fn try_deliver_due(&self) -> Result<usize, Fault> {
        let all = join_all(self.origins.iter().map(|process| process.app.worker.deliver_due())).await;
        all.into_iter().sum()
    }

    pub async fn deliver_due(&self) -> usize {
        self.try_deliver_due().await.expect("works")
    }
}

impl TestOrigin {
    fn start(
        id: &'static str,
        config: Config,
        store: Arc<Store>,
        outside: &PartyDependencies,
        turn: Option<&StoreTurn>,
    ) -> Self {
        let life = Arc::default();
        let app = App::new(
            config,
            keys::keyring(&KeyHolder::Origin(id)),
            StoreFaults::wrap_store(
                &store,
                Arc::clone(&life),
                turn.cloned().map_or(StoreSchedule::Free, StoreSchedule::InTurn),
            ),
            Arc::clone(&outside.http),
            Arc::clone(&outside.clock),
            Arc::clone(&outside.random),
        );
        Self { app: Arc::new(app.expect("is sound")), crash_point: life, store }
    }
}

/// The configuration of an operator's origin with this account source.
pub fn origin_config_with(id: &str, accounts: AccountSource) -> Config {
    Config { accounts, ..origin_config(id, &facts_of(id)) }
}

fn origin_config(id: &str, facts: &OperatorFacts) -> Config {
    Config {
        operator: id.parse_as(OperatorId::parse),
        name: facts.name.to_owned(),
        country: facts.country.to_owned(),
        listen: facts.origin.parse().expect("is an address"),
        // Set by the code that starts a program.
        database: Database::Sqlite(PathBuf::new()),
        database_password_file: None,
        database_connections: None,
        database_tears_no_pages: false,
        keys: PathBuf::new(),
        edge_url: format!("http://{EDGE}"),
        accounts: facts.source,
        billing: Billing::default(),
        files: None,
        bss_url: format!("http://{}/csp", facts.dashboard),
        hand_off_seconds: BillingDeadline::default(),
        sms: SmsSettings::default(),
        sim_swap_hours: SimSwapHours::default(),
        pins_per_hour: PinsPerHour::default(),
        dashboards: vec![format!("http://{}", facts.dashboard)],
        offers: vec![
            serde_json::from_value(json!({
                "id": "netflix-standard", "partner": "netflix", "title": "Netflix Standard", "plan": "standard",
                "price": {"value": facts.price, "currency": facts.currency},
            }))
            .expect("is an offer"),
        ],
        partners: vec![
            serde_json::from_value(json!({
                "id": "netflix", "name": facts.partner_name, "url": format!("http://{NETFLIX}"),
                "number_proof": facts.proof,
            }))
            .expect("is a partner"),
        ],
        limits: Vec::new(),
        coupons: Some(
            serde_json::from_value(json!({
                "tag": facts.tag, "continue_url": format!("http://{}/", facts.dashboard),
                "plans": [{"id": "6M", "months": 6, "offer": "netflix-standard"},
                          {"id": "12M", "months": 12, "offer": "netflix-standard"}],
            }))
            .expect("are coupons"),
        ),
    }
}
