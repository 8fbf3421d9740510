//! Runs a lifecycle, step by step. What each step does is in the file of its actor.

mod customers;
mod money;
mod telling;
mod traffic;

use super::audit::{self, Watch};
use super::books::Books;
use super::edge::Edge;
use super::plan::{Accounts, ActionKind, Plan, Step};
use super::truth::{NUMBERS, Truth};
use super::wire::{Fate, Wire};
use crate::seeds::Tally;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, Random};
use onbill_origin::app::App;
use onbill_origin::config::AccountSource;
use onbill_origin::store::{SealedNumber, Store};
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
pub(super) struct Played {
    pub(super) tally: Tally,
    pub(super) story: String,
}

/// The result of one that failed.
pub(super) struct Failure {
    pub(super) story: String,
    pub(super) why: String,
}

/// A customer who is about to sign up.
#[derive(Clone, Debug)]
struct Visit {
    who: usize,
    number: usize,
    subscriber_ref: String,
    asked_at: Timestamp,
    /// An event came since: the account status as checked then may be outdated.
    is_overtaken: bool,
}

pub(super) struct Life<'b> {
    pub(super) books: &'b Books,
    clock: ManualClock,
    pub(super) wire: Arc<Wire>,
    app: Arc<App>,
    random: Arc<SequenceRandom>,
    rounds: Vec<BoxFuture<'static, ()>>,
    visits: Vec<Visit>,
    /// The PAIs that were issued, with the token of a sign-up in the widget.
    issued: Vec<(Option<String>, Pai)>,
    /// When the SIM of each number was last swapped, as far as was reported.
    swaps: [Option<Timestamp>; NUMBERS.len()],
    pub(super) watch: Watch,
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
pub(super) fn play(books: &Books, plan: &Plan) -> Result<Played, Failure> {
    let _guard = books.runtime.enter();
    books.clear();
    let mut life = Life::new(books, plan);
    let wrong = life.live(plan).now_or_never().expect("the books answer at once");
    let story = life.story.join("\n");
    match wrong {
        Ok(()) => Ok(Played { tally: life.wire.world().tally.clone(), story }),
        Err(why) => Err(Failure { story, why }),
    }
}

impl<'b> Life<'b> {
    fn new(books: &'b Books, plan: &Plan) -> Self {
        let clock = ManualClock::default();
        let edge = Edge::new(Arc::clone(&books.deployment), &clock);
        let wire = Arc::new(Wire::new(clock.clone(), Truth::new(plan.accounts, plan.manner), edge));
        let random = SequenceRandom::new("life");
        let accounts = match plan.accounts {
            Accounts::Asked => AccountSource::Csp,
            Accounts::Table => AccountSource::Table,
        };
        let app = App::new(
            origin_config_with("acme", accounts),
            books.ring.clone(),
            StoreFaults::wrap_store(&books.store, Arc::default(), StoreSchedule::Whole),
            Arc::clone(&wire) as _,
            Arc::new(clock.clone()),
            Arc::clone(&random) as _,
        );
        Self {
            books,
            clock,
            wire,
            app: Arc::new(app.expect("is sound")),
            random,
            rounds: Vec::new(),
            visits: Vec::new(),
            issued: Vec::new(),
            swaps: [None; NUMBERS.len()],
            watch: Watch::default(),
            has_erased: false,
            on_devices: BTreeSet::new(),
            excused: BTreeSet::new(),
            created: BTreeSet::new(),
            nonces: 0,
            story: Vec::new(),
        }
    }

    async fn live(&mut self, plan: &Plan) -> Result<(), String> {
        if plan.accounts == Accounts::Table {
            self.import().await;
        }
        for step in &plan.steps {
            self.step(*step).await;
            self.look()?;
        }
        self.settle_down(plan).await?;
        let found = audit::findings(self);
        audit::count(self);
        if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
    }

    /// Fails if anything is wrong so far.
    fn look(&mut self) -> Result<(), String> {
        let mut found = self.watch.look(&self.books.eyes);
        let mut world = self.wire.world();
        let closed = self.watch.0.iter().filter(|(_, standing)| standing.state == PaiState::Closed);
        for (pai, _) in closed {
            world.closed.entry(*pai).or_insert(self.clock.now().unix_seconds());
        }
        found.append(&mut world.found);
        if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        let at = self.now().unix_seconds() - BEGINS_AT;
        self.story.push(format!("{at:>9} {}", what()));
    }

    fn meet(&self, what: &'static str) {
        self.wire.world().tally.count(what);
    }

    fn wrong(&self, why: String) {
        self.wire.world().found.push(why);
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn store(&self) -> Arc<Store> {
        Arc::clone(&self.app.store)
    }

    fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        self.books.nonces[self.nonces - 1].clone()
    }

    fn fresh(&self) -> String {
        let random: &dyn Random = &*self.random;
        random.uuid()
    }

    fn sealed(&self, number: &str) -> SealedNumber {
        self.app.vault.seal_number(&*self.random, &msisdn(number)).expect("seals")
    }

    async fn step(&mut self, step: Step) {
        if self.nonces + NONCES_LEFT > self.books.nonces.len() {
            return;
        }
        self.meet(step.name());
        let mut dice = step.dice();
        match step.kind {
            ActionKind::Visit => self.visit(&mut dice).await,
            ActionKind::SignUp => self.sign_up(&mut dice).await,
            ActionKind::Subscribe => self.subscribe(&mut dice).await,
            ActionKind::Charge => self.charge_some(&mut dice).await,
            ActionKind::Refund => self.refund(&mut dice).await,
            ActionKind::Close => self.close(&mut dice).await,
            ActionKind::Erase => self.erase(&mut dice).await,
            ActionKind::Happen => self.happen(&mut dice),
            ActionKind::Tell => self.tell_some(&mut dice).await,
            ActionKind::Mislead => self.mislead(&mut dice).await,
            ActionKind::Import => self.import().await,
            ActionKind::Work => self.work(),
            ActionKind::Carry => self.carry(&mut dice, |_| Fate::Arrives),
            ActionKind::Disturb => self.carry(&mut dice, traffic::some_fate),
            ActionKind::Arrive => self.arrive(&mut dice),
            ActionKind::Learn => self.learn(&mut dice).await,
            ActionKind::Die => self.die(),
            ActionKind::Pass => self.pass(&mut dice),
            ActionKind::Age => self.age(&mut dice),
            ActionKind::Sweep => self.store().sweep(self.now()).await.expect("works"),
        }
    }

    /// The state of a PAI at the last read of the database, which has not been written since.
    fn stands(&self, pai: Pai) -> PaiState {
        self.watch.0.get(&pai).map_or(PaiState::Active, |standing| standing.state)
    }

    /// The faults end, all events are reported, every PAI is charged once more, and all parties get
    /// time to finish.
    async fn settle_down(&mut self, plan: &Plan) -> Result<(), String> {
        self.wire.world().edge.age(0);
        self.wire.world().billing.is_strict = false;
        self.finish();
        self.look()?;
        let events = self.wire.world().truth.events.len();
        for at in 0..events {
            if self.wire.world().truth.events[at].outcome.is_none() {
                self.tell_of(at).await;
                self.look()?;
            }
        }
        if plan.ends_with_import {
            self.import().await;
        }
        let pais = self.wire.world().truth.pais();
        for pai in pais {
            self.charge(pai, 999).await;
            self.look()?;
        }
        for _ in 0..12 {
            self.clock.advance_seconds(2 * 86_400);
            self.work();
            self.finish();
            for entry in audit::parked(&self.books.eyes) {
                self.store().redrive_dead_letter(self.now(), entry).await.expect("works");
            }
            self.look()?;
        }
        Ok(())
    }

    /// Every call arrives and is answered, until no party has one to make.
    fn finish(&mut self) {
        while self.wire.waiting() > 0 {
            self.let_go(0, Fate::Arrives);
        }
    }
}

fn partner() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

fn ext(id: &str) -> ExtId {
    ExtId::parse(id).expect("is an identifier")
}

fn msisdn(number: &str) -> Msisdn {
    Msisdn::parse(number).expect("is E.164")
}
