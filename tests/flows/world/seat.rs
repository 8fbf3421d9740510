//! One operator: its origin with a database of its own, and the operator's systems.

use super::fragile::{Fragile, Life, Turn};
use super::keys::{self, Holder};
use super::{EDGE, Network, ParseAs as _};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_origin::app::App;
use onbill_origin::config::{AccountSource, Config, HandOffSeconds};
use onbill_origin::database::Database;
use onbill_origin::fault::Fault;
use onbill_origin::import::{Report, import_accounts};
use onbill_origin::outbox;
use onbill_origin::routes::router;
use onbill_origin::store::Store;
use onbill_origin::store::sqlite::SqliteStore;
use onbill_tests::sandbox::operator::{Colours, Operator, OperatorConfig};
use onbill_tests::sandbox::{Outside, account_file};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The demo accounts of the two operators.
pub(crate) const ACCOUNTS: (&str, &str) =
    (include_str!("../../sandbox/accounts/acme.csv"), include_str!("../../sandbox/accounts/nova.csv"));

static NEXT: AtomicU64 = AtomicU64::new(1);

/// An operator and its origin.
pub(crate) struct Seat {
    pub(crate) origin: &'static str,
    pub(crate) dashboard: &'static str,
    pub(crate) app: Arc<App>,
    pub(crate) operator: Operator,
    pub(crate) database: PathBuf,
    pub(crate) life: Arc<Life>,
    /// The origin's books as nothing disturbs them.
    books: Arc<dyn Store>,
    outside: Outside,
    turn: Turn,
}

/// A new database: in memory if the machine has such a folder. A program's death takes nothing from there that it leaves
/// on a disk.
fn new_database(id: &str) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { PathBuf::from(env!("CARGO_TARGET_TMPDIR")) };
    let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("onbill-{id}-{}-{fresh}.sqlite", std::process::id()))
}

struct Facts {
    name: &'static str,
    country: &'static str,
    currency: &'static str,
    price: i64,
    origin: &'static str,
    dashboard: &'static str,
    accounts: &'static str,
    source: AccountSource,
}

/// Acme keeps its accounts in the origin's table; Nova's origin asks the operator's CSP API.
fn facts(id: &str) -> Facts {
    match id {
        "acme" => Facts {
            name: "Acme Mobile",
            country: "US",
            currency: "USD",
            price: 1599,
            origin: "127.0.0.1:8788",
            dashboard: "127.0.0.1:8790",
            accounts: ACCOUNTS.0,
            source: AccountSource::Table,
        },
        _ => Facts {
            name: "Nova Móvil",
            country: "ES",
            currency: "EUR",
            price: 1399,
            origin: "127.0.0.1:9788",
            dashboard: "127.0.0.1:9790",
            accounts: ACCOUNTS.1,
            source: AccountSource::Csp,
        },
    }
}

impl Seat {
    pub(super) fn new(id: &'static str, outside: &Outside, turn: &Turn) -> Self {
        let facts = facts(id);
        let database = new_database(id);
        let life = Arc::default();
        let books = open(&database);
        let fate = (&life, turn);
        let app = app(id, &facts, database.clone(), &books, outside, fate);
        let operator = OperatorConfig {
            operator: id.parse_as(OperatorId::parse),
            name: facts.name.to_owned(),
            country: facts.country.to_owned(),
            currency: facts.currency.parse_as(Currency::parse),
            public_url: format!("http://{}", facts.dashboard),
            edge_url: format!("http://{EDGE}"),
            offer: "netflix-standard".parse_as(OfferId::parse),
            return_path: "/done".to_owned(),
            keys: keys::ring(&Holder::Operator(id)),
            accounts: account_file::parse(facts.accounts).expect("is an account file"),
            colours: Colours::of(&id.parse_as(OperatorId::parse)),
        };
        Self {
            origin: facts.origin,
            dashboard: facts.dashboard,
            app,
            operator: Operator::new(operator, outside.clone()),
            database,
            life,
            books,
            outside: outside.clone(),
            turn: Arc::clone(turn),
        }
    }

    /// Puts the origin on the network.
    pub(super) fn attach_origin(&self, network: &Network) {
        network.attach_mortal(self.origin, router(Arc::clone(&self.app)), Arc::clone(&self.life));
    }

    /// Starts the origin anew on the same database, as after a crash.
    pub(super) fn revive(&mut self, id: &'static str) {
        self.life = Arc::default();
        self.books = open(&self.database);
        let fate = (&self.life, &self.turn);
        self.app = app(id, &facts(id), self.database.clone(), &self.books, &self.outside, fate);
    }

    pub(super) fn as_the_edge_knows_it(&self) -> Value {
        json!({
            "id": self.id(), "name": self.app.config.name, "country": self.app.config.country,
            "origin": format!("http://{}", self.origin), "dashboards": [format!("http://{}", self.dashboard)],
        })
    }

    pub(crate) fn id(&self) -> &str {
        self.app.config.operator.as_str()
    }

    /// Imports an account file into the origin's table.
    pub(crate) async fn import(&self, csv: &str) -> Report {
        let app = &self.app;
        let report = import_accounts(
            &*app.store,
            &app.vault,
            app.numbers,
            csv.as_bytes(),
            |complaint| panic!("{complaint}"),
            |_| {},
        );
        report.await.expect("imports")
    }

    /// Imports an account file while nothing goes wrong: the file is not what is tested.
    pub(crate) async fn restore(&self, csv: &str) {
        let app = &self.app;
        let report = import_accounts(
            &*self.books,
            &app.vault,
            app.numbers,
            csv.as_bytes(),
            |why| panic!("{why}"),
            |_| {},
        );
        report.await.expect("imports");
    }

    /// Delivers what is due in the outbox, as far as the program lives.
    pub(crate) async fn try_deliver(&self) -> Result<usize, Fault> {
        outbox::deliver_due(&self.app).await
    }

    /// Delivers what is due in the outbox.
    pub(crate) async fn deliver(&self) -> usize {
        outbox::deliver_due(&self.app).await.expect("works")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            // The last two are there only while a connection is open.
            let _ = std::fs::remove_file(format!("{}{ending}", self.database.display()));
        }
    }
}

/// For one read at a time: among the programs of a world, one call to a store is under way at a time.
fn open(database: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open_for(database, 1).expect("opens"))
}

fn app(
    id: &'static str,
    facts: &Facts,
    database: PathBuf,
    books: &Arc<dyn Store>,
    outside: &Outside,
    (life, turn): (&Arc<Life>, &Turn),
) -> Arc<App> {
    let app = App::new(
        origin_config(id, facts, database),
        keys::ring(&Holder::Origin(id)),
        Arc::new(Fragile::new(Arc::clone(books), Arc::clone(life), Arc::clone(turn))),
        Arc::clone(&outside.http),
        Arc::clone(&outside.clock),
        Arc::clone(&outside.random),
    );
    Arc::new(app.expect("is sound"))
}

fn origin_config(id: &str, facts: &Facts, database: PathBuf) -> Config {
    Config {
        operator: id.parse_as(OperatorId::parse),
        name: facts.name.to_owned(),
        country: facts.country.to_owned(),
        listen: facts.origin.parse().expect("is an address"),
        database: Database::Sqlite(database),
        database_password_file: None,
        database_connections: None,
        keys: PathBuf::new(),
        edge_url: format!("http://{EDGE}"),
        accounts: facts.source,
        bss_url: format!("http://{}/csp", facts.dashboard),
        hand_off_seconds: HandOffSeconds::default(),
        dashboards: vec![format!("http://{}", facts.dashboard)],
        offers: vec![
            serde_json::from_value(json!({
                "id": "netflix-standard", "partner": "netflix", "title": "Netflix Standard", "plan": "standard",
                "price": {"value": facts.price, "currency": facts.currency},
            }))
            .expect("is an offer"),
        ],
        partners: Vec::new(),
        limits: Vec::new(),
    }
}
