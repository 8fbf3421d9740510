//! The operator's offers.

use super::complaints::Complaints;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use super::terms::Terms;
use onbill_domain::agreement::Taxes;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::wire::edge::OfferView;
use serde::{Deserialize, Serialize};

/// A product that the operator sells.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The highest price that the partner may change it to, or report for it.
    pub price_ceiling: Option<Money>,
    /// Whether the price has the taxes in it; the operator's own setting when absent.
    pub taxes: Option<Taxes>,
    /// The text that the customer agrees to.
    pub terms: Option<Terms>,
    /// Where the customer reads it.
    pub terms_url: Option<String>,
    /// Where the customer reads how personal data are used.
    pub privacy_url: Option<String>,
    /// Under which billing books what is charged for it; the partner's when absent.
    pub charge_code: Option<ChargeCode>,
}

impl Offer {
    /// Checks the terms, and the pages that the customer is shown. They are links in the widget.
    pub(super) fn check_pages(&self, at: &SettingPath, complaints: &mut Complaints) {
        for (name, url) in [("terms_url", &self.terms_url), ("privacy_url", &self.privacy_url)] {
            if let Some(url) = url {
                complaints.take(at.key(name), require_https(url, &format!("offer {}: {name}", self.id)));
            }
        }
        if self.terms.is_some() && self.terms_url.is_none() {
            complaints.add_beside(
                at.key("terms"),
                vec![at.key("terms_url")],
                format!("offer {}: terms need a terms_url, where customers read them", self.id),
            );
        }
    }

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
