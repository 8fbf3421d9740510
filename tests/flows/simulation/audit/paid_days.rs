//! Which charge or coupon pays for which days. After each step: a new one pays for no day that
//! another pays for, if either is a coupon; and a coupon's months begin on the first unpaid day.

use super::db_reader::{DbReader, TextRow};
use super::{to_number, to_text};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Days that a charge or coupon pays for, or has paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PaidDays {
    /// The PAI of the subscription; none for a gift to a customer whom the partner has not named.
    pai: Option<String>,
    payer: String,
    /// The PAI that the partner has named.
    asked: Option<String>,
    days: ServicePeriod,
    is_coupon: bool,
    /// Its status.
    outcome: String,
    /// Billing has refunded all of it.
    is_back: bool,
    claimed_on: Day,
    reminded: bool,
}

/// What paid for which days when it was last read.
#[derive(Default)]
pub(in super::super) struct PaidDaysWatch {
    /// By our ids of the charges.
    spans: BTreeMap<String, PaidDays>,
    /// The PAIs whose subscription is not over.
    live: BTreeSet<String>,
    /// Those of coupons that were in force before the last read.
    before: Vec<(String, ServicePeriod)>,
}

impl PaidDays {
    /// The PAI that gets the days, by the state at the redemption: a customer who pays on the bill
    /// would have been named.
    fn payer_of(&self, live: &BTreeSet<String>) -> Option<&String> {
        let is_gift = self.is_coupon && live.contains(&self.payer);
        self.asked.as_ref().or(if is_gift { None } else { Some(&self.payer) })
    }

    fn is_in_force(&self) -> bool {
        !self.is_declined() && !self.is_back
    }

    /// It was never paid.
    fn is_declined(&self) -> bool {
        self.outcome == "DECLINED"
    }

    /// A coupon whose response is stored.
    fn is_spent(&self) -> bool {
        self.is_coupon && self.outcome == "REDEEMED"
    }
}

impl PaidDaysWatch {
    /// Reads again, and returns the violations.
    pub(in super::super) async fn look(&mut self, db_reader: &DbReader) -> Vec<String> {
        let (now, live) = (read_paid_days(db_reader).await, read_live_pais(db_reader).await);
        let mut found = Vec::new();
        for (id, new) in now.iter().filter(|(id, _)| !self.spans.contains_key(*id)) {
            let of_the_same = || {
                let is_theirs = |span: &PaidDays| new.pai.is_some() && span.pai == new.pai;
                now.iter().filter(move |(other, span)| *other != id && is_theirs(span))
            };
            let stays = self.live.contains(&new.payer) == live.contains(&new.payer);
            if stays && new.pai.as_ref() != new.payer_of(&live) {
                found.push(format!("{id} is for somebody else: {new:?}"));
            }
            if new.is_in_force() {
                let twice = of_the_same().filter(|(other, span)| {
                    let was_in_force = self.spans.get(*other).is_none_or(PaidDays::is_in_force);
                    (span.is_coupon || new.is_coupon)
                        && span.is_in_force()
                        && was_in_force
                        && span.days.overlaps(new.days)
                });
                found.extend(
                    twice.map(|other| format!("a day is paid for twice: {id} {new:?} and {other:?}")),
                );
            }
            // Nothing else has happened meanwhile.
            if new.is_coupon && of_the_same().all(|(other, span)| self.spans.get(other) == Some(span)) {
                let before =
                    of_the_same().filter(|(_, span)| span.is_in_force()).map(|(_, span)| span.days.to());
                let from = before.max().filter(|last| *last >= new.claimed_on).and_then(Day::next);
                if new.days.from() != from.unwrap_or(new.claimed_on) {
                    found.push(format!("{id} begins too early or too late: {new:?}, {from:?} was free"));
                }
            }
        }
        self.before = self.of_coupons();
        (self.spans, self.live) = (now, live);
        found
    }

    /// The last day that coupons pay for, if it has not passed.
    pub(in super::super) fn paid_until(&self, pai: &str, today: Day) -> Option<Day> {
        let of_it = self
            .spans
            .values()
            .filter(|span| span.pai.as_deref() == Some(pai) && span.is_coupon && span.is_in_force());
        of_it.map(|span| span.days.to()).max().filter(|last| *last >= today)
    }

    /// The coupons whose days end within `within` days, with no later ones of the same subscriber;
    /// by their charges, with the subscriber.
    pub(in super::super) fn find_ending(&self, today: Day, within: i64) -> BTreeMap<String, String> {
        let ending = self.spans.iter().filter_map(|(id, span)| {
            let pai = span.pai.as_deref()?;
            let is_due = span.is_spent()
                && span.is_in_force()
                && !span.reminded
                && self.paid_until(pai, today) == Some(span.days.to())
                && span.days.to().days_since(today) <= within;
            is_due.then(|| (id.clone(), pai.to_owned()))
        });
        ending.collect()
    }

    /// The coupons whose subscriber was reminded that they end on this day.
    pub(in super::super) fn reminded_of(&self, last: Day) -> Vec<&str> {
        let reminded = self.spans.values().filter(|span| span.reminded && span.days.to() == last);
        reminded.filter_map(|span| span.pai.as_deref()).collect()
    }

    /// Whether a coupon pays for some of these days, or did before the last step.
    pub(in super::super) fn is_paid(&self, pai: &str, days: ServicePeriod) -> bool {
        let spans = self.before.iter().cloned().chain(self.of_coupons());
        spans.into_iter().any(|(whose, paid)| whose == pai && paid.overlaps(days))
    }

    /// The last days that a coupon pays for.
    pub(in super::super) fn last_of(&self, pai: &str) -> Option<ServicePeriod> {
        let theirs = self.of_coupons().into_iter().filter(|(whose, _)| whose == pai);
        theirs.map(|(_, days)| days).max_by_key(|days| days.to())
    }

    fn of_coupons(&self) -> Vec<(String, ServicePeriod)> {
        let paid = self.spans.values().filter(|span| span.is_coupon && span.is_in_force());
        paid.filter_map(|span| Some((span.pai.clone()?, span.days))).collect()
    }

    /// Whether the subscription of a PAI is not over.
    pub(in super::super) fn pays_on_bill(&self, pai: &str) -> bool {
        self.live.contains(pai)
    }

    /// The last days that coupons pay for.
    pub(in super::super) fn ends(&self) -> Vec<Day> {
        self.spans
            .values()
            .filter(|span| span.is_spent() && span.is_in_force())
            .map(|span| span.days.to())
            .collect()
    }
}

async fn read_live_pais(db_reader: &DbReader) -> BTreeSet<String> {
    let sql = "SELECT pai FROM partner_subscriptions WHERE status <> 'CANCELLED'";
    db_reader.rows(sql).await.into_iter().filter_map(|row| row[0].clone()).collect()
}

async fn read_paid_days(db_reader: &DbReader) -> BTreeMap<String, PaidDays> {
    let charges = "SELECT t.transaction_id, t.pai, t.period_from, t.period_to, t.created_at, t.amount_minor,
                       (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                        WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED'),
                       t.status, NULL, NULL, t.pai, NULL
                   FROM transactions t
                   WHERE NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)";
    let coupons = "SELECT r.transaction_id, r.pai, r.period_from, r.period_to, t.created_at, t.amount_minor,
                       (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                        WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED'),
                       r.outcome, r.outcome, r.reminded_at, t.pai, r.requested_pai
                   FROM coupon_redemptions r JOIN transactions t ON t.transaction_id = r.transaction_id";
    let day = |column| Day::parse(&to_text(column)).expect("is a day");
    let span = |row: TextRow| {
        let [id, pai, from, to, created_at, value, refunded, outcome, coupon, reminded_at, payer, asked] =
            row.try_into().expect("has these columns");
        let span = PaidDays {
            pai,
            payer: to_text(payer),
            asked,
            days: ServicePeriod::new(day(from), day(to)).expect("are days"),
            is_coupon: coupon.is_some(),
            outcome: to_text(outcome),
            is_back: to_number(refunded) == to_number(value),
            claimed_on: Day::of_timestamp(Timestamp::from_unix_seconds(to_number(created_at))),
            reminded: reminded_at.is_some(),
        };
        (to_text(id), span)
    };
    let mut spans: BTreeMap<String, PaidDays> = db_reader.rows(charges).await.into_iter().map(span).collect();
    spans.extend(db_reader.rows(coupons).await.into_iter().map(span));
    spans
}
