//! The partner refunds: all or some of a charge, repeatedly, concurrently, and more than is left;
//! and it remembers every response.

use super::charges::no_answer;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// A refund request under an id, and the responses to it.
#[derive(Clone, Debug)]
pub(super) struct RequestedRefund {
    /// The partner's id of the charge.
    pub(super) charge: String,
    /// The amount; all that is left when absent.
    value: Option<i64>,
    /// The responses to the post: they must all be equal.
    pub(super) answers: Vec<Value>,
    pub(super) created: u32,
    /// The final state, from the first response or webhook that reported it.
    pub(super) settled: Option<Value>,
}

impl RequestedRefund {
    /// Takes a report of the refund's status. APPROVED and DECLINED are permanent; the remaining
    /// amount of the charge still changes with its other refunds.
    pub(super) fn hear(&mut self, answer: &Value) {
        if answer["status"] == "PENDING" {
            return;
        }
        let mut state = answer.clone();
        state["remaining"].take();
        let settled = self.settled.get_or_insert_with(|| state.clone());
        assert_eq!(*settled, state, "a refund has left the state that was the last");
    }

    fn body(&self, id: &str) -> Value {
        let mut body = json!({"extRefundID": id, "reason": "Ended early"});
        if let Some(value) = self.value {
            body["amount"] = json!({"value": value, "currency": "USD"});
        }
        body
    }
}

impl SimulationRun {
    /// One refund, or several concurrent posts, of one id or of many; sometimes a used id.
    pub(super) async fn give_back(&mut self) {
        if self.asked.is_empty() && self.redeemed_charges().is_empty() {
            return;
        }
        let first = self.some_refund();
        let mut ids = vec![first.clone()];
        match self.dice.draw_below(6) {
            0 => ids.extend([first.clone(), first]),
            1 | 2 => ids.extend(self.two_more_of(&first)),
            _ => {}
        }
        let answers = join_all(ids.iter().map(|id| self.post_refund(id))).await;
        for (id, answer) in ids.iter().zip(answers) {
            if let Some((status, answer)) = answer {
                self.hear_refund(id, status, answer);
            }
        }
    }

    /// A refund to post, with a new id or a used one.
    fn some_refund(&mut self) -> String {
        let old: Vec<String> = self.returned.keys().cloned().collect();
        if !old.is_empty() && self.dice.draw_below(3) == 0 {
            return self.dice.pick_one(&old).clone();
        }
        let mut charges: Vec<String> = self.asked.keys().cloned().collect();
        let coupons: Vec<String> = self.redeemed_charges().into_keys().collect();
        if charges.is_empty() || (!coupons.is_empty() && self.dice.draw_below(3) == 0) {
            charges = coupons;
        }
        let charge = self.dice.pick_one(&charges).clone();
        self.refund_of(charge)
    }

    /// Others of the same charge, which may not all fit into it.
    fn two_more_of(&mut self, id: &str) -> [String; 2] {
        let charge = self.returned[id].charge.clone();
        [self.refund_of(charge.clone()), self.refund_of(charge)]
    }

    pub(super) fn refund_of(&mut self, charge: String) -> String {
        let all = match self.asked.get(&charge) {
            Some(asked) => asked.value,
            None => self.redeemed_charges()[&charge],
        };
        let some = |dice: &mut onbill_test_harness::Dice| {
            1 + i64::try_from(dice.draw_below(all.unsigned_abs())).expect("fits")
        };
        let value = match self.dice.draw_below(6) {
            0 | 1 => None,
            2 => Some(all + 1),
            _ => Some(some(&mut self.dice)),
        };
        let id = format!("back-{}", self.returned.len());
        let returned = RequestedRefund { charge, value, answers: Vec::new(), created: 0, settled: None };
        self.returned.insert(id.clone(), returned);
        id
    }

    pub(super) async fn post_refund(&self, id: &str) -> Option<(StatusCode, Value)> {
        let returned = &self.returned[id];
        let path = format!("/ott/v1/transaction/{}/refund", returned.charge);
        self.system.try_call_ott(Method::POST, &path, returned.body(id)).await
    }

    pub(super) fn hear_refund(&mut self, id: &str, status: StatusCode, answer: Value) {
        let returned = self.returned.get_mut(id).expect("was asked for");
        match status {
            StatusCode::CREATED | StatusCode::OK => {
                let created = status == StatusCode::CREATED;
                returned.created += u32::from(created);
                returned.hear(&answer);
                self.tally.count(if created { RunOutcome::Refund } else { RunOutcome::RefundReplay });
                returned.answers.push(answer);
            }
            // More than is left, which may be nothing.
            StatusCode::BAD_REQUEST if answer["code"] == "invalid-request" => {
                assert!(returned.answers.is_empty(), "{id} was taken, and is refused: {answer}");
                self.tally.count(RunOutcome::RefundRefused);
            }
            StatusCode::NOT_FOUND if answer["code"] == "transaction-not-found" => {
                // A coupon's charge is known from the response that it is redeemed.
                let is_free = self.asked.get(&returned.charge).is_some_and(|charge| charge.taken.is_none());
                assert!(is_free, "{} was answered, and is not there", returned.charge);
            }
            // The charge is pending, or another post of the refund is in progress.
            StatusCode::CONFLICT => {}
            other => no_answer(other, &answer),
        }
    }

    /// Queries the status of a refund.
    pub(super) async fn ask_refund(&mut self) {
        let old: Vec<String> = self.returned.keys().cloned().collect();
        if old.is_empty() {
            return;
        }
        let id = self.dice.pick_one(&old);
        let Some((status, answer)) = self.refund_status(id).await else { return };
        let returned = self.returned.get_mut(id).expect("was asked for");
        match status {
            StatusCode::OK => returned.hear(&answer),
            StatusCode::NOT_FOUND => {
                assert!(returned.answers.is_empty(), "{id} was answered, and is not there: {answer}");
            }
            other => no_answer(other, &answer),
        }
    }

    pub(super) async fn refund_status(&self, id: &str) -> Option<(StatusCode, Value)> {
        let path = format!("/ott/v1/transaction/{}/refund/{id}", self.returned[id].charge);
        self.system.try_call_ott(Method::GET, &path, Value::Null).await
    }
}
