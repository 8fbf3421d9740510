//! One takeover, step by step.

use super::accounts::{NUMBERS, SPARE_NUMBERS};
use super::audit;
use super::other_biller::{Customer, KnownCharge, PRICE, export};
use crate::seed_campaign::OutcomeTally;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::sign_request;
use onbill_origin::cut_over::{CutOver, CutOverReport};
use onbill_test_harness::other_system::OtherSystem;
use onbill_test_harness::{Dice, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

const BILLING: &str = "127.0.0.1:8790";
const TRANSACTION: &str = "/ott/v1/transaction";
const HOUR: i64 = 3_600;

/// Where the takeover is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Phase {
    /// Only the other system knows the customers.
    Before,
    /// They are loaded, and dark.
    Loaded,
    /// The other system charges no more, and not all are cut over.
    Night,
    /// Onbill charges them.
    After,
}

pub(super) struct TakeoverRun {
    pub(super) system: TestSystem,
    pub(super) other: OtherSystem,
    pub(super) customers: Vec<Customer>,
    pub(super) charges: Vec<KnownCharge>,
    /// PAIs whose state has changed since they were loaded: the partner is informed of those.
    pub(super) changed: Vec<String>,
    pub(super) tally: OutcomeTally,
    pub(super) dice: Dice,
    pub(super) seed: u64,
    pub(super) phase: Phase,
    /// It was turned off, and is taken over for the second time.
    pub(super) is_second: bool,
    /// Counts ids.
    pub(super) ids: u32,
    /// Numbers that no one has yet.
    pub(super) spare: Vec<&'static str>,
    /// Accounts of numbers that another subscriber has got.
    pub(super) later: Vec<String>,
}

impl TakeoverRun {
    pub(super) fn new(seed: u64) -> Self {
        let system = TestSystem::start();
        let customers = NUMBERS.iter().enumerate().map(|(n, (number, subscriber_ref))| Customer {
            number,
            subscriber_ref,
            pai: format!("INC.{seed}~{n}"),
            state: PaiState::Active,
            months: 0,
            is_cut_over: false,
        });
        Self {
            other: OtherSystem::of_acme(system.now()),
            customers: customers.collect(),
            charges: Vec::new(),
            changed: Vec::new(),
            tally: OutcomeTally::default(),
            dice: Dice::new(seed),
            seed,
            phase: Phase::Before,
            is_second: false,
            ids: 0,
            spare: SPARE_NUMBERS.to_vec(),
            later: Vec::new(),
            system,
        }
    }

    pub(super) async fn play(&mut self) {
        self.take_steps(12).await;
        self.import_accounts().await;
        self.load().await;
        self.phase = Phase::Loaded;
        self.take_steps(10).await;
        // The other system charges no more from here on, and is exported for the last time.
        self.phase = Phase::Night;
        self.load().await;
        let early = self.dice.draw_below(self.customers.len() as u64);
        for n in 0..usize::try_from(early).expect("is small") {
            self.cut_over(Some(n)).await;
        }
        self.take_steps(4).await;
        self.cut_over(None).await;
        self.phase = Phase::After;
        self.take_steps(24).await;
        if self.dice.once_in(3) {
            self.try_again().await;
        }
        self.system.acme.deliver_due().await;
        audit::check(self).await;
        if self.dice.once_in(3) {
            self.tally.count("went back");
            audit::check_way_back(self).await;
        }
    }

    pub(super) async fn take_steps(&mut self, about: u64) {
        for _ in 0..about / 2 + self.dice.draw_below(about) {
            let hours = self.dice.draw_between(1, 200);
            self.system.advance_seconds(hours * HOUR);
            let n = usize::try_from(self.dice.draw_below(4)).expect("is small");
            match self.dice.draw_below(12) {
                0..=4 => self.charge(n).await,
                5 | 6 => self.refund().await,
                7 | 8 => self.repeat().await,
                9 => self.charge_again().await,
                _ => self.change_account(n).await,
            }
        }
    }

    /// Exports the other system, and loads both files. A later file is refused only of those who have left
    /// meanwhile, whose PAIs are closed here already, and of those who have another number, which is here too.
    pub(super) async fn load(&mut self) {
        self.other.now = self.system.now();
        let [pais, charges] = export(&self.customers, &self.charges);
        let store = &self.system.acme.app().store;
        let charges = Some(charges.as_str()).filter(|_| self.charges.iter().any(|charge| charge.is_theirs));
        let (loaded, complaints) = self.other.load(store, &[pais.as_str()], charges).await;
        loaded.expect("loads");
        let has_moved = |customer: &&Customer| SPARE_NUMBERS.contains(&customer.number);
        let has_left = |customer: &&Customer| customer.state == PaiState::Closed;
        let left = self.customers.iter().filter(|customer| has_left(customer) || has_moved(customer)).count();
        let allowed = if self.phase == Phase::Before { 0 } else { left };
        assert!(complaints.len() <= allowed, "{complaints:?}");
    }

    pub(super) async fn cut_over(&mut self, one: Option<usize>) {
        let app = self.system.acme.app();
        let partner = PartnerId::parse("netflix").expect("is a slug");
        let cut_over = CutOver { store: &app.store, clock: &*app.clock, partner };
        let mut report = CutOverReport::default();
        if let Some(n) = one {
            let pai = Pai::parse(&self.customers[n].pai).expect("is a PAI");
            cut_over.run_cohort(&[pai], &mut report, |_| {}).await.expect("works");
            self.customers[n].is_cut_over = true;
        } else {
            cut_over.run_all(&mut report, |_| {}).await.expect("works");
            self.customers.iter_mut().for_each(|customer| customer.is_cut_over = true);
        }
        assert!(report.turned_on > 0 || one.is_none(), "{report:?}");
    }

    /// The partner charges the next month, at whichever system charges the customer.
    async fn charge(&mut self, n: usize) {
        let customer = &self.customers[n];
        let (month, is_cut_over) = (customer.months, customer.is_cut_over);
        let id = format!("c-{}-{n}-{month}", self.seed);
        let period = period_of(month);
        // During the night, and before it by mistake, the partner posts to onbill, which takes nothing yet.
        let is_loaded = self.phase >= Phase::Loaded;
        if !is_cut_over && is_loaded && (self.phase == Phase::Night || self.dice.once_in(3)) {
            let (status, answer) = self.post(n, &id, period).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
            self.tally.count("refused for now");
            if self.phase == Phase::Night {
                return;
            }
        }
        let is_active = self.customers[n].state == PaiState::Active;
        let charge = KnownCharge {
            id: id.clone(),
            customer: n,
            number: self.customers[n].number,
            billing_ref: format!("line-{id}"),
            period,
            posted_at: self.system.now(),
            is_approved: is_active,
            refunded: 0,
            is_theirs: !is_cut_over,
        };
        self.customers[n].months += 1;
        if is_cut_over {
            let (status, answer) = self.post(n, &id, period).await;
            assert!(status.is_success(), "{status} {answer}");
            let expected = if is_active { "APPROVED" } else { "DECLINED" };
            assert_eq!(answer["status"], expected, "{answer}");
            self.tally.count(if is_active { "charged here" } else { "declined here" });
        } else if is_active {
            self.bill_there(&charge).await;
            self.tally.count("charged there");
            if self.is_second {
                self.tally.count("charged there what was cut over before");
            }
        } else {
            self.tally.count("declined there");
        }
        self.charges.push(charge);
    }

    /// Posts a charge to onbill. Its id is on the bill, so that the lines of both systems can be joined.
    async fn post(&self, n: usize, id: &str, period: ServicePeriod) -> (StatusCode, Value) {
        let body = json!({"extTransactionID": id, "pai": self.customers[n].pai, "description": id,
                          "amount": {"value": PRICE, "currency": "USD"}, "servicePeriod": period});
        self.system.call_ott(Method::POST, TRANSACTION, body).await
    }

    /// The other system puts a charge on the operator's bill.
    async fn bill_there(&self, charge: &KnownCharge) {
        let customer = &self.customers[charge.customer];
        let body = json!({"transactionID": charge.billing_ref, "msisdn": customer.number,
            "amount": {"value": PRICE, "currency": "USD"}, "description": charge.id,
            "servicePeriod": charge.period, "partner": "netflix", "extTransactionID": charge.id,
            "subscriberID": customer.subscriber_ref, "kind": "subscription"});
        self.call_billing("/csp/transaction", &body).await;
    }

    async fn call_billing(&self, path: &str, body: &Value) {
        let mut request = Request::post(format!("http://{BILLING}{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("is a request");
        let ring = keys::keyring(&KeyHolder::Origin("acme"));
        let key = ring.keys_for_use(KeyUse::OriginToOperator).last().expect("is there");
        sign_request(&mut request, key, self.system.now(), &self.system.next_nonce()).expect("signs");
        let (status, answer) = self.system.send_request(request).await;
        assert!(status.is_success(), "{status} {answer}");
        assert_eq!(answer["status"], "APPROVED", "{answer}");
    }

    /// A part of a charge is given back, by the system that charges the customer now.
    async fn refund(&mut self) {
        let open = |charge: &KnownCharge| charge.is_approved && charge.refunded < PRICE;
        let open: Vec<usize> = (0..self.charges.len()).filter(|at| open(&self.charges[*at])).collect();
        if open.is_empty() {
            return;
        }
        let at = *self.dice.pick_one(&open);
        let charge = self.charges[at].clone();
        let is_cut_over = self.customers[charge.customer].is_cut_over;
        let amount = self.dice.draw_between(1, PRICE - charge.refunded + 1);
        self.ids += 1;
        let id = format!("r-{}-{}", self.seed, self.ids);
        if !is_cut_over && self.phase == Phase::Night {
            return;
        }
        if is_cut_over {
            let path = format!("{TRANSACTION}/{}/refund", charge.id);
            let too_much = PRICE - charge.refunded + 1;
            for (value, is_taken) in [(too_much, false), (amount, true)] {
                let body = json!({"extRefundID": format!("{id}-{value}"), "reason": "test",
                                  "amount": {"value": value, "currency": "USD"}});
                let (status, answer) = self.system.call_ott(Method::POST, &path, body.clone()).await;
                assert_eq!(status.is_success(), is_taken, "{status} {answer}");
                assert!(!is_taken || answer["status"] == "APPROVED", "{answer}");
                // The bill has it once, however often it is posted.
                let (again, same) = self.system.call_ott(Method::POST, &path, body).await;
                assert_eq!((again.is_success(), &same["status"]), (is_taken, &answer["status"]), "{same}");
            }
            self.tally.count("refunded here");
            if charge.is_theirs {
                self.tally.count("refunded here what was charged there");
            }
        } else {
            let body = json!({"refundID": id, "transactionID": charge.billing_ref, "partner": "netflix",
                "amount": {"value": amount, "currency": "USD"}});
            self.call_billing("/csp/refund", &body).await;
            self.tally.count("refunded there");
            if !charge.billing_ref.starts_with("line-") {
                self.tally.count("refunded there what was charged here");
            }
        }
        self.charges[at].refunded += amount;
    }

    /// The partner posts a charge again that was posted at either system.
    async fn repeat(&mut self) {
        let known = |charge: &KnownCharge| self.customers[charge.customer].is_cut_over;
        let known: Vec<usize> = (0..self.charges.len()).filter(|at| known(&self.charges[*at])).collect();
        if known.is_empty() {
            return;
        }
        let charge = self.charges[*self.dice.pick_one(&known)].clone();
        let (status, answer) = self.post(charge.customer, &charge.id, charge.period).await;
        assert!(status.is_success(), "{status} {answer}");
        assert_eq!(answer["status"], if charge.is_approved { "APPROVED" } else { "DECLINED" }, "{answer}");
        self.tally.count(if charge.is_theirs {
            "repeated here what was charged there"
        } else {
            "repeated here what was charged here"
        });
    }

    /// The partner charges a month that was charged before, at either system, under another id.
    async fn charge_again(&mut self) {
        let paid = |charge: &KnownCharge| {
            self.customers[charge.customer].is_cut_over && charge.is_approved && charge.refunded < PRICE
        };
        let paid: Vec<usize> = (0..self.charges.len()).filter(|at| paid(&self.charges[*at])).collect();
        if paid.is_empty() {
            return;
        }
        let charge = self.charges[*self.dice.pick_one(&paid)].clone();
        self.ids += 1;
        let id = format!("again-{}-{}", self.seed, self.ids);
        let (status, answer) = self.post(charge.customer, &id, charge.period).await;
        assert!(status.is_success(), "{status} {answer}");
        assert_eq!(answer["status"], "DECLINED", "{answer}");
        self.tally.count("charged again under another id");
    }
}

/// Each month is charged once.
fn period_of(month: u32) -> ServicePeriod {
    let begin = Day::parse("2026-12-01").expect("is a day");
    let from = begin.plus_months(u8::try_from(month).expect("is small")).expect("is in the calendar");
    ServicePeriod::from_months(from, 1).expect("is a month")
}
