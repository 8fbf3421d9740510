//! What customers have agreed to, against what they were charged: by the audit's own reading of both.

use super::super::run::SimulationRun;
use super::db_reader::DbReader;
use super::{StoredCharge, to_number, to_text};
use onbill_domain::day::Day;
use std::collections::{BTreeMap, BTreeSet};

/// The price that each offer and subscription of the simulation is agreed at, in cents for a month.
const PRICE: i64 = 1599;

struct AgreedMandate {
    pai: String,
    subscription: String,
    price: i64,
    currency: String,
    in_force_from: Day,
    charges: Vec<String>,
}

/// The charges that were accepted, and the subscriptions that had ended, when the database was last
/// read. What came first cannot be derived from times: clocks are set back.
#[derive(Default)]
pub(in super::super) struct MandateWatch {
    accepted: BTreeSet<String>,
    ended: BTreeMap<String, i64>,
}

impl MandateWatch {
    /// Reads again. After a cancellation, only periods that had begun by then are charged.
    pub(in super::super) async fn look(&mut self, db_reader: &DbReader) -> Vec<String> {
        let charges = "SELECT t.transaction_id, t.period_from, m.partner_subscription_id
                       FROM transactions t JOIN mandates m ON m.mandate_id = t.mandate_id
                       WHERE t.status <> 'DECLINED'";
        let mut found = Vec::new();
        for row in db_reader.rows(charges).await {
            let [id, from, subscription] = row.try_into().expect("has these columns");
            let (id, from) = (to_text(id), Day::parse(&to_text(from)).expect("is a day"));
            let ended = self.ended.get(&to_text(subscription));
            if self.accepted.insert(id.clone())
                && ended.is_some_and(|at| from.starts_at().unix_seconds() > *at)
            {
                found.push(format!("{id} is for a period that began after the cancellation"));
            }
        }
        let ended = "SELECT partner_subscription_id, ended_at FROM partner_subscriptions
                     WHERE ended_at IS NOT NULL";
        for row in db_reader.rows(ended).await {
            let [subscription, at] = row.try_into().expect("has these columns");
            let (subscription, at) = (to_text(subscription), to_number(at));
            if self.ended.insert(subscription.clone(), at).is_some_and(|before| before != at) {
                found.push(format!("{subscription} has ended twice"));
            }
        }
        found
    }
}

/// Each approved charge has a mandate in force that covers its amount, currency and days; no two of a
/// customer are for one day; and a mandate comes from a visit.
pub(super) async fn check_mandates(
    run: &SimulationRun,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    let mut mandates = read_mandates(run).await;
    let sql = "SELECT ext_transaction_id, mandate_id FROM transactions WHERE status = 'APPROVED'";
    for row in run.rows(sql).await {
        let [id, mandate_id] = row.try_into().expect("has these columns");
        let id = to_text(id);
        if StoredCharge::is_coupons(&id) {
            if let Some(mandate_id) = mandate_id {
                found.push(format!("{id} is of a coupon, and of the mandate {mandate_id}"));
            }
            continue;
        }
        let Some(mandate) = mandate_id.and_then(|id| mandates.get_mut(&id)) else {
            found.push(format!("{id} is approved, and nobody has agreed to it"));
            continue;
        };
        found.extend(mandate.check_charge(&id, &charges[&id]));
        mandate.charges.push(id);
    }
    check_days(charges, &mandates, found);
    // What was agreed in the widget was paid for by a visit of the same customer, with its words.
    let unfounded = "SELECT m.mandate_id FROM mandates m LEFT JOIN mandates v ON v.mandate_id = m.supersedes
                     WHERE m.partner_subscription_id IS NOT NULL AND (v.mandate_id IS NULL OR v.pai <> m.pai
                         OR v.words_sha256 IS NULL OR v.words_sha256 <> m.words_sha256)";
    for row in run.rows(unfounded).await {
        found.push(format!("a mandate comes from no visit: {row:?}"));
    }
}

async fn read_mandates(run: &SimulationRun) -> BTreeMap<String, AgreedMandate> {
    let sql =
        "SELECT m.mandate_id, m.pai, m.partner_subscription_id, m.price_minor, m.currency, m.in_force_from
               FROM mandates m JOIN partner_subscriptions s
                   ON s.partner_subscription_id = m.partner_subscription_id AND s.pai = m.pai";
    let mandates = run.rows(sql).await.into_iter().map(|row| {
        let [id, pai, subscription, price, currency, from] = row.try_into().expect("has these columns");
        let mandate = AgreedMandate {
            pai: to_text(pai),
            subscription: to_text(subscription),
            price: to_number(price),
            currency: to_text(currency),
            in_force_from: Day::parse(&to_text(from)).expect("is a day"),
            charges: Vec::new(),
        };
        (to_text(id), mandate)
    });
    mandates.collect()
}

impl AgreedMandate {
    /// What is wrong with a charge under it. The partner of the simulation charges months, or less.
    fn check_charge(&self, id: &str, charge: &StoredCharge) -> Option<String> {
        let day = |day: &str| Day::parse(day).expect("is a day");
        let (from, to) = (day(&charge.days.0), day(&charge.days.1));
        let months = if to.days_since(from) > 31 { 2 } else { 1 };
        let complaint = if self.pai != charge.pai {
            "is of somebody else"
        } else if self.price != PRICE || charge.value > months * self.price {
            "costs more than was agreed"
        } else if self.currency != charge.currency {
            "is in a currency that was not agreed"
        } else if to < self.in_force_from {
            "is for days before anybody agreed"
        } else {
            return None;
        };
        Some(format!("{id} {complaint}"))
    }
}

/// No two charges of a customer are for one day, unless billing has refunded one of them, or one is
/// what is left of a period that had begun before the other's subscription.
fn check_days(
    charges: &BTreeMap<String, StoredCharge>,
    mandates: &BTreeMap<String, AgreedMandate>,
    found: &mut Vec<String>,
) {
    let mut of_customers: BTreeMap<&str, Vec<(&str, &AgreedMandate)>> = BTreeMap::new();
    for mandate in mandates.values() {
        let ids = mandate.charges.iter().map(|id| (id.as_str(), mandate));
        of_customers.entry(&mandate.pai).or_default().extend(ids);
    }
    for ids in of_customers.values() {
        for (n, (id, mandate)) in ids.iter().enumerate() {
            let one = &charges[*id];
            for (other_id, other_mandate) in &ids[..n] {
                let other = &charges[*other_id];
                let overlaps = one.days.0 <= other.days.1 && other.days.0 <= one.days.1;
                let is_back = [one, other].iter().any(|charge| charge.refunded == charge.value);
                let is_left = mandate.subscription != other_mandate.subscription
                    && (is_left_of(one, other, other_mandate) || is_left_of(other, one, mandate));
                if overlaps && !is_back && !is_left {
                    found.push(format!("{id} and {other_id} charge one day twice"));
                }
            }
        }
    }
}

/// Whether the earlier charge's period had begun before the other one's, and before its subscription.
fn is_left_of(earlier: &StoredCharge, other: &StoredCharge, of: &AgreedMandate) -> bool {
    earlier.days.0 < other.days.0 && earlier.days.0 < of.in_force_from.to_string()
}
