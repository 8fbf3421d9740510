//! The operator's desk refunds charges of the partner's: repeatedly, by two agents at once, more than is
//! left, and while the partner refunds the same charge; and it remembers every response.

use super::charges::no_answer;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use futures_util::future::{join, join_all};
use http::StatusCode;
use serde_json::{Value, json};

/// A refund that the desk has asked for, by the charge and a reference, and the responses to it.
#[derive(Clone, Debug)]
pub(super) struct DeskRefund {
    /// Our id of the charge.
    transaction_id: String,
    /// The partner's id of the charge.
    charge: String,
    /// The amount; all that is left when absent.
    value: Option<i64>,
    borne_by: &'static str,
    /// The responses to the post: they must all be equal.
    pub(super) answers: Vec<Value>,
    pub(super) created: u32,
}

impl DeskRefund {
    fn body(&self, reference: &str) -> Value {
        let mut body = json!({
            "transactionID": self.transaction_id, "ref": reference, "reason": "A child has ordered it",
            "borneBy": self.borne_by, "actor": "billing-2", "role": "billing",
        });
        if let Some(value) = self.value {
            body["amount"] = json!({"value": value, "currency": "USD"});
        }
        body
    }
}

impl SimulationRun {
    /// One refund of a desk, or two agents' at once, sometimes while the partner refunds the same charge.
    pub(super) async fn give_back_at_desk(&mut self) {
        let known: Vec<(String, String)> = self.asked.iter().filter_map(transaction_of).collect();
        if known.is_empty() {
            return;
        }
        let (charge, transaction_id) = self.dice.pick_one(&known).clone();
        let mut references = vec![self.some_desk_refund(&charge, &transaction_id)];
        match self.dice.draw_below(4) {
            // A double click.
            0 => references.push(references[0].clone()),
            1 | 2 => references.push(self.desk_refund_of(&charge, &transaction_id)),
            _ => {}
        }
        let partners = (self.dice.draw_below(2) == 0).then(|| self.refund_of(charge));
        let at_desk = join_all(references.iter().map(|reference| self.post_desk_refund(reference)));
        let of_partner = async {
            match &partners {
                Some(id) => self.post_refund(id).await,
                None => None,
            }
        };
        let (at_desk, of_partner) = join(at_desk, of_partner).await;
        for (reference, answer) in references.iter().zip(at_desk) {
            if let Some((status, answer)) = answer.filter(|(_, answer)| !answer.is_null()) {
                self.hear_desk_refund(reference, status, answer);
            }
        }
        if let (Some(id), Some((status, answer))) = (partners, of_partner) {
            self.hear_refund(&id, status, answer);
        }
    }

    /// A refund with a new reference, or with a used one.
    fn some_desk_refund(&mut self, charge: &str, transaction_id: &str) -> String {
        let old: Vec<String> = self.desk_refunds.keys().cloned().collect();
        if !old.is_empty() && self.dice.draw_below(4) == 0 {
            return self.dice.pick_one(&old).clone();
        }
        self.desk_refund_of(charge, transaction_id)
    }

    fn desk_refund_of(&mut self, charge: &str, transaction_id: &str) -> String {
        let all = self.asked[charge].value;
        let value = match self.dice.draw_below(4) {
            0 => None,
            1 => Some(all + 1),
            _ => Some(1 + i64::try_from(self.dice.draw_below(all.unsigned_abs())).expect("fits")),
        };
        let reference = format!("T-{}", self.desk_refunds.len());
        let borne_by = *self.dice.pick_one(&["operator", "partner"]);
        let (charge, transaction_id) = (charge.to_owned(), transaction_id.to_owned());
        let refund = DeskRefund { transaction_id, charge, value, borne_by, answers: Vec::new(), created: 0 };
        self.desk_refunds.insert(reference.clone(), refund);
        reference
    }

    pub(super) async fn post_desk_refund(&self, reference: &str) -> Option<(StatusCode, Value)> {
        let body = self.desk_refunds[reference].body(reference);
        self.system.try_call_acme_origin("/refunds", &body).await
    }

    fn hear_desk_refund(&mut self, reference: &str, status: StatusCode, answer: Value) {
        let refund = self.desk_refunds.get_mut(reference).expect("was asked for");
        match status {
            StatusCode::CREATED | StatusCode::OK => {
                assert_eq!(answer["extTransactionID"], json!(refund.charge), "{answer}");
                let created = status == StatusCode::CREATED;
                refund.created += u32::from(created);
                let met = if created { RunOutcome::DeskRefund } else { RunOutcome::DeskRefundReplay };
                refund.answers.push(answer);
                self.tally.count(met);
            }
            // More than is left, which may be nothing.
            StatusCode::BAD_REQUEST if answer["code"] == "invalid-request" => {
                assert!(refund.answers.is_empty(), "{reference} was taken, and is refused: {answer}");
                self.tally.count(RunOutcome::DeskRefundRefused);
            }
            // The charge is pending, or another post of the refund is in progress.
            StatusCode::CONFLICT => {}
            other => no_answer(other, &answer),
        }
    }
}

/// Our id of a charge, if a response has shown it.
fn transaction_of((id, asked): (&String, &super::charges::RequestedCharge)) -> Option<(String, String)> {
    let first = asked.answers.first()?;
    Some((id.clone(), first["transactionID"].as_str()?.to_owned()))
}
