//! What a deployment says about its operators, partners and keys. A `Config` that exists is complete and sound: how
//! it is read and checked is in `read.rs`.

mod read;

pub use read::ConfigFault;

use onbill_domain::coupon_code::CouponTag;
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{Keyring, Party};

/// Everything the edge was told.
#[derive(Debug)]
pub struct Config {
    operators: Vec<Operator>,
    partners: Vec<Partner>,
    keys: Keyring,
}

/// An operator that this edge serves.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Its name in URLs and tokens.
    pub id: OperatorId,
    /// Its name as customers know it.
    pub name: String,
    /// Its country (ISO 3166-1 alpha-2).
    pub country: String,
    /// Where its origin is: scheme, host and port, without a path.
    pub origin: String,
    /// The web origins of its pages: they alone may frame the widget and be returned to.
    pub dashboards: Vec<String>,
    /// The tag of its coupons' codes, if it sells coupons.
    pub coupons: Option<CouponTag>,
    /// The partners that it sells; all of them when `None`.
    partners: Option<Vec<PartnerId>>,
}

impl Operator {
    /// Whether this operator sells `partner`. A partner never learns of the others.
    pub fn serves(&self, partner: &PartnerId) -> bool {
        self.partners.as_ref().is_none_or(|listed| listed.contains(partner))
    }

    /// How it is named in the key ring.
    pub(crate) fn party(&self) -> Party {
        Party::operator(&self.id)
    }
}

/// A partner that this edge serves.
#[derive(Clone, Debug)]
pub struct Partner {
    /// Its name in tokens and keys.
    pub id: PartnerId,
    /// Its name as customers know it.
    pub name: String,
    /// The base of its own interface, without a slash at the end.
    pub url: String,
    /// What it offers.
    pub offers: Vec<OfferId>,
    /// The web origins on which its pages may be: that of `url`, and those that the deployment adds.
    pub ui_origins: Vec<String>,
}

impl Partner {
    /// How it is named in the key ring.
    pub(crate) fn party(&self) -> Party {
        Party::partner(&self.id)
    }
}

impl Config {
    /// The operator of that name.
    pub fn operator(&self, id: &str) -> Option<&Operator> {
        self.operators.iter().find(|operator| operator.id.as_str() == id)
    }

    /// The partner of that name.
    pub fn partner(&self, id: &str) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.id.as_str() == id)
    }

    /// Who delivers `offer`, if this operator sells it.
    pub fn partner_for(&self, operator: &Operator, offer: &OfferId) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.offers.contains(offer) && operator.serves(&partner.id))
    }

    /// The partners that this operator sells, in the order of the configuration.
    pub fn partners_of<'a>(&'a self, operator: &'a Operator) -> impl Iterator<Item = &'a Partner> {
        self.partners.iter().filter(|partner| operator.serves(&partner.id))
    }

    /// The operators that sell `partner`, in the order of the configuration.
    pub fn operators_of<'a>(&'a self, partner: &'a Partner) -> impl Iterator<Item = &'a Operator> {
        self.operators.iter().filter(|operator| operator.serves(&partner.id))
    }

    /// All keys.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }
}
