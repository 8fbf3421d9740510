//! What the partner has to know to be run, and its JSON form.

use crate::sandbox::account_file;
use crate::sandbox::settings::{base_url, loopback, read, read_json, read_keys};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::key::Keyring;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A partner, ready to be opened.
#[derive(Clone, Debug)]
pub struct NetflixConfig {
    /// Its slug.
    pub partner: PartnerId,
    /// Its own address, as browsers and the edge call it: also the authority that the edge signs for.
    pub public_url: String,
    /// The edge's address.
    pub edge_url: String,
    /// The authority to sign for, when the edge is reached under another name than `edge_url`'s.
    pub edge_authority: Option<String>,
    /// The partner's keys.
    pub keys: Keyring,
    /// Operators with whom it has a contract.
    pub operators: Vec<KnownOperator>,
    /// Numbers that must never be seen here: the leak check knows their every spelling. Only a stand-in can know them.
    pub watched: Vec<Msisdn>,
    /// Wait before a call is tried again; it grows with each try.
    pub retry_pause: Duration,
}

/// An operator with whom there is a contract.
#[derive(Clone, Debug, Deserialize)]
pub struct KnownOperator {
    /// Its slug.
    pub id: OperatorId,
    /// Its name on pages.
    pub name: String,
    /// What a month of the standard plan costs through it.
    pub price: Money,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    partner: Option<PartnerId>,
    listen: String,
    public_url: Option<String>,
    edge_url: String,
    edge_authority: Option<String>,
    keys: PathBuf,
    operators: Vec<OperatorEntry>,
    #[serde(default)]
    leak_check_accounts: Vec<PathBuf>,
    #[serde(default = "default_retry_pause")]
    retry_pause_ms: u64,
}

#[derive(Deserialize)]
struct OperatorEntry {
    id: OperatorId,
    name: String,
    price: Option<Money>,
}

fn default_retry_pause() -> u64 {
    200
}

impl NetflixConfig {
    /// Reads the configuration file and the files that it names, relative to the working directory. Gives the address
    /// to listen on with it.
    pub fn load(path: &Path) -> Result<(SocketAddr, Self), String> {
        let file: File = read_json(path)?;
        let listen = loopback(&file.listen)?;
        let usd = Currency::parse("USD").ok_or("USD is a currency")?;
        let usual = Money { amount_minor: 1599, currency: usd };
        let operators = file.operators.into_iter().map(|entry| KnownOperator {
            id: entry.id,
            name: entry.name,
            price: entry.price.unwrap_or(usual),
        });
        let mut watched = Vec::new();
        for path in &file.leak_check_accounts {
            let subscribers = account_file::parse(&read(path)?)
                .map_err(|complaint| format!("{}: {complaint}", path.display()))?;
            watched.extend(subscribers.into_iter().map(|subscriber| subscriber.msisdn));
        }
        let config = Self {
            partner: file.partner.or_else(|| PartnerId::parse("netflix")).ok_or("partner: is missing")?,
            public_url: base_url(
                "public_url",
                &file.public_url.unwrap_or_else(|| format!("http://{listen}")),
            )?,
            edge_url: base_url("edge_url", &file.edge_url)?,
            edge_authority: file.edge_authority,
            keys: read_keys(&file.keys)?,
            operators: operators.collect(),
            watched,
            retry_pause: Duration::from_millis(file.retry_pause_ms),
        };
        Ok((listen, config))
    }

    /// The operator with this name.
    pub fn operator(&self, id: &OperatorId) -> Option<&KnownOperator> {
        self.operators.iter().find(|operator| operator.id == *id)
    }
}
