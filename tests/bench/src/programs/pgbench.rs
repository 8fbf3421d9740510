//! `pgbench` as a yardstick: what a program does that only writes the rows of a charge, each statement prepared. Its CPU
//! time is the server's, without its own.

use crate::bench::Bench;
use crate::measure::{Latencies, ProcessTree, Round, Side, to_f64};
use crate::programs::database::Database;
use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Command;

/// PAIs that the script charges at random, by this number there.
const PAIS: usize = 200;

/// Their rows. The ids of the script are as long as those of the origin.
const PAYERS: &str = "
    INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
    SELECT id, 'h-' || id, sha256(id::BYTEA), sha256(id::BYTEA), '2021-03-14', 1795000000 FROM ids;
    INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
    SELECT id, 'pgbench', id, 'ACTIVE', 1, 1795000000 FROM ids";

/// The two transactions of a charge that is approved: it is recorded before billing is asked, and settled after.
const SCRIPT: &str = r"\set payer random(1, 200)
\set a random(1, 1000000000000)
\set b random(1, 1000000000000)
BEGIN;
INSERT INTO nonces (key_id, nonce, expires_at) VALUES ('pgbench', :a::text || '-' || :b::text, 1795000300);
INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor, currency, description, period_from, period_to, status, responding_until, created_at) VALUES ('00000000-' || :a::text || '-' || :b::text, 'pgbench', 'ext-' || :a::text || '-' || :b::text, sha256('charge'), '00000000-0000-4000-8000-' || lpad(:payer::text, 12, '0'), 1599, 'USD', 'Netflix Standard', '2026-12-01', '2026-12-31', 'PENDING', 1795000060, 1795000000);
INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor) VALUES ('00000000-0000-4000-8000-' || lpad(:payer::text, 12, '0'), 'USD', '2026-11-18', 1599, 1599) ON CONFLICT (subscriber_id, currency) DO UPDATE SET day_minor = spending.day_minor + 1599, month_minor = spending.month_minor + 1599;
INSERT INTO outbox (kind, transaction_id, queued_at, due_at, attempts) VALUES ('charge', '00000000-' || :a::text || '-' || :b::text, 1795000000, 4000000000, 1);
COMMIT;
BEGIN;
UPDATE transactions SET status = 'APPROVED', raw_code = '00', settled_at = 1795000001, stored_response = repeat('r', 150)::bytea WHERE transaction_id = '00000000-' || :a::text || '-' || :b::text;
DELETE FROM outbox WHERE kind = 'charge' AND transaction_id = '00000000-' || :a::text || '-' || :b::text;
COMMIT;
";

/// Charges of the shortest round, for each connection.
const CHARGES_MIN: f64 = 4.0;

pub(crate) struct Pgbench {
    script: PathBuf,
    url: String,
    connections: usize,
    server: Option<ProcessTree>,
    /// Charges a second in the last round.
    rate: f64,
}

impl Pgbench {
    /// Into the tables of a ledger, beside its origin.
    pub(crate) async fn set_up(bench: &Bench, database: &Database) -> Result<()> {
        let ids = format!(
            "CREATE TEMPORARY TABLE ids AS SELECT '00000000-0000-4000-8000-' || lpad(n::TEXT, 12, '0') AS id \
             FROM generate_series(1, {PAIS}) AS n; {PAYERS}"
        );
        bench.show_progress("making the payers of pgbench");
        database.run(&ids).await
    }

    pub(crate) fn new(bench: &Bench, database: &Database, connections: usize) -> Result<Self> {
        let script = bench.make_folder("pgbench")?.join("charge.sql");
        fs::write(&script, SCRIPT)?;
        Ok(Self { script, url: database.url.clone(), connections, server: database.server, rate: 0.0 })
    }
}

#[async_trait]
impl Side for Pgbench {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        let each = self.rate * length.as_secs_f64() / to_f64(self.connections as u64);
        let before = self.server.map(ProcessTree::cpu_time);
        let output = Command::new("pgbench")
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--file"])
            .arg(&self.script)
            .arg(format!("--client={}", self.connections))
            // Not a time, which would begin before all are connected.
            .arg(format!("--transactions={:.0}", each.max(CHARGES_MIN)))
            .arg(&self.url)
            .output()
            .await
            .context("start pgbench, which comes with PostgreSQL's server (Debian: postgresql)")?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
        let number = |before: &str| {
            text.lines().find_map(|line| line.trim().strip_prefix(before)?.split([' ', '/']).next())
        };
        let (Some(done), Some(rate)) =
            (number("number of transactions actually processed: "), number("tps = "))
        else {
            bail!("pgbench says something else: {text}");
        };
        let (operations, rate): (u64, f64) = (done.parse()?, rate.parse()?);
        let cpu = before.zip(self.server).map(|(before, server)| server.cpu_time().saturating_sub(before));
        let elapsed = Duration::from_secs_f64(to_f64(operations) / rate);
        self.rate = rate;
        Ok(Round { operations, errors: 0, elapsed, cpu, latencies: Latencies::default() })
    }
}
