//! The truth: the subscriber of each number, what has happened to each, which of it the operator
//! has reported, and the owner of each PAI. It shares nothing with the database, and decides what
//! must never be.

use super::plan::{AccountLookup, ReportingManner};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::day::Day;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_test_harness::Dice;
use std::collections::{BTreeMap, BTreeSet};

/// The operator's numbers, by their index in this list. All but the last have a subscriber at
/// first.
pub(super) const NUMBERS: [&str; 4] = ["+12025550101", "+12025550102", "+12025550103", "+12025550107"];
/// A number that is never assigned.
pub(super) const NOBODYS: &str = "+12025550199";

#[derive(Debug)]
pub(super) struct TrueSubscriber {
    /// By which the operator tells subscribers apart: it is permanently theirs alone.
    pub(super) subscriber_ref: String,
    pub(super) number: Option<usize>,
    pub(super) suspended: bool,
}

/// An event that has happened, or that the operator falsely reports.
#[derive(Clone, Debug)]
pub(super) struct TrueEvent {
    pub(super) id: String,
    pub(super) what: AccountEvent,
    pub(super) number: &'static str,
    pub(super) new: Option<&'static str>,
    pub(super) at: Timestamp,
    /// The origin's response to the report.
    pub(super) outcome: Option<AccountEventOutcome>,
    /// Whether the operator's file of all accounts has shown its effect.
    pub(super) shown: bool,
}

impl TrueEvent {
    /// Whether the origin knows it. For what it has refused as contradictory, it has raised an
    /// alarm.
    fn is_known(&self) -> bool {
        self.shown || self.outcome.is_some_and(|outcome| outcome != AccountEventOutcome::Contradictory)
    }
}

/// The owner of a PAI.
#[derive(Clone, Copy, Debug)]
struct PaiOwner {
    who: usize,
    /// Another customer has signed up with it, whom the origin could not tell from the owner: the
    /// change had not been reported.
    doubtful: bool,
}

pub(super) struct GroundTruth {
    pub(super) accounts: AccountLookup,
    pub(super) manner: ReportingManner,
    pub(super) people: Vec<TrueSubscriber>,
    pub(super) holders: [Option<usize>; NUMBERS.len()],
    /// True events in the order in which they happened, and false ones.
    pub(super) events: Vec<TrueEvent>,
    /// The event by which a subscriber last left a number.
    left: BTreeMap<(usize, usize), usize>,
    generations: BTreeSet<String>,
    owners: BTreeMap<Pai, PaiOwner>,
}

impl GroundTruth {
    pub(super) fn new(accounts: AccountLookup, manner: ReportingManner) -> Self {
        let mut truth = Self {
            accounts,
            manner,
            people: Vec::new(),
            holders: [None; NUMBERS.len()],
            events: Vec::new(),
            left: BTreeMap::new(),
            generations: BTreeSet::new(),
            owners: BTreeMap::new(),
        };
        for number in 0..NUMBERS.len() - 1 {
            let subscriber_ref = format!("202{number}-03-14");
            truth.arrive(number, subscriber_ref);
        }
        truth
    }

    fn arrive(&mut self, number: usize, subscriber_ref: String) {
        self.generations.insert(subscriber_ref.clone());
        self.holders[number] = Some(self.people.len());
        self.people.push(TrueSubscriber { subscriber_ref, number: Some(number), suspended: false });
    }

    /// A new subscriber has the number, whom the operator can tell from all before: where the
    /// activation date tells them apart, only one can come a day.
    fn newcomer(&self, now: Timestamp) -> Option<String> {
        let subscriber_ref = match self.accounts {
            AccountLookup::Asked => format!("subscriber-{}", self.people.len()),
            AccountLookup::Table => Day::of_timestamp(now).to_string(),
        };
        (!self.generations.contains(&subscriber_ref)).then_some(subscriber_ref)
    }

    /// Something happens to a number, if it can; returns its name in the tally.
    pub(super) fn happen(&mut self, dice: &mut Dice, now: Timestamp) -> Option<&'static str> {
        let number = pick_index(dice, NUMBERS.len());
        let newcomer = self.newcomer(now);
        let Some(who) = self.holders[number] else {
            self.arrive(number, newcomer?);
            self.note(AccountEvent::Activated, number, None, now);
            return Some("given out");
        };
        let free: Vec<usize> = (0..NUMBERS.len()).filter(|number| self.holders[*number].is_none()).collect();
        let (what, met) = match dice.draw_below(15) {
            0 | 1 => {
                self.people[who].suspended = true;
                (AccountEvent::Suspended, "suspended")
            }
            2..=4 => {
                self.people[who].suspended = false;
                (AccountEvent::Resumed, "resumed")
            }
            5 | 6 => (AccountEvent::Ceased, "ceased"),
            7 => (AccountEvent::PortedOut, "ported out"),
            8 | 9 => (AccountEvent::OwnershipChanged, "taken over"),
            10..=13 if !free.is_empty() => (AccountEvent::NumberChanged, "moved"),
            _ => (AccountEvent::SimSwapped, "SIMs swapped"),
        };
        match what {
            AccountEvent::Ceased | AccountEvent::PortedOut => {
                self.leave_number(who, number);
                self.note(what, number, None, now);
            }
            AccountEvent::OwnershipChanged => {
                let newcomer = newcomer?;
                self.leave_number(who, number);
                self.arrive(number, newcomer);
                self.note(what, number, None, now);
            }
            AccountEvent::NumberChanged => {
                let to = *dice.pick_one(&free);
                self.leave_number(who, number);
                self.people[who].number = Some(to);
                self.holders[to] = Some(who);
                self.left.remove(&(who, to));
                self.note(what, number, Some(to), now);
            }
            _ => self.note(what, number, None, now),
        }
        Some(met)
    }

    fn leave_number(&mut self, who: usize, number: usize) {
        self.people[who].number = None;
        self.holders[number] = None;
        // The event is about to be recorded.
        self.left.insert((who, number), self.events.len());
    }

    fn note(&mut self, event: AccountEvent, number: usize, new: Option<usize>, at: Timestamp) {
        let (number, new) = (NUMBERS[number], new.map(|new| NUMBERS[new]));
        self.say(event, number, new, at);
    }

    /// Whether an event was applied although a later one of the same subscriber had been before.
    /// Leaving a number is final; and a subscriber who moved to it may have had earlier events
    /// under another number.
    pub(super) fn is_out_of_order(&self, at: usize) -> bool {
        let event = &self.events[at];
        let is_later = |other: &&TrueEvent| {
            other.number == event.number
                && other.outcome == Some(AccountEventOutcome::Applied)
                && other.at > event.at
                && !other.what.effect().releases_number()
        };
        event.outcome == Some(AccountEventOutcome::Applied)
            && !event.what.effect().releases_number()
            && self.events.iter().any(|other| is_later(&other))
            && !self.events.iter().any(|other| other.new == Some(event.number) && other.outcome.is_some())
    }

    /// Adds an event that the operator has to report, true or false.
    pub(super) fn say(
        &mut self,
        event: AccountEvent,
        number: &'static str,
        new: Option<&'static str>,
        at: Timestamp,
    ) {
        let id = format!("e-{}", self.events.len());
        self.events.push(TrueEvent { id, what: event, number, new, at, outcome: None, shown: false });
    }

    /// The operator's file of all accounts has been imported.
    pub(super) fn show_all(&mut self) {
        self.events.iter_mut().for_each(|event| event.shown = true);
    }

    /// A customer has signed up, and was given this PAI. Returns what is wrong with it.
    pub(super) fn sign_up(&mut self, who: usize, number: usize, pai: Pai) -> Option<String> {
        let owner = *self.owners.entry(pai).or_insert(PaiOwner { who, doubtful: false });
        if owner.who == who {
            return None;
        }
        if self.accounts == AccountLookup::Table && !self.knows_that_left(owner.who, number) {
            self.owners.insert(pai, PaiOwner { doubtful: true, ..owner });
            return None;
        }
        Some(format!("{who} is given the PAI of {}: {pai}", owner.who))
    }

    /// Whether the origin knows of everything that has happened.
    pub(super) fn is_all_told(&self) -> bool {
        self.events.iter().all(|event| event.outcome.is_some())
    }

    fn knows_that_left(&self, who: usize, number: usize) -> bool {
        self.left.get(&(who, number)).is_some_and(|event| self.events[*event].is_known())
    }

    pub(super) fn pais(&self) -> Vec<Pai> {
        self.owners.keys().copied().collect()
    }

    /// The owner of the PAI, if it is beyond doubt.
    pub(super) fn owner(&self, pai: Pai) -> Option<&TrueSubscriber> {
        let owner = self.owners.get(&pai)?;
        (!owner.doubtful).then(|| &self.people[owner.who])
    }

    /// A charge for a PAI is submitted to the bill of a number. Returns what is wrong with that:
    /// the number's present subscriber is another, and the origin knows, or asks the operator
    /// anyway.
    pub(super) fn charge(&self, pai: Pai, number: usize) -> Option<String> {
        let Some(owner) = self.owners.get(&pai) else { return Some(format!("{pai} is nobody's")) };
        let knows = self.accounts == AccountLookup::Asked || self.knows_that_left(owner.who, number);
        match self.holders[number] {
            _ if owner.doubtful || !knows => None,
            Some(holder) if holder != owner.who => {
                Some(format!("{holder} pays for {}: {}", owner.who, NUMBERS[number]))
            }
            // A late event may have reactivated an account that the file has shown as ended.
            None if self.manner == ReportingManner::Orderly => {
                Some(format!("{} is charged, whose account is over: {}", owner.who, NUMBERS[number]))
            }
            _ => None,
        }
    }
}

pub(super) fn pick_index(dice: &mut Dice, of: usize) -> usize {
    usize::try_from(dice.draw_below(of as u64)).expect("is an index")
}

/// The index of a number in the list.
pub(super) fn number_index(number: &str) -> Option<usize> {
    NUMBERS.iter().position(|known| *known == number)
}
