//! A minimal model of the operator's systems: accounts by the truth, and bills.

use super::ground_truth::{GroundTruth, NUMBERS, number_index};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::account::{AccountStatus, AccountType};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{
    AccountValidateRequest, AccountValidateResponse, BillChargeRequest, BillRefundRequest,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The calls and results of billing.
#[derive(Default)]
pub(super) struct ModelBilling {
    /// The lines on the bills, by our ids: the number and the amount.
    pub(super) lines: BTreeMap<String, (usize, i64)>,
    /// The charges that it declines.
    pub(super) refused: Vec<String>,
    /// The refunds, by our ids: the charge and the amount.
    pub(super) returned: BTreeMap<String, (String, i64)>,
    /// Whether it declines the next new charge.
    pub(super) is_strict: bool,
}

pub(super) fn parse_body<T: DeserializeOwned>(request: &Request<Bytes>) -> T {
    serde_json::from_slice(request.body()).expect("is well formed")
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
}

impl ModelBilling {
    pub(super) fn take(&mut self, truth: &GroundTruth, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        match (request.method(), path) {
            (&Method::POST, "/csp/account/validate") => {
                let asked: AccountValidateRequest = parse_body(request);
                match find_account(truth, &asked.msisdn) {
                    Some(account) => json_response(StatusCode::OK, &json!(account)),
                    None => json_response(
                        StatusCode::NOT_FOUND,
                        &json!({"code": "account-not-found", "message": "."}),
                    ),
                }
            }
            (&Method::POST, "/csp/transaction") => {
                let charge: BillChargeRequest = parse_body(request);
                let id = charge.transaction_id;
                if !self.lines.contains_key(&id) && !self.refused.contains(&id) {
                    if self.is_strict {
                        self.refused.push(id.clone());
                    } else {
                        let number = number_index(charge.msisdn.expose()).expect("is one of ours");
                        self.lines.insert(id.clone(), (number, charge.amount.amount_minor));
                    }
                }
                self.charge_result(&id)
            }
            (&Method::GET, _) => self.charge_result(path.rsplit('/').next().unwrap_or_default()),
            (&Method::POST, "/csp/refund") => {
                let refund: BillRefundRequest = parse_body(request);
                let of = (refund.transaction_id, refund.amount.amount_minor);
                self.returned.entry(refund.refund_id).or_insert(of);
                json_response(StatusCode::OK, &json!({"status": "APPROVED"}))
            }
            _ => json_response(StatusCode::NOT_FOUND, &json!({})),
        }
    }

    fn charge_result(&self, id: &str) -> Response<Bytes> {
        if self.lines.contains_key(id) {
            json_response(StatusCode::OK, &json!({"status": "APPROVED"}))
        } else if self.refused.iter().any(|refused| refused == id) {
            json_response(StatusCode::OK, &json!({"status": "DECLINED", "rawCode": "51"}))
        } else {
            json_response(StatusCode::NOT_FOUND, &json!({"code": "transaction-not-found", "message": "."}))
        }
    }
}

fn find_account(truth: &GroundTruth, msisdn: &Msisdn) -> Option<AccountValidateResponse> {
    let number = NUMBERS.iter().position(|number| *number == msisdn.expose())?;
    let person = &truth.people[truth.holders[number]?];
    let status = if person.suspended { AccountStatus::Suspended } else { AccountStatus::Active };
    let subscriber_id = person.subscriber_ref.clone();
    Some(AccountValidateResponse {
        status,
        account_type: AccountType::Postpaid,
        balance: None,
        subscriber_id,
        eligible: None,
        reason: None,
        suspension: None,
        spendable: None,
    })
}
