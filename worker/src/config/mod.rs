//! A deployment's configuration: its operators, partners and keys. `read.rs` reads and checks it.
//! Partners and keys of a `Config` that exists are complete and valid. Operators stand alone: a
//! mistake in the entry of one is met by the calls that need it.

mod operators;
mod read;
mod read_operator;

pub use operators::Operator;
pub(crate) use operators::{KnownOperator, OperatorCache, Operators, find_listed};
pub use read::ConfigFault;

use onbill_domain::deployment::Deployment;
use onbill_domain::ids::{LogoId, OfferId, PartnerId};
use onbill_domain::key::{Keyring, Party};
use onbill_domain::pai::Pai;
use onbill_domain::root_key::RootKey;
use onbill_domain::wire::kv;

/// The configuration of an edge.
#[derive(Debug)]
pub struct Config {
    deployment: Deployment,
    edge_urls: Vec<String>,
    operators: Operators,
    partners: Vec<Partner>,
    partner_keys: Keyring,
    /// The present root key. KV keys of PAIs with a number are hashed with it.
    root: RootKey,
    /// The root keys from which operators' keys are derived: the present one, and the next one while
    /// operators move to it.
    roots: Vec<RootKey>,
    challenge: Option<Challenge>,
}

/// Cloudflare Turnstile, where the deployment has it.
pub(crate) struct Challenge {
    pub(crate) site_key: String,
    secret: String,
}

impl Challenge {
    /// The secret by which Turnstile knows who asks.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Challenge").field("site_key", &self.site_key).finish_non_exhaustive()
    }
}

/// A partner that this edge serves.
#[derive(Clone, Debug)]
pub struct Partner {
    /// The name in tokens and keys.
    pub id: PartnerId,
    /// The name that customers know.
    pub name: String,
    /// The base of its own interface, without a slash at the end.
    pub url: String,
    pub offers: Vec<OfferId>,
    /// The site origins on which its pages may be: those that the deployment adds, and that of `url`.
    /// The frame opens the first one for a customer who has signed up.
    pub ui_site_origins: Vec<String>,
    /// Its logo in the widget, if there is one.
    pub logo: Option<LogoId>,
}

impl Partner {
    /// Its name in the key ring.
    pub(crate) fn key_party(&self) -> Party {
        Party::partner(&self.id)
    }
}

impl Config {
    /// The site origins at which the edge itself is reached.
    pub fn edge_urls(&self) -> &[String] {
        &self.edge_urls
    }

    pub(crate) fn operators(&self) -> &Operators {
        &self.operators
    }

    pub fn find_partner(&self, id: &str) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.id.as_str() == id)
    }

    /// Finds the partner that delivers `offer`, if this operator sells it.
    pub fn find_partner_by_offer(&self, operator: &Operator, offer: &OfferId) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.offers.contains(offer) && operator.sells(&partner.id))
    }

    /// The partners that this operator sells, in the order of the configuration.
    pub fn partners_of<'a>(&'a self, operator: &'a Operator) -> impl Iterator<Item = &'a Partner> {
        self.partners.iter().filter(|partner| operator.sells(&partner.id))
    }

    /// The key of a PAI's mapping in KV, under the present root key.
    pub(crate) fn pai_key(&self, pai: Pai) -> String {
        kv::pai_key(&self.root, pai)
    }

    pub(crate) fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    /// The keys with partners: of their calls, the public halves only.
    pub fn partner_keys(&self) -> &Keyring {
        &self.partner_keys
    }
}
