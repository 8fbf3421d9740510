//! `/billing-runs`: a month is charged to every account on a phone bill, one `POST
//! /ott/v1/transaction` each.
//!
//! The id of a charge depends on its subscription and month and nothing else, so a repeated run, or
//! two concurrent ones, post the same charges. JSON of a run: `{month, charges: [{extTransactionID,
//! operator, amount, attempts, httpStatus, status?, declineReason?, transactionID?, code?}],
//! totals: {charges, new, alreadyBilled, approved, pending, declined, failed, paidAhead}}`; a GET for
//! JSON returns all runs since the start. Days that a coupon has paid for are not charged.

use super::Netflix;
use super::edge::EdgeFailure;
use super::layout::page;
use super::members::PaymentMethod;
use crate::answer::{Refusal, sent_json, wants_json};
use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderMap;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OperatorId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::reject::Reject;
use onbill_domain::tax::{Tax, TaxRate};
use onbill_domain::wire;
use onbill_domain::wire::ott::{TransactionRequest, TransactionStatus};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

mod view;

/// Runs that are kept for the page.
const RUNS_MAX: usize = 24;

/// Runs since the start, newest first.
pub(super) type BillingRuns = Vec<BillingRun>;

/// The result of a run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BillingRun {
    month: String,
    charges: Vec<RunCharge>,
    totals: RunTotals,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunCharge {
    #[serde(rename = "extTransactionID")]
    ext_transaction_id: ExtId,
    operator: OperatorId,
    amount: Money,
    attempts: u32,
    /// Absent when there was no response at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(flatten)]
    answer: Option<ChargeAnswer>,
    /// The code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChargeAnswer {
    status: TransactionStatus,
    #[serde(rename = "transactionID")]
    transaction_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<onbill_domain::decline_reason::DeclineReason>,
}

/// The charges by outcome; `failed` ones have no response yet and are the same charges in the next
/// run. Those whose month was prepaid are not charged. `new` ones were posted for the first time, and
/// `already_billed` ones are approved since an earlier run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunTotals {
    charges: usize,
    new: usize,
    already_billed: usize,
    approved: usize,
    pending: usize,
    declined: usize,
    failed: usize,
    paid_ahead: usize,
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

/// Charges a month. JSON in, JSON out; a form in, a page out. 400 for anything but a month from
/// 2020 to 2100.
pub(super) async fn post_billing_run(
    State(netflix): State<Netflix>,
    request: Request,
) -> Result<Response, Refusal> {
    let json = sent_json(request.headers());
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|_| Reject::invalid_request("The body cannot be read."))?;
    let asked: RunRequest = if json {
        wire::parse(&body)?
    } else {
        // The only field of the form has no character that a browser would escape.
        let month = body.strip_prefix(b"month=").map(|month| String::from_utf8_lossy(month).into_owned());
        RunRequest { month: month.unwrap_or_default() }
    };
    let period = month(&asked.month)
        .ok_or_else(|| Reject::invalid_request("month must be YYYY-MM, from 2020 to 2100."))?;
    let run = charge_everyone(&netflix, asked.month, period).await;
    {
        let mut runs = netflix.0.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.insert(0, run.clone());
        runs.truncate(RUNS_MAX);
    }
    if json {
        return Ok(Json(run).into_response());
    }
    Ok(page(&netflix, "Billing run", &view::result(&netflix, &run)))
}

/// The month with which the form begins: this one at first, and then that of the last run, which a
/// click repeats. Once an account has ended that was charged in it, the month after: there the end
/// shows.
fn month_to_run(netflix: &Netflix, last: Option<&BillingRun>) -> String {
    let Some(last) = last else { return month_of(Day::of_timestamp(netflix.now())) };
    let subscriptions = subscriptions(netflix);
    let ledger = netflix.ledger();
    let has_ended = |each: &ChargedSubscription| {
        ledger
            .account_state(&each.operator, each.pai)
            .is_some_and(|reported| reported.state == PaiState::Closed)
    };
    let next = if subscriptions.iter().any(|each| has_ended(each) && last.has_charged(each)) {
        month(&last.month).and_then(|days| days.to().next()).map(month_of)
    } else {
        None
    };
    next.filter(|next| month(next).is_some()).unwrap_or_else(|| last.month.clone())
}

/// The month with which the form begins, as days.
pub(super) fn days_to_run(netflix: &Netflix) -> Option<ServicePeriod> {
    let last = netflix.0.runs.lock().unwrap_or_else(PoisonError::into_inner).first().cloned();
    month(&month_to_run(netflix, last.as_ref()))
}

/// The month of a day, `2026-12`.
fn month_of(day: Day) -> String {
    day.to_string().chars().take("2026-12".len()).collect()
}

/// The first and the last day of a month.
fn month(text: &str) -> Option<ServicePeriod> {
    let from = Day::parse(&format!("{text}-01"))?;
    let last = (28..=31).rev().find_map(|day| Day::parse(&format!("{text}-{day}")))?;
    let year: u16 = text.get(..4)?.parse().ok()?;
    (2020..=2100).contains(&year).then(|| ServicePeriod::new(from, last).ok())?
}

async fn charge_everyone(netflix: &Netflix, month: String, period: ServicePeriod) -> BillingRun {
    let mut charges = Vec::new();
    let mut paid_ahead = 0;
    for subscription in subscriptions(netflix) {
        let known = netflix.0.config.operator(&subscription.operator);
        let name = ExtId::parse(&subscription.charge_of(&month));
        let (Some(known), Some(ext_transaction_id)) = (known, name) else { continue };
        let before = netflix.ledger().asked(&subscription.operator, &ext_transaction_id);
        let due = before.or_else(|| due(known.price, period, subscription.paid_until));
        let Some((amount, service_period)) = due else {
            paid_ahead += 1;
            continue;
        };
        let request = TransactionRequest {
            ext_transaction_id,
            pai: subscription.pai,
            amount,
            description: "Netflix Standard".to_owned(),
            service_period,
            tax: Some(tax_within(amount)),
            partner_subscription_id: None,
        };
        charges.push(charge(netflix, subscription.operator, request).await);
    }
    let totals = RunTotals { paid_ahead, ..RunTotals::of(&charges) };
    BillingRun { month, charges, totals }
}

/// Prices are with tax. It is 8.25 % in dollars and 21 % elsewhere, rounded to the nearest cent.
fn tax_within(amount: Money) -> Tax {
    let (rate, basis_points) = if amount.currency.as_str() == "USD" { ("8.25", 825) } else { ("21", 2100) };
    let whole = 10_000 + basis_points;
    Tax {
        amount_minor: (amount.amount_minor * basis_points + whole / 2) / whole,
        currency: amount.currency,
        rate: TaxRate::parse(rate),
        included: Some(true),
    }
}

/// A subscription to charge.
struct ChargedSubscription {
    operator: OperatorId,
    pai: Pai,
    ext_id: ExtId,
    paid_until: Option<Day>,
}

impl ChargedSubscription {
    /// The id of its charge of a month.
    fn charge_of(&self, month: &str) -> String {
        format!("{}-{month}", self.ext_id)
    }
}

impl BillingRun {
    /// Whether it has charged this subscription, and was not declined.
    fn has_charged(&self, subscription: &ChargedSubscription) -> bool {
        let id = subscription.charge_of(&self.month);
        let is_its = |charge: &&RunCharge| {
            charge.operator == subscription.operator && charge.ext_transaction_id.as_str() == id
        };
        let answer = self.charges.iter().find(is_its).and_then(|charge| charge.answer.as_ref());
        answer.is_some_and(|answer| answer.status != TransactionStatus::Declined)
    }
}

fn subscriptions(netflix: &Netflix) -> Vec<ChargedSubscription> {
    let members = netflix.members();
    let on_bill = members.accounts().iter().filter_map(|account| match &account.pays {
        PaymentMethod::Bill { operator, pai, ext_subscription_id, .. } => Some(ChargedSubscription {
            operator: operator.clone(),
            pai: *pai,
            ext_id: ext_subscription_id.clone(),
            paid_until: account.paid_until,
        }),
        PaymentMethod::Card { .. } | PaymentMethod::Coupons => None,
    });
    on_bill.collect()
}

/// The unpaid part of a month, and its days: its share of the price, to the nearest minor unit.
/// `None` when all of it is paid.
fn due(price: Money, month: ServicePeriod, paid_until: Option<Day>) -> Option<(Money, ServicePeriod)> {
    let from = match paid_until {
        Some(until) if until >= month.from() => until.next()?,
        _ => return Some((price, month)),
    };
    let rest = ServicePeriod::new(from, month.to()).ok()?;
    let days = |period: ServicePeriod| period.to().days_since(period.from()) + 1;
    let amount_minor = (2 * price.amount_minor * days(rest) + days(month)) / (2 * days(month));
    Some((Money { amount_minor: amount_minor.max(1), ..price }, rest))
}

async fn charge(netflix: &Netflix, operator: OperatorId, request: TransactionRequest) -> RunCharge {
    let outcome = netflix.charge(&operator, &request).await;
    let (http_status, answer, code) = match outcome.answer {
        // A response about another charge does not count.
        Ok((_, answer)) if answer.ext_transaction_id != request.ext_transaction_id => (None, None, None),
        Ok((status, answer)) => (Some(status.as_u16()), Some(answer), None),
        Err(EdgeFailure::Refused { status, code }) => (Some(status.as_u16()), None, Some(code)),
        Err(EdgeFailure::Silent) => (None, None, None),
    };
    let answer = answer.map(|answer| ChargeAnswer {
        status: answer.status,
        transaction_id: answer.transaction_id,
        decline_reason: answer.decline_reason,
    });
    let (ext_transaction_id, amount) = (request.ext_transaction_id, request.amount);
    RunCharge { ext_transaction_id, operator, amount, attempts: outcome.attempts, http_status, answer, code }
}

impl RunTotals {
    fn of(charges: &[RunCharge]) -> Self {
        let count = |status: Option<TransactionStatus>| {
            charges
                .iter()
                .filter(|charge| charge.answer.as_ref().map(|answer| answer.status) == status)
                .count()
        };
        let with = |status: u16| charges.iter().filter(move |charge| charge.http_status == Some(status));
        let is_approved = |charge: &&RunCharge| {
            charge.answer.as_ref().is_some_and(|answer| answer.status == TransactionStatus::Approved)
        };
        Self {
            charges: charges.len(),
            new: with(201).count(),
            already_billed: with(200).filter(is_approved).count(),
            approved: count(Some(TransactionStatus::Approved)),
            pending: count(Some(TransactionStatus::Pending)),
            declined: count(Some(TransactionStatus::Declined)),
            failed: count(None),
            paid_ahead: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::currency::Currency;

    #[test]
    fn days_that_are_paid_are_not_due() {
        let day = |text: &str| Day::parse(text).expect("is a day");
        let price = Money { amount_minor: 1599, currency: Currency::parse("USD").expect("is listed") };
        let due = |until: Option<&str>| {
            let due = due(price, month("2027-05").expect("is a month"), until.map(day));
            due.map(|(amount, days)| (amount.amount_minor, days.from().to_string(), days.to().to_string()))
        };
        let from = |minor, from: &str| Some((minor, from.to_owned(), "2027-05-31".to_owned()));
        assert_eq!(due(None), from(1599, "2027-05-01"));
        assert_eq!(due(Some("2027-04-30")), from(1599, "2027-05-01"));
        assert_eq!(due(Some("2027-05-01")), from(1547, "2027-05-02"));
        assert_eq!(due(Some("2027-05-21")), from(516, "2027-05-22"));
        assert_eq!(due(Some("2027-05-30")), from(52, "2027-05-31"));
        assert_eq!(due(Some("2027-05-31")), None);
        assert_eq!(due(Some("2027-11-01")), None);
    }

    #[test]
    fn month_runs_from_first_to_last_day() {
        let days = |text: &str| month(text).map(|period| format!("{} {}", period.from(), period.to()));
        assert_eq!(days("2026-12").as_deref(), Some("2026-12-01 2026-12-31"));
        assert_eq!(days("2027-02").as_deref(), Some("2027-02-01 2027-02-28"));
        assert_eq!(days("2028-02").as_deref(), Some("2028-02-01 2028-02-29"));
        for bad in ["2026-13", "2026-1", "202612", "2019-01", "2101-01", "", "2026-12-01", "é026-12"] {
            assert_eq!(days(bad), None, "{bad}");
        }
    }
}
