//! Prepaid Netflix plans: customers buy a plan on the dashboard and get a code by SMS; the
//! operator's staff see all coupons and can void one. The operator calls its origin for everything,
//! at `/operator/v1/coupons`, and never sees a code itself.
//!
//! Every form contains the id of its coupon or the turn of its button, and every post is answered
//! with a redirect: double clicks, reloads and lost responses create no second coupon and send no
//! second message.

mod card;
pub(super) mod desk;
pub(super) mod plans;
mod purchases;
mod status_texts;

pub(super) use purchases::Purchases;

use super::Operator;
use super::origin::OriginFailure;
use http::Method;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::coupon::CouponRequest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use purchases::{CouponReport, Purchase, PurchaseAction};
use serde_json::{Value, json};
use std::sync::{MutexGuard, PoisonError};

const COUPONS: &str = "/operator/v1/coupons";

impl Operator {
    fn purchases(&self) -> MutexGuard<'_, Purchases> {
        self.0.purchases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests a coupon that was recorded. Runs to its end: a browser that disconnects meanwhile,
    /// as it does at a double click, interrupts nothing.
    async fn buy(&self, purchase: Purchase) {
        let operator = self.clone();
        let done = tokio::spawn(async move {
            let request = CouponRequest {
                ext_coupon_id: purchase.id.clone(),
                msisdn: purchase.msisdn,
                plan: purchase.plan,
                amount: purchase.price,
                offer: Some(operator.config().offer.clone()),
                locale: purchase.locale,
            };
            let body = serde_json::to_value(request).unwrap_or_default();
            let outcome = operator.ask(Method::POST, COUPONS, &body).await;
            operator.record_outcome(&purchase.id, PurchaseAction::Buy, outcome);
        });
        // It ends early only when the program does.
        let _ = done.await;
    }

    /// Sends a coupon again or voids it, once for each turn.
    async fn act(&self, id: ExtId, turn: u32, act: PurchaseAction) {
        if self.purchases().take_turn(&id, turn).is_none() {
            return;
        }
        let operator = self.clone();
        let done = tokio::spawn(async move {
            let resends = operator.purchases().find(&id).map_or(0, |purchase| purchase.resends);
            let (word, body) = match act {
                PurchaseAction::Void => ("void", Value::Null),
                PurchaseAction::Buy | PurchaseAction::Resend => {
                    ("resend", json!({"resendID": format!("again-{resends}")}))
                }
            };
            let outcome = operator.ask(Method::POST, &format!("{}/{word}", path_of(&id)), &body).await;
            operator.record_outcome(&id, act, outcome);
            // A refusal is best explained by the coupon's status.
            operator.look(&id).await;
        });
        let _ = done.await;
    }

    /// Queries a coupon's status; returns whether the origin responded.
    async fn look(&self, id: &ExtId) -> bool {
        let outcome = self.ask(Method::GET, &path_of(id), &Value::Null).await;
        let answered = !matches!(outcome, Err(OriginFailure::Silent));
        if let (Ok(reported), Some(purchase)) = (outcome, self.purchases().find_mut(id)) {
            purchase.learn(reported);
        }
        answered
    }

    /// Queries the status of all of these. After one missing response, the origin is not asked for
    /// the rest.
    async fn look_at(&self, which: impl FnOnce(&Purchases) -> Vec<ExtId>) {
        let ids = which(&self.purchases());
        for id in ids {
            if !self.look(&id).await {
                break;
            }
        }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<CouponReport, OriginFailure> {
        let origin = self.0.origin.as_ref().ok_or(OriginFailure::Silent)?;
        let answer = origin.call(method, path, body).await?;
        serde_json::from_value(answer).map_err(|_| OriginFailure::Silent)
    }

    fn record_outcome(&self, id: &ExtId, act: PurchaseAction, outcome: Result<CouponReport, OriginFailure>) {
        if let Some(purchase) = self.purchases().find_mut(id) {
            purchase.record_outcome(act, outcome);
        }
    }
}

fn path_of(id: &ExtId) -> String {
    format!("{COUPONS}/{}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC))
}
