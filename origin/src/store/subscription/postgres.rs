//! Subscriptions in SQL.

use crate::store::coupon::postgres as coupon;
use crate::store::error::missing_row;
use crate::store::mandate::{MandateRow, SubscriptionTerms, postgres as mandate};
use crate::store::notification::postgres as notification;
use crate::store::number::NumberIndex;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{parse_column, read_pai};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::postgres as queue;
use crate::store::subscription::{
    ChangeSubscriptionResult, ChangeTermsResult, NewTerms, RecordSubscriptionResult, SubscriptionMandate,
};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{PartnerSubscriptionRequest, PartnerSubscriptionResponse};
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use tokio_postgres::Row;

/// Only an open PAI has a live subscription; the condition lets the index of open PAIs answer. A dark PAI
/// pays on the bill by another system, whatever its file says of subscriptions.
const PAYS_ON_BILL: &str = "SELECT 1 FROM subscribers h JOIN pais p USING (subscriber_id)
         LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
     WHERE h.number_index = $1 AND h.ended_at IS NULL AND h.subscriber_ref = $2 AND p.partner = $3
         AND p.state <> 'CLOSED' AND (s.pai IS NOT NULL OR p.dark_since IS NOT NULL)";

pub(in crate::store) async fn pays_on_bill(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<bool, TxError> {
    let values: Values<'_> = &[&number.0.as_slice(), &subscriber_ref, &partner.as_str()];
    Ok(db.query_optional(PAYS_ON_BILL, values).await?.is_some())
}

pub(in crate::store) async fn has_live_subscription(
    tx: &PgConnection<'_>,
    pai: Pai,
) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM partner_subscriptions WHERE pai = $1 AND status <> 'CANCELLED'";
    Ok(tx.query_optional(sql, &[&pai.to_string()]).await?.is_some())
}

pub(in crate::store) async fn record_subscription(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    new_id: &str,
    request: &PartnerSubscriptionRequest,
    terms: &SubscriptionTerms,
) -> Result<RecordSubscriptionResult, TxError> {
    let ext_id = request.ext_subscription_id.as_str();
    // The PAI is locked first, so that its closing, or another subscription for it, comes before or
    // after this one. The same id for two PAIs at once violates the unique index.
    let locked = pai_lock::lock_pai(tx, partner, request.pai).await?;
    if locked.is_some_and(|pai| pai.is_dark) {
        return Ok(RecordSubscriptionResult::NotCutOver);
    }
    let known = tx
        .query_optional(
            "SELECT partner_subscription_id, pai, origin, plan FROM partner_subscriptions
             WHERE partner = $1 AND ext_subscription_id = $2",
            &[&partner.as_str(), &ext_id],
        )
        .await?;
    if let Some(row) = known {
        return compare_known(tx, request, &row).await;
    }
    let state = locked.map(|pai| pai.state);
    match state {
        Some(PaiState::Active | PaiState::Suspended) => {}
        Some(PaiState::Closed) | None => return Ok(RecordSubscriptionResult::PaiNotFound),
    }
    if has_live_subscription(tx, request.pai).await? {
        return Ok(RecordSubscriptionResult::AlreadyOnBill);
    }
    let agreed = match find_agreed(tx, now, partner, new_id, request, terms).await? {
        Ok(agreed) => agreed,
        Err(refused) => return Ok(refused),
    };
    tx.execute_one(
        "partner_subscriptions",
        "INSERT INTO partner_subscriptions (partner_subscription_id, partner, ext_subscription_id, pai, origin, plan,
             status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'ACTIVE', $7)",
        &[
            &new_id,
            &partner.as_str(),
            &ext_id,
            &request.pai.to_string(),
            &request.source.as_str(),
            &request.plan.as_str(),
            &now.unix_seconds(),
        ],
    )
    .await?;
    mandate::insert_mandate(tx, &agreed).await?;
    if state == Some(PaiState::Suspended) {
        queue::put_pai_change(tx, now, &request.pai.to_string()).await?;
    }
    Ok(RecordSubscriptionResult::Created(to_active_response(new_id.to_owned())))
}

/// The id was used before: the same contents get the same result, others are refused.
async fn compare_known(
    tx: &PgConnection<'_>,
    request: &PartnerSubscriptionRequest,
    row: &Row,
) -> Result<RecordSubscriptionResult, TxError> {
    let (origin, plan): (&str, &str) = (row.try_get("origin")?, row.try_get("plan")?);
    let id: &str = row.try_get("partner_subscription_id")?;
    let same = read_pai(row, "partner_subscriptions.pai")? == request.pai
        && origin == request.source.as_str()
        && plan == request.plan.as_str()
        && mandate::find_mandate(tx, id).await?.is_none_or(|mandate| mandate.is_of(request));
    Ok(if same {
        RecordSubscriptionResult::Replayed(to_active_response(id.to_owned()))
    } else {
        RecordSubscriptionResult::Conflict
    })
}

/// The mandate of a new subscription, or why it is refused.
async fn find_agreed(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    new_id: &str,
    request: &PartnerSubscriptionRequest,
    terms: &SubscriptionTerms,
) -> Result<Result<MandateRow, RecordSubscriptionResult>, TxError> {
    let visit = mandate::find_mandate_of_visit(tx, now, request.pai).await?;
    let mut agreed = match MandateRow::of_subscription(partner, new_id, request, visit.as_ref(), terms, now) {
        Ok(agreed) => agreed,
        Err(why) => return Ok(Err(why.into())),
    };
    if agreed.proof_reference.is_none() {
        agreed.proof_reference = match agreed.proof {
            MandateProof::Pin => mandate::find_pin_flow(tx, partner, request.pai).await?,
            MandateProof::DeviceRead => Some(format!("partner:{partner}")),
            MandateProof::Session | MandateProof::Imported => None,
        };
    }
    Ok(Ok(agreed))
}

pub(in crate::store) async fn has_subscription(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM partner_subscriptions WHERE partner_subscription_id = $1 AND partner = $2";
    Ok(db.query_optional(sql, &[&id.as_str(), &partner.as_str()]).await?.is_some())
}

pub(in crate::store) async fn change_subscription(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    id: &ExtId,
    change: &SubscriptionChange,
) -> Result<ChangeSubscriptionResult, TxError> {
    if pai_lock::lock_switch_of_subscription(tx, partner, id).await? {
        return Ok(ChangeSubscriptionResult::NotCutOver);
    }
    // Locked, so that a subscription that is being cancelled is not revived.
    let row = tx
        .query_optional(
            "SELECT status FROM partner_subscriptions WHERE partner_subscription_id = $1 AND partner = $2 FOR UPDATE",
            &[&id.as_str(), &partner.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(ChangeSubscriptionResult::NotFound) };
    match parse_column(&row, "partner_subscriptions.status", SubscriptionStatus::parse)? {
        status if status == change.status => return Ok(ChangeSubscriptionResult::Current),
        SubscriptionStatus::Cancelled => return Ok(ChangeSubscriptionResult::Cancelled),
        SubscriptionStatus::Active | SubscriptionStatus::Suspended => {}
    }
    tx.execute_one(
        "partner_subscriptions",
        "UPDATE partner_subscriptions SET status = $2, changed_at = $3, change_reason = $4, ended_at = $5
         WHERE partner_subscription_id = $1",
        &[
            &id.as_str(),
            &change.status.as_str(),
            &now.unix_seconds(),
            &change.reason,
            &(change.status == SubscriptionStatus::Cancelled).then_some(now.unix_seconds()),
        ],
    )
    .await?;
    Ok(ChangeSubscriptionResult::Current)
}

/// The last day that charges of a subscription have paid for. The mandate of an adopted charge is
/// lost, so it counts for each subscription of its PAI.
const CHARGED_UNTIL: &str = "SELECT max(t.period_to) AS until
    FROM transactions t LEFT JOIN LATERAL
        (SELECT * FROM mandates l WHERE l.mandate_id = t.mandate_id LIMIT 1) o ON TRUE
    WHERE t.pai = $1 AND t.status <> 'DECLINED'
        AND (o.partner_subscription_id = $2 OR t.mandate_id IS NULL AND t.fingerprint IS NULL)
        AND (t.migration_file IS NULL OR t.amount_minor > t.refunded_minor)
        AND t.amount_minor > t.refunded_minor - (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'PENDING')";

pub(in crate::store) async fn find_subscription_mandate(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    id: &ExtId,
    change_id: &ExtId,
) -> Result<Option<SubscriptionMandate>, TxError> {
    let sql =
        "SELECT status, pai FROM partner_subscriptions WHERE partner_subscription_id = $1 AND partner = $2";
    let Some(row) = db.query_optional(sql, &[&id.as_str(), &partner.as_str()]).await? else {
        return Ok(None);
    };
    let pai: &str = row.try_get("pai")?;
    let charged = db.query_optional(CHARGED_UNTIL, &[&pai, &id.as_str()]).await?;
    let latest = mandate::find_latest_mandate(db, id.as_str()).await?;
    let latest = latest.ok_or_else(|| missing_row("mandates"))?;
    Ok(Some(SubscriptionMandate {
        status: parse_column(&row, "partner_subscriptions.status", SubscriptionStatus::parse)?,
        before: mandate::find_mandate_before(db, &latest).await?,
        latest,
        charged_until: coupon::read_last_day(charged)?,
        of_change: mandate::find_mandate_of_change(db, partner, change_id).await?,
    }))
}

pub(in crate::store) async fn change_terms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewTerms,
) -> Result<ChangeTermsResult, TxError> {
    let Some((id, change_id)) = new.keys() else { return Ok(ChangeTermsResult::Stale) };
    if pai_lock::lock_switch_of_subscription(tx, &new.mandate.partner, &id).await? {
        return Ok(ChangeTermsResult::NotCutOver);
    }
    // Locked, so that it is not cancelled and has no other change meanwhile.
    let sql = "SELECT 1 FROM partner_subscriptions WHERE partner_subscription_id = $1 FOR UPDATE";
    tx.query_optional(sql, &[&id.as_str()]).await?;
    let found = find_subscription_mandate(tx, &new.mandate.partner, &id, change_id).await?;
    if !found.is_some_and(|found| new.still_fits(&found)) {
        return Ok(ChangeTermsResult::Stale);
    }
    let replaced = match &new.replaced {
        Some(message) => Some(notification::take_back(tx, message).await?),
        None => None,
    };
    let is_silent = new.withdraws && !mandate::was_announced(tx, now, &new.mandate).await?;
    mandate::insert_mandate(tx, &new.mandate).await?;
    if !is_silent {
        notification::queue_notification(tx, now, &new.message, replaced).await?;
    }
    Ok(ChangeTermsResult::Recorded)
}

/// A replay gets the first response, whatever the subscription's status is now.
fn to_active_response(partner_subscription_id: String) -> PartnerSubscriptionResponse {
    PartnerSubscriptionResponse { partner_subscription_id, status: "ACTIVE".to_owned() }
}
