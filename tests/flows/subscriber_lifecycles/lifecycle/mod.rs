//! Runs a lifecycle, step by step. What each step does is in the file of its actor.

mod customers;
mod deliveries;
mod payments;
mod reported_events;

use super::audit::{self, PaiWatch};
use super::edge::StaleEdge;
use super::ground_truth::{GroundTruth, NUMBERS};
use super::lifecycle_db::LifecycleDb;
use super::plan::{AccountLookup, LifecycleActionKind, LifecyclePlan, LifecycleStep};
use super::stopping_network::{CallFate, StoppingNetwork};
use crate::seed_campaign::OutcomeTally;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, Random};
use onbill_origin::app::App;
use onbill_origin::config::{AccountSource, OperatorTimeZone};
use onbill_origin::store::{Hash, SealedNumber, Store};
use onbill_test_harness::crash_point::{StoreFaults, StoreSchedule};
use onbill_test_harness::{ManualClock, SequenceRandom, origin_config_with};
use std::collections::BTreeSet;
use std::sync::Arc;

/// When every lifecycle begins, in Unix seconds: its story counts from there.
const BEGINS_AT: i64 = 1_795_000_000;
/// Longest time that a program takes between the check of an account and the record of its sign-up.
const SIGN_UP_SECONDS: i64 = 30;
/// Concurrent rounds of the outbox: several programs, or one that has crashed and one that has not
/// noticed.
const ROUNDS_MAX: usize = 4;
/// At least this many signed calls are left for the end.
const NONCES_LEFT: usize = 100;

/// The result of a lifecycle that succeeded.
pub(super) struct LifecycleReport {
    pub(super) tally: OutcomeTally,
    pub(super) story: String,
}

/// The result of one that failed.
pub(super) struct LifecycleFailure {
    pub(super) story: String,
    pub(super) why: String,
}

/// A customer who is about to sign up.
#[derive(Clone, Debug)]
struct StartedSignup {
    who: usize,
    number: usize,
    subscriber_ref: String,
    asked_at: Timestamp,
    /// The visit in the widget, which an account event ends.
    flow: Hash,
    /// An event came since: the account status as checked then may be outdated.
    is_overtaken: bool,
}

pub(super) struct LifecycleRun<'b> {
    pub(super) db: &'b LifecycleDb,
    clock: ManualClock,
    pub(super) network: Arc<StoppingNetwork>,
    app: Arc<App>,
    random: Arc<SequenceRandom>,
    rounds: Vec<BoxFuture<'static, ()>>,
    visits: Vec<StartedSignup>,
    /// The PAIs that were issued, with the token of a sign-up in the widget.
    issued: Vec<(Option<String>, Pai)>,
    /// When the SIM of each number was last swapped, as far as was reported.
    swaps: [Option<Timestamp>; NUMBERS.len()],
    pub(super) watch: PaiWatch,
    has_erased: bool,
    /// PAIs of devices: only the origin reports them to the edge.
    pub(super) on_devices: BTreeSet<Pai>,
    /// PAIs whose state may differ from their owners' accounts: closed by hand, or by an account
    /// that was checked before the operator reported a change; or of customers about whom an event
    /// came while they signed up.
    pub(super) excused: BTreeSet<Pai>,
    /// The charges that were not declined at once, by our ids.
    pub(super) created: BTreeSet<String>,
    nonces: usize,
    story: Vec<String>,
}

/// Runs a lifecycle to its end in an empty database.
pub(super) fn run_lifecycle(
    db: &LifecycleDb,
    plan: &LifecyclePlan,
) -> Result<LifecycleReport, LifecycleFailure> {
    let _guard = db.runtime.enter();
    db.clear();
    let mut run = LifecycleRun::new(db, plan);
    let wrong = run.live(plan).now_or_never().expect("the db answer at once");
    let story = run.story.join("\n");
    match wrong {
        Ok(()) => Ok(LifecycleReport { tally: run.network.lock_parties().tally.clone(), story }),
        Err(why) => Err(LifecycleFailure { story, why }),
    }
}

impl<'b> LifecycleRun<'b> {
    fn new(db: &'b LifecycleDb, plan: &LifecyclePlan) -> Self {
        let clock = ManualClock::default();
        let edge = StaleEdge::new(Arc::clone(&db.deployment), &clock);
        let network =
            Arc::new(StoppingNetwork::new(clock.clone(), GroundTruth::new(plan.accounts, plan.manner), edge));
        let random = SequenceRandom::new("run");
        let accounts = match plan.accounts {
            AccountLookup::Asked => AccountSource::Csp,
            AccountLookup::Table => AccountSource::Table,
        };
        let app = App::new(
            origin_config_with("acme", accounts),
            db.ring.clone(),
            StoreFaults::wrap_store(&db.store, Arc::default(), StoreSchedule::Whole),
            Arc::clone(&network) as _,
            Arc::new(clock.clone()),
            Arc::clone(&random) as _,
        );
        Self {
            db,
            clock,
            network,
            app: Arc::new(app.expect("is sound")),
            random,
            rounds: Vec::new(),
            visits: Vec::new(),
            issued: Vec::new(),
            swaps: [None; NUMBERS.len()],
            watch: PaiWatch::default(),
            has_erased: false,
            on_devices: BTreeSet::new(),
            excused: BTreeSet::new(),
            created: BTreeSet::new(),
            nonces: 0,
            story: Vec::new(),
        }
    }

    async fn live(&mut self, plan: &LifecyclePlan) -> Result<(), String> {
        if plan.accounts == AccountLookup::Table {
            self.import_accounts().await;
        }
        for step in &plan.steps {
            self.step(*step).await;
            self.look()?;
        }
        self.settle_down(plan).await?;
        let found = audit::find_violations(self);
        audit::count_outcomes(self);
        if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
    }

    /// Fails if anything is wrong so far.
    fn look(&mut self) -> Result<(), String> {
        let mut found = self.watch.look(&self.db.db_reader);
        let mut parties = self.network.lock_parties();
        let closed = self.watch.0.iter().filter(|(_, standing)| standing.state == PaiState::Closed);
        for (pai, _) in closed {
            parties.closed.entry(*pai).or_insert(self.clock.now().unix_seconds());
        }
        found.append(&mut parties.found);
        if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        let at = self.now().unix_seconds() - BEGINS_AT;
        self.story.push(format!("{at:>9} {}", what()));
    }

    fn meet(&self, what: &'static str) {
        self.network.lock_parties().tally.count(what);
    }

    fn add_violation(&self, why: String) {
        self.network.lock_parties().found.push(why);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn store(&self) -> Arc<Store> {
        Arc::clone(&self.app.store)
    }

    fn next_nonce(&mut self) -> Nonce {
        self.nonces += 1;
        self.db.nonces[self.nonces - 1].clone()
    }

    fn fresh(&self) -> String {
        let random: &dyn Random = &*self.random;
        random.uuid()
    }

    fn seal_number(&self, number: &str) -> SealedNumber {
        self.app.vault.seal_number(&*self.random, &parse_msisdn(number)).expect("seals")
    }

    async fn step(&mut self, step: LifecycleStep) {
        if self.nonces + NONCES_LEFT > self.db.nonces.len() {
            return;
        }
        self.meet(step.name());
        let mut dice = step.new_dice();
        match step.kind {
            LifecycleActionKind::Visit => self.visit(&mut dice).await,
            LifecycleActionKind::SignUp => self.sign_up(&mut dice).await,
            LifecycleActionKind::Subscribe => self.subscribe(&mut dice).await,
            LifecycleActionKind::Charge => self.charge_some(&mut dice).await,
            LifecycleActionKind::Refund => self.refund(&mut dice).await,
            LifecycleActionKind::Close => self.close(&mut dice).await,
            LifecycleActionKind::Erase => self.erase_subscriber(&mut dice).await,
            LifecycleActionKind::Happen => self.happen(&mut dice),
            LifecycleActionKind::Tell => self.tell_some(&mut dice).await,
            LifecycleActionKind::Mislead => self.report_falsely(&mut dice).await,
            LifecycleActionKind::Import => self.import_accounts().await,
            LifecycleActionKind::Work => self.work(),
            LifecycleActionKind::Carry => self.carry(&mut dice, |_| CallFate::Arrives),
            LifecycleActionKind::Disturb => self.carry(&mut dice, deliveries::some_fate),
            LifecycleActionKind::Arrive => self.arrive(&mut dice),
            LifecycleActionKind::Learn => self.learn(&mut dice).await,
            LifecycleActionKind::Die => self.crash_origins(),
            LifecycleActionKind::Pass => self.pass(&mut dice),
            LifecycleActionKind::Age => self.age(&mut dice),
            LifecycleActionKind::Sweep => {
                let zone = OperatorTimeZone::default();
                self.store().sweep(self.now(), zone).await.expect("works");
            }
        }
    }

    /// The state of a PAI at the last read of the database, which has not been written since.
    fn stands(&self, pai: Pai) -> PaiState {
        self.watch.0.get(&pai).map_or(PaiState::Active, |standing| standing.state)
    }

    /// The faults end, all events are reported, every PAI is charged once more, and all parties get
    /// time to finish.
    async fn settle_down(&mut self, plan: &LifecyclePlan) -> Result<(), String> {
        self.network.lock_parties().edge.age(0);
        self.network.lock_parties().billing.is_strict = false;
        self.finish();
        self.look()?;
        let events = self.network.lock_parties().truth.events.len();
        for at in 0..events {
            if self.network.lock_parties().truth.events[at].outcome.is_none() {
                self.tell_of(at).await;
                self.look()?;
            }
        }
        if plan.ends_with_import {
            self.import_accounts().await;
        }
        let pais = self.network.lock_parties().truth.pais();
        for pai in pais {
            self.charge(pai, 999).await;
            self.look()?;
        }
        for _ in 0..12 {
            self.clock.advance_seconds(2 * 86_400);
            self.work();
            self.finish();
            for entry in audit::read_dead_letters(&self.db.db_reader) {
                self.store().redrive_dead_letter(self.now(), entry).await.expect("works");
            }
            self.look()?;
        }
        Ok(())
    }

    /// Every call arrives and is answered, until no party has one to make.
    fn finish(&mut self) {
        while self.network.count_stopped() > 0 {
            self.let_go(0, CallFate::Arrives);
        }
    }
}

fn partner_id() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

fn ext_id(id: &str) -> ExtId {
    ExtId::parse(id).expect("is an identifier")
}

fn parse_msisdn(number: &str) -> Msisdn {
    Msisdn::parse(number).expect("is E.164")
}
