//! The audit: reads the database and the bills itself, and trusts no party's report.

mod charge_watch;
mod coupon_watch;
mod coupons;
mod db_reader;
mod desks;
pub(super) mod limits;
mod mandates;
mod pai_watch;
mod paid_days;
mod refunds;
mod sms_watch;
mod webhooks;

pub(super) use charge_watch::ChargeWatch;
pub(super) use coupon_watch::CouponWatch;
pub(super) use coupons::{met_outcomes as coupons_met, read_generations};
pub(super) use db_reader::{DbReader, TextRow};
pub(super) use mandates::MandateWatch;
pub(super) use pai_watch::PaiWatch;
pub(super) use paid_days::PaidDaysWatch;
pub(super) use sms_watch::SmsWatch;
pub(super) use webhooks::count_webhooks;

use super::charges::charge;
use super::run::SimulationRun;
use super::subscribers::BilledLine;
use http::{Method, StatusCode};
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

struct StoredCharge {
    transaction_id: String,
    pai: String,
    value: i64,
    currency: String,
    refunded: i64,
    created_at: i64,
    /// The first and the last day of service.
    days: (String, String),
    status: String,
    reason: Option<String>,
}

impl StoredCharge {
    /// Whether it is a coupon's, by the partner's id.
    fn is_coupons(id: &str) -> bool {
        id.starts_with(COUPON_CHARGE_PREFIX)
    }
}

/// The violations, in words. Empty when there are none.
pub(super) async fn find_violations(run: &SimulationRun) -> Vec<String> {
    let mut found = Vec::new();
    let charges = read_charges(run).await;
    let lines = index_bills(run, &mut found);
    for (id, charge) in &charges {
        charge_and_bill(id, charge, &lines, run, &mut found);
    }
    let known: BTreeSet<&str> = charges.values().map(|charge| charge.transaction_id.as_str()).collect();
    for id in lines.keys().filter(|id| !known.contains(*id)) {
        found.push(format!("the bill has {id}, which nobody charged"));
    }
    refunds::check_refunds(run, &charges, &mut found).await;
    desks::check_desks(run, &mut found).await;
    webhooks::check_webhooks(run, &mut found).await;
    limits::check_limits(run, &charges, &mut found).await;
    mandates::check_mandates(run, &charges, &mut found).await;
    coupons::check_coupons(run, &charges, &mut found).await;
    sms_watch::check_sms(run, &mut found);
    check_outbox(run, &mut found).await;
    check_answers(run, &charges, &mut found).await;
    check_partner(run, &charges, &mut found).await;
    check_pais(run, &mut found).await;
    pai_watch::check_pai_states(run, &mut found).await;
    found
}

/// The ledger, by the partner's ids.
async fn read_charges(run: &SimulationRun) -> BTreeMap<String, StoredCharge> {
    let sql =
        "SELECT ext_transaction_id, transaction_id, pai, amount_minor, currency, refunded_minor, created_at,
                      period_from, period_to, status, decline_reason
               FROM transactions";
    let charge = |row: TextRow| {
        let [ext_id, transaction_id, pai, value, currency, refunded, created_at, from, to, status, reason] =
            row.try_into().expect("has these columns");
        let charge = StoredCharge {
            transaction_id: to_text(transaction_id),
            pai: to_text(pai),
            value: to_number(value),
            currency: to_text(currency),
            refunded: to_number(refunded),
            created_at: to_number(created_at),
            days: (to_text(from), to_text(to)),
            status: to_text(status),
            reason,
        };
        (to_text(ext_id), charge)
    };
    run.rows(sql).await.into_iter().map(charge).collect()
}

fn to_text(column: Option<String>) -> String {
    column.expect("is not null")
}

fn to_number(column: Option<String>) -> i64 {
    to_text(column).parse().expect("is a number")
}

/// The charges on all bills, by our ids.
fn index_bills<'r>(run: &'r SimulationRun, found: &mut Vec<String>) -> BTreeMap<&'r str, &'r BilledLine> {
    let mut lines = BTreeMap::new();
    for line in run.lines.iter().filter(|line| line.refund_id.is_none()) {
        if lines.insert(line.transaction_id.as_str(), line).is_some() {
            found.push(format!("{} is billed twice", line.transaction_id));
        }
    }
    for line in run.lines.iter().filter(|line| line.booked != ["netflix", "OTT-NFLX-STD"]) {
        found.push(format!("{} is booked wrongly: {line:?}", line.transaction_id));
    }
    lines
}

/// All parties had time to finish, so that no job is left.
async fn check_outbox(run: &SimulationRun, found: &mut Vec<String>) {
    let left = run.rows("SELECT kind, attempts, dead_lettered_at FROM outbox").await;
    found.extend(left.iter().map(|entry| format!("still in the outbox, with its attempts: {entry:?}")));
}

/// A charge has one bill line if it is approved and none if it is declined; the line is on its own
/// subscriber's bill.
fn charge_and_bill(
    id: &str,
    row: &StoredCharge,
    lines: &BTreeMap<&str, &BilledLine>,
    run: &SimulationRun,
    found: &mut Vec<String>,
) {
    let line = lines.get(row.transaction_id.as_str());
    match (row.status.as_str(), line) {
        ("APPROVED", None) => found.push(format!("{id} is approved and on no bill")),
        ("DECLINED", Some(_)) => found.push(format!("{id} is declined and on a bill")),
        ("PENDING", _) => found.push(format!("{id} is pending although billing is healthy")),
        _ => {}
    }
    if (row.status == "DECLINED") != row.reason.is_some() {
        found.push(format!("{id}: {} with the reason {:?}", row.status, row.reason));
    }
    let Some(line) = line else { return };
    if line.value != row.value || line.days != row.days {
        found.push(format!("{id}: {} for {:?} charged, and billed is {line:?}", row.value, row.days));
    }
    let Some(holder) = run.pais.get(&row.pai) else { return };
    if line.holding.activated_on != *holder {
        found.push(format!("{id} is on the bill of somebody else"));
    }
    if line.holding.status == "ceased" {
        found.push(format!("{id} is on the bill of an account that had ended"));
    }
}

/// Every response to the partner was true, is the same each time, and can still be replayed.
async fn check_answers(run: &SimulationRun, rows: &BTreeMap<String, StoredCharge>, found: &mut Vec<String>) {
    for (id, asked) in &run.asked {
        if asked.created > 1 {
            found.push(format!("{id} was created {} times", asked.created));
        }
        let Some(first) = asked.answers.first() else { continue };
        if asked.answers.iter().any(|answer| answer != first) {
            found.push(format!("{id} was answered differently: {:?}", asked.answers));
        }
        let Some(row) = rows.get(id) else {
            found.push(format!("{id} was acknowledged and is not in the ledger"));
            continue;
        };
        if Some(row.value) != asked.taken || row.pai != asked.pai {
            found.push(format!("{id} has other contents than were acknowledged"));
        }
        if first["status"] != "PENDING" && first["status"] != row.status.as_str() {
            found.push(format!("{id} was {} and is {}", first["status"], row.status));
        }
        // Months later, the same post gets the same response.
        let again = charge(&asked.pai, id, row.value, asked.month);
        let (status, answer) = run.system.call_ott(Method::POST, "/ott/v1/transaction", again).await;
        if status != StatusCode::OK || answer != *first {
            found.push(format!("{id} was answered {first}, and in the end {status} {answer}"));
        }
        let path = format!("/ott/v1/transaction/{id}");
        let (_, now) = run.system.call_ott(Method::GET, &path, Value::Null).await;
        if now["status"] != row.status.as_str() || now["transactionID"] != row.transaction_id.as_str() {
            found.push(format!("{id}: asked for, it is {now}"));
        }
    }
}

/// The partner's own records contradict no earlier report, and have the final state of each charge
/// that was reported to it.
async fn check_partner(
    run: &SimulationRun,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    let partner_ledger = run.system.partner_charges().await;
    for each in partner_ledger["contradictions"].as_array().expect("is a list") {
        found.push(format!("the partner was told {each}"));
    }
    for known in partner_ledger["charges"]
        .as_array()
        .expect("is a list")
        .iter()
        .filter(|known| !known["reported"].is_null())
    {
        let id = known["extTransactionID"].as_str().expect("is text");
        let status = charges.get(id).map(|charge| charge.status.as_str());
        if known["reported"]["status"].as_str() != status {
            found.push(format!("{id} is {status:?}, and the partner knows {}", known["reported"]));
        }
    }
}

/// At most one open PAI for a subscriber, none of a previous subscriber, and none that a decline
/// has closed.
async fn check_pais(run: &SimulationRun, found: &mut Vec<String>) {
    let ended = "SELECT pai FROM pais JOIN transactions USING (pai)
                 WHERE decline_reason LIKE 'account-closed%' AND state <> 'CLOSED'";
    for row in run.rows(ended).await {
        found.push(format!("a PAI is open that a decline has ended: {row:?}"));
    }
    for path in run.system.network.accepted_twice() {
        found.push(format!("one signed call was taken twice: {path}"));
    }
    let twice = "SELECT subscriber_id FROM pais WHERE state <> 'CLOSED' GROUP BY partner, subscriber_id
                 HAVING count(*) > 1";
    for row in run.rows(twice).await {
        found.push(format!("a subscriber has two open PAIs: {row:?}"));
    }
    let reopened = "SELECT pai FROM pais JOIN subscribers USING (subscriber_id)
                    WHERE ended_at IS NOT NULL AND state <> 'CLOSED'";
    for row in run.rows(reopened).await {
        found.push(format!("a PAI of an earlier subscriber is open: {row:?}"));
    }
}
