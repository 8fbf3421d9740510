//! Customers who cancel and return within a period: each of their subscriptions is charged as it would
//! be alone, and no day is paid for twice that was not left of an earlier period.

use crate::test_store::{TestStore, declined_by, new_charge, new_pai, new_subscription, subscription_terms};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, service_period, usd};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::mandate::{covers, price_of_days};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::config::{ChargeNeeds, RepeatedPeriod};
use onbill_origin::store::{
    ChangeSubscriptionResult, ChargeRules, NewCharge, PostChargeResult, RecordSubscriptionResult,
};
use onbill_test_harness::Dice;

on_each_database!(
    a_return_with_another_plan_is_charged,
    both_subscriptions_charge_in_either_order,
    a_named_subscription_is_the_one_that_is_charged,
    a_name_of_no_subscription_covers_nothing,
    charge_is_compared_with_the_subscription_covering_it,
    what_is_charged_was_agreed_to_whatever_happens,
);

const DAY: i64 = 86_400;
const STANDARD: i64 = 1599;
const PREMIUM: i64 = 2299;

fn on(day: &str) -> Timestamp {
    parse_day(day).starts_at().plus_seconds(DAY / 2)
}

fn charge_of(pai: Pai, ext_id: &str, amount_minor: i64, days: ServicePeriod) -> NewCharge {
    let mut new = new_charge(pai, ext_id, amount_minor);
    new.request.service_period = days;
    new.rules = ChargeRules {
        needs: ChargeNeeds::Mandate,
        repeated_period: RepeatedPeriod::Decline,
        begins_at: days.from().starts_at(),
    };
    new
}

/// The charge with the name of a subscription in it.
fn named(mut new: NewCharge, subscription: &str) -> NewCharge {
    new.request.partner_subscription_id = Some(parse_ext_id(subscription));
    new.fingerprint = sha256(&serde_json::to_vec(&new.request).expect("is JSON"));
    new
}

impl TestStore {
    async fn issue_to(&self, n: u8) -> Pai {
        let row = self.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", n, "2024-01-01")).await;
        row.expect("works").expect("is issued").pai
    }

    async fn begin(&self, pai: Pai, id: &str, price_minor: i64, at: Timestamp) {
        let request = PartnerSubscriptionRequest {
            price: Some(usd(price_minor)),
            consent_at: Some(at),
            ..new_subscription(pai, id)
        };
        let (netflix, terms) = (partner_id("netflix"), subscription_terms());
        let recorded =
            self.store.record_subscription(fresh_nonce(), at, netflix, id.to_owned(), request, terms).await;
        assert!(matches!(recorded, Ok(RecordSubscriptionResult::Created(_))), "{recorded:?}");
    }

    async fn end(&self, id: &str, at: Timestamp) {
        let cancelled = SubscriptionChange { status: SubscriptionStatus::Cancelled, reason: None };
        let (netflix, id) = (partner_id("netflix"), parse_ext_id(id));
        let changed = self.store.change_subscription(fresh_nonce(), at, netflix, id, cancelled).await;
        assert_eq!(changed.expect("works"), ChangeSubscriptionResult::Current);
    }

    /// The subscription that a charge is recorded under, or the gap that it is declined for.
    async fn book_charge(&self, new: NewCharge) -> Result<String, String> {
        let id = new.transaction_id.clone();
        match self.store.post_charge(fresh_nonce(), NOW, new).await.expect("works") {
            PostChargeResult::Created(_) => {}
            other => return Err(declined_by(&other).expect("is declined for a gap").1),
        }
        for subscription in (1..).map(|n| format!("ps-{n}")).take(40) {
            let rows =
                format!("transactions WHERE transaction_id = '{id}' AND mandate_id = '{subscription}'");
            if self.place.count_rows(&rows).await == 1 {
                return Ok(subscription);
            }
        }
        panic!("{id} has no mandate")
    }

    /// Standard since November, cancelled on the tenth of December; premium since the twelfth.
    async fn with_return(&self, n: u8) -> Pai {
        let pai = self.issue_to(n).await;
        self.begin(pai, "ps-1", STANDARD, NOW).await;
        self.end("ps-1", on("2026-12-10")).await;
        self.begin(pai, "ps-2", PREMIUM, on("2026-12-12")).await;
        pai
    }
}

fn december() -> ServicePeriod {
    service_period("2026-12-01", "2026-12-31")
}

fn rest_of_december() -> ServicePeriod {
    service_period("2026-12-12", "2026-12-31")
}

fn charged() -> Result<String, String> {
    Err("period-charged".to_owned())
}

async fn a_return_with_another_plan_is_charged(db: TestStore) {
    let pai = db.with_return(1).await;
    let premium = charge_of(pai, "n-1", PREMIUM, december());
    assert_eq!(db.book_charge(premium).await, Ok("ps-2".to_owned()));
    // The month is paid for: once, whichever of the two prices it is.
    for (id, amount) in [("n-2", PREMIUM), ("n-3", STANDARD), ("n-4", 1)] {
        assert_eq!(db.book_charge(charge_of(pai, id, amount, december())).await, charged(), "{amount}");
    }
    let above = charge_of(pai, "n-5", PREMIUM + 1, december());
    assert_eq!(db.book_charge(above).await, Err("over-price".to_owned()));
    // From then on there is the new plan alone.
    let january = service_period("2027-01-01", "2027-01-31");
    assert_eq!(db.book_charge(charge_of(pai, "n-6", PREMIUM, january)).await, Ok("ps-2".to_owned()));
}

async fn both_subscriptions_charge_in_either_order(db: TestStore) {
    let pai = db.with_return(1).await;
    let rest = price_of_days(PREMIUM, rest_of_december());
    let first = || charge_of(pai, "n-1", STANDARD, december());
    let second = || charge_of(pai, "n-2", rest, rest_of_december());
    assert_eq!(db.book_charge(first()).await, Ok("ps-1".to_owned()));
    assert_eq!(db.book_charge(second()).await, Ok("ps-2".to_owned()));
    let whole = charge_of(pai, "n-3", PREMIUM, december());
    assert_eq!(db.book_charge(whole).await, charged(), "the month of the first is not charged again");
    let late = TestStore::open_beside(&db).await;
    let other = late.with_return(1).await;
    let of_other = |mut new: NewCharge| {
        new.request.pai = other;
        new
    };
    assert_eq!(late.book_charge(of_other(second())).await, Ok("ps-2".to_owned()));
    assert_eq!(late.book_charge(of_other(first())).await, Ok("ps-1".to_owned()), "a late one");
}

async fn a_named_subscription_is_the_one_that_is_charged(db: TestStore) {
    let pai = db.with_return(1).await;
    let of = |id: &str, amount, days| charge_of(pai, id, amount, days);
    // By itself it would be the first one's, which covers it as well.
    let second = named(of("n-1", STANDARD, december()), "ps-2");
    assert_eq!(db.book_charge(second.clone()).await, Ok("ps-2".to_owned()));
    assert_eq!(db.book_charge(named(of("n-2", STANDARD, december()), "ps-1")).await, charged());
    let dear = named(of("n-3", PREMIUM, december()), "ps-1");
    assert_eq!(db.book_charge(dear).await, Err("over-price".to_owned()));
    let january = service_period("2027-01-01", "2027-01-31");
    let ended = named(of("n-4", STANDARD, january), "ps-1");
    assert_eq!(db.book_charge(ended).await, Err("ended".to_owned()));
    // The name is part of the charge.
    let again = db.store.post_charge(fresh_nonce(), NOW, named(second, "ps-1")).await.expect("works");
    assert_eq!(again, PostChargeResult::Conflict);
}

async fn a_name_of_no_subscription_covers_nothing(db: TestStore) {
    let pai = db.with_return(1).await;
    let stranger = db.issue_to(2).await;
    let none = Err("none".to_owned());
    let of = |pai, id: &str, name: &str| named(charge_of(pai, id, STANDARD, december()), name);
    assert_eq!(db.book_charge(of(pai, "n-1", "ps-9")).await, none);
    assert_eq!(db.book_charge(of(stranger, "n-2", "ps-1")).await, none, "it is somebody else's");
    let mut unneeded = of(stranger, "n-3", "ps-1");
    unneeded.rules = ChargeRules::none(NOW);
    assert_eq!(db.book_charge(unneeded).await, none, "a name is true, even where none is needed");
}

/// On the day of the cancellation there are both, of which the second costs less.
async fn charge_is_compared_with_the_subscription_covering_it(db: TestStore) {
    let pai = db.issue_to(1).await;
    db.begin(pai, "ps-1", PREMIUM, NOW).await;
    db.end("ps-1", on("2026-12-12")).await;
    db.begin(pai, "ps-2", STANDARD, on("2026-12-12")).await;
    let whole = charge_of(pai, "n-1", PREMIUM, december());
    assert_eq!(db.book_charge(whole).await, Ok("ps-1".to_owned()));
    let amount = price_of_days(PREMIUM, rest_of_december());
    let rest = |id: &str| charge_of(pai, id, amount, rest_of_december());
    assert_eq!(db.book_charge(rest("n-2")).await, charged(), "though the second is not");
    // With an alarm instead of a decline, it is the first one's that is charged again.
    let mut again = rest("n-3");
    again.rules.repeated_period = RepeatedPeriod::Alarm;
    assert_eq!(db.book_charge(again).await, Ok("ps-1".to_owned()));
}

/// A subscription, as the test itself has it.
struct Agreed {
    id: String,
    price_minor: i64,
    from: Day,
    ended_at: Option<Timestamp>,
}

/// A charge that was accepted: of which of the subscriptions, and for which days.
struct Accepted {
    of: usize,
    days: ServicePeriod,
}

/// Two charges may both be there.
fn may_both_be(agreed: &[Agreed], one: &Accepted, other: &Accepted) -> bool {
    let (earlier, later) = if one.days.from() <= other.days.from() { (one, other) } else { (other, one) };
    !one.days.overlaps(other.days)
        || one.of != other.of
            && earlier.days.from() < later.days.from()
            && earlier.days.from() < agreed[later.of].from
            && agreed[later.of].from <= later.days.from()
}

/// What the subscription with this index would be charged, if it may be.
fn may_be_charged(
    agreed: &[Agreed],
    of: usize,
    accepted: &[Accepted],
    amount: i64,
    days: ServicePeriod,
) -> bool {
    let subscription = &agreed[of];
    let month = ServicePeriod::from_months(days.from(), 1).expect("is a month");
    let has_begun = subscription.from <= month.to().min(days.to());
    let is_over = subscription.ended_at.is_some_and(|at| at < days.from().starts_at());
    let new = Accepted { of, days };
    has_begun
        && !is_over
        && covers(usd(subscription.price_minor), usd(amount), days)
        && accepted.iter().all(|other| may_both_be(agreed, &new, other))
}

/// A partner that reports, cancels and charges at random, and now and then names a subscription.
struct RandomPartner {
    dice: Dice,
    pai: Pai,
    now: Timestamp,
    agreed: Vec<Agreed>,
    accepted: Vec<Accepted>,
    /// Of the charges, how many were declined.
    declined: usize,
}

impl RandomPartner {
    async fn act(&mut self, db: &TestStore, step: usize) {
        self.now = self.now.plus_seconds(DAY * self.dice.draw_between(0, 7));
        match self.dice.draw_below(5) {
            0 => self.end_subscription(db).await,
            1 => {
                self.end_subscription(db).await;
                self.begin_subscription(db).await;
            }
            _ => self.charge(db, step).await,
        }
    }

    async fn end_subscription(&mut self, db: &TestStore) {
        if let Some(live) = self.agreed.last_mut().filter(|last| last.ended_at.is_none()) {
            db.end(&live.id, self.now).await;
            live.ended_at = Some(self.now);
        }
    }

    async fn begin_subscription(&mut self, db: &TestStore) {
        let id = format!("ps-{}", self.agreed.len() + 1);
        let price_minor = *self.dice.pick_one(&[STANDARD, PREMIUM, 799]);
        db.begin(self.pai, &id, price_minor, self.now).await;
        let from = Day::of_timestamp(self.now);
        self.agreed.push(Agreed { id, price_minor, from, ended_at: None });
    }

    async fn charge(&mut self, db: &TestStore, step: usize) {
        let days = self.draw_days();
        let amount = price_of_days(*self.dice.pick_one(&[STANDARD, PREMIUM, 799]), days);
        let mut new = charge_of(self.pai, &format!("n-{step}"), amount, days);
        let name = self.dice.once_in(3).then(|| self.dice.pick_one(&self.agreed).id.clone());
        if let Some(name) = &name {
            new = named(new, name);
        }
        let is_named = |of: &usize| name.as_ref().is_none_or(|name| self.agreed[*of].id == *name);
        let may_be = |of: &usize| may_be_charged(&self.agreed, *of, &self.accepted, amount, days);
        let expected: Vec<usize> = (0..self.agreed.len()).filter(is_named).filter(may_be).collect();
        match db.book_charge(new).await {
            Ok(id) => {
                let of = self.agreed.iter().position(|agreed| agreed.id == id).expect("is known");
                assert!(expected.contains(&of), "step {step}: {days:?} for {amount} is no charge of {id}");
                self.accepted.push(Accepted { of, days });
            }
            Err(gap) => {
                self.declined += 1;
                assert!(expected.is_empty(), "step {step}: {days:?} for {amount} was declined: {gap}");
            }
        }
    }

    /// A calendar month, or a month or some days from about now on.
    fn draw_days(&mut self) -> ServicePeriod {
        let about = self.now.plus_seconds(DAY * self.dice.draw_between(-20, 11));
        let from = Day::of_timestamp(about);
        match self.dice.draw_below(3) {
            0 => {
                let first = from.first_of_month();
                let next = first.plus_months(1).expect("is in the calendar");
                ServicePeriod::new(first, next.minus_days(1)).expect("are days")
            }
            1 => ServicePeriod::from_months(from, 1).expect("is a month"),
            _ => {
                let last = about.plus_seconds(DAY * self.dice.draw_between(0, 20));
                ServicePeriod::new(from, Day::of_timestamp(last)).expect("are days")
            }
        }
    }
}

/// A charge is accepted exactly when one of the subscriptions may be charged for it, and it is recorded
/// under such a one: so a partner gains nothing by the order of its calls, by a name, or by reporting
/// one subscription after the other.
async fn what_is_charged_was_agreed_to_whatever_happens(db: TestStore) {
    let (mut accepted, mut declined) = (0, 0);
    for seed in 1..=4 {
        let db = TestStore::open_beside(&db).await;
        let (dice, pai) = (Dice::new(seed), db.issue_to(1).await);
        let mut partner =
            RandomPartner { dice, pai, now: NOW, agreed: vec![], accepted: vec![], declined: 0 };
        partner.begin_subscription(&db).await;
        for step in 0..60 {
            partner.act(&db, step).await;
        }
        accepted += partner.accepted.len();
        declined += partner.declined;
    }
    assert!(accepted > 20 && declined > 20, "{accepted} charges were accepted, {declined} declined");
}
