//! A deployment's configuration: its operators, partners and keys. A `Config` that exists is
//! complete and valid: `read.rs` reads and checks it.

mod read;

pub use read::ConfigFault;

use onbill_domain::coupon_code::CouponTag;
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{Keyring, Party};

/// The configuration of an edge.
#[derive(Debug)]
pub struct Config {
    edge_urls: Vec<String>,
    operators: Vec<Operator>,
    partners: Vec<Partner>,
    keys: Keyring,
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

/// An operator that this edge serves.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The name in URLs and tokens.
    pub id: OperatorId,
    /// The name that customers know.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The URL of its origin service: scheme, host and port, without a path.
    pub origin: String,
    /// The site origins of its pages: they alone may frame the widget and be returned to.
    pub dashboards: Vec<String>,
    /// The tag of its coupon codes, if it sells coupons.
    pub coupons: Option<CouponTag>,
    /// The partners that it sells; all of them when `None`.
    partners: Option<Vec<PartnerId>>,
}

impl Operator {
    /// Whether this operator sells `partner`. A partner never learns of operators that do not.
    pub fn sells(&self, partner: &PartnerId) -> bool {
        self.partners.as_ref().is_none_or(|listed| listed.contains(partner))
    }

    /// Its name in the key ring.
    pub(crate) fn key_party(&self) -> Party {
        Party::operator(&self.id)
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

    pub fn find_operator(&self, id: &str) -> Option<&Operator> {
        self.operators.iter().find(|operator| operator.id.as_str() == id)
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

    /// The operators that sell `partner`, in the order of the configuration.
    pub fn operators_of<'a>(&'a self, partner: &'a Partner) -> impl Iterator<Item = &'a Operator> {
        self.operators.iter().filter(|operator| operator.sells(&partner.id))
    }

    pub(crate) fn challenge(&self) -> Option<&Challenge> {
        self.challenge.as_ref()
    }

    pub fn keys(&self) -> &Keyring {
        &self.keys
    }
}
