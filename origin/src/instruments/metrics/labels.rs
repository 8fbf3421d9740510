//! The values that labels may have. They are all known when the origin starts, from its
//! configuration and its own lists: none comes from a caller, so that no caller can make the page
//! longer, or put a number into it.

use crate::config::Config;
use onbill_domain::currency::Currency;
use onbill_domain::ids::PartnerId;
use prometheus_client::metrics::counter::Counter;
use std::collections::BTreeMap;

/// The value for what is not in a list: a partner of earlier times, a currency that is no longer
/// sold in, a path that is no route. No partner can have this name.
pub(super) const OTHER: &str = "_other";

/// The lists that depend on the origin's configuration and routes.
#[derive(Clone, Debug, Default)]
pub struct LabelLists {
    pub partners: Vec<PartnerId>,
    pub currencies: Vec<Currency>,
    /// Method and pattern of each route.
    pub routes: Vec<(&'static str, &'static str)>,
    /// The word of the kind of SMS gateway; empty where there is none.
    pub sms_gateway: &'static str,
}

impl LabelLists {
    /// The lists of this configuration and these routes.
    pub fn of(config: &Config, routes: impl IntoIterator<Item = (&'static str, &'static str)>) -> Self {
        let offered = config.offers.iter().map(|offer| offer.price.currency);
        let limited = config.limits.iter().map(|limits| limits.currency);
        let mut currencies: Vec<Currency> = offered.chain(limited).collect();
        currencies.sort_unstable();
        currencies.dedup();
        Self {
            partners: config.partner_ids().into_iter().cloned().collect(),
            currencies,
            routes: routes.into_iter().collect(),
            sms_gateway: config.sms.kind(),
        }
    }
}

/// Something for each partner, and for all that are not in the list together.
#[derive(Debug)]
pub(super) struct ByPartner<T> {
    known: BTreeMap<PartnerId, T>,
    others: T,
}

impl<T> ByPartner<T> {
    pub(super) fn new(partners: &[PartnerId], make: impl Fn() -> T) -> Self {
        Self { known: partners.iter().map(|partner| (partner.clone(), make())).collect(), others: make() }
    }

    pub(super) fn of(&self, partner: &PartnerId) -> &T {
        self.known.get(partner).unwrap_or(&self.others)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let known = self.known.iter().map(|(partner, each)| (partner.as_str(), each));
        known.chain([(OTHER, &self.others)])
    }
}

/// Sums of money in minor units, by currency.
#[derive(Debug)]
pub(super) struct ByCurrency {
    known: BTreeMap<Currency, Counter>,
    others: Counter,
}

impl ByCurrency {
    pub(super) fn new(currencies: &[Currency]) -> Self {
        let known = currencies.iter().map(|currency| (*currency, Counter::default())).collect();
        Self { known, others: Counter::default() }
    }

    pub(super) fn add(&self, currency: Currency, amount_minor: i64) {
        let sum = self.known.get(&currency).unwrap_or(&self.others);
        // Amounts of charges and refunds are positive.
        sum.inc_by(u64::try_from(amount_minor).unwrap_or(0));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.known.iter().map(|(currency, sum)| (currency.as_str(), sum.get()));
        known.chain([(OTHER, self.others.get())])
    }
}

/// A counter for each word of a list.
#[derive(Debug)]
pub(super) struct Counters<const N: usize>([Counter; N]);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl<const N: usize> Counters<N> {
    /// Counts one more of the word at this place of its list.
    pub(super) fn count(&self, place: usize) {
        self.0[place].inc();
    }

    /// What was counted, in the order of the list.
    pub(super) fn read(&self) -> [u64; N] {
        self.0.each_ref().map(Counter::get)
    }
}
