//! Charges in SQL.

use super::postgres_payer::{Payer, find_payer, is_charged};
use super::postgres_response::read_response;
pub(in crate::store) use super::postgres_response::{
    find_charge_response, store_response, to_response_bytes,
};
use crate::config::Booking;
use crate::store::charge::{Charge, Decline, Mandate, NewCharge, PostChargeResult, PostedAmount};
use crate::store::clock_skew::lasts;
use crate::store::coupon::postgres as coupon;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::nonce::postgres as nonce;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_booking, read_hash, read_pai, read_subscriber,
    read_tax, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, postgres as queue};
use crate::store::spending::postgres as spending;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::signature::Nonce;
use onbill_domain::tax::TaxRate;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::{TransactionResponse, TransactionStatus};
use tokio_postgres::Row;

/// What posting a charge needs: an earlier claim of its id, and the payer behind its PAI.
struct ClaimAndPayer {
    claimed: Option<Row>,
    payer: Option<Payer>,
}

/// The caller has locked the PAI: of what this reads, only the claim of the id can change meanwhile,
/// by a charge of another PAI. That is found when the charge is inserted.
async fn find_claim_and_payer(tx: &PgConnection<'_>, new: &NewCharge) -> Result<ClaimAndPayer, TxError> {
    let (claimed, payer) = tokio::try_join!(find_claim(tx, new), find_payer(tx, new))?;
    Ok(ClaimAndPayer { claimed, payer })
}

pub(super) async fn post_charge(
    tx: &PgConnection<'_>,
    nonce: &Nonce,
    now: Timestamp,
    new: &NewCharge,
) -> Result<PostChargeResult, TxError> {
    // In one round trip, and in this order.
    let charged = new.request.pai.to_string();
    let pais = [charged.as_str()];
    let ((), (), found) = tokio::try_join!(
        biased;
        pai_lock::lock_named_pais(tx, &pais),
        nonce::spend_nonce(tx, Some(nonce)),
        find_claim_and_payer(tx, new),
    )?;
    if let Some(row) = found.claimed {
        return replay_charge(tx, now, new, &row).await;
    }
    let Some(payer) = found.payer else { return Ok(PostChargeResult::PaiNotFound) };
    if payer.is_dark {
        return Ok(PostChargeResult::NotCutOver);
    }
    let Some(limits) = &new.limits else { return Ok(PostChargeResult::CurrencyNotBilled) };
    let booking = new.book(payer.mandate.as_ref());
    let decline = payer.find_decline(new);
    // The charge is locked before its account's spending, as when it is settled.
    if !insert_charge(tx, now, new, (&booking, payer.mandate.as_ref()), decline).await? {
        // Another call has claimed the id and committed meanwhile.
        let row = find_claim(tx, new).await?.ok_or_else(|| missing_row("transactions"))?;
        return replay_charge(tx, now, new, &row).await;
    }
    if decline.is_some() {
        return Ok(PostChargeResult::Declined(store_response(tx, &new.transaction_id).await?.answer));
    }
    let Money { currency, .. } = new.request.amount;
    let (taken, (is_paid, is_charged)) = tokio::try_join!(
        spending::count_charge_against_limits(
            tx,
            now,
            &payer.subscriber_id,
            &new.transaction_id,
            new.request.amount,
            limits
        ),
        find_days(tx, new, payer.mandate.as_ref()),
    )?;
    let by_days =
        if is_paid { Some(Decline::PAID_AHEAD) } else { new.find_repeat(is_charged).map(Decline::from) };
    let spent = match (by_days, taken) {
        (None, Ok(spent)) => spent,
        (Some(decline), _) => return record_decline(tx, now, new, decline).await,
        (None, Err(reason)) => return record_decline(tx, now, new, reason.into()).await,
    };
    let job = Job::Charge { transaction_id: new.transaction_id.clone() };
    tokio::try_join!(
        spending::write_spending(tx, &payer.subscriber_id, currency, spent),
        queue::put_leased(tx, &job, now, new.responding_until),
    )?;
    let repeats_period = is_charged && new.minds_repeats();
    let charge = Charge { repeats_period, ..to_pending_charge(new, payer, booking) };
    Ok(PostChargeResult::Created(Box::new(charge)))
}

/// Whether coupons have paid for some of the days, and whether another charge has, so that the
/// mandate's subscription cannot be charged for them.
async fn find_days(
    tx: &PgConnection<'_>,
    new: &NewCharge,
    mandate: Option<&Mandate>,
) -> Result<(bool, bool), TxError> {
    let paid = coupon::PAID;
    // The charge itself has been inserted, and would count as one of its own subscription.
    let is_charged = is_charged("$1", "m.partner_subscription_id", "$2", "$3", "AND t.transaction_id <> $4");
    let sql = format!(
        "SELECT ({paid} AND r.period_from <= $3) IS NOT NULL AS is_paid,
             EXISTS (SELECT 1 FROM mandates m WHERE m.mandate_id = $5 AND {is_charged}) AS is_charged"
    );
    let (from, to) =
        (new.request.service_period.from().to_string(), new.request.service_period.to().to_string());
    let mandate_id = mandate.map(|mandate| &mandate.id);
    let row = tx
        .query_optional(&sql, &[&new.request.pai.to_string(), &from, &to, &new.transaction_id, &mandate_id])
        .await?
        .ok_or_else(|| missing_row("transactions"))?;
    Ok((row.try_get("is_paid")?, row.try_get("is_charged")?))
}

/// Declines the charge that this transaction has inserted, and stores its response.
async fn record_decline(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewCharge,
    decline: Decline,
) -> Result<PostChargeResult, TxError> {
    decline_charge(tx, now, &new.transaction_id, decline).await?;
    Ok(PostChargeResult::Declined(store_response(tx, &new.transaction_id).await?.answer))
}

/// Records the charge of a coupon, to which no limits apply and which needs no mandate. Gives the
/// reason if its PAI declines it.
pub(in crate::store) async fn record_coupon_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewCharge,
) -> Result<Option<(Charge, Option<DeclineReason>)>, TxError> {
    let Some(payer) = find_payer(tx, new).await? else { return Ok(None) };
    let decline_reason = payer.decline_reason;
    let booking = new.book(payer.mandate.as_ref());
    if !insert_charge(tx, now, new, (&booking, None), decline_reason.map(Decline::from)).await? {
        return Err(missing_row("transactions").into());
    }
    Ok(Some((to_pending_charge(new, payer, booking), decline_reason)))
}

pub(super) fn to_pending_charge(new: &NewCharge, payer: Payer, booking: Booking) -> Charge {
    Charge {
        transaction_id: new.transaction_id.clone(),
        partner: new.partner.clone(),
        ext_transaction_id: new.request.ext_transaction_id.clone(),
        handle: payer.handle,
        subscriber: payer.subscriber,
        closed: None,
        amount: new.request.amount,
        description: new.request.description.clone(),
        service_period: new.request.service_period,
        repeats_period: false,
        tax: new.tax(),
        booking,
    }
}

async fn find_claim(tx: &PgConnection<'_>, new: &NewCharge) -> Result<Option<Row>, TxError> {
    tx.query_optional(
        "SELECT t.transaction_id, t.fingerprint, t.pai, t.amount_minor, t.currency, t.stored_response,
             t.responding_until, t.status, t.migration_file, t.period_from, t.period_to,
             p.dark_since IS NOT NULL AS is_dark
         FROM transactions t JOIN pais p USING (pai)
         WHERE t.partner = $1 AND t.ext_transaction_id = $2",
        &[&new.partner.as_str(), &new.request.ext_transaction_id.as_str()],
    )
    .await
}

/// The id was claimed before: the same contents get the stored response, others are refused.
async fn replay_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewCharge,
    row: &Row,
) -> Result<PostChargeResult, TxError> {
    if row.try_get("is_dark")? {
        return Ok(PostChargeResult::NotCutOver);
    }
    if !is_replay(row, new)? {
        return Ok(PostChargeResult::Conflict);
    }
    if is_undecided_claim(row)? {
        return Ok(PostChargeResult::NotCutOver);
    }
    if let Some(answer) = row.try_get("stored_response")? {
        return Ok(PostChargeResult::Replayed(answer));
    }
    if lasts(now, read_time(row, "transactions.responding_until")?, LEASE_SECONDS_MAX) {
        return Ok(PostChargeResult::InProgress);
    }
    // The call that recorded it never answered, so this is the first response.
    Ok(PostChargeResult::Replayed(store_response(tx, row.try_get("transaction_id")?).await?.answer))
}

/// Whether another system has posted it, and its result is not known yet.
fn is_undecided_claim(row: &Row) -> Result<bool, TxError> {
    let is_claim = row.try_get::<_, Option<i64>>("migration_file")?.is_some();
    let status = parse_column(row, "transactions.status", TransactionStatus::parse)?;
    Ok(is_claim && status == TransactionStatus::Pending)
}

/// Whether a claim is for the days that are posted.
fn is_for_days_of(row: &Row, new: &NewCharge) -> Result<bool, TxError> {
    let days = new.request.service_period;
    let is_claim = row.try_get::<_, Option<i64>>("migration_file")?.is_some();
    Ok(!is_claim
        || row.try_get::<_, &str>("period_from")? == days.from().to_string()
            && row.try_get::<_, &str>("period_to")? == days.to().to_string())
}

/// Whether the recorded charge is the one that is posted. An adopted one and a claim have no fingerprint.
fn is_replay(row: &Row, new: &NewCharge) -> Result<bool, TxError> {
    if row.try_get::<_, Option<&[u8]>>("fingerprint")?.is_some() {
        return Ok(read_hash(row, "transactions.fingerprint")? == new.fingerprint);
    }
    Ok(read_pai(row, "transactions.pai")? == new.request.pai
        && read_amount(row, "transactions.currency")? == new.request.amount
        && is_for_days_of(row, new)?)
}

/// False when the id is claimed; a claim that is about to commit is waited for. Both ids of a charge
/// are the same in both claims, and either index may notice.
async fn insert_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewCharge,
    (booking, mandate): (&Booking, Option<&Mandate>),
    decline: Option<Decline>,
) -> Result<bool, TxError> {
    let request = &new.request;
    let status = if decline.is_some() { TransactionStatus::Declined } else { TransactionStatus::Pending };
    let raw = decline.and_then(|decline| decline.raw);
    let written = tx
        .execute(
            "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
                 currency, tax_minor, description, period_from, period_to, status, decline_reason, responding_until,
                 created_at, settled_at, raw_scope, raw_code, mandate_id, tax_rate, offer, plan, charge_code)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                 $22, $23)
             ON CONFLICT DO NOTHING",
            &[
                &new.transaction_id,
                &new.partner.as_str(),
                &request.ext_transaction_id.as_str(),
                &new.fingerprint.as_slice(),
                &request.pai.to_string(),
                &request.amount.amount_minor,
                &request.amount.currency.as_str(),
                &request.tax.as_ref().map(|tax| tax.amount_minor),
                &request.description,
                &request.service_period.from().to_string(),
                &request.service_period.to().to_string(),
                &status.as_str(),
                &decline.map(|decline| decline.reason.as_str()),
                &new.responding_until.unix_seconds(),
                &now.unix_seconds(),
                &decline.map(|_| now.unix_seconds()),
                &raw.map(|(scope, _)| scope),
                &raw.map(|(_, code)| code),
                &mandate.map(|mandate| &mandate.id),
                &request.tax.as_ref().and_then(|tax| tax.rate.as_ref()).map(TaxRate::as_str),
                &booking.offer.as_ref().map(OfferId::as_str),
                &booking.plan.as_ref().map(ExtId::as_str),
                &booking.charge_code.as_ref().map(ChargeCode::as_str),
            ],
        )
        .await?;
    Ok(written == 1)
}

/// Declines the charge that this transaction has inserted. It has not counted against any limit.
async fn decline_charge(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    decline: Decline,
) -> Result<(), TxError> {
    tx.execute_one(
        "transactions",
        "UPDATE transactions SET status = 'DECLINED', decline_reason = $2, settled_at = $3, raw_scope = $4,
             raw_code = $5
         WHERE transaction_id = $1",
        &[
            &transaction_id,
            &decline.reason.as_str(),
            &now.unix_seconds(),
            &decline.raw.map(|(scope, _)| scope),
            &decline.raw.map(|(_, code)| code),
        ],
    )
    .await
}

pub(in crate::store) async fn lock_charge(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<(), TxError> {
    let row = tx
        .query_optional("SELECT 1 FROM transactions WHERE transaction_id = $1 FOR UPDATE", &[&transaction_id])
        .await?;
    row.map(|_| ()).ok_or_else(|| missing_row("transactions").into())
}

pub(in crate::store) async fn find_charge_webhook(
    db: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<Option<(PartnerId, TransactionResponse)>, TxError> {
    let row = db
        .query_optional(
            "SELECT transaction_id, partner, ext_transaction_id, status, decline_reason, raw_scope, raw_code FROM transactions
             WHERE transaction_id = $1",
            &[&transaction_id],
        )
        .await?;
    row.map(|row| Ok((parse_column(&row, "transactions.partner", PartnerId::parse)?, read_response(&row)?)))
        .transpose()
}

pub(super) async fn find_posted_amount(
    db: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<Option<PostedAmount>, TxError> {
    let sql =
        "SELECT partner, amount_minor, currency, created_at FROM transactions WHERE transaction_id = $1";
    let Some(row) = db.query_optional(sql, &[&transaction_id]).await? else { return Ok(None) };
    Ok(Some(PostedAmount {
        partner: parse_column(&row, "transactions.partner", PartnerId::parse)?,
        amount: read_amount(&row, "transactions.currency")?,
        posted_at: read_time(&row, "transactions.created_at")?,
    }))
}

/// With the number of the PAI's subscriber, who may have another number today than the one that
/// signed up.
pub(in crate::store) const CHARGE: &str =
    "SELECT t.transaction_id, t.partner, t.ext_transaction_id, t.amount_minor, t.currency, t.description,
        t.period_from, t.period_to, t.tax_minor, t.tax_rate, t.offer, t.plan, t.charge_code, h.handle,
        h.number_index, h.number_sealed, h.subscriber_ref, p.closed_reason
    FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)";

/// A pending charge is found by its `settled_at`: given its status, PostgreSQL without statistics
/// takes the index of all pending ones, and with it every one that was settled since the last vacuum.
/// A pending claim is left out: billing may have it from the other system, and would bill it twice.
pub(in crate::store) async fn find_pending_charge(
    db: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<Option<Charge>, TxError> {
    let sql =
        format!("{CHARGE} WHERE t.transaction_id = $1 AND t.settled_at IS NULL AND t.migration_file IS NULL");
    db.query_optional(&sql, &[&transaction_id]).await?.as_ref().map(read_charge).transpose()
}

pub(in crate::store) fn read_charge(row: &Row) -> Result<Charge, TxError> {
    let (from, to) = (
        parse_column(row, "transactions.period_from", Day::parse)?,
        parse_column(row, "transactions.period_to", Day::parse)?,
    );
    Ok(Charge {
        transaction_id: row.try_get("transaction_id")?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        handle: row.try_get("handle")?,
        subscriber: read_subscriber(row)?,
        closed: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        amount: read_amount(row, "transactions.currency")?,
        description: row.try_get("description")?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("transactions.period_to"))?,
        repeats_period: false,
        tax: read_tax(row)?,
        booking: read_booking(row)?,
    })
}
