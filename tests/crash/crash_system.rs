//! One origin with its database, its billing and some subscribers.

use crate::billing::OperatorBilling;
use crate::origin_db::OriginDb;
use crate::signed_caller::{EDGE, SignedCaller};
use http::StatusCode;
use onbill_domain::wire::edge::SignupResponse;
use onbill_test_harness::keys::{self, KeyHolder};
use onbill_test_harness::origin_process::{
    OriginProcess, begin_ledger, command_line, find_program, import_accounts,
};
use onbill_test_harness::unique_name;
use onbill_test_harness::wait::wait_until_none;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Enough that neighbours in a commit are rarely the same subscriber.
const PEOPLE: usize = 24;
/// Of them with prepaid credit, which a run of the usual length uses up: declines are part of it.
const PREPAID: usize = 3;
const CREDIT: i64 = 40_000;

/// The database, and with it the source of the account status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DbKind {
    /// A file, with the accounts in the origin's own table.
    Sqlite,
    /// PostgreSQL, with a query to the operator about each account.
    Postgres,
}

/// A subscriber, as partner, edge and operator know them.
#[derive(Clone, Debug)]
pub(crate) struct SignedUpSubscriber {
    pub(crate) pai: String,
    pub(crate) handle: String,
    pub(crate) msisdn: String,
}

/// Everything that outlives the origin.
pub(crate) struct CrashSystem {
    pub(crate) db: OriginDb,
    pub(crate) billing: OperatorBilling,
    pub(crate) caller: SignedCaller,
    pub(crate) people: Vec<SignedUpSubscriber>,
    folder: PathBuf,
    config: String,
}

impl CrashSystem {
    /// A database that is empty except for the subscribers, who signed up at a real origin, which
    /// has ended again.
    pub(crate) async fn new(kind: DbKind) -> Self {
        Self::begun_by(&find_program(), kind).await
    }

    /// The same with the accounts in the origin's own table, whatever the database.
    pub(crate) async fn with_accounts_in_table(kind: DbKind) -> Self {
        match kind {
            DbKind::Sqlite => Self::new(kind).await,
            DbKind::Postgres => {
                let db = OriginDb::in_schema().await;
                Self::with_database(&find_program(), |_| db, OriginDb::config_address, "table").await
            }
        }
    }

    /// The same with an origin of this program, which may be that of another release.
    pub(crate) async fn begun_by(program: &Path, kind: DbKind) -> Self {
        match kind {
            DbKind::Sqlite => {
                Self::with_database(program, OriginDb::in_file, OriginDb::config_address, "table").await
            }
            DbKind::Postgres => {
                let db = OriginDb::in_schema().await;
                Self::with_database(program, |_| db, OriginDb::config_address, "csp").await
            }
        }
    }

    /// The same in this database, which the origin reaches at this address.
    pub(crate) async fn on(db: OriginDb, address: String) -> Self {
        Self::with_database(&find_program(), |_| db, |_| address, "csp").await
    }

    async fn with_database(
        program: &Path,
        db: impl FnOnce(&Path) -> OriginDb,
        address: impl FnOnce(&OriginDb) -> String,
        source: &str,
    ) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crash").join(unique_name());
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        std::fs::write(folder.join("keys.json"), keys::keyring_json(&KeyHolder::Origin("acme")))
            .expect("can be written");
        let db = db(&folder);
        let accounts = accounts_csv();
        let billing = OperatorBilling::open_for_accounts(&accounts).await;
        let keys = folder.join("keys.json").display().to_string();
        let config = config_text(&address(&db), &keys, &billing.url, source);
        begin_ledger(program, &folder, &config);
        if source == "table" {
            import_accounts(program, &folder, &config, &accounts);
        }
        let mut system =
            Self { db, billing, caller: SignedCaller::new(), people: Vec::new(), folder, config };
        let origin = system.start_program(program).await;
        for n in 0..PEOPLE {
            let person = system.sign_up(&origin, msisdn_of(n)).await;
            system.people.push(person);
        }
        system
    }

    pub(crate) async fn start_origin(&self) -> OriginProcess {
        OriginProcess::start(&self.folder, &self.config).await
    }

    /// Starts the origin of another release.
    pub(crate) async fn start_program(&self, program: &Path) -> OriginProcess {
        OriginProcess::start_program(program, &self.folder, &self.config).await
    }

    /// Starts it with these lines at the end of its configuration.
    pub(crate) async fn start_with(&self, more: &str) -> OriginProcess {
        OriginProcess::start(&self.folder, &format!("{}{more}", self.config)).await
    }

    /// Starts it so that it may have this many files open.
    pub(crate) async fn start_with_files(&self, count: u32) -> OriginProcess {
        OriginProcess::start_with_files(&self.folder, &self.config, count).await
    }

    /// Starts it under a supervisor that listens at this socket.
    pub(crate) async fn start_supervised(&self, socket: &Path, patience: Duration) -> OriginProcess {
        OriginProcess::start_supervised(&self.folder, &self.config, socket, patience).await
    }

    pub(crate) async fn start_on_a_small_disk(&self) -> OriginProcess {
        OriginProcess::start_on_a_small_disk(&self.folder, &self.config).await
    }

    /// The size of the largest file of the origin: the database, its write-ahead log or the log.
    pub(crate) fn largest_file_bytes(&self) -> u64 {
        let files = std::fs::read_dir(&self.folder).expect("the folder can be read");
        let sizes = files.map(|file| file.and_then(|file| file.metadata()).expect("stays").len());
        sizes.max().expect("the origin has files")
    }

    /// Writes a file beside the database.
    pub(crate) fn write_file(&self, name: &str, contents: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, contents).expect("the folder can be written");
        path
    }

    /// For a program beside the running origin.
    pub(crate) fn command_line(&self) -> Command {
        command_line(&self.folder, &self.config)
    }

    /// The same with this text replaced in the configuration.
    pub(crate) fn command_line_replacing(&self, from: &str, to: &str) -> Command {
        assert!(self.config.contains(from), "{}", self.config);
        command_line(&self.folder, &self.config.replace(from, to))
    }

    /// The same with one more line in the configuration.
    pub(crate) fn command_line_with(&self, setting: &str) -> Command {
        command_line(&self.folder, &format!("{setting}\n{}", self.config))
    }

    /// The same with an edge at this address.
    pub(crate) fn command_line_with_edge(&self, url: &str) -> Command {
        let config = self.config.replace(&format!("https://{EDGE}"), url);
        command_line(&self.folder, &config)
    }

    /// The folder of the origin's files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same with these lines at the end of the configuration.
    pub(crate) fn command_line_ending_with(&self, lines: &str) -> Command {
        command_line(&self.folder, &format!("{}{lines}", self.config))
    }

    pub(crate) fn read_log(&self) -> String {
        std::fs::read_to_string(self.folder.join("origin.log")).expect("is there")
    }

    /// From the dashboard's assertion of a number to an active subscription.
    async fn sign_up(&self, origin: &OriginProcess, msisdn: String) -> SignedUpSubscriber {
        let at = &origin.address;
        let visit = json!({"offer": "netflix-standard", "msisdn": msisdn, "locale": "en",
                           "session": self.billing.sign_assertion(&msisdn)});
        let (status, step) = self.caller.call_as_edge(at, "/edge/v1/validate", &visit).await;
        assert_eq!((status, &step["step"]), (StatusCode::OK, &json!("confirm")), "{step}");
        let (status, answer) =
            self.caller.call_as_edge(at, "/edge/v1/signup", &json!({"flow": step["flow"]})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let answer: SignupResponse = serde_json::from_value(answer).expect("is an answer");
        let (pai, handle) = (answer.pai.to_string(), answer.mapping.subscriber);
        let subscription = json!({"pai": pai, "extSubscriptionID": format!("sub-{pai}"),
                                  "origin": "NEW_ACCOUNT", "plan": "standard"});
        let answer =
            self.caller.forward_partner_call(at, "/ott/v1/partnerSubscription", &handle, &subscription).await;
        assert_eq!(answer.map(|(status, _)| status), Ok(StatusCode::CREATED));
        SignedUpSubscriber { pai, handle, msisdn }
    }

    /// With billing healthy and an origin running, everything reaches the bills in the end.
    pub(crate) async fn until_delivered(&self) {
        wait_until_none(async || {
            let (waiting, parked) = self.db.count_jobs().await;
            (waiting > 0).then(|| format!("{waiting} entries are in the outbox, {parked} of them parked"))
        })
        .await;
    }
}

impl Drop for CrashSystem {
    fn drop(&mut self) {
        // The files of a failed test are kept for its analysis.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Unassigned numbers, in the range reserved for fiction.
fn msisdn_of(n: usize) -> String {
    format!("+12025550{}", 100 + n)
}

fn accounts_csv() -> String {
    let mut file = "msisdn,status,type,balance,currency,activated_on\n".to_owned();
    for n in 0..PEOPLE {
        let (account_type, balance) =
            if n < PREPAID { ("prepaid", CREDIT.to_string()) } else { ("postpaid", String::new()) };
        writeln!(file, "{},active,{account_type},{balance},USD,2021-03-14", msisdn_of(n))
            .expect("a string takes it");
    }
    file
}

/// The whole configuration file except the address to listen on.
fn config_text(database: &str, keys: &str, billing: &str, source: &str) -> String {
    // A JSON string is a TOML basic string too.
    let (database, keys) = (Value::from(database), Value::from(keys));
    format!(
        r#"operator = "acme"
name = "Acme Mobile"
country = "US"
database = {database}
keys = {keys}
edge_url = "https://{EDGE}"
accounts = "{source}"
bss_url = "{billing}/csp"
dashboards = ["https://my.acme.example"]

[[offers]]
id = "netflix-standard"
partner = "netflix"
title = "Netflix Standard"
plan = "standard"
price = {{ value = 1599, currency = "USD" }}

[coupons]
tag = "AC"

[[coupons.plans]]
id = "6M"
months = 6
offer = "netflix-standard"
"#
    )
}
