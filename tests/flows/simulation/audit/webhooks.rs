//! Webhooks: each outcome that came after the response to the partner has reached it, and no
//! webhook is false.

use super::db_reader::hex;
use super::to_text;
use crate::simulation::run::SimulationRun;
use http::StatusCode;
use onbill_test_harness::NETFLIX;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A kind of object that webhooks report.
struct WebhookKind {
    path: &'static str,
    table: &'static str,
    /// The partner's id and ours, as the database names them and as a webhook does.
    theirs: (&'static str, &'static str),
    ours: (&'static str, &'static str),
    /// What says that the operator has asked for it.
    operators: &'static str,
}

const CHARGES: WebhookKind = WebhookKind {
    path: "/transaction-state",
    table: "transactions",
    theirs: ("ext_transaction_id", "extTransactionID"),
    ours: ("transaction_id", "transactionID"),
    operators: "NULL",
};
const REFUNDS: WebhookKind = WebhookKind {
    path: "/refund-state",
    table: "refunds",
    theirs: ("ext_refund_id", "extRefundID"),
    ours: ("refund_id", "refundID"),
    operators: "borne_by",
};

/// Its state in the database.
struct StoredState {
    ours: String,
    status: String,
    /// Whether the partner learns it from a webhook only: the stored response reports it as pending, or was
    /// the operator's.
    answered_as_pending: bool,
}

pub(super) async fn check_webhooks(run: &SimulationRun, found: &mut Vec<String>) {
    for kind in [CHARGES, REFUNDS] {
        let states = read_states(run, &kind).await;
        let mut reported: BTreeSet<String> = BTreeSet::new();
        for (notice, taken) in read_webhooks(run, kind.path) {
            let id = notice[kind.theirs.1].as_str().unwrap_or_default();
            let is_so = states.get(id).is_some_and(|state| {
                notice[kind.ours.1] == state.ours.as_str() && notice["status"] == state.status.as_str()
            });
            if !is_so {
                found.push(format!("a webhook reported what is not so: {notice}"));
            }
            if taken {
                reported.insert(id.to_owned());
            }
        }
        for (id, state) in &states {
            if state.answered_as_pending && state.status != "PENDING" && !reported.contains(id) {
                found.push(format!("{id} was answered as pending, is {}, and not reported", state.status));
            }
        }
    }
}

/// The number of webhooks, whatever became of them.
pub(in super::super) fn count_webhooks(run: &SimulationRun) -> usize {
    [CHARGES, REFUNDS].iter().map(|kind| read_webhooks(run, kind.path).len()).sum()
}

async fn read_states(run: &SimulationRun, kind: &WebhookKind) -> BTreeMap<String, StoredState> {
    let sql = format!(
        "SELECT {}, {}, status, stored_response, {} FROM {}",
        kind.theirs.0, kind.ours.0, kind.operators, kind.table
    );
    let state = |row: super::TextRow| {
        let [theirs, ours, status, answer, borne_by] = row.try_into().expect("has these columns");
        let answered_as_pending =
            borne_by.is_some() || answer.is_some_and(|answer| answer.contains(&hex(b"\"PENDING\"")));
        (to_text(theirs), StoredState { ours: to_text(ours), status: to_text(status), answered_as_pending })
    };
    run.rows(&sql).await.into_iter().map(state).collect()
}

/// The webhooks that crossed to the partner, and whether it accepted each.
fn read_webhooks(run: &SimulationRun, path: &str) -> Vec<(Value, bool)> {
    let crossings = run.system.network.calls_to(NETFLIX, path);
    let notice = |(body, status): (bytes::Bytes, StatusCode)| {
        (serde_json::from_slice(&body).unwrap_or_default(), status.is_success())
    };
    crossings.into_iter().map(notice).collect()
}
