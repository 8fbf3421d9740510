//! A durable charge on a PostgreSQL ledger that was loaded and never analysed, as after a restore, beside the same ledger
//! analysed.

use super::postgres_charge::WithServer;
use super::{Goal, Line, Row};
use crate::bench::Bench;
use crate::measure::{Series, Unit, measure_in_turn};
use crate::programs::database::Database;
use crate::programs::origin::{Origin, Subscriber};
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "postgres-statistics", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const CONNECTIONS: usize = 64;
/// Charges that are in the ledger before.
const LOADED: usize = 100_000;

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let (never, never_payers, never_database) = load(bench, "never_analysed").await?;
    let (once, once_payers, once_database) = load(bench, "analysed").await?;
    once_database.run("ANALYZE").await?;
    let size = "SELECT pg_total_relation_size('transactions')::FLOAT8 / count(*) FROM transactions";
    let size = Series::of(Unit::Bytes, once_database.read_number(size).await?);
    let mut subject = WithServer {
        load: never.charge_load(bench, CONNECTIONS, &never_payers)?,
        server: never_database.server,
    };
    let mut yardstick = WithServer {
        load: once.charge_load(bench, CONNECTIONS, &once_payers)?,
        server: once_database.server,
    };
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut subject, &mut yardstick]).await?;
    let [subject, yardstick] = super::take(series)?;
    let title = format!("charge on PostgreSQL, never analysed, {CONNECTIONS} connections");
    Ok(vec![
        Line::new(title, subject, Some(("itself, analysed", yardstick)), &[Goal::RatioAtLeast(0.95)]),
        Line::new("size of a charge on PostgreSQL", size, None, &[]),
    ])
}

/// A ledger with charges that were loaded, and tables of which the server gathers no statistics.
async fn load(bench: &Bench, name: &str) -> Result<(Origin, Vec<Subscriber>, Database)> {
    let database = Database::create(bench, name).await?;
    let mut origin = Origin::set_up(bench, name, Some(&database.url), ACCOUNTS, "").await?;
    database
        .run(
            "DO $$ DECLARE name TEXT; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                 EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name); END LOOP; END $$",
        )
        .await?;
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    bench.show_progress("loading charges");
    let charges = bench.scale.amount(LOADED, 5);
    database
        .run(&format!(
            "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
                 currency, description, period_from, period_to, status, raw_code, stored_response, responding_until,
                 created_at, settled_at)
             SELECT gen_random_uuid()::TEXT, p.partner, 'loaded-' || lpad(n::TEXT, 18, '0'), sha256('charge'), p.pai, 1599, 'USD',
                 'Netflix Standard', '2026-11-01', '2026-11-30', 'APPROVED', '00', repeat('r', 170)::BYTEA, 1790000060,
                 1790000000, 1790000001
             FROM generate_series(1, {charges}) AS n
                 JOIN (SELECT pai, partner, row_number() OVER () AS at FROM pais) AS p ON p.at = n % {ACCOUNTS} + 1"
        ))
        .await?;
    Ok((origin, subscribers, database))
}
