//! Look-ups in the configuration: an offer, a partner's settings, the limits in a currency.

use super::charge_codes::ChargeCodes;
use super::file::Config;
use super::offers::Offer;
use super::partners::{
    ChargeNeeds, NumberCheckLimits, NumberProof, Partner, RepeatedPeriod, number_checks_per_hour_default,
    unknown_numbers_per_hour_default,
};
use super::settlement::SettlementModel;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::spending::SpendingLimits;
use std::collections::BTreeSet;

impl Config {
    /// What an account may be charged in a currency; `None` when the operator does not bill in it.
    pub fn limits_in(&self, currency: Currency) -> Option<SpendingLimits> {
        let set = self.limits.iter().find(|set| set.currency == currency).map(|set| set.to_limits());
        let on_offer = self.offers.iter().any(|offer| offer.price.currency == currency);
        set.or_else(|| on_offer.then(SpendingLimits::default))
    }

    /// The currencies in which it bills, each once.
    pub fn billed_currencies(&self) -> Vec<Currency> {
        let listed = self.limits.iter().map(|set| set.currency);
        let mut currencies: Vec<Currency> = Vec::new();
        for currency in listed.chain(self.offers.iter().map(|offer| offer.price.currency)) {
            if !currencies.contains(&currency) {
                currencies.push(currency);
            }
        }
        currencies
    }

    /// The charge codes of offers and partners.
    pub fn list_charge_codes(&self) -> ChargeCodes {
        ChargeCodes::of(&self.offers, &self.partners)
    }

    pub fn offer(&self, id: &OfferId) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.id == *id)
    }

    /// Finds the offer, or refuses with 400 `parameter-not-supported`.
    pub(crate) fn find_offer(&self, id: &OfferId) -> Result<&Offer, Reject> {
        let not_on_sale = || Reject::new(ErrorCode::ParameterNotSupported, "offer is not on sale here.");
        self.offer(id).ok_or_else(not_on_sale)
    }

    /// The authority that partners sign for.
    pub fn edge_authority(&self) -> &str {
        self.edge_url.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// All partners, from the offers and from the partners' own settings.
    pub fn partner_ids(&self) -> BTreeSet<&PartnerId> {
        let sold = self.offers.iter().map(|offer| &offer.partner);
        sold.chain(self.partners.iter().map(|partner| &partner.id)).collect()
    }

    fn find_partner(&self, id: &PartnerId) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.id == *id)
    }

    /// A partner's display name.
    pub fn partner_name<'c>(&'c self, id: &'c PartnerId) -> &'c str {
        self.find_partner(id).and_then(|partner| partner.name.as_deref()).unwrap_or(id.as_str())
    }

    /// The URL at which a partner gets webhooks.
    pub fn partner_url(&self, id: &PartnerId) -> Option<&str> {
        self.find_partner(id)?.url.as_deref()
    }

    pub fn settlement_with(&self, id: &PartnerId) -> Option<SettlementModel> {
        self.find_partner(id)?.settlement
    }

    /// How a partner's numbers are proved: by PIN, unless the partner is configured otherwise.
    pub fn number_proof(&self, id: &PartnerId) -> NumberProof {
        self.find_partner(id).map_or_else(NumberProof::default, |partner| partner.number_proof)
    }

    /// What a subscriber must have done before the partner may charge them.
    pub fn charge_needs(&self, id: &PartnerId) -> ChargeNeeds {
        self.find_partner(id).map_or_else(ChargeNeeds::default, |partner| partner.charge_needs)
    }

    /// What a second charge for days that are charged already gets.
    pub fn repeated_period(&self, id: &PartnerId) -> RepeatedPeriod {
        self.find_partner(id).map_or_else(RepeatedPeriod::default, |partner| partner.repeated_period)
    }

    /// The offer with the partner's plan; the cheapest of several, which is what a customer of that
    /// plan has agreed to at least.
    pub fn offer_with_plan(&self, partner: &PartnerId, plan: &ExtId) -> Option<&Offer> {
        let offered = self.offers.iter().filter(|offer| offer.partner == *partner && offer.plan == *plan);
        offered.min_by_key(|offer| offer.price.amount_minor)
    }

    /// The most that a partner may report for its plan, or change it to. A plan that is no offer here
    /// has the highest ceiling of the partner's offers in this currency: otherwise the partner would
    /// avoid every ceiling by giving the plan another name.
    pub fn price_ceiling(&self, partner: &PartnerId, plan: &ExtId, currency: Currency) -> Option<Money> {
        if let Some(offer) = self.offer_with_plan(partner, plan) {
            return offer.price_ceiling;
        }
        let delivered = self.offers.iter().filter(|offer| offer.partner == *partner);
        let ceilings = delivered.filter_map(|offer| offer.price_ceiling);
        ceilings.filter(|ceiling| ceiling.currency == currency).max_by_key(|ceiling| ceiling.amount_minor)
    }

    /// What the operator sells the partner's plan at. A plan that is no offer here has the highest price
    /// of the partner's offers in this currency, as it has the highest ceiling.
    pub fn listed_price(&self, partner: &PartnerId, plan: &ExtId, currency: Currency) -> Option<Money> {
        if let Some(offer) = self.offer_with_plan(partner, plan) {
            return Some(offer.price).filter(|price| price.currency == currency);
        }
        let prices = self.offers.iter().filter(|offer| offer.partner == *partner).map(|offer| offer.price);
        prices.filter(|price| price.currency == currency).max_by_key(|price| price.amount_minor)
    }

    /// What a partner may ask about numbers in an hour.
    pub(crate) fn number_check_limits(&self, id: &PartnerId) -> NumberCheckLimits {
        let partner = self.find_partner(id);
        NumberCheckLimits {
            checks_per_hour: partner
                .map_or_else(number_checks_per_hour_default, |partner| partner.number_checks_per_hour),
            unknown_per_hour: partner
                .map_or_else(unknown_numbers_per_hour_default, |partner| partner.unknown_numbers_per_hour),
        }
    }

    /// Finds the offer by its name if this partner delivers it, or refuses with 400
    /// `parameter-not-supported`. Without a name it is the partner's cheapest offer; prices in
    /// several currencies cannot be compared, so a name is required then: 400 `invalid-request`.
    pub fn offer_of(&self, partner: &PartnerId, name: Option<&OfferId>) -> Result<&Offer, Reject> {
        let mut delivered = self.offers.iter().filter(|offer| offer.partner == *partner);
        let found = match name {
            Some(name) => delivered.find(|offer| offer.id == *name),
            None => delivered.clone().min_by_key(|offer| offer.price.amount_minor),
        };
        let Some(found) = found else {
            return Err(Reject::new(ErrorCode::ParameterNotSupported, "offer is not on sale here."));
        };
        if name.is_none() && delivered.any(|other| other.price.currency != found.price.currency) {
            return Err(Reject::invalid_request(
                "offer is needed: what is on sale here has prices in several currencies.",
            ));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::tests::GOOD;

    fn id<T>(parse: impl Fn(&str) -> Option<T>, text: &str) -> T {
        parse(text).expect("is a slug")
    }

    #[test]
    fn number_is_proved_by_pin_by_default() {
        let proof = |text: &str| {
            let config = Config::parse(text)?;
            Ok::<_, String>(config.number_proof(&id(PartnerId::parse, "netflix")))
        };
        assert_eq!(proof(GOOD), Ok(NumberProof::Pin));
        let partner = "[[partners]]\n        id = \"netflix\"";
        let with = |word: &str| GOOD.replace(partner, &format!("{partner}\nnumber_proof = \"{word}\""));
        assert_eq!(proof(&with("pin")), Ok(NumberProof::Pin));
        assert_eq!(proof(&with("device-read")), Ok(NumberProof::DeviceRead));
        assert_eq!(proof(&GOOD.replace("id = \"netflix\"\n", "id = \"tunes\"\n")), Ok(NumberProof::Pin));
        assert!(proof(&with("none")).expect_err("is no proof").contains("device-read"));
    }

    #[test]
    fn partner_name_is_checked_and_defaults_to_id() {
        let partner = "[[partners]]\n        id = \"netflix\"";
        let named = |name: &str| {
            let text = GOOD.replace(partner, &format!("{partner}\nname = \"{name}\""));
            let config = Config::parse(&text)?;
            config.check()?;
            Ok::<_, String>(config.partner_name(&id(PartnerId::parse, "netflix")).to_owned())
        };
        for good in ["Netflix", "Éire TV 24", "网飞", "x", &"n".repeat(40)] {
            assert_eq!(named(good).as_deref(), Ok(good));
        }
        for bad in
            ["", " ", " Netflix", "Netflix ", "123456 is your code", "Acme: x", "a\\nb", &"n".repeat(41)]
        {
            assert!(named(bad).is_err_and(|complaint| complaint.contains("without a colon")), "{bad}");
        }
        assert!(named("ACME mobile").is_err_and(|complaint| complaint.contains("not be the operator's")));
        let config = Config::parse(GOOD).expect("is sound");
        assert_eq!(config.partner_name(&id(PartnerId::parse, "netflix")), "netflix");
    }

    #[test]
    fn plan_without_offer_has_the_highest_ceiling() {
        let offer = |name: &str, partner: &str, currency: &str, ceiling: i64| {
            format!(
                "[[offers]]\nid = \"{name}\"\npartner = \"{partner}\"\ntitle = \"T\"\nplan = \"{name}\"\n\
                 price = {{ value = 99, currency = \"{currency}\" }}\n\
                 price_ceiling = {{ value = {ceiling}, currency = \"{currency}\" }}\n"
            )
        };
        let more = [
            offer("basic", "netflix", "USD", 999),
            offer("premium", "netflix", "USD", 2499),
            offer("euro", "netflix", "EUR", 5000),
            offer("family", "tunes", "USD", 9000),
        ];
        let config = Config::parse(&format!("{GOOD}{}", more.concat())).expect("is sound");
        let ceiling = |partner: &str, plan: &str, code: &str| {
            let currency = Currency::parse(code).expect("is listed");
            let found =
                config.price_ceiling(&id(PartnerId::parse, partner), &id(ExtId::parse, plan), currency);
            found.map(|ceiling| ceiling.amount_minor)
        };
        assert_eq!(ceiling("netflix", "basic", "USD"), Some(999), "an offer has its own");
        assert_eq!(ceiling("netflix", "standard", "USD"), None, "also when that is none");
        assert_eq!(ceiling("netflix", "ultra", "USD"), Some(2499));
        assert_eq!(ceiling("netflix", "ultra", "EUR"), Some(5000));
        assert_eq!(ceiling("netflix", "family", "USD"), Some(2499), "another partner's offer");
        assert_eq!(ceiling("games", "ultra", "USD"), None);
        let listed = |plan: &str, code: &str| {
            let (partner, plan) = (id(PartnerId::parse, "netflix"), id(ExtId::parse, plan));
            let price = config.listed_price(&partner, &plan, Currency::parse(code).expect("is listed"));
            price.map(|price| price.amount_minor)
        };
        assert_eq!((listed("basic", "USD"), listed("basic", "EUR")), (Some(99), None));
        assert_eq!((listed("ultra", "USD"), listed("ultra", "EUR")), (Some(1599), Some(99)));
    }

    #[test]
    fn offer_defaults_to_the_partners_cheapest() {
        let offer = |name: &str, partner: &str, value: i64, currency: &str| {
            format!(
                "[[offers]]\nid = \"{name}\"\npartner = \"{partner}\"\ntitle = \"T\"\nplan = \"p\"\n\
                 price = {{ value = {value}, currency = \"{currency}\" }}\n"
            )
        };
        let cheap =
            offer("netflix-basic", "netflix", 799, "USD") + &offer("tunes-family", "tunes", 99, "USD");
        let config = |more: &str| Config::parse(&format!("{GOOD}{more}")).expect("is sound");
        let found = |config: &Config, partner: &str, name: Option<&str>| {
            let name = name.map(|name| id(OfferId::parse, name));
            let found = config.offer_of(&id(PartnerId::parse, partner), name.as_ref());
            found.map(|offer| offer.id.to_string()).map_err(|reject| reject.code.as_str())
        };
        let one = config(&cheap);
        assert_eq!(found(&one, "netflix", Some("netflix-standard")).as_deref(), Ok("netflix-standard"));
        assert_eq!(found(&one, "netflix", None).as_deref(), Ok("netflix-basic"));
        assert_eq!(found(&one, "netflix", Some("tunes-family")), Err("parameter-not-supported"));
        assert_eq!(found(&one, "netflix", Some("netflix-gold")), Err("parameter-not-supported"));
        assert_eq!(found(&one, "games", None), Err("parameter-not-supported"));
        let two = config(&(cheap + &offer("netflix-euro", "netflix", 1, "EUR")));
        assert_eq!(found(&two, "netflix", None), Err("invalid-request"));
        assert_eq!(found(&two, "netflix", Some("netflix-euro")).as_deref(), Ok("netflix-euro"));
    }
}
