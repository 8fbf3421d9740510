//! What the operator sells.

use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::wire::edge::OfferView;
use serde::Deserialize;

/// Something the operator sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Its name in URLs.
    pub id: OfferId,
    /// Who delivers it.
    pub partner: PartnerId,
    /// Its name for people.
    pub title: String,
    /// The partner's plan.
    pub plan: ExtId,
    /// Its monthly price.
    pub price: Money,
}

impl Offer {
    /// As the customer reads it.
    pub fn to_view(&self) -> OfferView {
        OfferView {
            id: self.id.clone(),
            title: self.title.clone(),
            partner: self.partner.clone(),
            price: self.price,
        }
    }
}
