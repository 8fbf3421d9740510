//! A durable charge on PostgreSQL, beside `pgbench` writing the same rows into the same tables, each statement prepared.

use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{HttpLoad, ProcessTree, Round, Side, Unit, measure_in_turn};
use crate::programs::database::Database;
use crate::programs::origin::Origin;
use crate::programs::pgbench::Pgbench;
use anyhow::Result;
use async_trait::async_trait;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "postgres-charge", measure: |bench| Box::pin(measure(bench)) };

/// As many as the yardstick has.
const ACCOUNTS: usize = 200;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let database = Database::create(bench, "charge").await?;
    let mut origin = Origin::set_up(bench, "postgres-charge", Some(&database.url), ACCOUNTS, "").await?;
    Pgbench::set_up(bench, &database).await?;
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    let mut lines = Vec::new();
    for (connections, goal) in [(16, 1.5), (64, 2.0), (256, 2.0)] {
        let load = origin.charge_load(bench, connections, &subscribers)?;
        let mut charges = WithServer { load, server: database.server };
        let mut rows = Pgbench::new(bench, &database, connections)?;
        let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut charges, &mut rows]).await?;
        let [charges, rows] = super::take(series)?;
        let title = format!("charge on PostgreSQL, {connections} connections");
        let yardstick = Some(("pgbench, the same rows, prepared", rows));
        lines.push(Line::new(title, charges, yardstick, &[Goal::RatioAtLeast(goal)]));
    }
    Ok(lines)
}

/// A load whose CPU time is that of the origin and of the database.
pub(crate) struct WithServer<'a> {
    pub(crate) load: HttpLoad<'a>,
    pub(crate) server: Option<ProcessTree>,
}

#[async_trait]
impl Side for WithServer<'_> {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        let before = self.server.map(ProcessTree::cpu_time);
        let mut round = self.load.run_round(length).await?;
        if let (Some(server), Some(before), Some(cpu)) = (self.server, before, &mut round.cpu) {
            *cpu += server.cpu_time().saturating_sub(before);
        }
        Ok(round)
    }

    fn process(&self) -> Option<ProcessTree> {
        self.load.process()
    }
}
