//! One run: what the parties do before the copy, after it, and after the restore.

use super::audit;
use crate::coupons::{issue_and_read_code, redeem_code};
use crate::recovering::{CHARGE, Stated, adopt, extract, statement};
use crate::seed_campaign::OutcomeTally;
use http::{Method, StatusCode};
use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::reconciliation::adoption_report::{AdoptionReport, Lost};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, Dice, NetworkFault, TestSystem};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Numbers whose subscribers are charged.
pub(super) const PAYERS: [&str; 5] =
    ["+12025550101", "+12025550102", "+12025550107", "+12025550109", "+12025550110"];
/// Numbers whose subscribers buy coupons, and nothing else: no day is paid for twice.
pub(super) const BUYERS: [&str; 3] = ["+12025550113", "+12025550114", "+12025550115"];
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";
const STEPS_BEFORE: u64 = 24;
const STEPS_LOST: u64 = 24;
/// Until somebody notices the failover.
const STEPS_UNNOTICED: u64 = 10;

/// A charge or a refund that the partner has asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The PAI of a charge; the charge of a refund.
    pub(super) of: String,
    pub(super) value: i64,
    /// The newest answer, if there is one.
    pub(super) answer: Option<Value>,
}

pub(super) struct SoldCoupon {
    pub(super) id: String,
    code: String,
    /// The references that redeemed it, with the external id of its charge.
    pub(super) redeemed: Vec<(String, String)>,
}

pub(super) struct RestoreRun {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    pub(super) system: TestSystem,
    pub(super) tally: OutcomeTally,
    /// How many subscribers each number has had before the present one, and since when it has this one.
    pub(super) generations: BTreeMap<&'static str, (u32, String)>,
    /// Number and generation of each PAI.
    pub(super) pais: BTreeMap<String, (&'static str, u32)>,
    pub(super) charges: BTreeMap<String, Asked>,
    pub(super) refunds: BTreeMap<String, Asked>,
    pub(super) coupons: Vec<SoldCoupon>,
    /// The lines of the bills by their own id, with number and generation when they came.
    pub(super) lines: BTreeMap<String, (&'static str, u32)>,
}

impl RestoreRun {
    pub(super) async fn new(seed: u64) -> Self {
        let system = TestSystem::start();
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        Self {
            seed,
            dice: Dice::new(seed),
            system,
            tally: OutcomeTally::default(),
            generations: BTreeMap::new(),
            pais: BTreeMap::new(),
            charges: BTreeMap::new(),
            refunds: BTreeMap::new(),
            coupons: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    pub(super) async fn play(&mut self) {
        self.sign_up().await;
        self.steps(STEPS_BEFORE).await;
        // The copy is whole, but not of a quiet moment: billing may have answers that it has not.
        let (copy, copied_at) = (self.system.acme.db.copy(), self.system.now());
        let pais_before = self.pais.len();
        self.steps(STEPS_LOST).await;
        for _ in pais_before..self.pais.len() {
            self.tally.count("lost PAIs");
        }
        self.system.network.clear_faults();
        audit::count_lost(self, &copy).await;
        let is_failover = self.dice.draw_below(3) == 0;
        if is_failover {
            self.tally.count("failover lost the tail");
            self.system.restore_acme(copy).await;
            // The operator's systems repeat what they have no answer to.
            self.import().await;
            self.steps(STEPS_UNNOTICED).await;
            self.system.network.clear_faults();
            self.system.restart_acme_recovering().await;
        } else {
            self.tally.count("restored to an older point");
            self.system.restore_acme_recovering(copy).await;
        }
        self.import().await;
        self.recovering_refuses().await;
        let report = self.adopt(copied_at).await;
        self.system.restart_acme(|_| true).await;
        self.spent_coupons_stay_spent(is_failover, &report).await;
        self.repeat_unanswered().await;
        self.finish().await;
        let findings = audit::findings(self, &report).await;
        assert!(findings.is_empty(), "seed {}: {findings:#?}", self.seed);
    }

    async fn steps(&mut self, count: u64) {
        for _ in 0..count {
            self.step().await;
            self.look_at_bills().await;
        }
    }

    async fn step(&mut self) {
        match self.dice.draw_below(18) {
            0..=5 => self.charge_new().await,
            6 => self.charge_again().await,
            7..=9 => self.refund().await,
            10 => self.sell().await,
            11 | 12 => self.redeem_coupon().await,
            13 => self.sign_up().await,
            14 => {
                let fault = *self.dice.pick_one(&[NetworkFault::Lost, NetworkFault::AnswerLost]);
                let place = *self.dice.pick_one(&[BILLING, BILLING, REFUNDS]);
                let calls = *self.dice.pick_one(&[1, 3]);
                self.system.network.inject_fault_for(place, fault, calls);
            }
            15 => self.system.network.clear_faults(),
            16 => {
                self.system.advance_seconds(*self.dice.pick_one(&[61, 400, 4_000]));
                self.system.acme.deliver_due().await;
            }
            _ => self.hand_over().await,
        }
    }

    /// The customer's device reads a number at the partner.
    async fn sign_up(&mut self) {
        let number = *self.dice.pick_one(&PAYERS);
        let body = json!({"msisdn": number, "operator": "acme"});
        let (status, answer) = self.system.call_ott(Method::POST, "/ott/v1/account/validate", body).await;
        if status == StatusCode::TOO_MANY_REQUESTS {
            return;
        }
        assert_eq!(status, StatusCode::OK, "seed {}: {answer}", self.seed);
        let pai = answer["pai"].as_str().expect("is text").to_owned();
        let generation = self.generation(number);
        let known = self.pais.entry(pai.clone()).or_insert((number, generation));
        assert_eq!(*known, (number, generation), "seed {}: a PAI is somebody else's", self.seed);
        self.post_subscription(&pai).await;
    }

    /// The customer subscribes in the app, or the partner repeats that they have.
    async fn post_subscription(&self, pai: &str) {
        let body = json!({"pai": pai, "extSubscriptionID": format!("s-{pai}"), "origin": "NEW_ACCOUNT",
                          "plan": "standard", "price": {"value": 1599, "currency": "USD"}});
        self.system.call_ott(Method::POST, "/ott/v1/partnerSubscription", body).await;
    }

    pub(super) fn generation(&self, number: &str) -> u32 {
        self.generations.get(number).map_or(0, |(generation, _)| *generation)
    }

    async fn charge_new(&mut self) {
        let pais: Vec<String> = self.pais.keys().cloned().collect();
        let pai = self.dice.pick_one(&pais).clone();
        let (id, value) = (format!("c-{}", self.charges.len()), self.dice.draw_between(100, 1_599));
        self.charges.insert(id.clone(), Asked { of: pai, value, answer: None });
        self.post_charge(&id).await;
    }

    async fn charge_again(&mut self) {
        let ids: Vec<String> = self.charges.keys().cloned().collect();
        if !ids.is_empty() {
            let id = self.dice.pick_one(&ids).clone();
            self.post_charge(&id).await;
        }
    }

    async fn post_charge(&mut self, id: &str) {
        let asked = self.charges[id].clone();
        let body = charge_body(&asked.of, id, asked.value);
        let (status, answer) = self.system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
        note(self.charges.get_mut(id).expect("is known"), status, answer);
    }

    async fn refund(&mut self) {
        let approved =
            |asked: &&Asked| asked.answer.as_ref().is_some_and(|answer| answer["status"] == "APPROVED");
        let charges: Vec<(String, i64)> = self
            .charges
            .iter()
            .filter(|(_, asked)| approved(asked))
            .map(|(id, asked)| (id.clone(), asked.value))
            .collect();
        if charges.is_empty() {
            return;
        }
        let (of, value) = self.dice.pick_one(&charges).clone();
        let id = format!("f-{}", self.refunds.len());
        self.refunds.insert(id.clone(), Asked { of, value: value / 4 + 1, answer: None });
        self.post_refund(&id).await;
    }

    async fn post_refund(&mut self, id: &str) {
        let asked = self.refunds[id].clone();
        let path = format!("/ott/v1/transaction/{}/refund", asked.of);
        let amount = json!({"value": asked.value, "currency": "USD"});
        let body = json!({"extRefundID": id, "amount": amount, "reason": "Left early"});
        let (status, answer) = self.system.call_ott(Method::POST, &path, body).await;
        note(self.refunds.get_mut(id).expect("is known"), status, answer);
    }

    async fn sell(&mut self) {
        let (id, number) = (format!("k-{}", self.coupons.len()), *self.dice.pick_one(&BUYERS));
        let code = issue_and_read_code(&self.system, &id, number).await;
        self.coupons.push(SoldCoupon { id, code, redeemed: Vec::new() });
    }

    /// A coupon is redeemed, or tried again, under a reference of its own or another's.
    async fn redeem_coupon(&mut self) {
        if self.coupons.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.draw_below(self.coupons.len() as u64)).expect("is an index");
        let reference = format!("r-{at}-{}", self.dice.draw_below(2));
        let code = self.coupons[at].code.clone();
        let (status, answer) = redeem_code(&self.system, &code, &reference).await;
        if status == StatusCode::OK {
            let charge = answer["extTransactionID"].as_str().expect("is text").to_owned();
            let redeemed = &mut self.coupons[at].redeemed;
            if !redeemed.iter().any(|(known, _)| *known == reference) {
                redeemed.push((reference, charge));
            }
        }
    }

    /// A number gets another subscriber, and the operator's file says so. On a day of its own, by
    /// which the file tells subscribers apart.
    async fn hand_over(&mut self) {
        self.system.network.clear_faults();
        self.finish().await;
        self.system.advance_seconds(86_400);
        let number = *self.dice.pick_one(&PAYERS);
        let day = Day::of_timestamp(self.system.now()).to_string();
        self.generations.insert(number, (self.generation(number) + 1, day));
        self.import().await;
        self.tally.count("numbers handed over");
    }

    /// Imports the operator's file as it is now.
    async fn import(&self) {
        let lines = ACME_ACCOUNTS.lines().map(|line| {
            let number = line.split(',').next().unwrap_or_default();
            match (self.generations.get(number), line.rsplit_once(',')) {
                (Some((_, day)), Some((account, _))) => format!("{account},{day}\n"),
                _ => format!("{line}\n"),
            }
        });
        self.system.acme.import_accounts(&lines.collect::<String>()).await;
    }

    /// Notes new lines, and whose number it is at this moment.
    async fn look_at_bills(&mut self) {
        for number in PAYERS.iter().chain(&BUYERS) {
            for line in self.system.bill_lines(&self.system.acme, number).await {
                let id = line["refundID"].as_str().or(line["transactionID"].as_str()).expect("has an id");
                let generation = self.generation(number);
                self.lines.entry(id.to_owned()).or_insert((number, generation));
            }
        }
    }

    async fn recovering_refuses(&self) {
        let Some(pai) = self.pais.keys().next() else { return };
        let (status, _) =
            self.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, "refused", 100)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "seed {}", self.seed);
    }

    /// What the partner has, what is on the bills, and what the edge has.
    async fn adopt(&mut self, copied_at: Timestamp) -> AdoptionReport {
        let state = |asked: &Asked| {
            let status = asked.answer.as_ref().and_then(|answer| answer["status"].as_str());
            status.unwrap_or("PENDING").to_owned()
        };
        let charges: Vec<_> = self.charges.iter().map(|(id, asked)| (id, asked, state(asked))).collect();
        let refunds: Vec<_> = self.refunds.iter().map(|(id, asked)| (id, asked, state(asked))).collect();
        let mut stated: Vec<Stated<'_>> = Vec::new();
        for (id, asked, status) in &charges {
            stated.push(Stated { charge: id, pai: &asked.of, minor: asked.value, status, ..CHARGE });
        }
        for (id, asked, status) in &refunds {
            let refund = Stated { kind: "refund", charge: &asked.of, refund: id, ..CHARGE };
            stated.push(Stated { minor: asked.value, status, ..refund });
        }
        // Of a coupon that was redeemed twice, since nobody had noticed, the partner has one charge.
        let redeemed = self.coupons.iter().filter_map(|coupon| coupon.redeemed.first());
        let some_pai = self.pais.keys().next().expect("somebody signed up");
        for (reference, charge) in redeemed {
            stated.push(Stated { charge, reference, pai: some_pai, minor: 8_999, ..CHARGE });
        }
        let numbers: Vec<&str> = PAYERS.iter().chain(&BUYERS).copied().collect();
        let billed = extract(&self.system, &numbers).await;
        let report = adopt(&self.system, &statement(&stated), &billed, copied_at).await;
        for ((lost, outcome), count) in &report.counts {
            let name = match lost {
                _ if *outcome != "adopted" => continue,
                Lost::Charge => "charges adopted",
                Lost::Refund => "refunds adopted",
                Lost::Redemption => "redemptions adopted",
                Lost::Pai => "PAIs adopted",
            };
            (0..*count).for_each(|_| self.tally.count(name));
        }
        report
    }

    /// A coupon that was redeemed since the copy is not applied a second time.
    async fn spent_coupons_stay_spent(&self, is_failover: bool, report: &AdoptionReport) {
        for coupon in self.coupons.iter().filter(|coupon| !coupon.redeemed.is_empty()) {
            let (status, answer) = redeem_code(&self.system, &coupon.code, "somebody-else").await;
            let fine = status != StatusCode::OK;
            assert!(fine, "seed {} {is_failover}: {} again: {answer} {report:?}", self.seed, coupon.id);
        }
    }

    /// The partner repeats what it has no answer to, and what is pending.
    async fn repeat_unanswered(&mut self) {
        // The subscriptions first: without them, nobody has agreed to a charge.
        for pai in self.pais.keys() {
            self.post_subscription(pai).await;
        }
        let is_open =
            |asked: &Asked| asked.answer.as_ref().is_none_or(|answer| answer["status"] == "PENDING");
        let open = |all: &BTreeMap<String, Asked>| -> Vec<String> {
            all.iter().filter(|(_, asked)| is_open(asked)).map(|(id, _)| id.clone()).collect()
        };
        for id in open(&self.charges) {
            self.post_charge(&id).await;
        }
        for id in open(&self.refunds) {
            self.post_refund(&id).await;
        }
    }

    /// Everything that waits comes to its end.
    async fn finish(&mut self) {
        for _ in 0..4 {
            self.system.advance_seconds(7_300);
            self.system.acme.deliver_due().await;
        }
        self.look_at_bills().await;
    }
}

/// Keeps an answer that says how it stands.
fn note(asked: &mut Asked, status: StatusCode, answer: Value) {
    if matches!(status, StatusCode::OK | StatusCode::CREATED) {
        asked.answer = Some(answer);
    }
}
