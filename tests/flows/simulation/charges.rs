//! The partner: it charges, repeatedly and concurrently, queries the status of a charge, and
//! remembers every response.

use super::audit::limits::{is_limit, parse_reason};
use super::coupons::ResponseClaim;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use futures_util::future::{join, join_all};
use http::{Method, StatusCode};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_test_harness::FAILED_AFTER;
use onbill_test_harness::customer;
use serde_json::{Value, json};

/// A charge request under an id, and the responses to it.
#[derive(Clone, Debug)]
pub(super) struct RequestedCharge {
    pub(super) pai: String,
    /// The first requested amount.
    pub(super) value: i64,
    /// The month that it is for.
    pub(super) month: ServicePeriod,
    /// The amount that a response has shown to be taken: a post that was lost may not have been the
    /// first to arrive.
    pub(super) taken: Option<i64>,
    /// The responses to the post: they must all be equal.
    pub(super) answers: Vec<Value>,
    pub(super) created: u32,
    /// The final state, from the first response or webhook that reported it.
    pub(super) settled: Option<Value>,
}

#[derive(Clone, Debug)]
struct ChargePost {
    id: String,
    pai: String,
    value: i64,
    month: ServicePeriod,
}

/// The body of a post.
pub(super) fn charge(pai: &str, id: &str, value: i64, month: ServicePeriod) -> Value {
    let mut body = customer::charge_body(pai, id, value);
    body["servicePeriod"] = json!(month);
    body
}

impl RequestedCharge {
    fn first(post: &ChargePost) -> Self {
        let ChargePost { pai, value, month, .. } = post.clone();
        Self { pai, value, month, taken: None, answers: Vec::new(), created: 0, settled: None }
    }

    /// Takes a report of the charge's status. APPROVED and DECLINED are permanent.
    pub(super) fn hear(&mut self, answer: &Value) {
        if answer["status"] == "PENDING" {
            return;
        }
        let settled = self.settled.get_or_insert_with(|| answer.clone());
        assert_eq!(settled, answer, "a charge has left the state that was the last");
    }
}

impl SimulationRun {
    /// One charge, or several concurrent posts, of one id or of many; sometimes a used id,
    /// sometimes with other contents, sometimes while the outbox is processed.
    pub(super) async fn charge(&mut self) {
        if self.pais.is_empty() {
            return;
        }
        let first = self.some_charge();
        let mut posts = vec![first.clone()];
        match self.dice.draw_below(8) {
            0 | 1 => posts.extend([first.clone(), first]),
            2 => posts.extend([self.some_charge(), self.some_charge()]),
            _ => {}
        }
        let busy = self.dice.draw_below(4) == 0;
        let all = join_all(posts.iter().map(|post| self.post(post)));
        let answers = if busy { join(all, self.system.acme.try_deliver_due()).await.0 } else { all.await };
        for (post, answer) in posts.iter().zip(answers) {
            if let Some((status, answer)) = answer {
                self.hear_post(post, status, &answer);
            }
        }
    }

    /// A charge to post, with a new id or a used one.
    fn some_charge(&mut self) -> ChargePost {
        let old: Vec<String> = self.asked.keys().cloned().collect();
        if !old.is_empty() && self.dice.draw_below(3) == 0 {
            let id = self.dice.pick_one(&old).clone();
            let RequestedCharge { pai, value, month, taken, .. } = self.asked[&id].clone();
            // Other contents now and then, under an id whose own are known to be taken: the partner
            // records one amount.
            let other = i64::from(taken.is_some() && self.dice.draw_below(4) == 0);
            return ChargePost { id, pai, value: taken.unwrap_or(value) + other, month };
        }
        let pais: Vec<String> = self.pais.keys().cloned().collect();
        let value = 100 + i64::try_from(self.dice.draw_below(2000)).expect("is small");
        let id = format!("sim-{}", self.asked.len());
        let pai = self.dice.pick_one(&pais).clone();
        let month = self.some_month(&pai);
        let post = ChargePost { id, pai, value, month };
        self.asked.insert(post.id.clone(), RequestedCharge::first(&post));
        post
    }

    /// A calendar month, the present one or one of the next; or one that just misses days that a
    /// coupon pays for, or just overlaps them.
    fn some_month(&mut self, pai: &str) -> ServicePeriod {
        if let Some(paid) = self.months.last_of(pai)
            && self.dice.draw_below(3) == 0
        {
            let day_after = paid.to().next().expect("is in the calendar");
            let from = *self.dice.pick_one(&[paid.to(), day_after, paid.from().minus_days(30)]);
            return match self.dice.draw_below(2) {
                0 if from < paid.from() => ServicePeriod::new(from, paid.from()).expect("are days"),
                _ => ServicePeriod::from_months(from, 1).expect("is a month"),
            };
        }
        let today = Day::of_timestamp(self.system.now()).to_string();
        let first = Day::parse(&format!("{}-01", &today[..7])).expect("is a day");
        let later = u8::try_from(self.dice.draw_below(9)).expect("is small");
        let from = first.plus_months(later).expect("is in the calendar");
        ServicePeriod::from_months(from, 1).expect("is a month")
    }

    async fn post(&self, post: &ChargePost) -> Option<(StatusCode, Value)> {
        let body = charge(&post.pai, &post.id, post.value, post.month);
        self.system.try_call_ott(Method::POST, "/ott/v1/transaction", body).await
    }

    fn hear_post(&mut self, post: &ChargePost, status: StatusCode, answer: &Value) {
        let asked = self.asked.get_mut(&post.id).expect("was asked for");
        match status {
            StatusCode::CREATED | StatusCode::OK => {
                let taken = *asked.taken.get_or_insert(post.value);
                assert_eq!(taken, post.value, "other contents were taken: {answer}");
                let created = status == StatusCode::CREATED;
                asked.created += u32::from(created);
                asked.hear(answer);
                asked.answers.push(answer.clone());
                self.tally.count(if created { RunOutcome::Charge } else { RunOutcome::Replay });
                match answer["status"].as_str() {
                    Some("PENDING") => self.tally.count(RunOutcome::Pending),
                    Some("DECLINED") => {
                        self.tally.count(RunOutcome::Decline);
                        self.hear_gap(post, created, answer);
                        if answer["declineReason"].as_str().map(parse_reason).is_some_and(is_limit) {
                            self.tally.count(RunOutcome::Limited);
                        }
                    }
                    _ => {}
                }
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                assert_ne!(asked.taken, Some(post.value), "a replay was called a violation");
                self.tally.count(RunOutcome::Conflict);
            }
            StatusCode::CONFLICT => {}
            other => no_answer(other, answer),
        }
    }

    /// Counts a charge that the customer has not agreed to, or whose days are paid for. That a coupon
    /// has paid must be true when it is first said.
    fn hear_gap(&mut self, post: &ChargePost, created: bool, answer: &Value) {
        let raw = &answer["rawResult"];
        match (raw["scope"].as_str(), raw["rawCode"].as_str()) {
            (Some("coupon"), Some("paid-ahead")) => {
                if created {
                    self.said.push(ResponseClaim::IsPaid(post.pai.clone(), post.month));
                }
                self.tally.count(RunOutcome::PaidByCoupon);
            }
            (Some("mandate"), Some("ended")) => self.tally.count(RunOutcome::MandateEnded),
            (Some("mandate"), Some("over-price")) => self.tally.count(RunOutcome::OverPrice),
            (Some("mandate"), Some("period-charged")) => self.tally.count(RunOutcome::PeriodCharged),
            _ => {}
        }
    }

    /// Queries the status of a charge.
    pub(super) async fn ask(&mut self) {
        let old: Vec<String> = self.asked.keys().cloned().collect();
        if old.is_empty() {
            return;
        }
        let id = self.dice.pick_one(&old);
        let path = format!("/ott/v1/transaction/{id}");
        let Some((status, answer)) = self.system.try_call_ott(Method::GET, &path, Value::Null).await else {
            return;
        };
        match status {
            StatusCode::OK => self.asked.get_mut(id).expect("is known").hear(&answer),
            StatusCode::NOT_FOUND => {
                assert_eq!(self.asked[id].taken, None, "{id} was answered, and is not there: {answer}");
            }
            other => no_answer(other, &answer),
        }
    }
}

/// Accepts a response without information: no service was there, the call was a duplicate, or a
/// service failed after it had acted. Any other error is a defect of onbill.
pub(super) fn no_answer(status: StatusCode, answer: &Value) {
    let expected = match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::UNAUTHORIZED => true,
        StatusCode::INTERNAL_SERVER_ERROR => answer["message"] == FAILED_AFTER,
        _ => false,
    };
    assert!(expected, "answered {status} {answer}");
}
