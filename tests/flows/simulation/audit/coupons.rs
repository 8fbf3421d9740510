//! Coupons at the end: each redeemed one is on its buyer's bill once, with its price and its days,
//! or is recorded as unpaid; no other is on a bill; the reports to operator and partner are true;
//! and every deliverable SMS has arrived.

use super::coupon_watch::StoredCoupon;
use super::{StoredCharge, to_text};
use crate::simulation::coupons::{RedemptionEnd, coupon_name};
use crate::simulation::gateway::AcceptedSms;
use crate::simulation::outcomes::RunOutcome;
use crate::simulation::run::SimulationRun;
use crate::simulation::subscribers::BilledLine;
use http::{Method, StatusCode};
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn check_coupons(
    run: &SimulationRun,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    for (nth, coupon) in &run.coupons.issued {
        on_the_bill(run, *nth, coupon, charges, found);
        check_sms(run, *nth, coupon, found);
        check_reports(run, *nth, coupon, found).await;
    }
    for (nth, sold) in run.sold.iter().enumerate() {
        let is_there = run.coupons.issued.contains_key(&nth);
        let is_known = sold.coupon_id.is_some();
        if (is_known && !is_there) || (is_there && !is_known && !sold.may_be_there) {
            found.push(format!("{} is {sold:?}, and in the ledger: {is_there}", coupon_name(nth)));
        }
    }
    named_charges(run, charges, found);
    check_redemptions(run, found).await;
}

/// The bill line of a charge, by our id.
fn find_line<'r>(run: &'r SimulationRun, id: &str) -> Option<&'r BilledLine> {
    run.lines.iter().find(|line| line.refund_id.is_none() && line.transaction_id == *id)
}

/// A redeemed coupon's charge is approved, and is one line of its buyer's bill; or it is declined,
/// and the coupon is recorded as unpaid.
fn on_the_bill(
    run: &SimulationRun,
    nth: usize,
    coupon: &StoredCoupon,
    charges: &BTreeMap<String, StoredCharge>,
    found: &mut Vec<String>,
) {
    let (_, _, price) = run.sold[nth].plan;
    let id = coupon.id();
    let lines: Vec<&BilledLine> = run
        .coupons
        .claims
        .iter()
        .filter(|(_, claim)| claim.coupon_id == id)
        .filter_map(|(charge, _)| find_line(run, charge))
        .collect();
    let Some(charge_id) = &coupon.transaction_id else {
        if !lines.is_empty() {
            found.push(format!("{} is not redeemed, and on a bill: {lines:?}", coupon_name(nth)));
        }
        return;
    };
    let charge = charges.get(&format!("{COUPON_CHARGE_PREFIX}{charge_id}"));
    let days = run.coupons.claims.get(charge_id).map(|claim| claim.days.clone());
    let Some(charge) = charge else {
        return found.push(format!("{} is redeemed, and there is no charge {charge_id}", coupon_name(nth)));
    };
    if charge.value != price || Some(&charge.days) != days.as_ref() || charge.pai != coupon.pai {
        found.push(format!("{} costs {price}, for {days:?}, and is charged otherwise", coupon_name(nth)));
    }
    let is_unpaid = coupon.unpaid_at.is_some();
    let fits = match (charge.status.as_str(), &lines[..]) {
        ("APPROVED", [line]) => {
            let is_buyers = Some(&line.holding.activated_on) == run.buyers.get(&nth);
            !is_unpaid && is_buyers && line.value == price && Some(&line.days) == days.as_ref()
        }
        ("DECLINED", []) => is_unpaid,
        _ => false,
    };
    if !fits {
        found.push(format!(
            "{} is redeemed, its charge {}, unpaid: {is_unpaid}, and its lines {lines:?}",
            coupon_name(nth),
            charge.status
        ));
    }
}

/// A deliverable SMS has arrived, and the gateway's report on the last one is recorded.
fn check_sms(run: &SimulationRun, nth: usize, coupon: &StoredCoupon, found: &mut Vec<String>) {
    let is_over = coupon.voided_at.is_some()
        || coupon.redeemed_at.is_some()
        || run.coupons.is_expired(nth, run.system.now());
    let last = run.phones.iter().find(|code| code.of == (nth, coupon.texts));
    let has_it = |message: &AcceptedSms| {
        Some(message.token()) == coupon.message_id.as_deref()
            && last.is_some_and(|code| message.text.contains(&code.spelled))
    };
    let is_known =
        coupon.undelivered.as_deref() == Some("not-sent") && run.texts.may_be_dropped.contains(&nth);
    if coupon.sent_at.is_none() && !is_over && !is_known {
        found.push(format!(
            "{} was never sent, although the gateway is healthy: {coupon:?}",
            coupon_name(nth)
        ));
    }
    if coupon.sent_at.is_some() && !run.gateway.taken().iter().any(has_it) {
        found.push(format!(
            "{} is called sent, and the gateway does not have it, or by another name",
            coupon_name(nth)
        ));
    }
    let reported = run.gateway.reported();
    let of_it = |is_delivered| {
        let of_it = reported.iter().filter(|report| Some(&report.token) == coupon.message_id.as_ref());
        of_it.filter(move |report| report.is_delivered == is_delivered)
    };
    let (is_delivered, is_lost) = (coupon.delivered_at.is_some(), coupon.undelivered.is_some());
    if is_delivered && (is_lost || of_it(true).next().is_none()) {
        found.push(format!("{} is called delivered, and nobody has said so", coupon_name(nth)));
    }
    if !is_delivered && of_it(true).any(|report| report.is_taken) {
        found.push(format!("{} is on the phone, and the ledger does not know", coupon_name(nth)));
    }
    if coupon.sent_at.is_some() && is_lost && of_it(false).next().is_none() {
        found.push(format!("{} is called lost, and nobody has said so: {coupon:?}", coupon_name(nth)));
    }
    if !is_delivered && !is_lost && of_it(false).any(|report| report.is_taken) {
        found.push(format!("{} does not arrive, and the ledger does not know", coupon_name(nth)));
    }
}

/// The operator's view equals the database and the earlier responses, and lists what is unpaid.
async fn check_reports(run: &SimulationRun, nth: usize, coupon: &StoredCoupon, found: &mut Vec<String>) {
    let answer =
        run.system.try_call_acme_origin(&format!("/coupons/{}", coupon_name(nth)), &Value::Null).await;
    let Some((StatusCode::OK, view)) = answer else {
        return found.push(format!("{} is not shown: {answer:?}", coupon_name(nth)));
    };
    run.check_view(nth, &view);
    let state = if coupon.voided_at.is_some() {
        "VOIDED"
    } else if coupon.redeemed_at.is_some() {
        "REDEEMED"
    } else if run.coupons.is_expired(nth, run.system.now()) {
        "EXPIRED"
    } else if coupon.delivered_at.is_some() {
        "DELIVERED"
    } else if coupon.sent_at.is_some() {
        "SENT"
    } else {
        "ISSUED"
    };
    let claim = coupon.transaction_id.as_ref().and_then(|id| run.coupons.claims.get(id));
    let is_gift = claim.is_some_and(|claim| claim.pai.as_ref() != Some(&coupon.pai));
    let fits =
        view["state"] == state && view["unpaid"] == coupon.unpaid_at.is_some() && view["gift"] == is_gift;
    if !fits {
        found.push(format!("{} is {state}, and shown as {view}", coupon_name(nth)));
    }
}

/// Every coupon's charge belongs to a redemption, and a declined one is recorded with it.
fn named_charges(run: &SimulationRun, charges: &BTreeMap<String, StoredCharge>, found: &mut Vec<String>) {
    for (id, charge) in charges.iter().filter(|(id, _)| StoredCharge::is_coupons(id)) {
        let claim = run.coupons.claims.get(&charge.transaction_id);
        let fits = claim.is_some_and(|claim| claim.outcome != "DECLINED" || charge.status == "DECLINED");
        if !fits {
            found.push(format!("{id} is {} for {claim:?}", charge.status));
        }
    }
}

/// What was reported to the partner is in the database, and is replayed; and what was only refused
/// is not in it.
async fn check_redemptions(run: &SimulationRun, found: &mut Vec<String>) {
    let mut of_reference = BTreeMap::new();
    for (id, claim) in &run.coupons.claims {
        of_reference.insert(claim.reference.as_str(), (id, claim));
    }
    for (reference, redemption) in &run.redemptions {
        let recorded = of_reference.get(reference.as_str());
        let outcome = recorded.map(|(_, claim)| claim.outcome.as_str());
        let fits = match &redemption.end {
            Some(RedemptionEnd::Redeemed(answer)) => {
                let days = recorded.map(|(_, claim)| json!({"from": claim.days.0, "to": claim.days.1}));
                let pai = recorded.and_then(|(_, claim)| claim.pai.as_deref());
                outcome == Some("REDEEMED")
                    && days.as_ref() == Some(&answer["servicePeriod"])
                    && pai == answer["pai"].as_str()
            }
            Some(RedemptionEnd::Declined(_)) => outcome == Some("DECLINED"),
            Some(RedemptionEnd::Used) => outcome.is_none(),
            None => outcome.is_none() || redemption.may_be_there,
        };
        if !fits {
            found.push(format!("{reference} was {:?}, and is {outcome:?}", redemption.end));
        }
        let Some(end) = &redemption.end else { continue };
        let again = run.type_again(reference).await;
        if again.as_ref() != Some(end) {
            found.push(format!("{reference} was {end:?}, and in the end {again:?}"));
        }
        if let RedemptionEnd::Redeemed(answer) = end {
            let charge = answer["extTransactionID"].as_str().unwrap_or_default();
            let path = format!("/ott/v1/transaction/{charge}");
            let (_, now) = run.system.call_ott(Method::GET, &path, Value::Null).await;
            let id = recorded.map(|(id, _)| json!(id));
            if id.as_ref() != Some(&now["transactionID"]) {
                found.push(format!("{reference}: asked for, its charge is {now}"));
            }
        }
    }
}

/// The outcomes of coupons, for the tally.
pub(in super::super) fn met_outcomes(run: &SimulationRun) -> Vec<RunOutcome> {
    let known: BTreeSet<String> = run.redeemed_charges().into_keys().collect();
    let returned = run.returned.values().filter(|refund| known.contains(&refund.charge));
    let returned = returned.filter(|refund| !refund.answers.is_empty()).map(|_| RunOutcome::CouponRefund);
    let lost = run.coupons.issued.values().filter(|coupon| coupon.undelivered.is_some());
    let unpaid = run.coupons.issued.values().filter(|coupon| coupon.unpaid_at.is_some());
    let now = run.system.now();
    let expired = run.coupons.issued.iter().filter(|(nth, coupon)| {
        run.coupons.is_expired(**nth, now) && coupon.redeemed_at.is_none() && coupon.voided_at.is_none()
    });
    let returned = returned.chain(lost.map(|_| RunOutcome::Undelivered));
    returned.chain(unpaid.map(|_| RunOutcome::Unpaid)).chain(expired.map(|_| RunOutcome::Expired)).collect()
}

/// The activation date of each PAI's subscriber, by the database.
pub(in super::super) async fn read_generations(run: &SimulationRun) -> BTreeMap<String, String> {
    let sql =
        "SELECT p.pai, h.subscriber_ref FROM pais p JOIN subscribers h ON h.subscriber_id = p.subscriber_id";
    let rows = run.rows(sql).await.into_iter();
    rows.map(|row| (to_text(row[0].clone()), to_text(row[1].clone()))).collect()
}
