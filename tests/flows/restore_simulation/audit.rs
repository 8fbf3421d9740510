//! The audit: bills and ledger after a lost history, by direct reads.

use super::play::RestoreRun;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::reconciliation::adoption_report::AdoptionReport;
use onbill_origin::store::{LookupIds, Store};
use onbill_test_harness::database::TestDb;
use std::collections::{BTreeMap, BTreeSet};

/// The ids that a coupon's charge may have.
const COUPON_CHARGES: u32 = 8;

/// What a line on a bill is for: the partner's id, and the PAI that pays, except for a coupon.
struct Purpose {
    kind: &'static str,
    id: String,
    pai: Option<String>,
}

fn partner() -> PartnerId {
    PartnerId::parse("netflix").expect("is a slug")
}

fn ext(id: &str) -> ExtId {
    ExtId::parse(id).expect("is an identifier")
}

/// All ids that may be on a bill.
fn purposes(run: &RestoreRun) -> BTreeMap<String, Purpose> {
    let ids = &run.system.acme.app().ids;
    let mut purposes = BTreeMap::new();
    for (id, asked) in &run.charges {
        let purpose = Purpose { kind: "charge", id: id.clone(), pai: Some(asked.of.clone()) };
        purposes.insert(ids.charge(&partner(), &ext(id)), purpose);
    }
    for (id, asked) in &run.refunds {
        let pai = run.charges[&asked.of].of.clone();
        purposes.insert(
            ids.refund(&partner(), &ext(id)),
            Purpose { kind: "refund", id: id.clone(), pai: Some(pai) },
        );
    }
    for coupon in &run.coupons {
        for n in 0..COUPON_CHARGES {
            let purpose = Purpose { kind: "coupon", id: coupon.id.clone(), pai: None };
            purposes.insert(ids.coupon_charge(&ext(&coupon.id), n), purpose);
        }
    }
    purposes
}

/// Charges and refunds in a database, by our ids, with their status.
async fn recorded(store: &Store, run: &RestoreRun) -> BTreeMap<String, TransactionStatus> {
    let ids = LookupIds::Internal(purposes(run).into_keys().collect());
    let charges = store.find_charges_by_id(partner(), ids.clone()).await.expect("works");
    let refunds = store.find_refunds_by_id(partner(), ids).await.expect("works");
    let charges = charges.into_iter().map(|line| (line.transaction_id, line.status));
    charges.chain(refunds.into_iter().map(|line| (line.refund_id, line.status))).collect()
}

/// Counts what the copy does not know of the bills.
pub(super) async fn count_lost(run: &mut RestoreRun, copy: &TestDb) {
    let copy = copy.copy();
    let store = copy.open_store(1).await.expect("opens");
    let (known, purposes) = (recorded(&store, run).await, purposes(run));
    let lost: Vec<&Purpose> = run
        .lines
        .keys()
        .filter(|id| known.get(*id) != Some(&TransactionStatus::Approved))
        .filter_map(|id| purposes.get(id))
        .collect();
    let names = lost.iter().map(|purpose| match purpose.kind {
        "charge" => "lost charges on a bill",
        "refund" => "lost refunds on a bill",
        _ => "lost redemptions on a bill",
    });
    for name in names.collect::<Vec<_>>() {
        run.tally.count(name);
    }
}

/// The violations, in words.
pub(super) async fn findings(run: &mut RestoreRun, report: &AdoptionReport) -> Vec<String> {
    let mut found = Vec::new();
    let purposes = purposes(run);
    // A charge that was declined in a failover that nobody noticed, and is on a bill, is in the
    // ledger: the comparison of the books has a cause for that.
    let ledger = recorded(&run.system.acme.app().store, run).await;
    let left: BTreeSet<&str> = report.left.iter().map(|(_, id, _)| id.as_str()).collect();
    let mut billed: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for (id, (number, generation)) in run.lines.clone() {
        let Some(purpose) = purposes.get(&id) else {
            found.push(format!("{id} is on a bill, and nobody asked for it"));
            continue;
        };
        run.tally.count(match purpose.kind {
            "charge" => "charges billed",
            "refund" => "refunds billed",
            _ => "coupons billed",
        });
        *billed.entry((purpose.kind, &purpose.id)).or_default() += 1;
        let payer = purpose.pai.as_ref().map(|pai| run.pais[pai]);
        if purpose.kind == "charge" && payer.is_some_and(|payer| payer != (number, generation)) {
            found.push(format!("{} is billed to {number}, generation {generation}", purpose.id));
        }
        let name = format!("{COUPON_CHARGE_PREFIX}{id}");
        if !ledger.contains_key(&id) && !left.contains(purpose.id.as_str()) && !left.contains(name.as_str()) {
            found.push(format!("{} {} is on a bill, and nobody knows", purpose.kind, purpose.id));
        }
    }
    for ((kind, id), lines) in billed.iter().filter(|(_, lines)| **lines > 1) {
        found.push(format!("{kind} {id} has {lines} lines"));
    }
    for (asked, kind) in run
        .charges
        .iter()
        .map(|asked| (asked, "charge"))
        .chain(run.refunds.iter().map(|asked| (asked, "refund")))
    {
        let (id, asked) = asked;
        let is_approved = asked.answer.as_ref().is_some_and(|answer| answer["status"] == "APPROVED");
        if is_approved && !billed.contains_key(&(kind, id.as_str())) {
            found.push(format!("{kind} {id} was answered as approved, and is on no bill"));
        }
    }
    found
}
