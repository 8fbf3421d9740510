//! The calls that move money, with entries in the partner's ledger: recorded before they are made,
//! and updated by their responses.

use super::Netflix;
use super::edge::{EdgeFailure, EdgeOutcome};
use super::ledger::{PartnerLedger, RequestRefusal};
use super::members::PaymentMethod;
use super::report::ReportSource;
use bytes::Bytes;
use http::{Method, StatusCode};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::ott::{RefundRequest, RefundResponse, TransactionRequest, TransactionResponse};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use std::sync::{MutexGuard, PoisonError};

const CHARGES: &str = "/ott/v1/transaction";
const REDEEM: &str = "/ott/v1/coupon/redeem";

/// All members of the response to a redemption. Any other member about the subscriber is recorded
/// as a leak.
const REDEEMED: [&str; 9] =
    ["status", "plan", "months", "amount", "offer", "pai", "operator", "servicePeriod", "extTransactionID"];

impl Netflix {
    /// Posts a charge; retried while the other side is down.
    pub(super) async fn charge(
        &self,
        operator: &OperatorId,
        asked: &TransactionRequest,
    ) -> EdgeOutcome<TransactionResponse> {
        self.ledger().ask_charge(operator, asked);
        let outcome = self.0.edge.post::<TransactionResponse>(CHARGES, asked, Some(operator)).await;
        if let Ok((_, reported)) = &outcome.answer {
            let mut ledger = self.ledger();
            ledger.take_charge(operator, asked);
            // A contradiction is recorded; the caller compares the id.
            let _ =
                ledger.record_charge_report(operator, reported.clone(), ReportSource::Response, self.now());
        }
        outcome
    }

    /// Posts a refund of an operator's charge; retried while the other side is down.
    pub(super) async fn refund(
        &self,
        operator: &OperatorId,
        charge: &ExtId,
        asked: &RefundRequest,
    ) -> EdgeOutcome<RefundResponse> {
        self.ledger().ask_refund(charge, asked);
        let name = utf8_percent_encode(charge.as_str(), NON_ALPHANUMERIC);
        let path = format!("{CHARGES}/{name}/refund");
        let outcome = self.0.edge.post::<RefundResponse>(&path, asked, Some(operator)).await;
        match &outcome.answer {
            Ok((_, reported)) => {
                let _ = self.ledger().record_refund_report(
                    operator,
                    reported.clone(),
                    ReportSource::Response,
                    self.now(),
                );
            }
            Err(failure) => {
                if let EdgeFailure::Refused { code, .. } = failure {
                    let refusal = RequestRefusal { code: code.clone(), is_passing: failure.is_passing() };
                    self.ledger().refuse_refund(&asked.ext_refund_id, refusal);
                }
            }
        }
        outcome
    }

    /// Redeems a coupon; retried while the other side is down.
    pub(super) async fn redeem(
        &self,
        asked: &CouponRedeemRequest,
    ) -> Result<CouponRedeemResponse, EdgeFailure> {
        let (_, answer) = self.0.edge.post::<Value>(REDEEM, asked, None).await.answer?;
        let members = answer.as_object().into_iter().flat_map(serde_json::Map::keys);
        for member in members.filter(|member| !REDEEMED.contains(&member.as_str())) {
            let found = format!("the member {member}");
            self.0.leaks.note(&format!("answer to {REDEEM}"), found, self.now());
        }
        let reported: CouponRedeemResponse =
            serde_json::from_value(answer).map_err(|_| EdgeFailure::Silent)?;
        if self.0.config.operator(&reported.operator).is_none() {
            return Err(EdgeFailure::Silent);
        }
        // A contradiction is recorded, and the coupon is not used.
        let recorded = self.ledger().record_coupon_report(asked, &reported, self.now());
        recorded.map_err(|_| EdgeFailure::Silent)?;
        self.ask_how_it_stands(&reported.operator, &reported.ext_transaction_id).await;
        Ok(reported)
    }

    /// Queries the status of a charge, where it is available at once. Otherwise a webhook reports
    /// it.
    async fn ask_how_it_stands(&self, operator: &OperatorId, charge: &ExtId) {
        let name = utf8_percent_encode(charge.as_str(), NON_ALPHANUMERIC);
        let path = format!("{CHARGES}/{name}");
        let answer = self.0.edge.send(Method::GET, &path, Bytes::new(), Some(operator)).await;
        let reported =
            answer.and_then(|answer| serde_json::from_slice::<TransactionResponse>(answer.body()).ok());
        if let Some(reported) = reported {
            // A contradiction is recorded.
            let _ =
                self.ledger().record_charge_report(operator, reported, ReportSource::Response, self.now());
        }
    }

    /// Makes any call by hand, once, as a test does: signed, and recorded in the ledger as far as
    /// it is well formed. `None` without a response; a body that is not JSON is null.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let about = self.about(path, body);
        if let (&Method::POST, Some((operator, asked))) = (&method, &about) {
            match asked {
                LedgerCall::Charge(charge) => self.ledger().ask_charge(operator, charge),
                LedgerCall::Refund(charge, refund) => self.ledger().ask_refund(charge, refund),
            }
        }
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let of = about.as_ref().map(|(operator, _)| operator);
        let response = self.0.edge.send(method, path, bytes, of).await?;
        let (status, now) = (response.status(), self.now());
        if let (true, true, Ok(reported)) =
            (status.is_success(), path == REDEEM, serde_json::from_slice(response.body()))
        {
            self.ledger().own_coupon(&reported);
        }
        if let (true, Some((operator, asked))) = (status.is_success(), about) {
            let (mut ledger, answer) = (self.ledger(), response.body());
            // A contradiction is recorded.
            let _ = match asked {
                LedgerCall::Charge(charge) => serde_json::from_slice(answer).map(|reported| {
                    ledger.take_charge(&operator, &charge);
                    ledger.record_charge_report(&operator, reported, ReportSource::Response, now)
                }),
                LedgerCall::Refund(..) => serde_json::from_slice(answer).map(|reported| {
                    ledger.record_refund_report(&operator, reported, ReportSource::Response, now)
                }),
            };
        }
        Some((status, serde_json::from_slice(response.body()).unwrap_or_default()))
    }

    /// The request in a post by hand, and its operator.
    fn about(&self, path: &str, body: &Value) -> Option<(OperatorId, LedgerCall)> {
        if path == CHARGES {
            let charge: TransactionRequest = serde_json::from_value(body.clone()).ok()?;
            let members = self.members();
            let operator = members.accounts().iter().find_map(|account| match &account.pays {
                PaymentMethod::Bill { operator, pai, .. } if *pai == charge.pai => Some(operator.clone()),
                _ => None,
            })?;
            return Some((operator, LedgerCall::Charge(Box::new(charge))));
        }
        let name = path.strip_prefix(CHARGES)?.strip_prefix('/')?.strip_suffix("/refund")?;
        let charge = ExtId::parse(&percent_decode_str(name).decode_utf8().ok()?)?;
        let refund: RefundRequest = serde_json::from_value(body.clone()).ok()?;
        let operator = self.ledger().charges().iter().find(|known| known.id == charge)?.operator.clone();
        Some((operator, LedgerCall::Refund(charge, refund)))
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, PartnerLedger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum LedgerCall {
    Charge(Box<TransactionRequest>),
    Refund(ExtId, RefundRequest),
}
