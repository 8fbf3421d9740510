//! The partner's configuration, and its JSON form.

use super::network::NetworkCode;
use crate::account_file::{self, Subscriber};
use crate::settings::{base_url, loopback, read, read_json, read_keys};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::key::Keyring;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct NetflixConfig {
    pub partner: PartnerId,
    /// Its own address, as browsers and the edge call it: also the authority that the edge signs
    /// for.
    pub public_url: String,
    pub edge_url: String,
    /// The authority to sign for, when the edge is reached under another name than `edge_url`'s.
    pub edge_authority: Option<String>,
    pub keys: Keyring,
    /// Operators with which it has a contract.
    pub operators: Vec<KnownOperator>,
    /// Pause before a call is retried; it grows with each try.
    pub retry_pause: Duration,
}

/// An operator with which there is a contract.
#[derive(Clone, Debug)]
pub struct KnownOperator {
    pub id: OperatorId,
    /// Its name on pages.
    pub name: String,
    /// The price of a month of the standard plan through it.
    pub price: Money,
    /// The network code of its SIMs.
    pub network: NetworkCode,
    /// Its demo accounts, which only a sandbox can know. Their SIMs are listed for the simulated
    /// device, and the leak check knows every spelling of their numbers.
    pub sims: Vec<Subscriber>,
    /// Its own site, where customers start to pay on their bill.
    pub site: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    partner: Option<PartnerId>,
    listen: String,
    public_url: Option<String>,
    edge_url: String,
    edge_authority: Option<String>,
    keys: PathBuf,
    operators: Vec<OperatorEntry>,
    #[serde(default = "default_retry_pause")]
    retry_pause_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorEntry {
    id: OperatorId,
    name: String,
    price: Option<Money>,
    network: NetworkCode,
    accounts: PathBuf,
    site: Option<String>,
}

fn default_retry_pause() -> u64 {
    200
}

impl NetflixConfig {
    /// Reads the configuration file and the files that it names, relative to the working directory.
    /// Also returns the address to listen on.
    pub fn load(path: &Path) -> Result<(SocketAddr, Self), String> {
        let file: ConfigFile = read_json(path)?;
        let listen = loopback(&file.listen)?;
        let usd = Currency::parse("USD").ok_or("USD is a currency")?;
        let usual = Money { amount_minor: 1599, currency: usd };
        let mut operators = Vec::new();
        for entry in file.operators {
            let sims = account_file::parse(&read(&entry.accounts)?)
                .map_err(|complaint| format!("{}: {complaint}", entry.accounts.display()))?;
            let price = entry.price.unwrap_or(usual);
            let (id, name, network, site) = (entry.id, entry.name, entry.network, entry.site);
            operators.push(KnownOperator { id, name, price, network, sims, site });
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
            operators,
            retry_pause: Duration::from_millis(file.retry_pause_ms),
        };
        Ok((listen, config))
    }

    pub fn operator(&self, id: &OperatorId) -> Option<&KnownOperator> {
        self.operators.iter().find(|operator| operator.id == *id)
    }

    /// The operator whose SIMs have this network code.
    pub(super) fn operator_of(&self, network: &NetworkCode) -> Option<&KnownOperator> {
        self.operators.iter().find(|operator| operator.network == *network)
    }

    /// Numbers that must never come back here.
    pub(super) fn watched(&self) -> Vec<Msisdn> {
        let sims = self.operators.iter().flat_map(|operator| &operator.sims);
        sims.map(|subscriber| subscriber.msisdn.clone()).collect()
    }
}
