//! The desks: the chain of the audit is whole, each refund of the operator's has its entry, and every
//! response to a desk was true and is the same each time.

use super::{TextRow, to_number, to_text};
use crate::simulation::run::SimulationRun;
use http::StatusCode;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_origin::audit::{AuditPart, read_audit, verify_ledger};
use std::collections::BTreeMap;

pub(super) async fn check_desks(run: &SimulationRun, found: &mut Vec<String>) {
    let store = &run.system.acme.app().store;
    if let Err(why) = verify_ledger(store).await.expect("reads") {
        found.push(format!("the audit is broken: {why}"));
    }
    let mut entries = 0;
    let read = read_audit(store, async |part| {
        let is_refund = |act, outcome| (act, outcome) == (AuditAct::RefundPosted, AuditOutcome::Done);
        // One that cannot be read is found above.
        if let AuditPart::Entries(lines) = part {
            entries += lines.iter().filter(|line| is_refund(line.act, line.outcome)).count();
        }
        true
    });
    read.await.expect("reads");
    let refunds = read_desk_refunds(run).await;
    if entries != refunds.len() {
        found.push(format!("{} refunds of the desk have {entries} entries in the audit", refunds.len()));
    }
    for (reference, asked) in &run.desk_refunds {
        if asked.created > 1 {
            found.push(format!("{reference} was created {} times", asked.created));
        }
        let Some(first) = asked.answers.first() else { continue };
        if asked.answers.iter().any(|answer| answer != first) {
            found.push(format!("{reference} was answered differently: {:?}", asked.answers));
        }
        let id = first["refundID"].as_str().unwrap_or_default();
        let Some((value, status)) = refunds.get(id) else {
            found.push(format!("{reference} was acknowledged and is not in the ledger"));
            continue;
        };
        let was = &first["status"];
        if first["amount"]["value"] != *value || (was != "PENDING" && was != status.as_str()) {
            found.push(format!("{reference} was answered {first}, and is {value} {status}"));
        }
        // Months later, the same post gets the same response.
        match run.post_desk_refund(reference).await {
            Some((StatusCode::OK, answer)) if answer == *first => {}
            other => found.push(format!("{reference} was answered {first}, and in the end {other:?}")),
        }
    }
}

/// Amount and status of the operator's refunds, by our ids.
async fn read_desk_refunds(run: &SimulationRun) -> BTreeMap<String, (i64, String)> {
    let sql = "SELECT refund_id, amount_minor, status FROM refunds WHERE borne_by IS NOT NULL";
    let refund = |row: TextRow| {
        let [id, value, status] = row.try_into().expect("has these columns");
        (to_text(id), (to_number(value), to_text(status)))
    };
    run.rows(sql).await.into_iter().map(refund).collect()
}
