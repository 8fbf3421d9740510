//! The audit: looks into the database file and at the bills itself, and believes nobody's word.

use super::run::{Line, Run};
use crate::world::customer::charge;
use http::{Method, StatusCode};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

struct Row {
    transaction_id: String,
    pai: String,
    value: i64,
    status: String,
    reason: Option<String>,
    in_outbox: bool,
}

/// What is wrong, in words. Empty when nothing is.
pub(super) async fn findings(run: &Run) -> Vec<String> {
    let mut found = Vec::new();
    let rows = ledger(run);
    let lines = bills(run, &mut found);
    for (id, row) in &rows {
        charge_and_bill(id, row, &lines, run, &mut found);
    }
    let charged: BTreeSet<&str> = rows.values().map(|row| row.transaction_id.as_str()).collect();
    for id in lines.keys().filter(|id| !charged.contains(*id)) {
        found.push(format!("the bill has {id}, which nobody charged"));
    }
    answers(run, &rows, &mut found).await;
    pais(run, &mut found);
    found
}

/// The ledger, by the partner's ids.
fn ledger(run: &Run) -> BTreeMap<String, Row> {
    let db = open(run);
    let mut select = db
        .prepare(
            "SELECT ext_transaction_id, t.transaction_id, pai, amount_minor, status, decline_reason,
                    EXISTS (SELECT 1 FROM outbox o WHERE o.transaction_id = t.transaction_id)
             FROM transactions t",
        )
        .expect("is SQL");
    let rows = select.query_map([], |row| {
        let charge = Row {
            transaction_id: row.get(1)?,
            pai: row.get(2)?,
            value: row.get(3)?,
            status: row.get(4)?,
            reason: row.get(5)?,
            in_outbox: row.get(6)?,
        };
        Ok((row.get(0)?, charge))
    });
    rows.expect("reads").collect::<Result<_, _>>().expect("reads")
}

fn open(run: &Run) -> Connection {
    Connection::open_with_flags(&run.world.acme.database, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("opens")
}

/// The lines of all bills, by our ids.
fn bills<'r>(run: &'r Run, found: &mut Vec<String>) -> BTreeMap<&'r str, &'r Line> {
    let mut lines = BTreeMap::new();
    for line in &run.lines {
        if lines.insert(line.transaction_id.as_str(), line).is_some() {
            found.push(format!("{} is billed twice", line.transaction_id));
        }
    }
    lines
}

/// A charge has one bill line if it is approved and none if it is declined; the line is its own holder's.
fn charge_and_bill(id: &str, row: &Row, lines: &BTreeMap<&str, &Line>, run: &Run, found: &mut Vec<String>) {
    let line = lines.get(row.transaction_id.as_str());
    match (row.status.as_str(), line) {
        ("APPROVED", None) => found.push(format!("{id} is approved and on no bill")),
        ("DECLINED", Some(_)) => found.push(format!("{id} is declined and on a bill")),
        ("PENDING", _) => found.push(format!("{id} is pending although billing is healthy")),
        _ => {}
    }
    if row.in_outbox {
        found.push(format!("{id} is still in the outbox"));
    }
    if (row.status == "DECLINED") != row.reason.is_some() {
        found.push(format!("{id}: {} with the reason {:?}", row.status, row.reason));
    }
    let Some(line) = line else { return };
    if line.value != row.value {
        found.push(format!("{id}: {} charged, {} billed", row.value, line.value));
    }
    let Some((number, holder)) = run.pais.get(&row.pai) else { return };
    if line.number != *number || line.holding.activated_on != *holder {
        found.push(format!("{id} is on the bill of somebody else"));
    }
    if line.holding.status == "ceased" {
        found.push(format!("{id} is on the bill of an account that had ended"));
    }
}

/// What the partner was told is true, the same each time, and still to be had.
async fn answers(run: &Run, rows: &BTreeMap<String, Row>, found: &mut Vec<String>) {
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
        // Months later, the same post gets the same answer.
        let again = charge(&asked.pai, id, row.value);
        let (status, answer) = run.world.ott(Method::POST, "/ott/v1/transaction", again).await;
        if status != StatusCode::OK || answer != *first {
            found.push(format!("{id} was answered {first}, and in the end {status} {answer}"));
        }
        let path = format!("/ott/v1/transaction/{id}");
        let (_, now) = run.world.ott(Method::GET, &path, Value::Null).await;
        if now["status"] != row.status.as_str() || now["transactionID"] != row.transaction_id.as_str() {
            found.push(format!("{id}: asked for, it is {now}"));
        }
    }
}

/// One open PAI for a holder at most, and no two people with one PAI.
fn pais(run: &Run, found: &mut Vec<String>) {
    let db = open(run);
    let twice: i64 = db
        .query_row(
            "SELECT count(*) FROM (SELECT 1 FROM pais WHERE state <> 'CLOSED' GROUP BY partner, subscriber_id
                                   HAVING count(*) > 1)",
            [],
            |row| row.get(0),
        )
        .expect("reads");
    if twice > 0 {
        found.push(format!("{twice} subscribers have two open PAIs"));
    }
    let reopened: i64 = db
        .query_row(
            "SELECT count(*) FROM pais JOIN subscribers USING (subscriber_id)
             WHERE ended_at IS NOT NULL AND state <> 'CLOSED'",
            [],
            |row| row.get(0),
        )
        .expect("reads");
    if reopened > 0 {
        found.push(format!("{reopened} PAIs of earlier holders are open"));
    }
}
