//! What happens to accounts, and what the operator reports of it.

use super::{BEGINS_AT, LifecycleRun, ext_id, parse_msisdn};
use crate::subscriber_lifecycles::ground_truth::{NOBODYS, NUMBERS, TrueEvent, pick_index};
use crate::subscriber_lifecycles::plan::{AccountLookup, ReportingManner};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::day::Day;
use onbill_domain::wire::audit::ActorRole;
use onbill_domain::wire::operator::{AccountEventOutcome, AccountEventRequest};
use onbill_origin::lifecycle::event::{EventResult, follow};
use onbill_origin::store::{AuditStamp, ImportedAccount};
use onbill_test_harness::Dice;
use std::sync::Arc;

impl LifecycleRun<'_> {
    pub(super) fn happen(&mut self, dice: &mut Dice) {
        // In a second of its own: no event says which of two in one second came first.
        self.clock.advance_seconds(1);
        let now = self.now();
        self.clock.advance_seconds(1);
        let happened = self.network.lock_parties().truth.happen(dice, now);
        let Some(met) = happened else { return };
        self.meet(met);
        let event = self.network.lock_parties().truth.events.last().cloned();
        self.tell(|| {
            format!("it happens: {}", event.map(|event| describe_event(&event)).unwrap_or_default())
        });
    }

    /// The operator reports an event that it has not reported yet.
    pub(super) async fn tell_some(&mut self, dice: &mut Dice) {
        let (manner, untold) = {
            let parties = self.network.lock_parties();
            let untold = parties.truth.events.iter().enumerate().filter(|(_, event)| event.outcome.is_none());
            (parties.truth.manner, untold.map(|(at, _)| at).collect::<Vec<usize>>())
        };
        if !untold.is_empty() {
            let at = if manner == ReportingManner::Orderly { untold[0] } else { *dice.pick_one(&untold) };
            self.tell_of(at).await;
        }
    }

    pub(super) async fn tell_of(&mut self, at: usize) {
        let event = self.network.lock_parties().truth.events[at].clone();
        let followed = self.follow_event(&event).await;
        self.tell(|| format!("the operator tells: {} → {followed:?}", describe_event(&event)));
        let EventResult::Recorded(outcome) = followed else {
            return self
                .add_violation(format!("a first telling is {followed:?}: {}", describe_event(&event)));
        };
        if event.outcome.is_some_and(|before| before != outcome) {
            return self.add_violation(format!(
                "{} was answered {:?} and is {outcome:?}",
                describe_event(&event),
                event.outcome
            ));
        }
        if event.outcome.is_some() {
            return self.meet("repeated");
        }
        self.meet(match outcome {
            AccountEventOutcome::Applied => "applied",
            AccountEventOutcome::Superseded => "superseded",
            AccountEventOutcome::NoSubscriber => "no subscriber",
            AccountEventOutcome::Contradictory => "contradictory",
        });
        self.network.lock_parties().truth.events[at].outcome = Some(outcome);
        let is_out_of_order = self.network.lock_parties().truth.is_out_of_order(at);
        if is_out_of_order {
            self.add_violation(format!("an older event is followed: {}", describe_event(&event)));
        }
        // Customers who are about to sign up were checked before this was reported.
        self.visits.iter_mut().for_each(|visit| visit.is_overtaken = true);
        if outcome == AccountEventOutcome::Contradictory {
            self.excused.extend(self.watch.0.keys());
        }
        self.look_at_swap(&event, outcome).await;
    }

    async fn follow_event(&mut self, event: &TrueEvent) -> EventResult {
        let request = AccountEventRequest {
            event_id: ext_id(&event.id),
            event: event.what,
            msisdn: parse_msisdn(event.number),
            new_msisdn: event.new.map(parse_msisdn),
            occurred_at: event.at,
        };
        request.check(self.now()).expect("is one that an origin takes");
        let (app, nonce) = (Arc::clone(&self.app), self.next_nonce());
        let followed =
            follow(&app.instruments, &app.vault, &*app.random, &app.store, self.now(), Some(nonce), &request);
        followed.await.expect("works")
    }

    /// A SIM swap is recorded for its number, and moves along to another one.
    async fn look_at_swap(&mut self, event: &TrueEvent, outcome: AccountEventOutcome) {
        let place = |number: &str| NUMBERS.iter().position(|known| *known == number);
        let (Some(number), new) = (place(event.number), event.new.and_then(place)) else { return };
        let subject = match (event.what, new) {
            (AccountEvent::SimSwapped, _) => {
                self.swaps[number] = self.swaps[number].max(Some(event.at));
                number
            }
            (AccountEvent::NumberChanged, Some(new)) if outcome == AccountEventOutcome::Applied => {
                self.swaps[new] = self.swaps[new].max(self.swaps[number]);
                new
            }
            _ => return,
        };
        let known = self
            .store()
            .find_sim_swap_time(self.app.vault.index_number(&parse_msisdn(NUMBERS[subject])))
            .await;
        let known = known.expect("works");
        if known < self.swaps[subject] {
            self.add_violation(format!(
                "a SIM was swapped at {:?}, and is known at {known:?}",
                self.swaps[subject]
            ));
        }
    }

    /// Reports that the operator should not send.
    pub(super) async fn report_falsely(&mut self, dice: &mut Dice) {
        let (manner, told_of) = {
            let parties = self.network.lock_parties();
            let reported =
                parties.truth.events.iter().enumerate().filter(|(_, event)| event.outcome.is_some());
            (parties.truth.manner, reported.map(|(at, _)| at).collect::<Vec<usize>>())
        };
        match dice.draw_below(3) {
            0 if !told_of.is_empty() => self.tell_of(*dice.pick_one(&told_of)).await,
            1 if !told_of.is_empty() => {
                let mut event = self.network.lock_parties().truth.events[*dice.pick_one(&told_of)].clone();
                event.at = event.at.plus_seconds(-1);
                self.meet("conflicts");
                // For an erased subscriber, the origin no longer knows which events were reported.
                if self.follow_event(&event).await != EventResult::Conflict && !self.has_erased {
                    self.add_violation(format!(
                        "one name is good for two events: {}",
                        describe_event(&event)
                    ));
                }
            }
            _ if manner == ReportingManner::Wild => {
                let event = *dice.pick_one(&AccountEvent::ALL);
                let number = *dice.pick_one(&[NUMBERS[0], NUMBERS[1], NUMBERS[2], NUMBERS[3], NOBODYS]);
                let to = *dice.pick_one(&NUMBERS);
                if event == AccountEvent::NumberChanged && to == number {
                    return;
                }
                let new = (event == AccountEvent::NumberChanged).then_some(to);
                let at = self.now().plus_seconds(*dice.pick_one(&[0, -60, -3_600, -90_000, 250]));
                self.meet("told falsely");
                self.network.lock_parties().truth.say(event, number, new, at);
                let last = self.network.lock_parties().truth.events.len() - 1;
                self.tell_of(last).await;
            }
            _ => {}
        }
    }

    /// The operator has the subscriber of a number erased: their PAIs are closed, whatever becomes
    /// of their account.
    pub(super) async fn erase_subscriber(&mut self, dice: &mut Dice) {
        let number = pick_index(dice, NUMBERS.len());
        let (nonce, name) = (self.next_nonce(), ext_id(&self.fresh()));
        let index = self.app.vault.index_number(&parse_msisdn(NUMBERS[number]));
        let stamp = AuditStamp {
            key: "bss-1".to_owned(),
            actor: ext_id("care-17"),
            role: ActorRole::Supervisor,
            reference: None,
        };
        let store = self.store();
        let erasure = store.erase_number(Some(nonce), self.now(), stamp, Some(name), index);
        let erasure = erasure.await.expect("works");
        self.tell(|| format!("{} is erased: {erasure:?}", NUMBERS[number]));
        self.meet("erased");
        self.swaps[number] = None;
        self.has_erased = true;
        self.excuse_closed();
    }

    /// The operator's file has the present status of every number.
    pub(super) async fn import_accounts(&mut self) {
        let rows: Vec<(usize, AccountStatus, Day)> = {
            let parties = self.network.lock_parties();
            if parties.truth.accounts == AccountLookup::Asked {
                return;
            }
            let row = |(number, holder): (usize, &Option<usize>)| {
                let person = &parties.truth.people[(*holder)?];
                let status = if person.suspended { AccountStatus::Suspended } else { AccountStatus::Active };
                Some((number, status, Day::parse(&person.subscriber_ref).expect("is a day")))
            };
            let numbers = parties.truth.holders.iter().enumerate();
            numbers
                .map(|each| {
                    row(each).unwrap_or((
                        each.0,
                        AccountStatus::Ceased,
                        Day::parse("2019-01-01").expect("is one"),
                    ))
                })
                .collect()
        };
        let accounts = rows.into_iter().map(|(number, status, activated_on)| ImportedAccount {
            number: self.app.vault.index_number(&parse_msisdn(NUMBERS[number])),
            account: Account { status, account_type: AccountType::Postpaid, balance: None },
            activated_on,
        });
        let accounts = accounts.collect();
        self.store().import_accounts(accounts).await.expect("works");
        self.network.lock_parties().truth.show_all();
        self.tell(|| "the file of all accounts is read in".to_owned());
        self.meet("imports");
    }
}

fn describe_event(event: &TrueEvent) -> String {
    let new = event.new.map_or_else(String::new, |new| format!(" to {new}"));
    let at = event.at.unix_seconds() - BEGINS_AT;
    format!("{} {} {}{new} at {at}", event.id, event.what.as_str(), event.number)
}
