//! Refunds: each has its line on the bill of its charge, and together they never exceed the charge.

use super::{StoredCharge, TextRow, to_number, to_text};
use crate::simulation::run::SimulationRun;
use crate::simulation::subscribers::BilledLine;
use http::StatusCode;
use std::collections::BTreeMap;

struct StoredRefund {
    /// Our id.
    id: String,
    /// Our id of the charge.
    transaction_id: String,
    value: i64,
    status: String,
}

pub(super) async fn check_refunds(
    run: &SimulationRun,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    let refunds = read_refunds(run).await;
    let lines: Vec<&BilledLine> = run.lines.iter().filter(|line| line.refund_id.is_some()).collect();
    for (id, refund) in &refunds {
        line_of(id, refund, &lines, run, found);
    }
    let known =
        |line: &&&BilledLine| refunds.values().any(|refund| line.refund_id.as_ref() == Some(&refund.id));
    for line in lines.iter().filter(|line| !known(line)) {
        found.push(format!("{:?} gives back what nobody asked for", line.refund_id));
    }
    for (id, charge) in charges {
        let of_it = refunds.values().filter(|refund| refund.transaction_id == charge.transaction_id);
        let given: i64 = of_it.filter(|refund| refund.status == "APPROVED").map(|refund| refund.value).sum();
        if given > charge.value || (given > 0 && charge.status != "APPROVED") {
            found.push(format!("{given} of {id} was given back: {} {}", charge.value, charge.status));
        }
        if charge.refunded != given {
            found.push(format!("{id} says that {} of it is back, and {given} is", charge.refunded));
        }
    }
    check_balance(charges, &refunds, run, found);
    check_answers(run, &refunds, charges, found).await;
}

/// The refunds, by the partner's ids.
async fn read_refunds(run: &SimulationRun) -> BTreeMap<String, StoredRefund> {
    let sql = "SELECT ext_refund_id, refund_id, transaction_id, amount_minor, status FROM refunds";
    let refund = |row: TextRow| {
        let [id, refund_id, transaction_id, value, status] = row.try_into().expect("has these columns");
        let refund = StoredRefund {
            id: to_text(refund_id),
            transaction_id: to_text(transaction_id),
            value: to_number(value),
            status: to_text(status),
        };
        (to_text(id), refund)
    };
    run.rows(sql).await.into_iter().map(refund).collect()
}

/// One line if it is approved and none if it is declined, of the same amount, on the bill that has
/// the charge.
fn line_of(
    id: &str,
    refund: &StoredRefund,
    lines: &[&BilledLine],
    run: &SimulationRun,
    found: &mut Vec<String>,
) {
    let lines: Vec<&&BilledLine> =
        lines.iter().filter(|line| line.refund_id.as_deref() == Some(&refund.id)).collect();
    match (refund.status.as_str(), &lines[..]) {
        ("APPROVED", [line]) => {
            let charge = run
                .lines
                .iter()
                .find(|other| other.refund_id.is_none() && other.transaction_id == refund.transaction_id);
            let fits = line.value == -refund.value
                && line.transaction_id == refund.transaction_id
                && charge
                    .is_some_and(|charge| charge.number == line.number && charge.currency == line.currency);
            if !fits {
                found.push(format!(
                    "{id}, {} of {}, is the line {line:?}",
                    refund.value, refund.transaction_id
                ));
            }
        }
        ("DECLINED", []) => {}
        (status, lines) => found.push(format!("{id} is {status} and has {} lines", lines.len())),
    }
}

/// In each currency: what was approved, less refunds, is the sum of the bills.
fn check_balance(
    charges: &BTreeMap<String, StoredCharge>,
    refunds: &BTreeMap<String, StoredRefund>,
    run: &SimulationRun,
    found: &mut Vec<String>,
) {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for charge in charges.values().filter(|charge| charge.status == "APPROVED") {
        let of_it = refunds.values().filter(|refund| refund.transaction_id == charge.transaction_id);
        let given: i64 = of_it.filter(|refund| refund.status == "APPROVED").map(|refund| refund.value).sum();
        *sums.entry(&charge.currency).or_default() += charge.value - given;
    }
    for line in &run.lines {
        *sums.entry(&line.currency).or_default() -= line.value;
    }
    let open = sums.iter().filter(|(_, sum)| **sum != 0);
    found.extend(open.map(|(currency, sum)| format!("the ledger and the bills differ by {sum} {currency}")));
}

/// Every response to the partner was true, is the same each time, and can still be replayed.
async fn check_answers(
    run: &SimulationRun,
    refunds: &BTreeMap<String, StoredRefund>,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    for (id, returned) in &run.returned {
        if returned.created > 1 {
            found.push(format!("{id} was created {} times", returned.created));
        }
        let Some(first) = returned.answers.first() else { continue };
        if returned.answers.iter().any(|answer| answer != first) {
            found.push(format!("{id} was answered differently: {:?}", returned.answers));
        }
        let Some(refund) = refunds.get(id) else {
            found.push(format!("{id} was acknowledged and is not in the ledger"));
            continue;
        };
        let of_its_charge = charges
            .get(&returned.charge)
            .is_some_and(|charge| charge.transaction_id == refund.transaction_id);
        if !of_its_charge || first["amount"]["value"] != refund.value {
            found.push(format!("{id} is another refund than was acknowledged: {first}"));
        }
        if first["status"] != "PENDING" && first["status"] != refund.status.as_str() {
            found.push(format!("{id} was {} and is {}", first["status"], refund.status));
        }
        // Months later, the same post gets the same response.
        match run.post_refund(id).await {
            Some((StatusCode::OK, answer)) if answer == *first => {}
            other => found.push(format!("{id} was answered {first}, and in the end {other:?}")),
        }
        match run.refund_status(id).await {
            Some((_, now))
                if now["status"] == refund.status.as_str() && now["amount"]["value"] == refund.value => {}
            other => found.push(format!("{id}: asked for, it is {other:?}")),
        }
    }
}
