//! A durable charge on a PostgreSQL ledger whose charges are in partitions, beside the same ledger with one table. The
//! partitions go by the hash of a charge's id. That follows from the partner's id, so it stays unique among all of them.

use super::postgres_charge::WithServer;
use super::{Line, Row};
use crate::bench::Bench;
use crate::measure::{Unit, measure_in_turn};
use crate::programs::database::Database;
use crate::programs::origin::{Origin, Subscriber};
use anyhow::Result;

pub(crate) const ROW: Row = Row { name: "postgres-partitions", measure: |bench| Box::pin(measure(bench)) };

const ACCOUNTS: usize = 200;
const CONNECTIONS: usize = 64;

/// Replaces the table of an empty ledger, with all of its constraints but the one that a partitioned table cannot have:
/// see docs/scaling.md.
const PARTITION: &str = "
    ALTER TABLE transactions RENAME TO unpartitioned;
    CREATE TEMP TABLE wanted AS
        SELECT 'ALTER TABLE ' || c.conrelid::REGCLASS || ' ADD ' || pg_get_constraintdef(c.oid) AS sql
        FROM pg_constraint c WHERE c.contype = 'f' AND 'unpartitioned'::REGCLASS IN (c.conrelid, c.confrelid)
        UNION ALL
        SELECT replace(pg_get_indexdef(i.indexrelid), 'UNIQUE ', '') FROM pg_index i
        WHERE i.indrelid = 'unpartitioned'::REGCLASS AND NOT i.indisprimary;
    CREATE TABLE transactions (LIKE unpartitioned INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (transaction_id))
        PARTITION BY HASH (transaction_id);
    DO $$ DECLARE line RECORD; BEGIN
        FOR n IN 0..15 LOOP
            EXECUTE format('CREATE TABLE transactions_%s PARTITION OF transactions FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
                n, n);
        END LOOP;
        UPDATE wanted SET sql = regexp_replace(replace(sql, 'unpartitioned', 'transactions'), ' INDEX \\S+ ', ' INDEX ');
        DROP TABLE unpartitioned CASCADE;
        FOR line IN SELECT sql FROM wanted LOOP EXECUTE line.sql; END LOOP;
    END $$";

async fn measure(bench: &Bench) -> Result<Vec<Line>> {
    let (parts, parts_payers, parts_database) = begin(bench, "partitions", &[PARTITION]).await?;
    let (whole, whole_payers, whole_database) = begin(bench, "one_table", &[]).await?;
    let mut subject = WithServer {
        load: parts.charge_load(bench, CONNECTIONS, &parts_payers)?,
        server: parts_database.server,
    };
    let mut yardstick = WithServer {
        load: whole.charge_load(bench, CONNECTIONS, &whole_payers)?,
        server: whole_database.server,
    };
    let series = measure_in_turn(bench, Unit::PerSecond, &mut [&mut subject, &mut yardstick]).await?;
    let [subject, yardstick] = super::take(series)?;
    let title = format!("charge on PostgreSQL, 16 partitions, {CONNECTIONS} connections");
    Ok(vec![Line::new(title, subject, Some(("itself, one table", yardstick)), &[])])
}

/// An origin on a ledger that these statements have changed.
async fn begin(
    bench: &Bench,
    name: &str,
    statements: &[&str],
) -> Result<(Origin, Vec<Subscriber>, Database)> {
    let database = Database::create(bench, name).await?;
    let mut origin = Origin::set_up(bench, name, Some(&database.url), ACCOUNTS, "").await?;
    for sql in statements {
        database.run(sql).await?;
    }
    origin.start(bench).await?;
    let subscribers = origin.sign_up(bench, ACCOUNTS).await?;
    Ok((origin, subscribers, database))
}
