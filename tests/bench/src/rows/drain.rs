//! Charges that wait for billing after an outage, and how fast they reach it, beside what the billing stub takes at most:
//! posts over as many connections as the origin makes calls at once.
//!
//! Between its rounds the origin is stopped, as by Ctrl-Z, so that the yardstick has the machine. A waiting charge is two
//! calls: billing is asked for it before it is posted again.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::clock::Stopwatch;
use crate::measure::rounds::WARM_UP_ROUNDS;
use crate::measure::{HttpLoad, Latencies, ProcessTree, Round, Side, Unit, measure_in_turn};
use crate::programs::billing_stub::CHARGE_PATH;
use crate::programs::filled_ledger::FilledLedger;
use crate::programs::origin::Origin;
use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "drain", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const WAITING: usize = 100_000;
/// As many calls as the origin makes at once.
const CONNECTIONS: usize = 64;
/// Ends a drain that hangs.
const ROUND_WITHIN: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// After this the last outcomes are written.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let waiting = bench.scale.amount(WAITING, 10);
    let mut origin = Origin::set_up(bench, "drain", None, ACCOUNTS, "").await?;
    leave_charges_waiting(bench, &mut origin, waiting).await?;
    origin.start(bench).await?;
    let share = waiting / (bench.scale.rounds + WARM_UP_ROUNDS);
    let mut drain = Drain::new(&origin, share)?;
    drain.pause()?;
    let mut posts = Posts(HttpLoad::new(
        (origin.billing.address(), origin.tree()?),
        CONNECTIONS,
        StatusCode::CREATED,
        Box::new(|count| (0..count).map(|_| make_post(bench)).collect()),
    ));
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut drain, &mut posts]).await?;
    let [mut drained, posts] = super::take(series)?;
    drain.resume()?;
    drained.errors += count_lost(bench, &origin.ledger_file()).await?;
    let title = format!("drain of {waiting} waiting charges");
    Ok(vec![Line::new(
        title,
        drained,
        Some(("posts to the billing stub", posts)),
        &[Goal::RatioAtLeast(0.25)],
    )])
}

/// Charges while billing is out leave some that wait; the others are copies of these.
async fn leave_charges_waiting(bench: &Bench, origin: &mut Origin, count: usize) -> Result<()> {
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    origin.billing.set_out(true);
    let round = origin.charge_load(bench, CONNECTIONS, &subscribers)?.send(ACCOUNTS).await?;
    ensure!(round.errors == 0, "a charge was refused while billing was out");
    origin.stop();
    origin.billing.set_out(false);
    bench.show_progress("leaving charges waiting");
    tokio::task::block_in_place(|| {
        let ledger = FilledLedger::open(&origin.ledger_file(), count)?;
        ledger.add_waiting_charges()?;
        ledger.finish()
    })
}

/// As the origin posts one.
fn make_post(bench: &Bench) -> Result<Request<Bytes>> {
    let body = json!({"transactionID": bench.keys.unique_id(), "msisdn": "+12012000000",
        "amount": {"value": 1599, "currency": "USD"}, "description": "Netflix Standard",
        "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
    let request = Request::post(CHARGE_PATH).header("host", "billing.example");
    Ok(request.header("content-type", "application/json").body(Bytes::from(body.to_string()))?)
}

/// An origin that drains a share of its queue in each round.
struct Drain<'a> {
    origin: &'a Origin,
    process: ProcessTree,
    share: u64,
}

impl<'a> Drain<'a> {
    fn new(origin: &'a Origin, share: usize) -> Result<Self> {
        Ok(Self { origin, process: origin.tree()?, share: share as u64 })
    }

    fn pause(&self) -> Result<()> {
        self.send_signal(Signal::STOP)
    }

    fn resume(&self) -> Result<()> {
        self.send_signal(Signal::CONT)
    }

    fn send_signal(&self, signal: Signal) -> Result<()> {
        let process = i32::try_from(self.process.root).ok().and_then(Pid::from_raw);
        kill_process(process.context("a process has an id")?, signal).context("stop or continue the origin")
    }
}

#[async_trait]
impl Side for Drain<'_> {
    async fn run_round(&mut self, _: Duration) -> Result<Round> {
        let billing = &self.origin.billing;
        let (posts, cpu, since) = (billing.posts(), self.process.cpu_time(), Stopwatch::start());
        self.resume()?;
        while billing.posts() < posts + self.share {
            ensure!(since.elapsed() < ROUND_WITHIN, "the origin does not drain its queue");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (elapsed, operations) = (since.elapsed(), billing.posts() - posts);
        self.pause()?;
        let cpu = self.process.cpu_time().saturating_sub(cpu);
        Ok(Round { operations, errors: 0, elapsed, cpu: Some(cpu), latencies: Latencies::default() })
    }

    fn process(&self) -> Option<ProcessTree> {
        Some(self.process)
    }
}

/// The yardstick. Its posts count neither as the origin's nor with the time of this process, which also sends them.
struct Posts<'a>(HttpLoad<'a>);

#[async_trait]
impl Side for Posts<'_> {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        Ok(Round { cpu: None, latencies: Latencies::default(), ..self.0.run_round(length).await? })
    }
}

/// Waits until no charge is in the queue any more. Gives the charges that are neither approved nor waiting for their next
/// attempt then: a call that was under way when the origin was stopped is unclear, and is repeated after minutes.
async fn count_lost(bench: &Bench, ledger: &Path) -> Result<u64> {
    let since = Stopwatch::start();
    while bench.profile.is_none()
        && since.elapsed() < SETTLED_WITHIN
        && count_rows(ledger, "outbox WHERE kind = 'charge'")? > 0
    {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let is_waiting =
        "SELECT 1 FROM outbox AS job WHERE job.transaction_id = charge.transaction_id AND kind = 'charge'
        AND dead_lettered_at IS NULL";
    count_rows(
        ledger,
        &format!(
            "transactions AS charge WHERE status <> 'APPROVED' AND NOT (status = 'PENDING' AND EXISTS ({is_waiting}))"
        ),
    )
}

fn count_rows(ledger: &Path, of: &str) -> Result<u64> {
    let ledger = Connection::open_with_flags(ledger, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let count: u32 = ledger.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0))?;
    Ok(count.into())
}
