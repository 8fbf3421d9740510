//! Rounds of the outbox, the calls that they make, and their faults; time, and how stale the edge's
//! store is.

use super::{LifecycleRun, partner_id};
use crate::subscriber_lifecycles::ground_truth::pick_index;
use crate::subscriber_lifecycles::stopping_network::CallFate;
use onbill_domain::pai::PaiState;
use onbill_test_harness::Dice;
use std::sync::Arc;
use std::task::{Context, Waker};

impl LifecycleRun<'_> {
    pub(super) fn work(&mut self) {
        if self.rounds.len() < super::ROUNDS_MAX {
            let app = Arc::clone(&self.app);
            self.rounds.push(Box::pin(async move {
                app.worker.deliver_due().await.expect("works");
            }));
            self.go_on();
        }
    }

    /// The origin continues as far as it can.
    fn go_on(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        self.rounds.retain_mut(|round| round.as_mut().poll(&mut context).is_pending());
    }

    pub(super) fn carry(&mut self, dice: &mut Dice, fate: impl Fn(&mut Dice) -> CallFate) {
        let waiting = self.network.count_stopped();
        if waiting > 0 {
            let (at, fate) = (pick_index(dice, waiting), fate(dice));
            self.network.lock_parties().billing.is_strict = dice.draw_below(8) == 0;
            self.let_go(at, fate);
        }
    }

    pub(super) fn let_go(&mut self, at: usize, fate: CallFate) {
        let what = self.network.let_go(at, fate);
        self.tell(|| format!("{fate:?}: {what}"));
        self.go_on();
    }

    pub(super) fn arrive(&mut self, dice: &mut Dice) {
        let late = self.network.late();
        if late > 0 {
            let what = self.network.arrive_late(pick_index(dice, late));
            self.tell(|| format!("arrives late: {what}"));
        }
    }

    /// The edge learns the owner of a PAI by a query whose response takes a while; or another
    /// operator claims it.
    pub(super) async fn learn(&mut self, dice: &mut Dice) {
        let pais = self.network.lock_parties().truth.pais();
        if pais.is_empty() {
            return;
        }
        let pai = *dice.pick_one(&pais);
        let row = self.store().find_pai(partner_id(), pai).await.expect("works").expect("is there");
        let nonce = self.fresh();
        if dice.draw_below(2) == 0 {
            let word = (pai, row.handle, row.state, row.version);
            self.network.post(self.db.deployment.word("acme", word, self.now(), &nonce[..22]));
            self.tell(|| format!("the edge asks for {pai}"));
            return self.meet("PAIs asked for");
        }
        let claim = (pai, "of-nova".to_owned(), PaiState::Active, row.version + 9);
        let claim = self.db.deployment.word("nova", claim, self.now(), &nonce[..22]);
        let is_known = {
            let parties = self.network.lock_parties();
            parties.edge.is_fresh() && parties.edge.kept(pai).is_some()
        };
        if is_known {
            let status = self.network.take_at_once(claim);
            self.tell(|| format!("another operator says that {pai} is its own: {status}"));
            self.meet("other operators kept out");
        }
    }

    pub(super) fn crash_origins(&mut self) {
        self.rounds.clear();
        self.network.abandon_calls();
        self.visits.clear();
        self.tell(|| "the programs die".to_owned());
        self.meet("deaths");
    }

    pub(super) fn pass(&mut self, dice: &mut Dice) {
        let seconds = *dice.pick_one(&[1, 1, 5, 20, 61, 130, 361, 361, 3_700, 90_000, 40 * 86_400]);
        self.clock.advance_seconds(seconds);
        self.tell(|| format!("{seconds} seconds have passed"));
        while let Some(at) = self.network.find_overdue() {
            let fate = *dice.pick_one(&[CallFate::Lost, CallFate::AnswerLost, CallFate::Late]);
            self.let_go(at, fate);
        }
    }

    pub(super) fn age(&mut self, dice: &mut Dice) {
        let seconds = *dice.pick_one(&[0, 0, 1, 30, 60, 300, 1_800, 3_600]);
        self.network.lock_parties().edge.age(seconds);
        self.tell(|| format!("the edge's store is {seconds} seconds old"));
        if seconds > 0 {
            self.meet("stale reads");
        }
    }
}

pub(super) fn some_fate(dice: &mut Dice) -> CallFate {
    *dice.pick_one(&[
        CallFate::Lost,
        CallFate::AnswerLost,
        CallFate::Late,
        CallFate::Late,
        CallFate::ArrivesTwice,
        CallFate::Refused,
    ])
}
