//! The partner's customers type the codes that were delivered: for themselves or for a friend,
//! repeatedly and concurrently, void and expired ones, with a typing error, and codes that were
//! never issued. The partner remembers every response.

use super::{PLANS, ResponseClaim, SoldCoupon, WRONG_CODES};
use crate::simulation::outcomes::RunOutcome;
use crate::simulation::run::SimulationRun;
use futures_util::future::{join, join_all};
use http::{Method, StatusCode};
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;
use onbill_test_harness::NetworkFault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REDEEM: &str = "/ott/v1/coupon/redeem";

/// A code that was delivered.
#[derive(Clone, Debug)]
pub(in crate::simulation) struct DeliveredCode {
    pub(in crate::simulation) spelled: String,
    /// Its coupon, and which of the coupon's codes it is, counted from 1.
    pub(in crate::simulation) of: (usize, u32),
}

/// How a redemption ended, permanently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulation) enum RedemptionEnd {
    Redeemed(Value),
    /// The account's refusal, by its code.
    Declined(String),
    /// Another reference has redeemed it.
    Used,
}

/// What was typed under a reference, and the responses to it.
#[derive(Clone, Debug)]
pub(in crate::simulation) struct TypedRedemption {
    pub(in crate::simulation) code: DeliveredCode,
    pub(in crate::simulation) pai: Option<String>,
    pub(in crate::simulation) end: Option<RedemptionEnd>,
    /// Whether a post of it may have been accepted without a response.
    pub(in crate::simulation) may_be_there: bool,
}

#[derive(Clone, Debug)]
struct RedemptionPost {
    reference: String,
    code: String,
    pai: Option<String>,
    /// Not the contents that the reference is known to be taken for.
    is_other: bool,
}

impl RedemptionPost {
    fn body(&self) -> Value {
        let mut body = json!({"code": self.code, "extReference": self.reference});
        if let Some(pai) = &self.pai {
            body["pai"] = json!(pai);
        }
        body
    }
}

/// The end that a response reports.
fn end_of(status: StatusCode, answer: &Value) -> Option<RedemptionEnd> {
    match (status, answer["code"].as_str()) {
        (StatusCode::OK, None) => Some(RedemptionEnd::Redeemed(answer.clone())),
        (
            StatusCode::BAD_REQUEST,
            Some(code @ ("suspended-non-payment" | "insufficient-balance" | "account-not-eligible")),
        ) => Some(RedemptionEnd::Declined(code.to_owned())),
        (StatusCode::CONFLICT, Some("token-already-used")) => Some(RedemptionEnd::Used),
        _ => None,
    }
}

impl SimulationRun {
    /// The redemption of a coupon as it was reported to the partner.
    pub(in crate::simulation) fn redeemed_as(&self, nth: usize) -> Option<&Value> {
        let answer =
            |redemption: &'_ TypedRedemption| matches!(redemption.end, Some(RedemptionEnd::Redeemed(_)));
        let of_it = self.redemptions.values().filter(|redemption| redemption.code.of.0 == nth);
        of_it.filter(|redemption| answer(redemption)).find_map(|redemption| match &redemption.end {
            Some(RedemptionEnd::Redeemed(answer)) => Some(answer),
            _ => None,
        })
    }

    /// The charges of coupons that the partner knows, by its ids, and their amounts.
    pub(in crate::simulation) fn redeemed_charges(&self) -> BTreeMap<String, i64> {
        let charge = |redemption: &TypedRedemption| match &redemption.end {
            Some(RedemptionEnd::Redeemed(answer)) => {
                let name = answer["extTransactionID"].as_str()?.to_owned();
                Some((name, answer["amount"]["value"].as_i64()?))
            }
            _ => None,
        };
        self.redemptions.values().filter_map(charge).collect()
    }

    /// One code, or several concurrent posts: of one reference or of many, while the coupon is
    /// changed or the outbox processed.
    pub(in crate::simulation) async fn redeem(&mut self) {
        if self.dice.draw_below(10) == 0 {
            return self.guess_codes().await;
        }
        let Some(first) = self.some_redemption() else { return };
        let mut posts = vec![first.clone()];
        let mut change = None;
        match self.dice.draw_below(8) {
            0 | 1 => posts.extend([first.clone(), first.clone()]),
            2 | 3 => {
                let code = self.redemptions[&first.reference].code.clone();
                posts.extend([
                    self.under_a_new_name(code.clone()),
                    self.under_a_new_name(code),
                    first.clone(),
                ]);
                self.tally.count(RunOutcome::TypedAtOnce);
            }
            4 => {
                let (nth, _) = self.redemptions[&first.reference].code.of;
                change = Some((nth, self.some_change(nth)));
            }
            _ => {}
        }
        let busy = self.dice.draw_below(4) == 0;
        match self.dice.draw_below(15) {
            0..=2 => {
                // Billing does not respond in time.
                let billing = format!("{}/csp/transaction", self.system.acme.dashboard_address);
                let mishap = *self.dice.pick_one(&[NetworkFault::Lost, NetworkFault::AnswerLost]);
                self.system.network.inject_fault_for(&billing, mishap, 1);
            }
            3 => {
                let redeeming = format!("{}{REDEEM}", self.system.acme.origin_address);
                self.system.network.inject_fault_for(&redeeming, NetworkFault::Twice, 1);
            }
            _ => {}
        }
        let redeeming =
            join_all(posts.iter().map(|post| self.system.try_call_ott(Method::POST, REDEEM, post.body())));
        let changing = async {
            match &change {
                Some((nth, change)) => self.try_change(*nth, change).await,
                None => None,
            }
        };
        let all = join(redeeming, changing);
        let (answers, changed) =
            if busy { join(all, self.system.acme.try_deliver_due()).await.0 } else { all.await };
        for (post, answer) in posts.iter().zip(answers) {
            self.hear_redemption(post, answer);
        }
        if let Some((nth, change)) = change {
            self.hear_change(nth, change, changed);
        }
    }

    /// A redemption to post, with a new reference or a used one.
    fn some_redemption(&mut self) -> Option<RedemptionPost> {
        let old: Vec<String> = self.redemptions.keys().cloned().collect();
        if !old.is_empty() && self.dice.draw_below(3) == 0 {
            let reference = self.dice.pick_one(&old).clone();
            let TypedRedemption { code, pai, end, .. } = self.redemptions[&reference].clone();
            let is_taken = matches!(end, Some(RedemptionEnd::Redeemed(_) | RedemptionEnd::Declined(_)));
            // Other contents now and then, under a reference whose own are known to be taken.
            let other = if is_taken && self.dice.draw_below(4) == 0 {
                self.some_other_pai(pai.as_ref())
            } else {
                None
            };
            let is_other = other.is_some();
            let pai = if is_other { other } else { pai };
            return Some(RedemptionPost { reference, code: code.spelled, pai, is_other });
        }
        if self.phones.is_empty() {
            return None;
        }
        let good: Vec<DeliveredCode> =
            self.phones.iter().filter(|code| self.may_be_good(code)).cloned().collect();
        let codes = if good.is_empty() || self.dice.draw_below(3) == 0 { &self.phones } else { &good };
        let code = self.dice.pick_one(codes).clone();
        Some(self.under_a_new_name(code))
    }

    /// Whether nothing known makes a code invalid.
    fn may_be_good(&self, code: &DeliveredCode) -> bool {
        let (nth, text) = code.of;
        let (resends, voids) = (self.sold[nth].resends, self.sold[nth].voids);
        let is_expired = self.coupons.is_expired(nth, self.system.now());
        !voids.1 && resends.1 < text && !is_expired && self.redeemed_as(nth).is_none()
    }

    fn under_a_new_name(&mut self, code: DeliveredCode) -> RedemptionPost {
        let reference = format!("r-{}", self.redemptions.len());
        let pai = match self.dice.draw_below(5) {
            0 => self.coupons.pai_of(code.of.0),
            1 => self.some_other_pai(None),
            _ => None,
        };
        let spelled = code.spelled.clone();
        let redemption = TypedRedemption { code, pai: pai.clone(), end: None, may_be_there: false };
        self.redemptions.insert(reference.clone(), redemption);
        RedemptionPost { reference, code: spelled, pai, is_other: false }
    }

    fn some_other_pai(&mut self, than: Option<&String>) -> Option<String> {
        let pais: Vec<String> = self.pais.keys().filter(|pai| Some(*pai) != than).cloned().collect();
        (!pais.is_empty()).then(|| self.dice.pick_one(&pais).clone())
    }

    /// A code with a typing error, or one that was never issued.
    async fn guess_codes(&mut self) {
        let slip = match self.phones.last() {
            Some(code) if self.dice.draw_below(3) == 0 => Some(code.spelled.clone()),
            _ => None,
        };
        let code = if let Some(mut code) = slip.clone() {
            let last = code.pop().expect("is long");
            code.push(if last == '7' { '8' } else { '7' });
            code
        } else {
            self.guesses += 1;
            let mut random = [0x5a; 10];
            random[..4].copy_from_slice(&self.guesses.to_be_bytes());
            CouponCode::from_random(CouponTag::parse("AC").expect("are symbols"), random).grouped()
        };
        let body = json!({"code": code, "extReference": format!("guess-{}", self.guesses)});
        let Some((status, answer)) = self.system.try_call_ott(Method::POST, REDEEM, body).await else {
            return;
        };
        match (status, answer["code"].as_str()) {
            (StatusCode::BAD_REQUEST, Some("invalid-request")) if slip.is_some() => {
                self.tally.count(RunOutcome::Slip);
            }
            (StatusCode::BAD_REQUEST | StatusCode::TOO_MANY_REQUESTS, _) if slip.is_none() => {
                self.hear_wrong(status, &answer);
                self.tally.count(RunOutcome::NobodysCode);
            }
            (other, _) => self.no_answer(other, &answer),
        }
    }

    /// The response to an old redemption now, if it is final.
    pub(in crate::simulation) async fn type_again(&self, reference: &str) -> Option<RedemptionEnd> {
        let TypedRedemption { code, pai, .. } = self.redemptions[reference].clone();
        let post =
            RedemptionPost { reference: reference.to_owned(), code: code.spelled, pai, is_other: false };
        let (status, answer) = self.system.call_ott(Method::POST, REDEEM, post.body()).await;
        end_of(status, &answer)
    }

    /// A code was unknown: this many per hour get that response, and further ones are rate limited.
    fn hear_wrong(&mut self, status: StatusCode, answer: &Value) {
        if status == StatusCode::TOO_MANY_REQUESTS {
            return self.tally.count(RunOutcome::TooManyGuesses);
        }
        assert_eq!(answer["code"], "token-invalid", "{answer}");
        // In a call that stalls, an hour may have passed.
        if self.is_calm() {
            let hour = self.system.now().unix_seconds() / 3_600;
            let wrong = self.wrong.entry(hour).or_default();
            *wrong += 1;
            assert!(*wrong <= WRONG_CODES, "{wrong} unknown codes were refused as such in an hour");
        }
    }

    fn hear_redemption(&mut self, post: &RedemptionPost, answer: Option<(StatusCode, Value)>) {
        let redemption = self.redemptions.get_mut(&post.reference).expect("was asked for");
        let Some((status, answer)) = answer else {
            redemption.may_be_there |= !post.is_other;
            return;
        };
        if post.is_other {
            return match (status, &answer) {
                (StatusCode::UNPROCESSABLE_ENTITY, _) => self.tally.count(RunOutcome::OtherRedemption),
                (other, _) => self.no_answer(other, &answer),
            };
        }
        let Some(end) = end_of(status, &answer) else {
            let is_fixed = redemption.end.is_some();
            return self.hear_no_end(&post.reference, is_fixed, status, &answer);
        };
        let is_new = redemption.end.is_none();
        let first = redemption.end.get_or_insert_with(|| end.clone());
        assert_eq!(*first, end, "{} was answered differently", post.reference);
        let redemption = redemption.clone();
        match end {
            RedemptionEnd::Redeemed(answer) if is_new => self.hear_redeemed(&redemption, &answer),
            RedemptionEnd::Redeemed(_) => self.tally.count(RunOutcome::RedeemedAgain),
            RedemptionEnd::Declined(_) => self.tally.count(RunOutcome::CouponDeclined),
            RedemptionEnd::Used => {
                let of_it = |other: &&TypedRedemption| other.code.of.0 == redemption.code.of.0;
                let others = self.redemptions.values().filter(of_it).count();
                assert!(others > 1, "{} is called used, and nobody else has typed it", post.reference);
                self.tally.count(RunOutcome::Used);
            }
        }
    }

    /// A response that is not final: nothing is recorded of it.
    fn hear_no_end(&mut self, reference: &str, is_fixed: bool, status: StatusCode, answer: &Value) {
        let redemption = self.redemptions[reference].clone();
        let (nth, text) = redemption.code.of;
        let (resends, voids) = (self.sold[nth].resends, self.sold[nth].voids);
        let is_decided = match (status, answer["code"].as_str()) {
            (StatusCode::BAD_REQUEST, Some("token-invalid")) | (StatusCode::TOO_MANY_REQUESTS, _) => {
                let may_be_void = voids.0 || resends.0 >= text;
                assert!(may_be_void, "{reference}: a code that nobody has replaced is called wrong");
                self.hear_wrong(status, answer);
                self.tally.count(if voids.1 { RunOutcome::VoidCode } else { RunOutcome::OldCode });
                true
            }
            (StatusCode::BAD_REQUEST, Some("token-expired")) => {
                assert!(self.coupons.is_expired(nth, self.system.now()), "{reference} is called expired");
                self.tally.count(RunOutcome::ExpiredCode);
                true
            }
            (StatusCode::NOT_FOUND, Some("pai-not-found")) => {
                self.said.push(ResponseClaim::HasLeft(redemption.pai.clone().expect("names one")));
                self.tally.count(RunOutcome::GiftToNobody);
                true
            }
            (StatusCode::CONFLICT, Some("request-in-progress")) => {
                self.tally.count(RunOutcome::BeingRedeemed);
                false
            }
            (other, _) => {
                self.redemptions.get_mut(reference).expect("was asked for").may_be_there = true;
                return self.no_answer(other, answer);
            }
        };
        assert!(!(is_decided && is_fixed), "{reference} was decided, and now: {answer}");
    }

    /// The first response that a coupon is redeemed: it is the code of its last SMS, and not void;
    /// and the months are its plan's, for the named customer.
    fn hear_redeemed(&mut self, redemption: &TypedRedemption, answer: &Value) {
        let (nth, text) = redemption.code.of;
        let SoldCoupon { plan: (plan, months, price), resends, voids, .. } = self.sold[nth].clone();
        let redeemed = |other: &&TypedRedemption| {
            other.code.of.0 == nth && matches!(other.end, Some(RedemptionEnd::Redeemed(_)))
        };
        let times = self.redemptions.values().filter(redeemed).count();
        assert_eq!(times, 1, "c-{nth} was redeemed under two references: {answer}");
        assert!(!voids.1, "c-{nth} is void, and was redeemed: {answer}");
        assert!(resends.1 < text, "c-{nth} has another code, and this was redeemed: {answer}");
        let answered = (&answer["status"], &answer["plan"], &answer["months"], &answer["amount"]["value"]);
        assert_eq!(answered, (&json!("REDEEMED"), &json!(plan), &json!(months), &json!(price)));
        let days: ServicePeriod = serde_json::from_value(answer["servicePeriod"].clone()).expect("has days");
        assert_eq!(ServicePeriod::from_months(days.from(), months), Some(days), "{answer}");
        assert!(PLANS.iter().any(|known| known.0 == plan));
        let name = answer["extTransactionID"].as_str().expect("is text");
        assert!(name.starts_with(COUPON_CHARGE_PREFIX), "{answer}");
        self.tally.count(RunOutcome::Redeemed);
        let buyer = self.coupons.pai_of(nth).expect("is there");
        match (&redemption.pai, answer["pai"].as_str()) {
            (Some(named), answered) => {
                assert_eq!(Some(named.as_str()), answered, "{answer}");
                if *named != buyer {
                    self.tally.count(RunOutcome::Gift);
                }
            }
            (None, Some(answered)) => assert_eq!(answered, buyer, "{answer}"),
            (None, None) => self.tally.count(RunOutcome::GiftToStranger),
        }
        if days.from() > Day::of_timestamp(self.system.now()) {
            self.tally.count(RunOutcome::MonthsLater);
        }
    }
}
