//! What is going to happen in a life: steps, each with its own chance, so that one can be left out and the others stay
//! what they are.

use onbill_test_harness::Dice;

/// Steps of a life.
const STEPS_MIN: u64 = 20;
const STEPS_MORE: u64 = 60;

/// Where the origin gets its accounts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accounts {
    /// It asks the operator, each time.
    Asked,
    /// From its own table, which knows what it was told.
    Table,
}

/// How the operator tells what happens to accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Late, and in the order in which it happened.
    Orderly,
    /// All that is so, in any order.
    Shuffled,
    /// In any order, and what is not so.
    Wild,
}

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) accounts: Accounts,
    pub(super) manner: Manner,
    /// Whether the file of all accounts is read in before the end.
    pub(super) ends_with_import: bool,
    pub(super) steps: Vec<Step>,
}

/// One step. Who and what it is about follows from its chance when it comes to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) what: What,
    chance: u64,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Somebody asks to sign up, and their account is looked at.
    Visit,
    /// They go on to the partner: the sign-up is recorded.
    SignUp,
    /// The partner spends the token and records the subscription.
    Subscribe,
    /// The partner charges.
    Charge,
    /// The partner gives money back.
    Refund,
    /// A person ends a PAI by hand.
    Close,
    /// Somebody wants to be forgotten.
    Erase,
    /// Something happens to somebody's account, and the operator has to tell of it.
    Happen,
    /// The operator tells of something.
    Tell,
    /// The operator tells what is not so, repeats itself, or contradicts itself.
    Mislead,
    /// The operator's file of all accounts is read in.
    Import,
    /// A program of the origin begins a round of its outbox.
    Work,
    /// A call goes on: it arrives and is answered.
    Carry,
    /// Something befalls a call.
    Disturb,
    /// A call that its caller has given up arrives.
    Arrive,
    /// The edge asks whose a PAI is, or another operator's origin says that it is its own.
    Learn,
    /// The programs of the origin die.
    Die,
    /// Time passes.
    Pass,
    /// The edge's store gets older, or newer.
    Age,
    /// The origin forgets what it need not know any more.
    Sweep,
}

/// How often, in so many steps, which.
const WEIGHTS: [(What, u64); 20] = [
    (What::Visit, 8),
    (What::SignUp, 9),
    (What::Subscribe, 6),
    (What::Charge, 14),
    (What::Refund, 3),
    (What::Close, 1),
    (What::Erase, 1),
    (What::Happen, 11),
    (What::Tell, 10),
    (What::Mislead, 3),
    (What::Import, 2),
    (What::Work, 12),
    (What::Carry, 24),
    (What::Disturb, 5),
    (What::Arrive, 3),
    (What::Learn, 2),
    (What::Die, 1),
    (What::Pass, 12),
    (What::Age, 2),
    (What::Sweep, 1),
];

/// Without subscribers not much can happen to them.
const BEGINNING: [What; 6] =
    [What::SignUp, What::SignUp, What::SignUp, What::Subscribe, What::Subscribe, What::Subscribe];

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let accounts = *dice.pick(&[Accounts::Asked, Accounts::Table]);
        let manner = *dice.pick(&[Manner::Orderly, Manner::Shuffled, Manner::Wild]);
        let ends_with_import = dice.below(2) == 0;
        let count = STEPS_MIN + dice.below(STEPS_MORE);
        let first = BEGINNING.into_iter().map(|what| (what, dice.below(u64::MAX)));
        let mut steps: Vec<Step> = first.map(|(what, chance)| Step { what, chance }).collect();
        steps.extend((0..count).map(|_| Step { what: what(&mut dice), chance: dice.below(u64::MAX) }));
        Self { accounts, manner, ends_with_import, steps }
    }

    pub(super) fn without(&self, at: usize) -> Self {
        let mut shorter = self.clone();
        shorter.steps.remove(at);
        shorter
    }
}

impl Step {
    pub(super) fn dice(self) -> Dice {
        Dice::new(self.chance)
    }
}

fn what(dice: &mut Dice) -> What {
    let mut at = dice.below(WEIGHTS.iter().map(|(_, weight)| weight).sum());
    for (what, weight) in WEIGHTS {
        if at < weight {
            return what;
        }
        at -= weight;
    }
    unreachable!("is below the sum")
}
