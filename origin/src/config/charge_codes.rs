//! Charge codes: under which billing books what is charged for an offer or a partner.

use super::offers::Offer;
use super::partners::Partner;
use super::reading::{Complaints, SettingPath};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whether each charge must have a charge code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeCodeRule {
    /// Billing books some charges without one.
    #[default]
    Optional,
    /// The origin does not start while any charge could be without one.
    Required,
}

/// How billing books a charge. It is fixed when the charge is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Booking {
    /// The offer; `None` where it is not known.
    pub offer: Option<OfferId>,
    /// The partner's plan; `None` without a subscription.
    pub plan: Option<ExtId>,
    /// The operator's charge code; `None` where it has set none.
    pub charge_code: Option<ChargeCode>,
}

/// The charge codes of the configuration.
#[derive(Clone, Debug, Default)]
pub struct ChargeCodes {
    offers: Vec<CodedOffer>,
    /// For charges of which the offer is not known.
    partners: BTreeMap<PartnerId, ChargeCode>,
}

/// An offer, with its own code or its partner's.
#[derive(Clone, Debug)]
struct CodedOffer {
    id: OfferId,
    partner: PartnerId,
    plan: ExtId,
    charge_code: Option<ChargeCode>,
}

impl ChargeCodes {
    /// An offer without a code has its partner's. A partner without a code has the one that all its
    /// offers have, if they have the same.
    pub(super) fn of(offers: &[Offer], partners: &[Partner]) -> Self {
        let own = |id: &PartnerId| partners.iter().find(|partner| partner.id == *id)?.charge_code.clone();
        let offers: Vec<CodedOffer> = offers
            .iter()
            .map(|offer| CodedOffer {
                id: offer.id.clone(),
                partner: offer.partner.clone(),
                plan: offer.plan.clone(),
                charge_code: offer.charge_code.clone().or_else(|| own(&offer.partner)),
            })
            .collect();
        let ids: BTreeSet<&PartnerId> = offers
            .iter()
            .map(|offer| &offer.partner)
            .chain(partners.iter().map(|partner| &partner.id))
            .collect();
        let fallback = |id: &PartnerId| own(id).or_else(|| shared_code(&offers, id));
        let partners = ids.into_iter().filter_map(|id| Some((id.clone(), fallback(id)?))).collect();
        Self { offers, partners }
    }

    /// How a charge is booked for a subscriber with this plan. The offer is the partner's only one
    /// with that plan.
    pub fn book_plan(&self, partner: &PartnerId, plan: Option<ExtId>) -> Booking {
        let mut same_plan = self
            .offers
            .iter()
            .filter(|offer| offer.partner == *partner && Some(&offer.plan) == plan.as_ref());
        let offer = match (same_plan.next(), same_plan.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        match offer {
            Some(offer) => {
                Booking { offer: Some(offer.id.clone()), plan, charge_code: offer.charge_code.clone() }
            }
            None => Booking { offer: None, plan, charge_code: self.partners.get(partner).cloned() },
        }
    }

    /// How a charge for this offer is booked, such as a coupon's. The offer may be gone since.
    pub fn book_offer(&self, partner: &PartnerId, id: OfferId) -> Booking {
        let known = self.offers.iter().find(|offer| offer.partner == *partner && offer.id == id);
        Booking {
            offer: Some(id),
            plan: known.map(|offer| offer.plan.clone()),
            charge_code: known
                .map_or_else(|| self.partners.get(partner).cloned(), |offer| offer.charge_code.clone()),
        }
    }

    /// Checks that no charge of any of these partners could be without a code.
    pub(super) fn check_complete(&self, partners: &BTreeSet<&PartnerId>, complaints: &mut Complaints) {
        for (n, offer) in self.offers.iter().enumerate().filter(|(_, offer)| offer.charge_code.is_none()) {
            complaints.add(
                SettingPath::of("offers").entry(n).key("charge_code"),
                format!(
                    "charge_codes = \"required\": offer {} has no charge_code, and neither has partner {}",
                    offer.id, offer.partner
                ),
            );
        }
        for partner in partners.iter().filter(|partner| !self.partners.contains_key(**partner)) {
            complaints.add(
                SettingPath::of("charge_codes"),
                format!(
                    "charge_codes = \"required\": partner {partner} needs a charge_code of its own below \
                     [[partners]], for charges of which the offer is not known"
                ),
            );
        }
    }
}

/// The code that all offers of a partner have.
fn shared_code(offers: &[CodedOffer], partner: &PartnerId) -> Option<ChargeCode> {
    let mut codes = offers.iter().filter(|offer| offer.partner == *partner).map(|offer| &offer.charge_code);
    let first = codes.next()?.clone();
    first.filter(|first| codes.all(|code| code.as_ref() == Some(first)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Config;
    use crate::config::file::tests::GOOD;

    const MORE: &str = r#"
        [[offers]]
        id = "netflix-premium"
        partner = "netflix"
        title = "Netflix Premium"
        plan = "premium"
        price = { value = 2299, currency = "USD" }
        [[offers]]
        id = "tunes-family"
        partner = "tunes"
        title = "Tunes"
        plan = "family"
        price = { value = 999, currency = "USD" }
    "#;

    fn with_codes(standard: &str, premium: &str, tunes: &str, partner: &str) -> String {
        let line =
            |code: &str| if code.is_empty() { String::new() } else { format!("charge_code = \"{code}\"\n") };
        let more = MORE
            .replace("id = \"netflix-premium\"", &format!("id = \"netflix-premium\"\n{}", line(premium)))
            .replace("id = \"tunes-family\"", &format!("id = \"tunes-family\"\n{}", line(tunes)));
        GOOD.replace("id = \"netflix-standard\"", &format!("id = \"netflix-standard\"\n{}", line(standard)))
            .replace("id = \"netflix\"\n", &format!("id = \"netflix\"\n{}", line(partner)))
            + &more
    }

    fn codes(text: &str) -> ChargeCodes {
        let config = Config::parse(text).expect("is well formed");
        config.check().expect("is sound");
        config.list_charge_codes()
    }

    fn id<T>(parse: impl Fn(&str) -> Option<T>, text: &str) -> T {
        parse(text).expect("is an id")
    }

    fn booked(codes: &ChargeCodes, partner: &str, plan: Option<&str>) -> (Option<String>, Option<String>) {
        let booking =
            codes.book_plan(&id(PartnerId::parse, partner), plan.map(|plan| id(ExtId::parse, plan)));
        (booking.offer.map(|offer| offer.to_string()), booking.charge_code.map(|code| code.to_string()))
    }

    #[test]
    fn charge_code_is_the_offers_or_else_the_partners() {
        let some = |text: &str| Some(text.to_owned());
        let codes = codes(&with_codes("", "NFLX-P", "TUNES", "NFLX"));
        assert_eq!(booked(&codes, "netflix", Some("standard")), (some("netflix-standard"), some("NFLX")));
        assert_eq!(booked(&codes, "netflix", Some("premium")), (some("netflix-premium"), some("NFLX-P")));
        assert_eq!(booked(&codes, "netflix", Some("basic")), (None, some("NFLX")));
        assert_eq!(booked(&codes, "netflix", None), (None, some("NFLX")));
        assert_eq!(booked(&codes, "tunes", None), (None, some("TUNES")), "all its offers have it");
        assert_eq!(booked(&codes, "games", Some("standard")), (None, None));
        let coupon =
            codes.book_offer(&id(PartnerId::parse, "netflix"), id(OfferId::parse, "netflix-premium"));
        assert_eq!(coupon.plan, Some(id(ExtId::parse, "premium")));
        assert_eq!(coupon.charge_code.map(|code| code.to_string()), some("NFLX-P"));
        let gone = codes.book_offer(&id(PartnerId::parse, "netflix"), id(OfferId::parse, "netflix-old"));
        assert_eq!(gone.charge_code.map(|code| code.to_string()), some("NFLX"));
    }

    #[test]
    fn offers_of_one_plan_are_not_told_apart() {
        let text = with_codes("A", "B", "", "").replace("plan = \"premium\"", "plan = \"standard\"");
        assert_eq!(booked(&codes(&text), "netflix", Some("standard")), (None, None));
    }

    #[test]
    fn required_codes_are_missed_at_the_start() {
        let check = |text: &str| {
            let config =
                Config::parse(&text.replace("database =", "charge_codes = \"required\"\ndatabase ="))?;
            config.check()
        };
        for (codes, complaint) in [
            (["", "", "", ""], "offer netflix-standard has no charge_code"),
            (["A", "A", "", ""], "offer tunes-family has no charge_code, and neither has partner tunes"),
            (["A", "B", "T", ""], "partner netflix needs a charge_code of its own"),
        ] {
            let [standard, premium, tunes, partner] = codes;
            let refused = check(&with_codes(standard, premium, tunes, partner)).expect_err(complaint);
            assert!(refused.contains(complaint), "{refused}");
        }
        assert_eq!(check(&with_codes("A", "B", "T", "N")), Ok(()));
        assert_eq!(
            check(&with_codes("A", "A", "T", "")),
            Ok(()),
            "unknown offers have the code of all offers"
        );
        assert_eq!(check(&with_codes("", "", "T", "N")), Ok(()));
        for bad in ["a,b", "a\\nb", &"x".repeat(200), " "] {
            let refused = check(&with_codes(bad, "B", "T", "N")).expect_err(bad);
            assert!(refused.contains("is no charge code: it must be 1 to 64 letters"), "{refused}");
        }
    }
}
