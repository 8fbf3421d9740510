//! The audit: brings the origin back, lets it finish what it had begun, and compares three books with its own eyes:
//! what the partner was told, what the origin's database has, and what is on the bills.

use crate::billing::Line;
use crate::books::Charge;
use crate::load::{Asked, CONNECTIONS, Partner, id};
use crate::origin::Origin;
use crate::scene::{Person, Scene};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Fails when anything is wrong, with all of it in words. The origin is dead before and after.
pub(crate) async fn audit(scene: &Arc<Scene>, partner: &Partner) {
    scene.billing.misbehave(&json!({})).await;
    scene.books.let_time_pass().await;
    let origin = scene.start().await;
    scene.until_delivered().await;
    let mut found = ask_again(scene, partner, &origin).await;
    scene.until_delivered().await;
    origin.kill();
    found.append(&mut partner.memory().strange);
    let numbers = scene.people.iter().map(|person| person.msisdn.as_str());
    let lines = scene.billing.lines(numbers).await;
    compare(&scene.books.charges().await, &lines, &partner.memory().asked, &scene.people, &mut found);
    assert!(found.is_empty(), "{} findings: {:#?}", found.len(), &found[..found.len().min(20)]);
}

/// Each charge once more, months later: the first answer again, or a first answer to what was never heard of.
async fn ask_again(scene: &Arc<Scene>, partner: &Partner, origin: &Origin) -> Vec<String> {
    let all = 0..partner.memory().asked.len();
    let answers = stream::iter(all).map(async |n| (n, partner.again(scene, origin, n).await));
    let answers = answers.buffer_unordered(usize::try_from(CONNECTIONS).expect("is small"));
    let unanswered = answers.filter_map(async |(n, answer)| {
        let answered = matches!(answer, Ok(StatusCode::OK | StatusCode::CREATED));
        (!answered).then(|| format!("{}: asked in the end, it is {answer:?}", id(n)))
    });
    unanswered.collect().await
}

fn compare(charges: &[Charge], lines: &[Line], asked: &[Asked], people: &[Person], found: &mut Vec<String>) {
    let mut billed: HashMap<&str, Vec<&Line>> = HashMap::new();
    for line in lines {
        billed.entry(&line.transaction_id).or_default().push(line);
    }
    let mut recorded: HashMap<&str, &Charge> = HashMap::new();
    for charge in charges {
        if recorded.insert(&charge.ext_transaction_id, charge).is_some() {
            found.push(format!("{} is in the books twice", charge.ext_transaction_id));
        }
    }
    for (n, asked) in asked.iter().enumerate() {
        let id = id(n);
        let Some(charge) = recorded.remove(id.as_str()) else {
            found.push(format!("{id} is not in the books"));
            continue;
        };
        let lines = billed.remove(charge.transaction_id.as_str()).unwrap_or_default();
        told(&id, asked, charge, found);
        bill(&id, &people[asked.person], asked, charge, &lines, found);
    }
    found.extend(recorded.keys().map(|id| format!("{id} is in the books, and nobody asked for it")));
    found.extend(billed.keys().map(|id| format!("{id} is on a bill, and nobody charged it")));
    let approved: i64 =
        charges.iter().filter(|charge| charge.status == "APPROVED").map(|charge| charge.value).sum();
    let on_bills: i64 = lines.iter().map(|line| line.value).sum();
    if approved != on_bills {
        found.push(format!("{approved} approved in all, {on_bills} on the bills"));
    }
}

/// All answers to one id are one, byte for byte, and true.
fn told(id: &str, asked: &Asked, charge: &Charge, found: &mut Vec<String>) {
    if asked.created > 1 {
        found.push(format!("{id} was created {} times", asked.created));
    }
    let Some(first) = asked.answers.first() else { return };
    if asked.answers.iter().any(|answer| answer != first) {
        found.push(format!("{id} was answered differently: {:?}", asked.answers));
    }
    let answer: Value = serde_json::from_slice(first).unwrap_or_default();
    if answer["extTransactionID"] != id || answer["transactionID"] != charge.transaction_id.as_str() {
        found.push(format!("{id} was answered {answer}, and is {}", charge.transaction_id));
    }
    if answer["status"] != "PENDING" && answer["status"] != charge.status.as_str() {
        found.push(format!("{id} was {} and is {}", answer["status"], charge.status));
    }
}

/// One line of the right amount on the right bill if it is approved, none if it is declined.
fn bill(id: &str, person: &Person, asked: &Asked, charge: &Charge, lines: &[&Line], found: &mut Vec<String>) {
    if charge.pai != person.pai || charge.value != asked.value {
        found.push(format!("{id} has other contents than were asked for"));
    }
    match (charge.status.as_str(), lines) {
        ("APPROVED", [line]) if line.msisdn == person.msisdn && line.value == asked.value => {}
        ("DECLINED", []) => {}
        (status, lines) => {
            let lines: Vec<i64> = lines.iter().map(|line| line.value).collect();
            found.push(format!("{id} of {} is {status}, and on the bills {lines:?}", asked.value));
        }
    }
}
