//! The operator's offers.

use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::wire::edge::OfferView;
use serde::Deserialize;

/// A product that the operator sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The id of the offer, used in URLs.
    pub id: OfferId,
    /// The partner that delivers it.
    pub partner: PartnerId,
    /// Its display name.
    pub title: String,
    pub plan: ExtId,
    /// Its monthly price.
    pub price: Money,
    /// Under which billing books what is charged for it; the partner's when absent.
    pub charge_code: Option<ChargeCode>,
}

impl Offer {
    /// The offer as the customer sees it.
    pub fn to_view(&self) -> OfferView {
        OfferView {
            id: self.id.clone(),
            title: self.title.clone(),
            partner: self.partner.clone(),
            price: self.price,
        }
    }
}
