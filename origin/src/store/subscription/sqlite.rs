//! Subscriptions in SQL.

use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::mandate::{MandateRow, SubscriptionTerms, sqlite as mandate};
use crate::store::notification::sqlite as notification;
use crate::store::number::NumberIndex;
use crate::store::pai::sqlite as pai;
use crate::store::queue::sqlite as queue;
use crate::store::sqlite::rows::{parse_column, read_pai};
use crate::store::subscription::{
    ChangeSubscriptionResult, ChangeTermsResult, NewTerms, RecordSubscriptionResult, SubscriptionMandate,
};
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use rusqlite::{Connection, params};

/// Only an open PAI has a live subscription; the condition lets the index of open PAIs answer. A dark PAI
/// pays on the bill by another system, whatever its file says of subscriptions.
const PAYS_ON_BILL: &str = "SELECT 1 FROM subscribers h JOIN pais p USING (subscriber_id)
         LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
     WHERE h.number_index = ?1 AND h.ended_at IS NULL AND h.subscriber_ref = ?2 AND p.partner = ?3
         AND p.state <> 'CLOSED' AND (s.pai IS NOT NULL OR p.dark_since IS NOT NULL)";

pub(in crate::store) fn pays_on_bill(
    db: &Connection,
    partner: &PartnerId,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<bool, StoreError> {
    Ok(db.prepare_cached(PAYS_ON_BILL)?.exists(params![number.0, subscriber_ref, partner.as_str()])?)
}

pub(in crate::store) fn has_live_subscription(tx: &Connection, pai: Pai) -> Result<bool, StoreError> {
    Ok(tx
        .prepare_cached("SELECT 1 FROM partner_subscriptions WHERE pai = ?1 AND status <> 'CANCELLED'")?
        .exists([pai.to_string()])?)
}

pub(in crate::store) fn record_subscription(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    new_id: &str,
    request: &PartnerSubscriptionRequest,
    terms: &SubscriptionTerms,
) -> Result<RecordSubscriptionResult, StoreError> {
    let found = pai::find_pai(tx, partner, request.pai)?;
    if found.as_ref().is_some_and(|row| row.is_dark) {
        return Ok(RecordSubscriptionResult::NotCutOver);
    }
    let ext_id = request.ext_subscription_id.as_str();
    let mut select = tx.prepare_cached(
        "SELECT * FROM partner_subscriptions WHERE partner = ?1 AND ext_subscription_id = ?2",
    )?;
    let mut rows = select.query(params![partner.as_str(), ext_id])?;
    if let Some(row) = rows.next()? {
        let (origin, plan): (String, String) = (row.get("origin")?, row.get("plan")?);
        let id: String = row.get("partner_subscription_id")?;
        let same = read_pai(row, "partner_subscriptions.pai")? == request.pai
            && origin == request.source.as_str()
            && plan == request.plan.as_str()
            && mandate::find_mandate(tx, &id)?.is_none_or(|mandate| mandate.is_of(request));
        return Ok(if same {
            RecordSubscriptionResult::Replayed(to_active_response(id))
        } else {
            RecordSubscriptionResult::Conflict
        });
    }
    let state = match found.map(|row| row.state) {
        Some(state @ (PaiState::Active | PaiState::Suspended)) => state,
        Some(PaiState::Closed) | None => return Ok(RecordSubscriptionResult::PaiNotFound),
    };
    if has_live_subscription(tx, request.pai)? {
        return Ok(RecordSubscriptionResult::AlreadyOnBill);
    }
    let agreed = match find_agreed(tx, now, partner, new_id, request, terms)? {
        Ok(agreed) => agreed,
        Err(refused) => return Ok(refused),
    };
    tx.prepare_cached(
        "INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan,
             status, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'ACTIVE', ?7)",
    )?
    .execute(params![
        new_id,
        partner.as_str(),
        ext_id,
        request.pai.to_string(),
        request.source.as_str(),
        request.plan.as_str(),
        now.unix_seconds(),
    ])?;
    mandate::insert_mandate(tx, &agreed)?;
    if state == PaiState::Suspended {
        queue::put_pai_change(tx, now, &request.pai.to_string())?;
    }
    Ok(RecordSubscriptionResult::Created(to_active_response(new_id.to_owned())))
}

/// The mandate of a new subscription, or why it is refused.
fn find_agreed(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    new_id: &str,
    request: &PartnerSubscriptionRequest,
    terms: &SubscriptionTerms,
) -> Result<Result<MandateRow, RecordSubscriptionResult>, StoreError> {
    let visit = mandate::find_mandate_of_visit(tx, now, request.pai)?;
    let mut agreed = match MandateRow::of_subscription(partner, new_id, request, visit.as_ref(), terms, now) {
        Ok(agreed) => agreed,
        Err(why) => return Ok(Err(why.into())),
    };
    if agreed.proof_reference.is_none() {
        agreed.proof_reference = match agreed.proof {
            MandateProof::Pin => mandate::find_pin_flow(tx, partner, request.pai)?,
            MandateProof::DeviceRead => Some(format!("partner:{partner}")),
            MandateProof::Session | MandateProof::Imported => None,
        };
    }
    Ok(Ok(agreed))
}

pub(in crate::store) fn has_subscription(
    db: &Connection,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM partner_subscriptions WHERE partner_subscription_id = ?1 AND partner = ?2",
        )?
        .exists([id.as_str(), partner.as_str()])?)
}

pub(in crate::store) fn change_subscription(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    id: &ExtId,
    change: &SubscriptionChange,
) -> Result<ChangeSubscriptionResult, StoreError> {
    if pai::is_dark_subscription(tx, partner, id)? {
        return Ok(ChangeSubscriptionResult::NotCutOver);
    }
    let mut select = tx.prepare_cached(
        "SELECT status FROM partner_subscriptions WHERE partner_subscription_id = ?1 AND partner = ?2",
    )?;
    let mut rows = select.query([id.as_str(), partner.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(ChangeSubscriptionResult::NotFound) };
    match parse_column(row, "partner_subscriptions.status", SubscriptionStatus::parse)? {
        status if status == change.status => return Ok(ChangeSubscriptionResult::Current),
        SubscriptionStatus::Cancelled => return Ok(ChangeSubscriptionResult::Cancelled),
        SubscriptionStatus::Active | SubscriptionStatus::Suspended => {}
    }
    tx.prepare_cached(
        "UPDATE partner_subscriptions SET status = ?2, changed_at = ?3, change_reason = ?4, ended_at = ?5
         WHERE partner_subscription_id = ?1",
    )?
    .execute(params![
        id.as_str(),
        change.status.as_str(),
        now.unix_seconds(),
        change.reason,
        (change.status == SubscriptionStatus::Cancelled).then_some(now.unix_seconds()),
    ])?;
    Ok(ChangeSubscriptionResult::Current)
}

/// The last day that charges of a subscription have paid for. The mandate of an adopted charge is
/// lost, so it counts for each subscription of its PAI.
const CHARGED_UNTIL: &str = "SELECT max(t.period_to) AS until
    FROM transactions t LEFT JOIN mandates o ON o.mandate_id = t.mandate_id
    WHERE t.pai = ?1 AND t.status <> 'DECLINED'
        AND (o.partner_subscription_id = ?2 OR t.mandate_id IS NULL AND t.fingerprint IS NULL)
        AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
        AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING')";

pub(in crate::store) fn find_subscription_mandate(
    db: &Connection,
    partner: &PartnerId,
    id: &ExtId,
    change_id: &ExtId,
) -> Result<Option<SubscriptionMandate>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT status, pai FROM partner_subscriptions WHERE partner_subscription_id = ?1 AND partner = ?2",
    )?;
    let mut rows = select.query(params![id.as_str(), partner.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let pai: String = row.get("pai")?;
    let charged_until: Option<String> =
        db.prepare_cached(CHARGED_UNTIL)?.query_row([&pai, id.as_str()], |row| row.get(0))?;
    let latest = mandate::find_latest_mandate(db, id.as_str())?.ok_or_else(|| missing_row("mandates"))?;
    Ok(Some(SubscriptionMandate {
        status: parse_column(row, "partner_subscriptions.status", SubscriptionStatus::parse)?,
        before: mandate::find_mandate_before(db, &latest)?,
        latest,
        charged_until: charged_until
            .map(|day| Day::parse(&day).ok_or_else(|| inconsistent_row("transactions.period_to")))
            .transpose()?,
        of_change: mandate::find_mandate_of_change(db, partner, change_id)?,
    }))
}

pub(in crate::store) fn change_terms(
    tx: &Connection,
    now: Timestamp,
    new: &NewTerms,
) -> Result<ChangeTermsResult, StoreError> {
    let Some((id, change_id)) = new.keys() else { return Ok(ChangeTermsResult::Stale) };
    if pai::is_dark_subscription(tx, &new.mandate.partner, &id)? {
        return Ok(ChangeTermsResult::NotCutOver);
    }
    let found = find_subscription_mandate(tx, &new.mandate.partner, &id, change_id)?;
    if !found.is_some_and(|found| new.still_fits(&found)) {
        return Ok(ChangeTermsResult::Stale);
    }
    let replaced = new.replaced.as_ref().map(|message| notification::take_back(tx, message)).transpose()?;
    let is_silent = new.withdraws && !mandate::was_announced(tx, now, &new.mandate)?;
    mandate::insert_mandate(tx, &new.mandate)?;
    if !is_silent {
        notification::queue_notification(tx, now, &new.message, replaced)?;
    }
    Ok(ChangeTermsResult::Recorded)
}

/// A replay gets the first response, whatever the subscription's status is now.
fn to_active_response(partner_subscription_id: String) -> PartnerSubscriptionResponse {
    PartnerSubscriptionResponse { partner_subscription_id, status: "ACTIVE".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn live_subscription_is_found_along_an_index() {
        for step in [PAYS_ON_BILL, CHARGED_UNTIL].into_iter().flat_map(query_plan) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
