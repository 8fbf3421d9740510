//! A database of a row's own on the PostgreSQL server of this run.

use crate::bench::Bench;
use crate::measure::ProcessTree;
use anyhow::{Context as _, Result, bail};
use std::fs;
use tokio_postgres::{Client, NoTls};

pub(crate) struct Database {
    /// As in an origin's configuration.
    pub(crate) url: String,
    /// The server, where it runs on this machine.
    pub(crate) server: Option<ProcessTree>,
    client: Client,
}

impl Database {
    /// An empty database of this name. One of an earlier run is dropped.
    pub(crate) async fn create(bench: &Bench, name: &str) -> Result<Self> {
        let server = &bench.postgres.url;
        if server.is_empty() {
            bail!("there is no PostgreSQL server in DATABASE_URL");
        }
        let owner = connect(server).await?;
        let name = format!("onbill_bench_{name}");
        owner.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
        owner.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        let (before, _) = server.rsplit_once('/').context("a URL ends with the name of a database")?;
        let url = format!("{before}/{name}");
        Self::open(bench, &url).await
    }

    /// Another connection to a database of this run.
    pub(crate) async fn open(bench: &Bench, url: &str) -> Result<Self> {
        Ok(Self { client: connect(url).await?, url: url.to_owned(), server: find_server(bench)? })
    }

    /// Runs statements without values.
    pub(crate) async fn run(&self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.with_context(|| format!("run {sql}"))
    }

    /// The number that a query gives.
    pub(crate) async fn read_number(&self, sql: &str) -> Result<f64> {
        let row = self.client.query_one(sql, &[]).await.with_context(|| format!("run {sql}"))?;
        Ok(row.try_get(0)?)
    }

    /// The texts that a query gives for a value.
    pub(crate) async fn read_texts(&self, sql: &str, value: &str) -> Result<Vec<String>> {
        let rows = self.client.query(sql, &[&value]).await.with_context(|| format!("run {sql}"))?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }
}

fn find_server(bench: &Bench) -> Result<Option<ProcessTree>> {
    let pid = bench.postgres.data.as_ref().map(|data| fs::read_to_string(data.join("postmaster.pid")));
    let pid = pid.transpose()?.and_then(|text| text.lines().next()?.trim().parse().ok());
    Ok(pid.map(|root| ProcessTree { root }))
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.context("connect to PostgreSQL")?;
    // It ends with its client; an error of it is seen there.
    tokio::spawn(connection);
    Ok(client)
}
