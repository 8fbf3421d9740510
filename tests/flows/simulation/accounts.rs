//! What happens to accounts, and what the operator reports of it: late, in any order, repeatedly,
//! and falsely. Its file of all accounts is imported after each change, so that the embedded table
//! has the true status.

use super::charges::no_answer;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use super::subscribers::{NUMBERS, NumberHolder};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::key::KeyUse;
use onbill_domain::pai::Pai;
use onbill_domain::signature::sign_request;
use onbill_domain::timestamp::Timestamp;
use onbill_test_harness::{KeyHolder, keys};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A number that is unassigned.
const NOBODYS: &str = "+12025550199";

/// An event that the operator has to report, true or false.
#[derive(Clone, Debug)]
pub(super) struct ReportableEvent {
    what: &'static str,
    number: &'static str,
    new: Option<&'static str>,
    at: Timestamp,
    /// The origin's response, once there is one.
    outcome: Option<Value>,
}

impl SimulationRun {
    /// Notes an event that has happened and must be reported.
    pub(super) fn note(&mut self, what: &'static str, number: &'static str, new: Option<&'static str>) {
        let at = self.system.now();
        self.events.push(ReportableEvent { what, number, new, at, outcome: None });
    }

    /// A subscriber gets another number, and the old one becomes unassigned; or another SIM.
    pub(super) async fn change_number(&mut self) {
        self.settle_bills().await;
        let holding =
            |run: &Self, number: &str| run.holdings[number].last().expect("somebody holds it").clone();
        let (from, _) = *self.dice.pick_one(&NUMBERS);
        let mover = holding(self, from);
        let free = NUMBERS.iter().map(|(to, _)| *to).find(|to| holding(self, to).status == "ceased");
        let Some(to) = free.filter(|_| mover.status != "ceased") else {
            return self.note("sim-swapped", from, None);
        };
        self.hold(from, NumberHolder { status: "ceased", ..mover.clone() });
        self.hold(to, mover);
        self.note("number-changed", from, Some(to));
        self.tally.count(RunOutcome::Move);
        self.import_true_accounts().await;
    }

    /// Imports the file of all accounts, as they are.
    pub(super) async fn import_true_accounts(&self) {
        let mut csv = "msisdn,status,type,balance,currency,activated_on\n".to_owned();
        for (number, held) in &self.holdings {
            let NumberHolder { activated_on, status } = held.last().expect("somebody holds it");
            writeln!(csv, "{number},{status},postpaid,,USD,{activated_on}").expect("text takes text");
        }
        self.system.acme.import_accounts_undisturbed(&csv).await;
    }

    /// The operator reports an event: a new one, an old one, or a false one.
    pub(super) async fn tell_of_account(&mut self) {
        let untold: Vec<usize> =
            (0..self.events.len()).filter(|at| self.events[*at].outcome.is_none()).collect();
        match self.dice.draw_below(6) {
            0 if !self.events.is_empty() => {
                let at =
                    usize::try_from(self.dice.draw_below(self.events.len() as u64)).expect("is an index");
                self.report_event(at).await;
            }
            1 => {
                // Only harmless errors: a false report of a move to another subscriber's number
                // would harm that subscriber.
                let what = *self.dice.pick_one(&[
                    "activated",
                    "suspended",
                    "resumed",
                    "resumed",
                    "ceased",
                    "sim-swapped",
                ]);
                let number = *self.dice.pick_one(&[NUMBERS[0].0, NUMBERS[1].0, NUMBERS[2].0, NOBODYS]);
                let at = self.system.now().plus_seconds(*self.dice.pick_one(&[0, -60, -90_000, 250]));
                self.events.push(ReportableEvent { what, number, new: None, at, outcome: None });
                self.report_event(self.events.len() - 1).await;
            }
            _ if !untold.is_empty() => {
                let at = *self.dice.pick_one(&untold);
                self.report_event(at).await;
            }
            _ => {}
        }
        self.import_true_accounts().await;
    }

    async fn report_event(&mut self, at: usize) {
        let event = self.events[at].clone();
        let Ok(answer) =
            self.system.network.send_call(self.account_event_request(&format!("e-{at}"), &event)).await
        else {
            return;
        };
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        // After a clock was set back, the event lies in the future.
        if answer.status() == StatusCode::BAD_REQUEST && event.at > self.system.now() {
            return;
        }
        if answer.status() != StatusCode::OK {
            return no_answer(answer.status(), &body);
        }
        // A fault may have altered it on the way.
        if body["eventID"] != format!("e-{at}") {
            return;
        }
        self.tally.count(match (&event.outcome, body["outcome"].as_str()) {
            (Some(_), _) => RunOutcome::ToldAgain,
            (None, Some("SUPERSEDED")) => RunOutcome::Superseded,
            (None, Some("CONTRADICTORY")) => RunOutcome::Contradictory,
            _ => RunOutcome::Told,
        });
        let first = self.events[at].outcome.get_or_insert_with(|| body.clone());
        assert_eq!(*first, body, "an event was answered differently: {event:?}");
    }

    fn account_event_request(&self, id: &str, event: &ReportableEvent) -> Request<Bytes> {
        let mut body = json!({"eventID": id, "type": event.what, "msisdn": event.number,
                              "occurredAt": event.at.to_string()});
        if let Some(new) = event.new {
            body["newMSISDN"] = json!(new);
        }
        let url = format!("http://{}/operator/v1/account-events", self.system.acme.origin_address);
        let request = Request::post(url).header("content-type", "application/json");
        let mut request = request.body(Bytes::from(body.to_string())).expect("is a request");
        let ring = keys::keyring(&KeyHolder::Operator("acme"));
        let key = ring.signing_key(KeyUse::OperatorToOrigin, "operator:acme").expect("is there");
        sign_request(&mut request, key, self.system.now(), &self.system.next_nonce()).expect("signs");
        request
    }

    /// Reports every event that has happened.
    pub(super) async fn tell_all(&mut self) {
        for at in 0..self.events.len() {
            if self.events[at].outcome.is_none() {
                self.report_event(at).await;
            }
        }
        self.import_true_accounts().await;
    }

    /// An operator's employee closes a PAI, if the program is alive.
    pub(super) async fn close_by_hand(&mut self) {
        let pais: Vec<String> = self.pais.keys().cloned().collect();
        // Seldom: nothing more can go wrong with a closed PAI.
        if pais.is_empty() || self.dice.draw_below(3) > 0 {
            return;
        }
        let pai = self.dice.pick_one(&pais);
        let pai = Pai::parse(pai).expect("is a PAI");
        let (app, partner) = (self.system.acme.app(), PartnerId::parse("netflix").expect("is a slug"));
        let end = app.store.close_pai(app.now(), partner, pai, DeclineReason::PaiRevokedByUser).await;
        if end.is_ok() {
            self.tally.count(RunOutcome::Closed);
        }
    }
}
