//! `/billing-runs`: a month is charged to every account on a phone bill, one `POST /ott/v1/transaction` each.
//!
//! A charge is named after its subscription and month and nothing else, so the same run again, or two at once, are the
//! same charges again. JSON of a run: `{month, charges: [{extTransactionID, operator, amount, attempts, httpStatus,
//! status?, declineReason?, transactionID?, code?}], totals: {charges, approved, pending, declined, failed}}`; a GET
//! for JSON gives all runs since the start.

use super::Netflix;
use super::edge::Failure;
use super::layout::page;
use super::members::Pays;
use crate::sandbox::answer::{Refusal, sent_json, wants_json};
use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::reject::Reject;
use onbill_domain::wire;
use onbill_domain::wire::ott::{TransactionRequest, TransactionStatus};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

mod view;

/// Runs that are remembered for the page.
const RUNS_MAX: usize = 24;

/// Runs since the start, newest first.
pub(super) type Runs = Vec<Run>;

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Run {
    month: String,
    charges: Vec<Charge>,
    totals: Totals,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Charge {
    #[serde(rename = "extTransactionID")]
    ext_transaction_id: ExtId,
    operator: OperatorId,
    amount: Money,
    attempts: u32,
    /// Absent when there was no answer at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(flatten)]
    answer: Option<Answer>,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status: TransactionStatus,
    #[serde(rename = "transactionID")]
    transaction_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<onbill_domain::decline::DeclineReason>,
}

/// How many charges went which way; `failed` ones have no answer yet and are the same charges in the next run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Totals {
    charges: usize,
    approved: usize,
    pending: usize,
    declined: usize,
    failed: usize,
}

#[derive(Deserialize)]
struct RunRequest {
    month: String,
}

/// All runs, and the form to start one.
pub(super) async fn get_billing_runs(State(netflix): State<Netflix>, headers: HeaderMap) -> Response {
    let runs = netflix.0.runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if wants_json(&headers) {
        return Json(runs).into_response();
    }
    page(&netflix, "Billing runs", &view::runs(&netflix, &runs))
}

/// Charges a month. JSON in, JSON out; a form in, a page out. 400 for anything but a month from 2020 to 2100.
pub(super) async fn post_billing_run(
    State(netflix): State<Netflix>,
    request: Request,
) -> Result<Response, Refusal> {
    let json = sent_json(request.headers());
    let body =
        Bytes::from_request(request, &()).await.map_err(|_| Reject::invalid("The body cannot be read."))?;
    let asked: RunRequest = if json {
        wire::parse(&body)?
    } else {
        // The only field of the form has no character that a browser would escape.
        let month = body.strip_prefix(b"month=").map(|month| String::from_utf8_lossy(month).into_owned());
        RunRequest { month: month.unwrap_or_default() }
    };
    let period =
        month(&asked.month).ok_or_else(|| Reject::invalid("month must be YYYY-MM, from 2020 to 2100."))?;
    let run = charge_everyone(&netflix, asked.month, period).await;
    {
        let mut runs = netflix.0.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(0, run.clone());
        runs.truncate(RUNS_MAX);
    }
    Ok(if json { Json(run).into_response() } else { page(&netflix, "Billing run", &view::result(&run)) })
}

/// The first and the last day of a month.
fn month(text: &str) -> Option<ServicePeriod> {
    let from = Day::parse(&format!("{text}-01"))?;
    let last = (28..=31).rev().find_map(|day| Day::parse(&format!("{text}-{day}")))?;
    let year: u16 = text.get(..4)?.parse().ok()?;
    (2020..=2100).contains(&year).then(|| ServicePeriod::new(from, last).ok())?
}

async fn charge_everyone(netflix: &Netflix, month: String, period: ServicePeriod) -> Run {
    let mut charges = Vec::new();
    for (operator, pai, subscription) in subscriptions(netflix) {
        let known = netflix.0.config.operator(&operator);
        let name = ExtId::parse(&format!("{subscription}-{month}"));
        if let (Some(known), Some(ext_transaction_id)) = (known, name) {
            let request = TransactionRequest {
                ext_transaction_id,
                pai,
                amount: known.price,
                description: "Netflix Standard".to_owned(),
                service_period: period,
                tax: None,
            };
            charges.push(charge(netflix, operator, request).await);
        }
    }
    let totals = Totals::of(&charges);
    Run { month, charges, totals }
}

fn subscriptions(netflix: &Netflix) -> Vec<(OperatorId, Pai, ExtId)> {
    let members = netflix.members();
    let on_bill = members.accounts().iter().filter_map(|account| match &account.pays {
        Pays::Bill { operator, pai, ext_subscription_id, .. } => {
            Some((operator.clone(), *pai, ext_subscription_id.clone()))
        }
        Pays::Card { .. } => None,
    });
    on_bill.collect()
}

async fn charge(netflix: &Netflix, operator: OperatorId, request: TransactionRequest) -> Charge {
    let outcome = netflix.charge(&operator, &request).await;
    let (http_status, answer, code) = match outcome.answer {
        // An answer about another charge is no answer to this one.
        Ok((_, answer)) if answer.ext_transaction_id != request.ext_transaction_id => (None, None, None),
        Ok((status, answer)) => (Some(status.as_u16()), Some(answer), None),
        Err(Failure::Refused { status, code }) => (Some(status.as_u16()), None, Some(code)),
        Err(Failure::Silent) => (None, None, None),
    };
    let answer = answer.map(|answer| Answer {
        status: answer.status,
        transaction_id: answer.transaction_id,
        decline_reason: answer.decline_reason,
    });
    let (ext_transaction_id, amount) = (request.ext_transaction_id, request.amount);
    Charge { ext_transaction_id, operator, amount, attempts: outcome.attempts, http_status, answer, code }
}

impl Totals {
    fn of(charges: &[Charge]) -> Self {
        let count = |status: Option<TransactionStatus>| {
            charges
                .iter()
                .filter(|charge| charge.answer.as_ref().map(|answer| answer.status) == status)
                .count()
        };
        Self {
            charges: charges.len(),
            approved: count(Some(TransactionStatus::Approved)),
            pending: count(Some(TransactionStatus::Pending)),
            declined: count(Some(TransactionStatus::Declined)),
            failed: count(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_runs_from_its_first_to_its_last_day() {
        let days = |text: &str| month(text).map(|period| format!("{} {}", period.from(), period.to()));
        assert_eq!(days("2026-12").as_deref(), Some("2026-12-01 2026-12-31"));
        assert_eq!(days("2027-02").as_deref(), Some("2027-02-01 2027-02-28"));
        assert_eq!(days("2028-02").as_deref(), Some("2028-02-01 2028-02-29"));
        for bad in ["2026-13", "2026-1", "202612", "2019-01", "2101-01", "", "2026-12-01", "é026-12"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }
}
