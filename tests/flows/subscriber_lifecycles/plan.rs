//! The plan of a lifecycle: steps, each with its own random seed, so that one can be left out
//! without changing the others.

use onbill_test_harness::Dice;

/// Fewest steps of a lifecycle.
const STEPS_MIN: u64 = 20;
const STEPS_MORE: u64 = 60;

/// Where the origin gets its accounts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AccountLookup {
    /// It asks the operator each time.
    Asked,
    /// From its own table, which is updated by events.
    Table,
}

/// How the operator reports account events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportingManner {
    /// Late, and in the order in which they happened.
    Orderly,
    /// All true events, in any order.
    Shuffled,
    /// In any order, and with false events.
    Wild,
}

#[derive(Clone, Debug)]
pub(super) struct LifecyclePlan {
    pub(super) accounts: AccountLookup,
    pub(super) manner: ReportingManner,
    /// Whether the file of all accounts is imported before the end.
    pub(super) ends_with_import: bool,
    pub(super) steps: Vec<LifecycleStep>,
}

/// One step. Its random value decides which subscriber and object it acts on when it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct LifecycleStep {
    pub(super) kind: LifecycleActionKind,
    chance: u64,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifecycleActionKind {
    /// A customer starts a sign-up, and their account is checked.
    Visit,
    /// The customer continues to the partner: the sign-up is recorded.
    SignUp,
    /// The partner spends the token and records the subscription.
    Subscribe,
    /// The partner charges.
    Charge,
    /// The partner refunds.
    Refund,
    /// An operator's employee closes a PAI by hand.
    Close,
    /// A subscriber is erased.
    Erase,
    /// Something happens to an account, which the operator must report.
    Happen,
    /// The operator reports an event.
    Tell,
    /// The operator reports a false event, repeats one, or contradicts itself.
    Mislead,
    /// The operator's file of all accounts is imported.
    Import,
    /// A program of the origin starts a round of its outbox.
    Work,
    /// A call continues: it arrives and is answered.
    Carry,
    /// A fault hits a call.
    Disturb,
    /// A call arrives whose caller has timed out.
    Arrive,
    /// The edge asks which origin owns a PAI, or another operator's origin claims it.
    Learn,
    /// The programs of the origin crash.
    Die,
    /// Time passes.
    Pass,
    /// The edge's store gets more stale, or less.
    Age,
    /// The origin deletes what it no longer needs.
    Sweep,
}

pub(super) struct LifecycleAction {
    pub(super) kind: LifecycleActionKind,
    pub(super) name: &'static str,
    weight: u64,
}

const fn action(kind: LifecycleActionKind, name: &'static str, weight: u64) -> LifecycleAction {
    LifecycleAction { kind, name, weight }
}

const SUBSCRIBER: [LifecycleAction; 2] =
    [action(LifecycleActionKind::Visit, "visit", 8), action(LifecycleActionKind::SignUp, "sign up", 9)];

const PARTNER: [LifecycleAction; 3] = [
    action(LifecycleActionKind::Subscribe, "subscribe", 6),
    action(LifecycleActionKind::Charge, "charge", 14),
    action(LifecycleActionKind::Refund, "refund", 3),
];

const OPERATOR: [LifecycleAction; 6] = [
    action(LifecycleActionKind::Close, "close PAI", 1),
    action(LifecycleActionKind::Erase, "erase subscriber", 1),
    action(LifecycleActionKind::Happen, "change account", 11),
    action(LifecycleActionKind::Tell, "report account event", 10),
    action(LifecycleActionKind::Mislead, "report falsely", 3),
    action(LifecycleActionKind::Import, "import accounts", 2),
];

/// The origin's work, the network, the clock and the faults.
const FAULTS: [LifecycleAction; 9] = [
    action(LifecycleActionKind::Work, "deliver what is due", 12),
    action(LifecycleActionKind::Carry, "carry call", 24),
    action(LifecycleActionKind::Disturb, "disturb call", 5),
    action(LifecycleActionKind::Arrive, "deliver late call", 3),
    action(LifecycleActionKind::Learn, "ask for PAI", 2),
    action(LifecycleActionKind::Die, "crash origin", 1),
    action(LifecycleActionKind::Pass, "pass time", 12),
    action(LifecycleActionKind::Age, "age edge store", 2),
    action(LifecycleActionKind::Sweep, "sweep store", 1),
];

/// The actions of all actors. A seed depends on their order.
pub(super) fn all_actions() -> impl Iterator<Item = &'static LifecycleAction> {
    const ACTORS: [&[LifecycleAction]; 4] = [&SUBSCRIBER, &PARTNER, &OPERATOR, &FAULTS];
    ACTORS.into_iter().flatten()
}

/// Without subscribers, few of the other actions do anything.
const BEGINNING: [LifecycleActionKind; 6] = [
    LifecycleActionKind::SignUp,
    LifecycleActionKind::SignUp,
    LifecycleActionKind::SignUp,
    LifecycleActionKind::Subscribe,
    LifecycleActionKind::Subscribe,
    LifecycleActionKind::Subscribe,
];

impl LifecyclePlan {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let accounts = *dice.pick_one(&[AccountLookup::Asked, AccountLookup::Table]);
        let manner =
            *dice.pick_one(&[ReportingManner::Orderly, ReportingManner::Shuffled, ReportingManner::Wild]);
        let ends_with_import = dice.draw_below(2) == 0;
        let count = STEPS_MIN + dice.draw_below(STEPS_MORE);
        let first = BEGINNING.into_iter().map(|kind| (kind, dice.draw_below(u64::MAX)));
        let mut steps: Vec<LifecycleStep> =
            first.map(|(kind, chance)| LifecycleStep { kind, chance }).collect();
        steps.extend(
            (0..count)
                .map(|_| LifecycleStep { kind: draw_action(&mut dice), chance: dice.draw_below(u64::MAX) }),
        );
        Self { accounts, manner, ends_with_import, steps }
    }

    pub(super) fn without(&self, at: usize) -> Self {
        let mut shorter = self.clone();
        shorter.steps.remove(at);
        shorter
    }
}

impl LifecycleStep {
    /// The name that the step's action is counted under.
    pub(super) fn name(self) -> &'static str {
        all_actions().find(|action| action.kind == self.kind).expect("every kind is in the tables").name
    }

    pub(super) fn new_dice(self) -> Dice {
        Dice::new(self.chance)
    }
}

fn draw_action(dice: &mut Dice) -> LifecycleActionKind {
    let mut at = dice.draw_below(all_actions().map(|action| action.weight).sum());
    for action in all_actions() {
        if at < action.weight {
            return action.kind;
        }
        at -= action.weight;
    }
    unreachable!("is below the sum")
}
