//! One run: what happens, step by step.

use super::accounts::ReportableEvent;
use super::actions::{FACES, SimulationActionKind, action_at};
use super::audit::{
    self, ChargeWatch, CouponWatch, DbReader, MandateWatch, PaiWatch, PaidDaysWatch, SmsWatch,
};
use super::charges::RequestedCharge;
use super::coupons::{self, DeliveredCode, ResponseClaim, SoldCoupon, TypedRedemption};
use super::desk_refunds::DeskRefund;
use super::gateway::{self, SimulatedGateway};
use super::outcomes::RunOutcome;
use super::refunds::RequestedRefund;
use super::subscribers::{self, BilledLine, NumberHolders};
use crate::seed_campaign::OutcomeTally;
use onbill_domain::timestamp::Timestamp;
use onbill_test_harness::Dice;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const STEPS: u32 = 56;

/// What Acme's accounts may be charged, in cents: little enough to be reached now and then.
pub(super) const LIMITS: SpendingLimits =
    SpendingLimits { smallest: 150, transaction: 2000, day: 6000, month: 14_000 };

pub(super) struct SpendingLimits {
    pub(super) smallest: i64,
    pub(super) transaction: i64,
    pub(super) day: i64,
    pub(super) month: i64,
}

/// The programs and the database of the operator at which everything happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginCount {
    /// One program on SQLite: a seed is the same run each time.
    One,
    /// Two on one PostgreSQL database, which race: a seed only fixes the actions.
    Two,
}

pub(super) struct SimulationRun {
    seed: u64,
    pub(super) dice: Dice,
    db_reader: DbReader,
    watch: ChargeWatch,
    pub(super) system: TestSystem,
    pub(super) tally: OutcomeTally,
    pub(super) holdings: NumberHolders,
    /// The lines of all bills, with the subscriber of the number when they were put there.
    pub(super) lines: Vec<BilledLine>,
    /// Subscribers who have come since the beginning.
    pub(super) newcomers: usize,
    /// What has happened to accounts, and what the operator reports.
    pub(super) events: Vec<ReportableEvent>,
    /// For each PAI, the activation date of its subscriber's account.
    pub(super) pais: BTreeMap<String, String>,
    pub(super) standings: PaiWatch,
    /// Whether the edge's store has ever shown old values.
    pub(super) is_stale: bool,
    /// The charges that the partner requested, by its ids.
    pub(super) asked: BTreeMap<String, RequestedCharge>,
    /// The refunds, by its ids.
    pub(super) returned: BTreeMap<String, RequestedRefund>,
    /// The refunds of the operator's desk, by its references.
    pub(super) desk_refunds: BTreeMap<String, DeskRefund>,
    pub(super) visits: u32,
    pub(super) gateway: SimulatedGateway,
    /// The coupons that the operator sells, by its numbers for them.
    pub(super) sold: Vec<SoldCoupon>,
    /// For each coupon in the database, the activation date of its buyer's account.
    pub(super) buyers: BTreeMap<usize, String>,
    /// The codes that were delivered, oldest first.
    pub(super) phones: Vec<DeliveredCode>,
    /// What was typed at the partner, by its references.
    pub(super) redemptions: BTreeMap<String, TypedRedemption>,
    pub(super) guesses: u32,
    /// Wrong codes that were reported to the partner, for each hour since 1970.
    pub(super) wrong: BTreeMap<i64, u32>,
    /// The redemptions after the last step, by their charges, and the PAIs that were closed.
    pub(super) claims: BTreeSet<String>,
    pub(super) closed: BTreeSet<String>,
    /// Responses in this step whose content must be true after it.
    pub(super) said: Vec<ResponseClaim>,
    /// Whether a program has crashed in this step, and was restarted.
    died: bool,
    /// When the run began.
    pub(super) began_at: Timestamp,
    /// Faults met until this step.
    befallen: usize,
    pub(super) coupons: CouponWatch,
    pub(super) months: PaidDaysWatch,
    mandates: MandateWatch,
    pub(super) texts: SmsWatch,
    /// For each PAI, the activation date of its subscriber's account, by the database.
    pub(super) generations: BTreeMap<String, String>,
}

impl SimulationRun {
    pub(super) async fn new(seed: u64, origins: OriginCount) -> Self {
        let mut system = match origins {
            OriginCount::One => TestSystem::start(),
            OriginCount::Two => TestSystem::with_two_origins().await,
        };
        let SpendingLimits { smallest, transaction, day, month } = LIMITS;
        system.set_acme_limits(json!([
            {"currency": "USD", "smallest": smallest, "transaction": transaction, "day": day, "month": month}
        ]));
        system.reconfigure_acme(|config| {
            gateway::use_it(config);
            coupons::on_sale(config);
        });
        let began_at = system.now();
        Self {
            seed,
            dice: Dice::new(seed),
            db_reader: DbReader::on(&system.acme.db).await,
            watch: ChargeWatch::over(&system.acme.db).await,
            gateway: SimulatedGateway::attach_to(&system.network),
            system,
            tally: OutcomeTally::default(),
            holdings: subscribers::at_first(),
            lines: Vec::new(),
            newcomers: 0,
            events: Vec::new(),
            pais: BTreeMap::new(),
            standings: PaiWatch::default(),
            is_stale: false,
            asked: BTreeMap::new(),
            returned: BTreeMap::new(),
            desk_refunds: BTreeMap::new(),
            visits: 0,
            sold: Vec::new(),
            buyers: BTreeMap::new(),
            phones: Vec::new(),
            redemptions: BTreeMap::new(),
            guesses: 0,
            wrong: BTreeMap::new(),
            claims: BTreeSet::new(),
            closed: BTreeSet::new(),
            said: Vec::new(),
            died: false,
            began_at,
            befallen: 0,
            coupons: CouponWatch::default(),
            months: PaidDaysWatch::default(),
            mandates: MandateWatch::default(),
            texts: SmsWatch::default(),
            generations: BTreeMap::new(),
        }
    }

    /// Runs, clears the faults, and audits.
    pub(super) async fn play(&mut self) {
        self.system.acme.import_accounts(ACME_ACCOUNTS).await;
        self.sign_up().await;
        for _ in 0..STEPS {
            self.step().await;
            self.look_into_ledger().await;
        }
        self.clear_up().await;
        for fault in self.system.network.faults_met() {
            self.tally.count(RunOutcome::from(fault));
        }
        for _ in 0..audit::count_webhooks(self) {
            self.tally.count(RunOutcome::Notice);
        }
        for met in audit::coupons_met(self) {
            self.tally.count(met);
        }
        let findings = audit::find_violations(self).await;
        assert!(findings.is_empty(), "seed {}: {findings:#?}", self.seed);
    }

    /// The responses and the bills of the run, and the faults that it met.
    pub(super) fn to_transcript(&self) -> String {
        let money = format!("{:?} {:?} {:?} {:?}", self.tally, self.asked, self.returned, self.lines);
        let money = format!("{money} {:?}", self.desk_refunds);
        format!("{money} {:?} {:?} {:?}", self.sold, self.redemptions, self.gateway.taken())
    }

    async fn step(&mut self) {
        self.died = false;
        self.began_at = self.system.now();
        self.befallen = self.system.network.faults_met().len();
        let action = action_at(self.dice.draw_below(FACES));
        self.tally.count(action.name);
        self.perform_action(action.kind).await;
        let deaths =
            self.system.acme.origins.iter().filter(|process| process.crash_point.has_crashed()).count();
        for _ in 0..deaths {
            self.tally.count(RunOutcome::Death);
        }
        self.system.restart_acme(|process| process.crash_point.has_crashed()).await;
        self.died = deaths > 0;
    }

    async fn perform_action(&mut self, action: SimulationActionKind) {
        match action {
            SimulationActionKind::SignUp => self.sign_up().await,
            SimulationActionKind::RedeemCoupon => self.redeem().await,
            SimulationActionKind::PostCharge => self.charge().await,
            SimulationActionKind::QueryCharge => self.ask().await,
            SimulationActionKind::PostRefund => self.give_back().await,
            SimulationActionKind::PostDeskRefund => self.give_back_at_desk().await,
            SimulationActionKind::QueryRefund => self.ask_refund().await,
            SimulationActionKind::CancelSubscription => {
                if self.dice.draw_below(2) == 0 {
                    self.cancel_subscription().await;
                } else {
                    self.deliver().await;
                }
            }
            SimulationActionKind::ChangeAccount => self.change_account().await,
            SimulationActionKind::ChangeNumber => self.change_number().await,
            SimulationActionKind::ReportAccountEvent => self.tell_of_account().await,
            SimulationActionKind::ClosePai => self.close_by_hand().await,
            SimulationActionKind::DeliverDue => self.deliver().await,
            SimulationActionKind::SellCoupon => self.sell_coupon().await,
            SimulationActionKind::ChangeCoupon => self.change_coupon().await,
            SimulationActionKind::QueryCoupon => self.look_at_coupon().await,
            SimulationActionKind::ReportSms => self.report().await,
            SimulationActionKind::SendReminders => self.send_reminders().await,
            SimulationActionKind::InjectNetworkFault => self.inject_network_fault(),
            SimulationActionKind::ClearNetworkFaults => self.system.network.clear_faults(),
            SimulationActionKind::DeliverLateCalls => {
                self.system.network.deliver_late().await;
                // An old account event may have been among them.
                self.import_true_accounts().await;
            }
            SimulationActionKind::BreakBilling => self.break_billing().await,
            SimulationActionKind::BreakEdgeStore => self.break_edge_store(),
            SimulationActionKind::BreakGateway => self.change_mood(),
            SimulationActionKind::CrashOrigin => self.crash_origin_soon(),
            SimulationActionKind::PassTime => self.pass_time(),
            SimulationActionKind::PassTimeUntilExpiry => self.near_an_end(),
        }
    }

    /// Whether no fault in this step explains a missing response. One of two programs may be kept
    /// waiting by the other.
    pub(super) fn is_calm(&self) -> bool {
        let processes = &self.system.acme.origins;
        processes.len() == 1 && !self.has_died() && self.system.network.faults_met().len() == self.befallen
    }

    pub(super) fn has_died(&self) -> bool {
        self.died || self.system.acme.origins.iter().any(|process| process.crash_point.has_crashed())
    }

    /// Delivers; a program that crashes meanwhile is restarted by the step.
    pub(super) async fn deliver(&mut self) {
        let _ = self.system.acme.try_deliver_due().await;
    }

    pub(super) async fn look_into_ledger(&mut self) {
        let mut changes = self.watch.look(&self.db_reader).await;
        changes.extend(self.standings.look(&self.db_reader).await);
        changes.extend(self.coupons.look(&self.db_reader).await);
        changes.extend(self.months.look(&self.db_reader).await);
        changes.extend(self.mandates.look(&self.db_reader).await);
        self.generations = audit::read_generations(self).await;
        changes.extend(self.look_at_claims());
        changes.extend(self.look_at_texts());
        assert!(changes.is_empty(), "seed {}: {changes:#?}", self.seed);
    }

    /// All faults end, and all parties get time to finish.
    async fn clear_up(&mut self) {
        self.system.network.clear_faults();
        self.system.network.deliver_late().await;
        self.system.edge.kv_fail(None);
        self.gateway.is_in(None);
        self.died = false;
        self.befallen = self.system.network.faults_met().len();
        self.system.restart_acme(|_| true).await;
        self.look_into_ledger().await;
        for _ in 0..10 {
            self.system.advance_seconds(2 * 86_400);
            self.began_at = self.system.now();
            self.send_reminders().await;
            self.tell_all().await;
            self.system.acme.try_deliver_due().await.expect("nothing is in the way");
            self.redrive_dead_letters().await;
            self.look_into_ledger().await;
        }
        self.look_at_bills().await;
    }

    /// Redrives the dead letters, now that the faults are over.
    async fn redrive_dead_letters(&mut self) {
        for row in self.rows("SELECT job_id FROM outbox WHERE dead_lettered_at IS NOT NULL").await {
            let entry = row[0].as_deref().expect("has an id").parse().expect("is a number");
            let app = self.system.acme.app();
            assert!(
                app.store.redrive_dead_letter(app.now(), entry).await.expect("works"),
                "an entry is parked for ever"
            );
            self.tally.count(RunOutcome::Parked);
        }
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<audit::TextRow> {
        self.db_reader.rows(sql).await
    }
}
