//! Charge codes: the operator's own codes for the charges of an offer or a partner.

use super::complaints::Complaints;
use super::offers::Offer;
use super::partners::Partner;
use super::setting_path::SettingPath;
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

/// The booking of a charge at billing. It is fixed when the charge is recorded.
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
    /// The partners' own, for charges of which the offer is not known or not on sale any more.
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
    /// An offer without a code has its partner's.
    pub(super) fn of(offers: &[Offer], partners: &[Partner]) -> Self {
        let coded =
            partners.iter().filter_map(|partner| Some((partner.id.clone(), partner.charge_code.clone()?)));
        let partners: BTreeMap<PartnerId, ChargeCode> = coded.collect();
        let offers = offers.iter().map(|offer| CodedOffer {
            id: offer.id.clone(),
            partner: offer.partner.clone(),
            plan: offer.plan.clone(),
            charge_code: offer.charge_code.clone().or_else(|| partners.get(&offer.partner).cloned()),
        });
        Self { offers: offers.collect(), partners }
    }

    /// How a charge is booked for this offer and this plan, which are those of its mandate. Of a coupon
    /// only the offer is known. The offer may be gone since: then the charge has its partner's code, and
    /// never that of another offer. Otherwise a change of what is on sale would book what was sold
    /// before under another code.
    pub fn book(&self, partner: &PartnerId, offer: Option<OfferId>, plan: Option<ExtId>) -> Booking {
        let is_it = |known: &&CodedOffer| known.partner == *partner && Some(&known.id) == offer.as_ref();
        let known = self.offers.iter().find(is_it);
        Booking {
            plan: plan.or_else(|| known.map(|offer| offer.plan.clone())),
            charge_code: known
                .map_or_else(|| self.partners.get(partner).cloned(), |offer| offer.charge_code.clone()),
            offer,
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
                     [[partners]], for charges of which the offer is not known or not on sale any more"
                ),
            );
        }
    }
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

    /// The plan and the code of a charge.
    fn booked(
        codes: &ChargeCodes,
        partner: &str,
        offer: Option<&str>,
        plan: Option<&str>,
    ) -> (Option<String>, Option<String>) {
        let (offer, plan) =
            (offer.map(|offer| id(OfferId::parse, offer)), plan.map(|plan| id(ExtId::parse, plan)));
        let booking = codes.book(&id(PartnerId::parse, partner), offer.clone(), plan);
        assert_eq!(booking.offer, offer, "the offer is what the mandate says");
        (booking.plan.map(|plan| plan.to_string()), booking.charge_code.map(|code| code.to_string()))
    }

    #[test]
    fn charge_code_is_the_offers_or_else_the_partners() {
        let some = |text: &str| Some(text.to_owned());
        let codes = codes(&with_codes("", "NFLX-P", "TUNES", "NFLX"));
        for (partner, offer, plan, expected) in [
            ("netflix", Some("netflix-standard"), Some("standard"), (some("standard"), some("NFLX"))),
            ("netflix", Some("netflix-premium"), Some("premium"), (some("premium"), some("NFLX-P"))),
            // A coupon's.
            ("netflix", Some("netflix-premium"), None, (some("premium"), some("NFLX-P"))),
            ("netflix", Some("netflix-old"), Some("old"), (some("old"), some("NFLX"))),
            ("netflix", None, Some("basic"), (some("basic"), some("NFLX"))),
            ("netflix", None, None, (None, some("NFLX"))),
            // The plan of an offer that its mandate does not name is not booked as that offer.
            ("netflix", None, Some("premium"), (some("premium"), some("NFLX"))),
            // A code of another offer is never used, though all offers have it.
            ("tunes", Some("tunes-family"), Some("family"), (some("family"), some("TUNES"))),
            ("tunes", Some("tunes-old"), Some("solo"), (some("solo"), None)),
            ("tunes", None, None, (None, None)),
            // An offer is its partner's alone.
            ("games", Some("netflix-premium"), Some("premium"), (some("premium"), None)),
        ] {
            assert_eq!(booked(&codes, partner, offer, plan), expected, "{partner} {offer:?} {plan:?}");
        }
    }

    /// What was sold before is booked as before, whatever is sold beside it or not any more.
    #[test]
    fn other_offers_change_no_booking() {
        let premium = (Some("premium".to_owned()), Some("P".to_owned()));
        let book = |text: &str| booked(&codes(text), "netflix", Some("netflix-premium"), Some("premium"));
        let all = with_codes("S", "P", "T", "");
        assert_eq!(book(&all), premium);
        let alike = all.replace("plan = \"standard\"", "plan = \"premium\"");
        assert_eq!(book(&alike), premium, "another offer has the same plan");
        let standard = booked(&codes(&alike), "netflix", Some("netflix-standard"), Some("premium"));
        assert_eq!(standard, (Some("premium".to_owned()), Some("S".to_owned())));
        // Once it is off sale itself, no other offer's code is taken for it.
        let gone = all.replace("id = \"netflix-premium\"", "id = \"netflix-other\"");
        assert_eq!(book(&gone), (Some("premium".to_owned()), None));
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
            // That all offers have one code is no code for what is not on sale.
            (["A", "A", "T", ""], "partner netflix needs a charge_code of its own"),
            (["A", "B", "T", "N"], "partner tunes needs a charge_code of its own"),
        ] {
            let [standard, premium, tunes, partner] = codes;
            let refused = check(&with_codes(standard, premium, tunes, partner)).expect_err(complaint);
            assert!(refused.contains(complaint), "{refused}");
        }
        let tunes = "[[partners]]\nid = \"tunes\"\ncharge_code = \"TUNES\"\n";
        for codes in [["A", "B", "T", "N"], ["", "", "", "N"]] {
            let [standard, premium, offer, partner] = codes;
            assert_eq!(check(&(with_codes(standard, premium, offer, partner) + tunes)), Ok(()), "{codes:?}");
        }
        for bad in ["a,b", "a\\nb", &"x".repeat(200), " "] {
            let refused = check(&with_codes(bad, "B", "T", "N")).expect_err(bad);
            assert!(refused.contains("is no charge code: it must be 1 to 64 letters"), "{refused}");
        }
    }
}
