//! The operator sells coupons: has them issued, repeatedly and concurrently, sent again, and
//! voided; and remembers every response.

mod claims;
mod expiry;
mod redeeming;

pub(super) use claims::ResponseClaim;
pub(super) use redeeming::{DeliveredCode, RedemptionEnd, TypedRedemption};

use super::charges::no_answer;
use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use super::subscribers::NUMBERS;
use futures_util::future::{join, join_all};
use http::StatusCode;
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_origin::config::Config;
use onbill_test_harness::NetworkFault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The plans on sale: name, months, price in cents.
pub(super) const PLANS: [(&str, u8, i64); 3] = [("1M", 1, 1499), ("6M", 6, 8999), ("12M", 12, 15_999)];
/// Days for which a coupon can be redeemed.
pub(super) const VALID_DAYS: i64 = 25;
/// Days before the end of its months at which the reminder is sent.
pub(super) const REMIND_DAYS: i64 = 14;
/// Wrong codes per hour.
const WRONG_CODES: u32 = 4;

/// A coupon, as the operator's systems know it.
#[derive(Clone, Debug)]
pub(super) struct SoldCoupon {
    pub(super) number: &'static str,
    pub(super) plan: (&'static str, u8, i64),
    /// The origin's id of it, once a response has shown it.
    pub(super) coupon_id: Option<String>,
    pub(super) created: u32,
    /// Whether a post of it may have been accepted without a response.
    pub(super) may_be_there: bool,
    /// Resends that were requested, and that were accepted; the same id again is the same message.
    pub(super) resends: (u32, u32),
    /// Those that have an id, and whether it was accepted.
    named: BTreeMap<String, bool>,
    /// Whether voiding was requested, and whether it was confirmed.
    pub(super) voids: (bool, bool),
}

/// A change to a coupon.
#[derive(Clone, Debug)]
pub(super) enum CouponChange {
    Void,
    Resend {
        name: Option<String>,
        /// Whether the id was used before.
        is_again: bool,
    },
}

/// Configures an origin to sell them.
pub(super) fn on_sale(config: &mut Config) {
    let plans: Vec<Value> = PLANS
        .iter()
        .map(|(id, months, _)| json!({"id": id, "months": months, "offer": "netflix-standard"}))
        .collect();
    let settings = json!({"tag": "AC", "continue_url": "http://127.0.0.1:8790/", "valid_days": VALID_DAYS,
                          "remind_days": REMIND_DAYS, "wrong_codes_per_hour": WRONG_CODES, "plans": plans});
    config.coupons = Some(serde_json::from_value(settings).expect("are coupons"));
}

/// The operator's id of its n-th coupon.
pub(super) fn coupon_name(nth: usize) -> String {
    format!("c-{nth}")
}

/// The inverse of [`name`].
pub(super) fn coupon_index(name: &str) -> Option<usize> {
    name.strip_prefix("c-")?.parse().ok()
}

impl SoldCoupon {
    fn body(&self, nth: usize, more: i64) -> Value {
        let (plan, _, price) = self.plan;
        json!({"extCouponID": coupon_name(nth), "msisdn": self.number, "plan": plan,
               "amount": {"value": price + more, "currency": "USD"}})
    }
}

impl SimulationRun {
    /// A coupon is sold, or an old one requested again; once or several times concurrently,
    /// sometimes with other contents under an id that is known to be taken.
    pub(super) async fn sell_coupon(&mut self) {
        let nth = if !self.sold.is_empty() && self.dice.draw_below(4) == 0 {
            usize::try_from(self.dice.draw_below(self.sold.len() as u64)).expect("is an index")
        } else {
            // One of them buys more often, so that months follow months.
            let (number, _) =
                if self.dice.draw_below(2) == 0 { NUMBERS[0] } else { *self.dice.pick_one(&NUMBERS) };
            let plan = *self.dice.pick_one(&[PLANS[0], PLANS[0], PLANS[1], PLANS[2]]);
            let (resends, voids) = ((0, 0), (false, false));
            let (coupon_id, created, may_be_there) = (None, 0, false);
            let named = BTreeMap::new();
            self.sold.push(SoldCoupon {
                number,
                plan,
                coupon_id,
                created,
                may_be_there,
                resends,
                named,
                voids,
            });
            self.sold.len() - 1
        };
        let sold = &self.sold[nth];
        let other = i64::from(sold.coupon_id.is_some() && self.dice.draw_below(3) == 0);
        let body = sold.body(nth, other);
        let posts = [1, 1, 1, 3][usize::try_from(self.dice.draw_below(4)).expect("is small")];
        let busy = self.dice.draw_below(4) == 0;
        let all = join_all((0..posts).map(|_| self.system.try_call_acme_origin("/coupons", &body)));
        let answers = if busy { join(all, self.system.acme.try_deliver_due()).await.0 } else { all.await };
        for answer in answers {
            self.hear_sale(nth, other != 0, answer);
        }
    }

    fn hear_sale(&mut self, nth: usize, is_other: bool, answer: Option<(StatusCode, Value)>) {
        let status_of =
            |run: &Self| run.holdings[run.sold[nth].number].last().expect("somebody holds it").status;
        let Some((status, answer)) = answer.filter(|(_, answer)| !answer.is_null()) else {
            self.sold[nth].may_be_there = true;
            return;
        };
        match (status, answer["code"].as_str()) {
            (StatusCode::CREATED | StatusCode::OK, None) => {
                assert!(!is_other, "other contents were taken: {answer}");
                assert_eq!(answer["extCouponID"], json!(coupon_name(nth)), "{answer}");
                let sold = &mut self.sold[nth];
                let first = sold.coupon_id.get_or_insert_with(|| answer["couponID"].to_string());
                assert_eq!(*first, answer["couponID"].to_string(), "{} is two coupons", coupon_name(nth));
                sold.created += u32::from(status == StatusCode::CREATED);
                assert!(sold.created < 2, "{} was made twice", coupon_name(nth));
                self.tally.count(if status == StatusCode::CREATED {
                    RunOutcome::Sold
                } else {
                    RunOutcome::SoldAgain
                });
            }
            (StatusCode::UNPROCESSABLE_ENTITY, _) => {
                assert!(is_other, "the same again was called a violation: {answer}");
                self.tally.count(RunOutcome::OtherCoupon);
            }
            (StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST, Some(code)) => {
                let expected = match status_of(self) {
                    "ceased" => "account-not-found",
                    "suspended" => "suspended-non-payment",
                    _ => "",
                };
                assert_eq!(code, expected, "{} was not sold: {answer}", coupon_name(nth));
                assert_eq!(self.sold[nth].coupon_id, None, "{} is there, and refused", coupon_name(nth));
                self.tally.count(RunOutcome::NotSold);
            }
            (other, _) => {
                self.sold[nth].may_be_there = true;
                self.no_answer(other, &answer);
            }
        }
    }

    /// Accepts a response without information when a fault has occurred. Without one, it is a
    /// defect of onbill.
    fn no_answer(&self, status: StatusCode, answer: &Value) {
        no_answer(status, answer);
        assert!(!self.is_calm(), "nothing has gone wrong, and it is answered {status} {answer}");
    }

    /// One of the coupons, if there is any: mostly a recent one.
    fn some_coupon(&mut self) -> Option<usize> {
        let count = u64::try_from(self.sold.len()).ok().filter(|count| *count > 0)?;
        let back = if self.dice.draw_below(2) == 0 {
            self.dice.draw_below(count.min(3))
        } else {
            self.dice.draw_below(count)
        };
        usize::try_from(count - 1 - back).ok()
    }

    /// A coupon is sent again, or voided.
    pub(super) async fn change_coupon(&mut self) {
        let Some(nth) = self.some_coupon() else { return };
        // Seldom so often that it reaches the maximum of messages.
        let times = if self.dice.draw_below(6) == 0 { COUPON_SMS_MAX } else { 1 };
        if self.dice.draw_below(6) == 0 {
            let coupons = format!("{}/operator/v1/coupons/", self.system.acme.origin_address);
            self.system.network.inject_fault_for(&coupons, NetworkFault::Twice, 1);
        }
        for _ in 0..times {
            let change = if times > 1 { self.another_message(nth) } else { self.some_change(nth) };
            let busy = self.dice.draw_below(3) == 0;
            let trying = self.try_change(nth, &change);
            let answer =
                if busy { join(trying, self.system.acme.try_deliver_due()).await.0 } else { trying.await };
            self.hear_change(nth, change, answer);
            if times > 1 {
                // Each code is read, also one that the next replaces.
                self.look_into_ledger().await;
            }
        }
    }

    /// A change to a coupon, recorded as requested.
    fn some_change(&mut self, nth: usize) -> CouponChange {
        if self.dice.draw_below(3) > 0 {
            return self.another_message(nth);
        }
        self.sold[nth].voids.0 = true;
        CouponChange::Void
    }

    fn another_message(&mut self, nth: usize) -> CouponChange {
        let known: Vec<String> = self.sold[nth].named.keys().cloned().collect();
        if !known.is_empty() && self.dice.draw_below(2) == 0 {
            return CouponChange::Resend { name: Some(self.dice.pick_one(&known).clone()), is_again: true };
        }
        let sold = &mut self.sold[nth];
        sold.resends.0 += 1;
        let name = (self.dice.draw_below(2) == 0).then(|| format!("m-{}", known.len()));
        if let Some(name) = &name {
            sold.named.insert(name.clone(), false);
        }
        CouponChange::Resend { name, is_again: false }
    }

    async fn try_change(&self, nth: usize, change: &CouponChange) -> Option<(StatusCode, Value)> {
        let (verb, body) = match change {
            CouponChange::Void => ("void", json!({})),
            CouponChange::Resend { name: None, .. } => ("resend", json!({})),
            CouponChange::Resend { name: Some(name), .. } => ("resend", json!({"resendID": name})),
        };
        self.system.try_call_acme_origin(&format!("/coupons/{}/{verb}", coupon_name(nth)), &body).await
    }

    fn hear_change(&mut self, nth: usize, change: CouponChange, answer: Option<(StatusCode, Value)>) {
        let Some((status, answer)) = answer.filter(|(_, answer)| !answer.is_null()) else { return };
        let sold = &mut self.sold[nth];
        match (status, answer["code"].as_str(), change) {
            (StatusCode::OK, None, CouponChange::Void) => {
                assert_eq!(answer["state"], "VOIDED", "{answer}");
                sold.voids.1 = true;
                self.tally.count(RunOutcome::Voided);
            }
            (StatusCode::OK, None, CouponChange::Resend { name: message, is_again }) => {
                let promised = message.and_then(|message| sold.named.insert(message, true));
                sold.resends.1 += u32::from(promised != Some(true));
                if is_again {
                    return self.tally.count(RunOutcome::ResentAgain);
                }
                assert_ne!(answer["state"], "EXPIRED", "{} is too old, and was sent again", coupon_name(nth));
                let has_left = self.coupons.pai_of(nth).is_some_and(|pai| self.closed.contains(&pai));
                assert!(!has_left, "{}: its buyer has left, and it was sent again", coupon_name(nth));
                self.tally.count(RunOutcome::Resent);
            }
            (StatusCode::NOT_FOUND, Some("not-found"), _) => {
                assert_eq!(sold.coupon_id, None, "{} was made, and is not there", coupon_name(nth));
            }
            (StatusCode::CONFLICT, Some("token-already-used"), _) => {
                assert!(!sold.voids.1, "{} is void, and called redeemed", coupon_name(nth));
                self.tally.count(RunOutcome::TooLate);
            }
            (StatusCode::BAD_REQUEST, Some("token-invalid"), CouponChange::Resend { .. }) => {
                assert!(sold.voids.0, "{} is called void: {answer}", coupon_name(nth));
                self.tally.count(RunOutcome::TooLate);
            }
            (StatusCode::BAD_REQUEST, Some("token-expired"), CouponChange::Resend { .. }) => {
                assert!(!sold.voids.1, "{} is void, and called expired", coupon_name(nth));
                self.tally.count(RunOutcome::TooLate);
            }
            (StatusCode::BAD_REQUEST, Some("account-not-eligible"), CouponChange::Resend { .. }) => {
                let pai = self.coupons.pai_of(nth).expect("is there");
                self.said.push(ResponseClaim::HasLeft(pai));
                self.tally.count(RunOutcome::BuyerLeft);
            }
            (StatusCode::BAD_REQUEST, Some("invalid-request"), CouponChange::Resend { .. }) => {
                assert!(sold.resends.0 > 4, "{} has had its messages? {answer}", coupon_name(nth));
                self.tally.count(RunOutcome::TextsOver);
            }
            (other, ..) => self.no_answer(other, &answer),
        }
    }

    /// The operator queries a coupon: it matches the earlier responses.
    pub(super) async fn look_at_coupon(&mut self) {
        let Some(nth) = self.some_coupon() else { return };
        let Some((status, view)) =
            self.system.try_call_acme_origin(&format!("/coupons/{}", coupon_name(nth)), &Value::Null).await
        else {
            return;
        };
        let sold = &self.sold[nth];
        match status {
            StatusCode::OK if view.is_null() => {}
            StatusCode::OK => self.check_view(nth, &view),
            StatusCode::NOT_FOUND => {
                assert_eq!(sold.coupon_id, None, "{} was made, and is not there", coupon_name(nth));
            }
            other => self.no_answer(other, &view),
        }
    }

    /// The view of a coupon fits all earlier responses about it.
    pub(super) fn check_view(&self, nth: usize, view: &Value) {
        let sold = &self.sold[nth];
        let (plan, months, price) = sold.plan;
        assert_eq!(
            (&view["plan"], &view["months"], &view["amount"]["value"]),
            (&json!(plan), &json!(months), &json!(price)),
            "{view}"
        );
        let texts = view["texts"].as_u64().expect("is a number");
        let (asked, done) = sold.resends;
        assert!((u64::from(done)..=u64::from(asked)).contains(&(texts - 1)), "{:?}: {view}", sold.resends);
        let state = view["state"].as_str().expect("is text");
        assert!(!sold.voids.1 || state == "VOIDED", "{view}");
        assert!(sold.voids.0 || state != "VOIDED", "{view}");
        if let Some(answer) = self.redeemed_as(nth) {
            assert_eq!(state, "REDEEMED", "{answer} {view}");
            assert_eq!(view["servicePeriod"], answer["servicePeriod"], "{view}");
            let name = answer["extTransactionID"].as_str().expect("is text");
            let ours = view["transactionID"].as_str().expect("is text");
            assert!(name.ends_with(ours), "{view} {answer}");
        }
    }
}
