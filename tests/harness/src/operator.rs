//! One operator: its origin with a database of its own, and the operator's systems.

mod config;

pub use config::{
    ACME_ACCOUNTS, GATEWAY_PASSWORD, NOVA_ACCOUNTS, STAFF_SECRET, operator_config, origin_config_with,
};

use crate::TestNetwork;
use crate::billing_files::BillingFiles;
use crate::crash_point::{CrashPoint, StoreFaults, StoreSchedule, StoreTurn};
use crate::database::TestDb;
use crate::keys::{self, KeyHolder};
use config::{facts_of, origin_config};
use futures_util::future::join_all;
use onbill_origin::account::import::{ImportReport, TwoSubscribers, import_accounts};
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::fault::Fault;
use onbill_origin::store::{OpenMode, Store};
use onbill_sandbox::PartyDependencies;
use onbill_sandbox::operator::Operator;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Concurrent reads, or connections to a server: posts of one charge and its submission beside
/// them.
const CONNECTIONS: usize = 4;

/// The configuration of one of several programs: each has a name of its own, which it keeps.
fn config_of_program(config: &Config, n: usize) -> Config {
    let mut config = config.clone();
    config.alarms.instance.get_or_insert_with(|| format!("origin-{n}"));
    config
}

/// An origin of this operator in this process. Nothing works on its queues until the caller does.
pub fn build_app(
    id: &'static str,
    config: Config,
    store: Arc<Store>,
    outside: &PartyDependencies,
) -> Arc<App> {
    let keys = keys::keyring(&KeyHolder::Origin(id));
    let (http, clock, random) =
        (Arc::clone(&outside.http), Arc::clone(&outside.clock), Arc::clone(&outside.random));
    Arc::new(App::new(config, keys, store, http, clock, random).expect("is sound"))
}

/// Builds the app of an operator's origin whose ledger is being recovered.
fn build_recovering_app(
    id: &'static str,
    config: Config,
    store: Arc<Store>,
    outside: &PartyDependencies,
) -> Arc<App> {
    let keys = keys::keyring(&KeyHolder::Origin(id));
    let (http, clock, random) =
        (Arc::clone(&outside.http), Arc::clone(&outside.clock), Arc::clone(&outside.random));
    Arc::new(App::new_recovering(config, keys, store, http, clock, random).expect("is sound"))
}

/// Imports an account file through this store; a complaint about a line fails the test.
pub async fn import_account_file(app: &App, store: &Store, csv: &str) -> ImportReport {
    let complain = |complaint| panic!("{complaint}");
    let two = TwoSubscribers::Refused;
    let report = import_accounts(store, &app.vault, app.numbers, two, csv.as_bytes(), complain, |_| {});
    report.await.expect("imports")
}

/// One program of an origin. Each starts and crashes by itself.
pub struct TestOrigin {
    pub app: Arc<App>,
    pub crash_point: Arc<CrashPoint>,
    /// The store without fault injection.
    store: Arc<Store>,
}

/// An operator and its origin.
pub struct TestOperator {
    id: &'static str,
    pub origin_address: &'static str,
    pub dashboard_address: &'static str,
    /// One program, or several on the same database.
    pub origins: Vec<TestOrigin>,
    pub sandbox: Operator,
    /// The configuration of every program that starts from now on.
    pub config: Config,
    pub(crate) files: Option<BillingFiles>,
    /// Programs that start now serve a ledger that is being recovered.
    pub(crate) is_recovering: bool,
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

impl TestOperator {
    /// With one program, for which one call to a store at a time is enough.
    pub(crate) fn new(id: &'static str, outside: &PartyDependencies, turn: &StoreTurn) -> Self {
        let place = TestDb::new_sqlite_file(&db_folder());
        let TestDb::Sqlite(path) = &place else { unreachable!("is a file") };
        let store = Arc::new(Store::open_sqlite(path, 1, OpenMode::Create, &[]).expect("opens"));
        Self::assemble_operator(place, vec![store], id, outside, Some(Arc::clone(turn)))
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
            stores.push(place.open_store(CONNECTIONS).await.expect("opens"));
        }
        Self::assemble_operator(place, stores, id, outside, None)
    }

    fn assemble_operator(
        place: TestDb,
        stores: Vec<Arc<Store>>,
        id: &'static str,
        outside: &PartyDependencies,
        turn: Option<StoreTurn>,
    ) -> Self {
        let facts = facts_of(id);
        let operator = operator_config(id, facts.dashboard);
        let config = origin_config(id, &facts);
        let start = |(n, store)| {
            TestOrigin::start(id, config_of_program(&config, n), store, outside, turn.as_ref(), false)
        };
        Self {
            id,
            origin_address: facts.origin,
            dashboard_address: facts.dashboard,
            origins: stores.into_iter().enumerate().map(start).collect(),
            sandbox: Operator::new(operator, outside.clone()),
            config,
            files: None,
            is_recovering: false,
            outside: outside.clone(),
            turn,
            db: place,
        }
    }

    pub(crate) fn attach_origin(&self, network: &TestNetwork) {
        network.attach_origin(self.origin_address, &self.origins);
    }

    /// Restarts programs of the origin on the same database, as after a crash.
    pub(crate) async fn restart_origins(&mut self, wanted: impl Fn(&TestOrigin) -> bool) {
        let connections = if self.turn.is_some() { 1 } else { CONNECTIONS };
        let programs = self.origins.iter_mut().enumerate();
        for (n, process) in programs.filter(|(_, process)| wanted(process)) {
            let store = self.db.open_store(connections).await.expect("opens");
            *process = TestOrigin::start(
                self.id,
                config_of_program(&self.config, n),
                store,
                &self.outside,
                self.turn.as_ref(),
                self.is_recovering,
            );
        }
    }

    /// The app of the only program, or of the first one.
    pub fn app(&self) -> &Arc<App> {
        &self.origins[0].app
    }

    /// Restarts the origin with another configuration, which stays from then on.
    pub(crate) fn restart_with_config(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        for (n, process) in self.origins.iter_mut().enumerate() {
            let store = Arc::clone(&process.store);
            *process = TestOrigin::start(
                self.id,
                config_of_program(&self.config, n),
                store,
                &self.outside,
                self.turn.as_ref(),
                self.is_recovering,
            );
        }
    }

    pub(crate) fn edge_config_entry(&self) -> Value {
        json!({
            "id": self.id(), "name": self.app().config.name, "country": self.app().config.country,
            "origin": format!("http://{}", self.origin_address), "dashboards": [format!("http://{}", self.dashboard_address)],
            "coupons": facts_of(self.id()).tag, "key_epochs": [keys::KEY_EPOCH],
        })
    }

    pub fn id(&self) -> &'static str {
        self.id
    }

    /// Imports an account file into the origin's table.
    pub async fn import_accounts(&self, csv: &str) -> ImportReport {
        import_account_file(self.app(), &self.app().store, csv).await
    }

    /// Imports an account file without faults: the import is not what is tested.
    pub async fn import_accounts_undisturbed(&self, csv: &str) {
        import_account_file(self.app(), &self.origins[0].store, csv).await;
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
        is_recovering: bool,
    ) -> Self {
        let life = Arc::default();
        let schedule = turn.cloned().map_or(StoreSchedule::Free, StoreSchedule::InTurn);
        let faulty_store = StoreFaults::wrap_store(&store, Arc::clone(&life), schedule);
        let build = if is_recovering { build_recovering_app } else { build_app };
        Self { app: build(id, config, faulty_store, outside), crash_point: life, store }
    }
}
