//! Several origins on one PostgreSQL, beside one, with as many connections together. On few cores this shows what the
//! origins cost each other; more origins than cores cannot be faster.

use super::postgres_charge::WithServer;
use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Round, Side, Unit, measure_in_turn};
use crate::programs::database::Database;
use crate::programs::origin::{Origin, Subscriber};
use anyhow::Result;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use std::time::Duration;

pub(crate) const ROW: Row = Row { name: "postgres-origins", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const CONNECTIONS: usize = 64;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let database = Database::create(bench, "origins").await?;
    let mut origins =
        vec![Origin::set_up(bench, "postgres-origin-1", Some(&database.url), ACCOUNTS, "").await?];
    for n in 2..=4 {
        let name = format!("postgres-origin-{n}");
        origins.push(Origin::join_ledger(bench, &name, &database.url).await?);
    }
    for origin in &mut origins {
        origin.start(bench).await?;
    }
    let subscribers = origins[0].sign_up(bench, ACCOUNTS).await?;
    let mut lines = Vec::new();
    for count in [2, 4] {
        let mut several = Together::new(bench, &origins[..count], &subscribers, &database)?;
        let mut one = Together::new(bench, &origins[..1], &subscribers, &database)?;
        let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut several, &mut one]).await?;
        let [several, one] = super::take(series)?;
        let title = format!("charge on {count} origins of one PostgreSQL, {CONNECTIONS} connections");
        lines.push(Line::new(title, several, Some(("one origin", one)), &[Goal::RatioAtLeast(1.6)]));
    }
    Ok(lines)
}

/// Origins that work at the same time.
struct Together<'a>(Vec<WithServer<'a>>);

impl<'a> Together<'a> {
    fn new(
        bench: &'a Bench,
        origins: &[Origin],
        subscribers: &'a [Subscriber],
        database: &Database,
    ) -> Result<Self> {
        let connections = CONNECTIONS / origins.len();
        let sides = origins.iter().enumerate().map(|(n, origin)| {
            let load = origin.charge_load(bench, connections, subscribers)?;
            // The server's time is counted once.
            Ok(WithServer { load, server: database.server.filter(|_| n == 0) })
        });
        Ok(Self(sides.collect::<Result<_>>()?))
    }
}

#[async_trait]
impl Side for Together<'_> {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        let mut rounds =
            try_join_all(self.0.iter_mut().map(|side| side.run_round(length))).await?.into_iter();
        let mut sum = rounds.next().expect("there is one origin at least");
        for round in rounds {
            sum.operations += round.operations;
            sum.errors += round.errors;
            sum.elapsed = sum.elapsed.max(round.elapsed);
            sum.cpu = sum.cpu.zip(round.cpu).map(|(one, other)| one + other);
            sum.latencies.append(round.latencies);
        }
        Ok(sum)
    }
}
