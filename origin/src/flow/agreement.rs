//! What a customer is about to agree to, as the widget's last step shows it. It is worded when the
//! step is shown and again when the customer continues, and both have to be the same.

use super::eligibility::EligibleAccount;
use crate::ambient::Clock;
use crate::config::{Config, Offer};
use crate::fault::Failure;
use crate::keys::Vault;
use crate::store::Store;
use onbill_domain::agreement::{Agreement, AgreementFacts, word_agreement};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use std::sync::Arc;

pub struct Agreements {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Agreements {
    /// Words what the subscriber of the number agrees to with the offer, as things stand now.
    pub(crate) async fn word_agreement(
        &self,
        offer: &Offer,
        locale: Locale,
        msisdn: &Msisdn,
        buyer: &EligibleAccount,
    ) -> Result<Agreement, Failure> {
        let config = &self.config;
        let facts = AgreementFacts {
            operator: &config.name,
            partner: config.partner_name(&offer.partner),
            offer: &offer.title,
            price: offer.price,
            taxes: offer.taxes.or(config.taxes),
            account_type: buyer.account_type,
            first_charge: self.find_first_charge(offer, msisdn, buyer).await?,
            account_url: config.account_url.as_deref(),
            terms_url: offer.terms_url.as_deref(),
            privacy_url: offer.privacy_url.as_deref(),
        };
        Ok(word_agreement(locale, &facts))
    }

    /// The day after those that coupons have paid for; `None` when they have paid for none from
    /// today on.
    async fn find_first_charge(
        &self,
        offer: &Offer,
        msisdn: &Msisdn,
        buyer: &EligibleAccount,
    ) -> Result<Option<Day>, Failure> {
        let (number, subscriber_ref) = (self.vault.index_number(msisdn), buyer.known.subscriber_ref.clone());
        let pai = self.store.find_pai_of_number(offer.partner.clone(), number, subscriber_ref).await?;
        let Some(pai) = pai else { return Ok(None) };
        let today = Day::of_timestamp(self.clock.now());
        Ok(self.store.find_paid_until(pai, today).await?.and_then(Day::next))
    }
}
