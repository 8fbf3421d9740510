//! Each page of the console, and what the operator's systems ask of a ledger, on a large ledger beside a small one: on
//! SQLite, and on PostgreSQL before and after it is analysed. A request is sent when the last one was answered, to the
//! two ledgers in turn, so that its time is the origin's alone. The first request of a page counts as well.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::clock::Stopwatch;
use crate::measure::series::range;
use crate::measure::{HttpLoad, Series, Unit};
use crate::programs::client::Client;
use crate::programs::console::Console;
use crate::programs::console_ledger::{ConsoleLedger, Target};
use crate::programs::database::Database;
use crate::programs::origin::{Origin, msisdn_of};
use anyhow::Result;
use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use std::fs;
use std::net::SocketAddr;

pub(crate) const ROW: Row = Row { name: "console", measure: |bench| Box::pin(measure(bench)) };

const SMALL: usize = 10_000;
/// A prime number, so that filled charges meet each of them.
const PAYERS: usize = 17;
/// Requests of each page. There is no rate to measure, and the most is of interest.
const REQUESTS: usize = 25;
/// Looks at a number that are in the audit before: one for so many charges. The origin adds them one by one, each durable.
const CHARGES_A_LOOK: usize = 2_000;
/// What a person at a desk does not notice, in milliseconds.
const AT_MOST: f64 = 300.0;

/// What is asked.
enum Ask {
    /// A page of the console, in a role.
    Page(&'static str, String),
    /// What a form of the console posts, in a role.
    Form(&'static str, &'static str, String),
    /// A signed call with a method of GET.
    Get(String),
    /// A signed call of customer care.
    Search,
}

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let largest = bench.scale.large_amounts().into_iter().max().unwrap_or(SMALL);
    let charges = bench.scale.amount(largest, 5);
    // What fails on one of them does not keep the other from being measured: that takes long.
    let (sqlite, postgres) = (on_sqlite(bench, charges).await, on_postgres(bench, charges).await);
    let mut lines = sqlite?;
    lines.extend(postgres?);
    Ok(lines)
}

async fn on_sqlite(bench: &Bench, charges: usize) -> Result<Vec<Line>> {
    let mut small = Desk::set_up(bench, "console-small", None, SMALL).await?;
    let mut large = Desk::set_up(bench, "console-large", None, charges).await?;
    let lines = compare(bench, &mut large, &mut small, "SQLite").await?;
    large.origin.stop();
    fs::remove_file(large.origin.ledger_file())?;
    Ok(lines)
}

async fn on_postgres(bench: &Bench, charges: usize) -> Result<Vec<Line>> {
    let small_database = Database::create(bench, "console_small").await?;
    let large_database = Database::create(bench, "console_large").await?;
    let mut small =
        Desk::set_up(bench, "console-small-postgres", Some(small_database.url.clone()), SMALL).await?;
    let mut large =
        Desk::set_up(bench, "console-large-postgres", Some(large_database.url.clone()), charges).await?;
    let mut lines = compare(bench, &mut large, &mut small, "PostgreSQL, never analysed").await?;
    bench.show_progress("analysing");
    for database in [&small_database, &large_database] {
        database.run("ANALYZE").await?;
    }
    lines.extend(compare(bench, &mut large, &mut small, "PostgreSQL, analysed").await?);
    small.origin.stop();
    large.origin.stop();
    Ok(lines)
}

/// An origin with its console, on a ledger with so many charges.
struct Desk {
    origin: Origin,
    console: Console,
    charges: usize,
    target: Target,
}

impl Desk {
    async fn set_up(bench: &Bench, name: &str, database: Option<String>, charges: usize) -> Result<Self> {
        bench.show_progress(&format!("{name}: filling a ledger with {charges} charges"));
        let mut origin = Origin::set_up(bench, name, database.as_deref(), PAYERS, "").await?;
        let console = Console::configure(&origin)?;
        origin.start(bench).await?;
        let subscribers = origin.sign_up(bench, PAYERS).await?;
        origin.charge_load(bench, 1, &subscribers)?.send(PAYERS).await?;
        origin.stop();
        // Jobs that wait stay as they are.
        origin.billing.set_out(true);
        let since = Stopwatch::start();
        let target = match &database {
            None => ConsoleLedger::open_file(&origin.ledger_file())?,
            Some(url) => Target::Postgres(Database::open(bench, url).await?),
        };
        let mut ledger = ConsoleLedger::open(target, charges, PAYERS).await?;
        ledger.fill().await?;
        bench.show_progress(&format!("{name}: indexing, after {} s", since.elapsed().as_secs()));
        let target = ledger.finish().await?;
        bench.show_progress(&format!("{name}: filled in {} s", since.elapsed().as_secs()));
        let since = Stopwatch::start();
        origin.start(bench).await?;
        bench.show_progress(&format!("{name}: started in {} ms", since.elapsed().as_millis()));
        let desk = Self { origin, console, charges, target };
        look_up(bench, &desk.origin, charges / CHARGES_A_LOOK).await?;
        Ok(desk)
    }

    /// Sends one request, and adds its time.
    async fn ask(
        &mut self,
        bench: &Bench,
        clients: &mut Clients,
        ask: &Ask,
        series: &mut Series,
    ) -> Result<()> {
        let address = self.origin.address();
        let target = address.to_string();
        let (client, request) = match ask {
            Ask::Page(role, path) => (&mut clients.console, Console::page(role, path)?),
            Ask::Form(role, path, fields) => {
                let first =
                    format!("/{}", path.trim_start_matches('/').split('/').next().unwrap_or_default());
                let token = Console::read_token(&mut clients.console, role, &first).await?;
                (&mut clients.console, Console::form(role, path, &token, fields)?)
            }
            Ask::Get(path) => (&mut clients.calls, bench.keys.sign_operator_call(&target, path, None)?),
            Ask::Search => (&mut clients.calls, sign_search(bench, address, series.values.len())?),
        };
        let since = Stopwatch::start();
        client.read(request).await?;
        series.values.push(since.elapsed().as_secs_f64() * 1000.0);
        Ok(())
    }
}

/// Fills the audit, as agents do.
async fn look_up(bench: &Bench, origin: &Origin, looks: usize) -> Result<()> {
    bench.show_progress(&format!("{looks} looks at a number"));
    let (address, process) = (origin.address(), origin.tree()?);
    let requests = move |count: usize| (0..count).map(|n| sign_search(bench, address, n)).collect();
    HttpLoad::new((address, process), 32, StatusCode::OK, Box::new(requests)).send(looks).await?;
    Ok(())
}

/// A connection to each listener.
struct Clients {
    console: Client,
    calls: Client,
}

impl Clients {
    async fn connect(console: SocketAddr, calls: SocketAddr) -> Result<Self> {
        Ok(Self { console: Client::connect(console).await?, calls: Client::connect(calls).await? })
    }
}

fn sign_search(bench: &Bench, origin: SocketAddr, n: usize) -> Result<Request<Bytes>> {
    let body = json!({"msisdn": msisdn_of(n % PAYERS), "actor": format!("care-{}", n % 100), "role": "care",
        "ref": format!("T-{n}")});
    bench.keys.sign_operator_call(&origin.to_string(), "/operator/v1/subscribers/search", Some(&body))
}

async fn compare(bench: &Bench, large: &mut Desk, small: &mut Desk, database: &str) -> Result<Vec<Line>> {
    Console::sign_in(&mut large.target).await?;
    Console::sign_in(&mut small.target).await?;
    let mut lines = Vec::new();
    let (of_large, of_small) = (list_asks(large.charges), list_asks(small.charges));
    for ((title, ask), (_, ask_small)) in of_large.into_iter().zip(of_small) {
        bench.show_progress(&format!("{database}: {title}"));
        // An origin closes connections that are idle.
        let mut to_large = Clients::connect(large.console.address, large.origin.address()).await?;
        let mut to_small = Clients::connect(small.console.address, small.origin.address()).await?;
        let (mut subject, mut yardstick) = (Series::new(Unit::Milliseconds), Series::new(Unit::Milliseconds));
        for _ in 0..REQUESTS {
            large.ask(bench, &mut to_large, &ask, &mut subject).await?;
            small.ask(bench, &mut to_small, &ask_small, &mut yardstick).await?;
        }
        let title = format!("{title}, {database}, {} charges", large.charges);
        let goals = [Goal::EachAtMost(AT_MOST)];
        let (most, median) = (range(&subject.values).1, subject.median());
        let (most_small, median_small) = (range(&yardstick.values).1, yardstick.median());
        bench.show_progress(&format!(
            "{title}: {median:.1} ms, {most:.1} at most; small {median_small:.1} ms, {most_small:.1}"
        ));
        lines.push(Line::new(title, subject, Some((&format!("itself, {SMALL}"), yardstick)), &goals));
    }
    Ok(lines)
}

/// A day that so many days lie behind.
fn day_before(days: i64) -> String {
    let at = crate::clock::now().plus_seconds(-days * 86_400);
    onbill_domain::day::Day::of_timestamp(at).to_string()
}

type Asks = Vec<(&'static str, Ask)>;

/// Every page and every call that reads, with pages in the middle of long lists.
fn list_asks(charges: usize) -> Asks {
    let mut asks = list_desks();
    asks.extend(list_views(charges));
    asks.extend(list_calls());
    asks
}

fn page(role: &'static str, path: &str) -> Ask {
    Ask::Page(role, path.to_owned())
}

/// Care, billing and finance.
fn list_desks() -> Asks {
    let (month, yesterday) = (day_before(30), day_before(1));
    let last_month = &month[..7];
    let number = msisdn_of(3).replace('+', "%2B");
    vec![
        ("console /care", page("care", "/care")),
        ("console /care/search", Ask::Form("care", "/care/search", format!("msisdn={number}&reference=T-1"))),
        ("console /approvals", page("supervisor", "/approvals")),
        ("console /billing", page("billing", "/billing")),
        ("console /billing, a later page", Ask::Page("billing", "/billing?cursor=100".to_owned())),
        ("console /finance", page("finance", "/finance")),
        ("console /finance, last month", Ask::Page("finance", format!("/finance?month={last_month}"))),
        ("console /finance/print", page("finance", "/finance/print")),
        ("console /finance/month.csv", page("finance", "/finance/month.csv")),
        (
            "console /finance/findings",
            Ask::Page(
                "finance",
                format!(
                    "/finance/findings?partner=netflix&from={month}&to={yesterday}&cause=missing-on-bill&after=5000"
                ),
            ),
        ),
    ]
}

/// Product, on call and auditor.
fn list_views(charges: usize) -> Asks {
    let (today, year) = (day_before(0), day_before(300));
    let middle = charges / CHARGES_A_LOOK / 2;
    vec![
        ("console /product", page("product", "/product")),
        ("console /product, a year", Ask::Page("product", format!("/product?from={year}&to={today}"))),
        ("console /on-call", page("billing", "/on-call")),
        ("console /on-call/runbook", page("billing", "/on-call/runbook/outbox-parked")),
        ("console /auditor", page("auditor", "/auditor")),
        ("console /auditor, half way", Ask::Page("auditor", format!("/auditor?before={middle}"))),
        ("console /auditor, one person", page("auditor", "/auditor?by=actor&value=care-7")),
        (
            "console /auditor, looks",
            Ask::Form("auditor", "/auditor", "by=subscriber-looked-up&value=".to_owned()),
        ),
        ("console /auditor, an act without entries", page("auditor", "/auditor?by=link-closed")),
    ]
}

/// The signed calls.
fn list_calls() -> Asks {
    let (today, month, year, deep) = (day_before(0), day_before(30), day_before(300), day_before(150));
    let get = |path: String| Ask::Get(format!("/operator/v1{path}"));
    vec![
        ("POST subscribers/search", Ask::Search),
        ("GET transactions", get(format!("/transactions?from={deep}&to={today}&partner=netflix"))),
        (
            "GET transactions, PENDING",
            get(format!("/transactions?from={year}&to={today}&partner=netflix&status=PENDING")),
        ),
        (
            "GET transactions, DECLINED",
            get(format!("/transactions?from={deep}&to={today}&partner=netflix&status=DECLINED")),
        ),
        (
            "GET transactions, a status that none has",
            get(format!("/transactions?from={}&to={today}&partner=netflix&status=DECLINED", day_before(80))),
        ),
        ("GET mandates", get(format!("/mandates?from={deep}&to={today}"))),
        ("GET disputes", get(format!("/disputes?from={deep}&to={today}"))),
        ("GET disputes, rejected", get(format!("/disputes?from={year}&to={today}&state=rejected"))),
        ("GET coupons/{id}", get("/coupons/coupon-20".to_owned())),
        ("GET summary, a month", get(format!("/summary?from={month}&to={today}"))),
        ("GET summary, a year", get(format!("/summary?from={year}&to={today}"))),
        ("GET queue", get("/queue".to_owned())),
        ("GET alarms", get("/alarms".to_owned())),
    ]
}
