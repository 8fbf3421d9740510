//! The real origin with a ledger, accounts, and billing that approves everything at once.

use super::billing_stub::BillingStub;
use super::client::Client;
use super::edge_calls::charge_body;
use super::keys::{OFFER, OPERATOR, PARTNER};
use super::program::{Program, find_free_address};
use crate::bench::Bench;
use crate::measure::{HttpLoad, ProcessTree};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::msisdn::Msisdn;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The edge's public address, for which the partner signs. Nothing listens there.
const EDGE_AUTHORITY: &str = "pay.example";

const LEDGER_FILE: &str = "acme.sqlite";

/// A subscriber who has signed up.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) pai: String,
    pub(crate) handle: String,
    /// Charges so far, of all loads. Each is for a month of its own: a second one for the same days would
    /// be declined, which is other work.
    months_charged: AtomicUsize,
}

/// An origin that is set up and may be running.
pub(crate) struct Origin {
    folder: PathBuf,
    address: SocketAddr,
    program: Option<Program>,
    pub(crate) billing: BillingStub,
}

impl Origin {
    /// Begins a ledger in `database` (a path or a `postgres://` URL; `None` is a file in its own folder) and imports this
    /// many accounts. `settings` are further lines of its configuration.
    pub(crate) async fn set_up(
        bench: &Bench,
        name: &str,
        database: Option<&str>,
        accounts: usize,
        settings: &str,
    ) -> Result<Self> {
        let origin = Self::begin_ledger(bench, name, database, settings).await?;
        fs::write(origin.folder.join("accounts.csv"), accounts_csv(0..accounts)?)?;
        origin.run(bench, &["import-accounts", &origin.folder.join("accounts.csv").display().to_string()])?;
        Ok(origin)
    }

    /// Begins a ledger without accounts.
    pub(crate) async fn begin_ledger(
        bench: &Bench,
        name: &str,
        database: Option<&str>,
        settings: &str,
    ) -> Result<Self> {
        let origin = Self::configure(bench, name, database, settings).await?;
        origin.run(bench, &["init"])?;
        Ok(origin)
    }

    /// Another origin on a ledger that one has begun.
    pub(crate) async fn join_ledger(bench: &Bench, name: &str, database: &str) -> Result<Self> {
        Self::configure(bench, name, Some(database), "").await
    }

    /// An origin on a copy of the ledger of one that has stopped.
    pub(crate) async fn copy(bench: &Bench, name: &str, of: &Self) -> Result<Self> {
        let origin = Self::configure(bench, name, None, "").await?;
        // What is still in the write-ahead log goes into the file.
        let ledger = Connection::open(of.ledger_file())?;
        ledger.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        fs::copy(of.ledger_file(), origin.ledger_file()).context("copy the ledger")?;
        Ok(origin)
    }

    async fn configure(bench: &Bench, name: &str, database: Option<&str>, settings: &str) -> Result<Self> {
        let folder = bench.make_folder(name)?;
        let billing = BillingStub::start().await?;
        let address = find_free_address()?;
        let file = folder.join(LEDGER_FILE).display().to_string();
        let config = config_text(bench, address, database.unwrap_or(&file), &billing.url());
        fs::write(folder.join("origin.toml"), format!("{settings}\n{config}"))?;
        Ok(Self { folder, address, program: None, billing })
    }

    /// Runs another command of the program to its end.
    pub(crate) fn run(&self, bench: &Bench, words: &[&str]) -> Result<()> {
        let output = self.command(bench).args(words).output().context("start the origin")?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "onbill-origin {} failed: {text}", words.join(" "));
        Ok(())
    }

    /// The program with its configuration.
    pub(crate) fn command(&self, bench: &Bench) -> Command {
        let mut command = Command::new(&bench.paths.origin);
        command.arg("--config").arg(self.folder.join("origin.toml"));
        command
    }

    pub(crate) async fn start(&mut self, bench: &Bench) -> Result<()> {
        let mut serve = self.command(bench);
        serve.arg("serve");
        let mut program = Program::spawn(serve, self.address, &self.folder)?;
        program.wait_until_listening().await?;
        self.program = Some(program);
        Ok(())
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn stop(&mut self) {
        self.program = None;
    }

    /// Its processes while it runs.
    pub(crate) fn tree(&self) -> Result<ProcessTree> {
        Ok(self.program.as_ref().context("the origin is not running")?.tree())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its database, unless that is one of PostgreSQL.
    pub(crate) fn ledger_file(&self) -> PathBuf {
        self.folder.join(LEDGER_FILE)
    }

    /// Signs up the first accounts, from the dashboard's assertion to an active subscription.
    pub(crate) async fn sign_up(&self, bench: &Bench, count: usize) -> Result<Vec<Subscriber>> {
        let mut client = Client::connect(self.address).await?;
        let mut subscribers = Vec::with_capacity(count);
        for n in 0..count {
            subscribers.push(self.sign_up_one(bench, &mut client, n).await?);
        }
        Ok(subscribers)
    }

    async fn sign_up_one(&self, bench: &Bench, client: &mut Client, n: usize) -> Result<Subscriber> {
        let (keys, authority) = (&bench.keys, self.address.to_string());
        let number = Msisdn::parse(&msisdn_of(n)).context("is a number")?;
        let visit = json!({"offer": OFFER, "msisdn": number.expose(), "locale": "en",
            "session": keys.sign_session(&number)?});
        let step = client.call(keys.sign_edge_call(&authority, "/edge/v1/validate", &visit)?).await?;
        let flow = json!({"flow": step["flow"]});
        let signup = client.call(keys.sign_edge_call(&authority, "/edge/v1/signup", &flow)?).await?;
        let read =
            |value: &Value| value.as_str().map(str::to_owned).context("a sign-up has a PAI and a handle");
        let subscriber = Subscriber {
            pai: read(&signup["pai"])?,
            handle: read(&signup["mapping"]["subscriber"])?,
            months_charged: AtomicUsize::new(0),
        };
        let subscription = json!({"pai": subscriber.pai, "extSubscriptionID": format!("sub-{}", subscriber.pai),
            "origin": "NEW_ACCOUNT", "plan": "standard"});
        let parties = (EDGE_AUTHORITY, authority.as_str());
        let path = "/ott/v1/partnerSubscription";
        client.call(keys.sign_forwarded_call(parties, path, &subscriber.handle, &subscription)?).await?;
        Ok(subscriber)
    }

    /// A load of charges of these subscribers in turn.
    pub(crate) fn charge_load<'b>(
        &self,
        bench: &'b Bench,
        connections: usize,
        subscribers: &'b [Subscriber],
    ) -> Result<HttpLoad<'b>> {
        let authority = self.address.to_string();
        let mut next = 0;
        let make_requests = move |count| {
            let mut charges = Vec::with_capacity(count);
            for _ in 0..count {
                next = (next + 1) % subscribers.len();
                charges.push(sign_charge(bench, &authority, &subscribers[next])?);
            }
            Ok(charges)
        };
        let target = (self.address, self.tree()?);
        Ok(HttpLoad::new(target, connections, StatusCode::CREATED, Box::new(make_requests)))
    }
}

fn sign_charge(bench: &Bench, authority: &str, subscriber: &Subscriber) -> Result<Request<Bytes>> {
    let month = subscriber.months_charged.fetch_add(1, Ordering::Relaxed);
    let body = charge_body(&bench.keys.unique_id(), &subscriber.pai, month);
    let parties = (EDGE_AUTHORITY, authority);
    bench.keys.sign_forwarded_call(parties, "/ott/v1/transaction", &subscriber.handle, &body)
}

/// Numbers of the United States that are well formed: 2 to 9 at the first place of area code and exchange.
pub(crate) fn msisdn_of(n: usize) -> String {
    format!("+1{}{:07}", 201 + n / 8_000_000, 2_000_000 + n % 8_000_000)
}

pub(crate) fn accounts_csv(numbers: impl Iterator<Item = usize>) -> Result<String> {
    let mut file = "msisdn,status,type,balance,currency,activated_on\n".to_owned();
    for n in numbers {
        writeln!(file, "{},active,postpaid,,USD,2021-03-14", msisdn_of(n))?;
    }
    Ok(file)
}

fn config_text(bench: &Bench, address: SocketAddr, database: &str, billing: &str) -> String {
    // A JSON string is a TOML basic string too.
    let (database, keys) = (Value::from(database), Value::from(bench.keys.origin_file.display().to_string()));
    format!(
        r#"operator = "{OPERATOR}"
name = "Acme Mobile"
country = "US"
listen = "{address}"
admin_listen = "off"
database = {database}
keys = {keys}
edge_url = "https://{EDGE_AUTHORITY}"
accounts = "table"
bss_url = "{billing}/csp"
dashboards = ["https://my.acme.example"]

[[offers]]
id = "{OFFER}"
partner = "{PARTNER}"
title = "Netflix Standard"
plan = "standard"
price = {{ value = 1599, currency = "USD" }}
"#
    )
}
