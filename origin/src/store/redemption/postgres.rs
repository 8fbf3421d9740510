//! Redemptions in SQL. A coupon becomes free again only if its charge is declined before the call
//! is answered.
//!
//! The PAI whose days are paid for is locked, so that two redemptions for it come one after the
//! other. A partner's charge locks it too, by referring to it, and looks for coupons afterwards.

use crate::store::charge::{NewCharge, postgres as charge};
use crate::store::coupon::postgres as coupon;
use crate::store::coupon::postgres::{lock_coupon, read_months};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_count, read_hash, read_locale, read_number,
    read_pai,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, SettleResult, SmsJob, postgres as queue};
use crate::store::redemption::{
    DueReminder, NewRedemption, RedeemResult, Redemption, RedemptionOutcome, period_after,
};
use crate::store::subscription::postgres as subscription;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionRequest;
use tokio_postgres::Row;

struct Claimed {
    coupon_id: String,
    months: u8,
    is_expired: bool,
    transaction_id: Option<String>,
    request: TransactionRequest,
}

pub(in crate::store) async fn redeem_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<RedeemResult, TxError> {
    if let Some(redeeming) = replay_redemption(tx, now, new).await? {
        return Ok(redeeming);
    }
    let Some(coupon) = lock_and_find_coupon(tx, now, new).await? else {
        return count_wrong_code(tx, now, &new.partner).await;
    };
    // Another call with the same reference may have held the lock until now.
    if let Some(redeeming) = replay_redemption(tx, now, new).await? {
        return Ok(redeeming);
    }
    if let Some(transaction_id) = &coupon.transaction_id {
        return Ok(match find_outcome(tx, now, transaction_id).await? {
            Some(_) => RedeemResult::Used,
            None => RedeemResult::InProgress,
        });
    }
    if coupon.is_expired {
        return Ok(RedeemResult::Expired);
    }
    let named_or_buyer = new.pai.unwrap_or(coupon.request.pai);
    match lock_pai(tx, &new.partner, named_or_buyer).await? {
        Some(PaiState::Active | PaiState::Suspended) => {}
        Some(PaiState::Closed) if new.pai.is_none() => {}
        Some(PaiState::Closed) | None => return Ok(RedeemResult::PaiNotFound),
    }
    // A partner names users who pay on the bill. If it names none and the buyer pays on the bill,
    // the user is another person, who is not known. A subscription that begins at this moment waits
    // for the PAI.
    let is_nobodys = new.pai.is_none() && subscription::has_live_subscription(tx, named_or_buyer).await?;
    let pai = (!is_nobodys).then_some(named_or_buyer);
    let Some(period) = find_next_period(tx, Day::of_timestamp(now), pai, coupon.months).await? else {
        return Ok(RedeemResult::NoDaysLeft);
    };
    claim_coupon(tx, now, new, coupon, pai, period).await
}

/// The reference was used before: the same code and PAI get the stored outcome, others are refused.
async fn replay_redemption(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<RedeemResult>, TxError> {
    let row = tx
        .query_optional(
            "SELECT transaction_id, coupon_id, code_hash, requested_pai FROM coupon_redemptions
             WHERE partner = $1 AND ext_reference = $2",
            &[&new.partner.as_str(), &new.ext_reference.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let requested_pai: Option<String> = row.try_get("requested_pai")?;
    if read_hash(&row, "coupon_redemptions.code_hash")? != new.code
        || requested_pai != new.pai.map(|pai| pai.to_string())
    {
        return Ok(Some(RedeemResult::Conflict));
    }
    lock_coupon(tx, row.try_get("coupon_id")?).await?;
    let end = find_outcome(tx, now, row.try_get("transaction_id")?).await?;
    Ok(Some(end.map_or(RedeemResult::InProgress, RedeemResult::Decided)))
}

async fn lock_and_find_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
) -> Result<Option<Claimed>, TxError> {
    let row = tx
        .query_optional(
            "SELECT c.coupon_id, c.months, c.expires_at, c.transaction_id, c.pai, c.amount_minor,
                 c.currency, c.description
             FROM coupons c JOIN pais p USING (pai)
             WHERE c.code_hash = $1 AND p.partner = $2 AND c.voided_at IS NULL FOR UPDATE OF c",
            &[&new.code.as_slice(), &new.partner.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        coupon_id: row.try_get("coupon_id")?,
        months: read_months(&row)?,
        is_expired: now.unix_seconds() >= row.try_get("expires_at")?,
        transaction_id: row.try_get("transaction_id")?,
        request: TransactionRequest {
            ext_transaction_id: new
                .ext_transaction_id()
                .ok_or_else(|| inconsistent_row("transactions.ext_transaction_id"))?,
            pai: read_pai(&row, "coupons.pai")?,
            amount: read_amount(&row, "coupons.currency")?,
            description: row.try_get("description")?,
            // A placeholder, until the days are known.
            service_period: ServicePeriod::new(Day::of_timestamp(now), Day::of_timestamp(now))
                .map_err(|_| inconsistent_row("coupon_redemptions.period_from"))?,
            tax: None,
        },
    }))
}

async fn count_wrong_code(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
) -> Result<RedeemResult, TxError> {
    let row = tx
        .query_optional(
            "INSERT INTO coupon_guesses (partner, hour, wrong) VALUES ($1, $2, 1)
             ON CONFLICT (partner, hour) DO UPDATE SET wrong = coupon_guesses.wrong + 1 RETURNING wrong",
            &[&partner.as_str(), &(now.unix_seconds() / 3_600)],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_guesses"))?;
    Ok(RedeemResult::Unknown { wrong: read_count(&row, "coupon_guesses.wrong")? })
}

/// Locks the PAI against other payments for its days, and returns its state.
async fn lock_pai(tx: &PgConnection<'_>, partner: &PartnerId, pai: Pai) -> Result<Option<PaiState>, TxError> {
    let row = tx
        .query_optional(
            "SELECT state FROM pais WHERE partner = $1 AND pai = $2 FOR UPDATE",
            &[&partner.as_str(), &pai.to_string()],
        )
        .await?;
    row.as_ref().map(|row| parse_column(row, "pais.state", PaiState::parse)).transpose()
}

/// The months from the first day that no coupon and no charge has paid for; from today if the user
/// is not known. A fully refunded charge pays for nothing, once billing has approved the refunds.
async fn find_next_period(
    tx: &PgConnection<'_>,
    today: Day,
    pai: Option<Pai>,
    months: u8,
) -> Result<Option<ServicePeriod>, TxError> {
    let Some(pai) = pai else { return Ok(period_after(today, std::iter::empty(), months)) };
    // A coupon's charge is its buyer's, while its days may be another user's.
    let charged = tx
        .query_optional(
            "SELECT max(t.period_to) AS until FROM transactions t WHERE t.pai = $1 AND t.status <> 'DECLINED'
                 AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                       WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
                 AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)",
            &[&pai.to_string()],
        )
        .await?;
    let charged = coupon::read_last_day(charged)?;
    let redeemed = coupon::find_paid_until(tx, pai, today).await?;
    Ok(period_after(today, charged.into_iter().chain(redeemed), months))
}

async fn claim_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewRedemption,
    coupon: Claimed,
    pai: Option<Pai>,
    period: ServicePeriod,
) -> Result<RedeemResult, TxError> {
    let request = TransactionRequest { service_period: period, ..coupon.request };
    let fingerprint =
        sha256(&serde_json::to_vec(&request).map_err(|_| inconsistent_row("transactions.fingerprint"))?);
    let charge = NewCharge {
        transaction_id: new.transaction_id.clone(),
        partner: new.partner.clone(),
        fingerprint,
        request,
        limits: None,
        responding_until: new.responding_until,
    };
    let (charge, verdict) =
        charge::record_coupon_charge(tx, now, &charge).await?.ok_or_else(|| missing_row("pais"))?;
    tx.execute_one(
        "coupon_redemptions",
        "INSERT INTO coupon_redemptions (transaction_id, coupon_id, partner, ext_reference, code_hash, requested_pai, pai,
             period_from, period_to, outcome, responding_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &new.transaction_id,
            &coupon.coupon_id,
            &new.partner.as_str(),
            &new.ext_reference.as_str(),
            &new.code.as_slice(),
            &new.pai.map(|pai| pai.to_string()),
            &pai.map(|pai| pai.to_string()),
            &period.from().to_string(),
            &period.to().to_string(),
            &if verdict.is_some() { "DECLINED" } else { "PENDING" },
            &new.responding_until.unix_seconds(),
        ],
    )
    .await?;
    if let Some(reason) = verdict {
        return Ok(RedeemResult::Decided(RedemptionOutcome::Declined(reason)));
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET redeemed_at = $2, transaction_id = $3 WHERE coupon_id = $1",
        &[&coupon.coupon_id, &now.unix_seconds(), &new.transaction_id],
    )
    .await?;
    let job = Job::Charge { transaction_id: new.transaction_id.clone() };
    queue::put_leased(tx, &job, new.responding_until).await?;
    Ok(RedeemResult::Created(Box::new(charge)))
}

/// `None` while the first call is being answered. If it never was, this call decides. The coupon is
/// locked.
async fn find_outcome(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
) -> Result<Option<RedemptionOutcome>, TxError> {
    let row = tx
        .query_optional(
            "SELECT outcome = 'PENDING' AND responding_until > $2 AS in_progress FROM coupon_redemptions
             WHERE transaction_id = $1",
            &[&transaction_id, &now.unix_seconds()],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.try_get("in_progress")? {
        Ok(None)
    } else {
        store_outcome_locked(tx, transaction_id).await.map(Some)
    }
}

/// Stores the outcome that every replay gets: unless the coupon is free again by now, it is spent
/// permanently.
pub(in crate::store) async fn store_outcome(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<RedemptionOutcome, TxError> {
    if let Some(coupon_id) = find_coupon_of_charge(tx, transaction_id).await? {
        lock_coupon(tx, &coupon_id).await?;
    }
    store_outcome_locked(tx, transaction_id).await
}

/// The caller has locked the coupon.
async fn store_outcome_locked(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<RedemptionOutcome, TxError> {
    tx.execute(
        "UPDATE coupon_redemptions SET outcome = 'REDEEMED' WHERE transaction_id = $1 AND outcome = 'PENDING'",
        &[&transaction_id],
    )
    .await?;
    let row = tx
        .query_optional(
            "SELECT r.transaction_id, r.outcome, r.pai, r.period_from, r.period_to, c.plan, c.months, c.offer,
                 c.amount_minor, c.currency, t.decline_reason
             FROM coupon_redemptions r JOIN coupons c ON c.coupon_id = r.coupon_id
                 JOIN transactions t ON t.transaction_id = r.transaction_id
             WHERE r.transaction_id = $1",
            &[&transaction_id],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.try_get::<_, &str>("outcome")? == "DECLINED" {
        return Ok(RedemptionOutcome::Declined(parse_column(
            &row,
            "transactions.decline_reason",
            DeclineReason::parse,
        )?));
    }
    let (from, to) = (
        parse_column(&row, "coupon_redemptions.period_from", Day::parse)?,
        parse_column(&row, "coupon_redemptions.period_to", Day::parse)?,
    );
    Ok(RedemptionOutcome::Redeemed(Box::new(Redemption {
        transaction_id: row.try_get("transaction_id")?,
        plan: parse_column(&row, "coupons.plan", ExtId::parse)?,
        months: read_months(&row)?,
        offer: parse_column(&row, "coupons.offer", OfferId::parse)?,
        amount: read_amount(&row, "coupons.currency")?,
        pai: parse_optional_column(&row, "coupon_redemptions.pai", Pai::parse)?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("coupon_redemptions.period_to"))?,
    })))
}

/// The coupon whose redemption has this charge, if there is one.
pub(in crate::store) async fn find_coupon_of_charge(
    db: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<Option<String>, TxError> {
    let row = db
        .query_optional(
            "SELECT coupon_id FROM coupon_redemptions WHERE transaction_id = $1",
            &[&transaction_id],
        )
        .await?;
    row.map(|row| Ok(row.try_get("coupon_id")?)).transpose()
}

/// After a charge was declined: if it is a coupon's, the coupon is free again when the call has not
/// been answered; otherwise it stays spent, and unpaid.
pub(in crate::store) async fn release_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
) -> Result<SettleResult, TxError> {
    let Some(coupon_id) = find_coupon_of_charge(tx, transaction_id).await? else {
        return Ok(SettleResult::Written);
    };
    lock_coupon(tx, &coupon_id).await?;
    let freed = tx
        .execute(
            "UPDATE coupon_redemptions SET outcome = 'DECLINED' WHERE transaction_id = $1 AND outcome = 'PENDING'",
            &[&transaction_id],
        )
        .await?;
    if freed == 1 {
        tx.execute_one(
            "coupons",
            "UPDATE coupons SET redeemed_at = NULL, transaction_id = NULL WHERE coupon_id = $1",
            &[&coupon_id],
        )
        .await?;
        return Ok(SettleResult::Written);
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET unpaid_at = $2 WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds()],
    )
    .await?;
    Ok(SettleResult::Unpaid)
}

/// The user's days end with this coupon, and they have not subscribed though they could.
const REMINDABLE: &str = "FROM coupon_redemptions r JOIN coupons c ON c.coupon_id = r.coupon_id
         JOIN transactions t ON t.transaction_id = r.transaction_id
         JOIN pais p ON p.pai = r.pai JOIN subscribers h ON h.subscriber_id = p.subscriber_id
     WHERE r.outcome = 'REDEEMED' AND r.reminded_at IS NULL
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
         AND p.state = 'ACTIVE'
         AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s WHERE s.pai = r.pai AND s.status <> 'CANCELLED')
         AND NOT EXISTS (SELECT 1 FROM coupon_redemptions n JOIN transactions u ON u.transaction_id = n.transaction_id
                         WHERE n.pai = r.pai AND n.outcome <> 'DECLINED' AND n.period_to > r.period_to
                             AND u.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                             WHERE f.transaction_id = u.transaction_id AND f.status = 'APPROVED'))";

pub(in crate::store) async fn list_due_reminders(
    db: &PgConnection<'_>,
    today: Day,
    ends_by: Day,
    limit: u32,
) -> Result<Vec<DueReminder>, TxError> {
    let sql = format!(
        "SELECT r.transaction_id, r.period_to, c.offer, c.locale, h.number_index, h.number_sealed, h.subscriber_ref
         {REMINDABLE} AND r.period_to BETWEEN $1 AND $2 ORDER BY r.period_to LIMIT $3"
    );
    let rows = db.query(&sql, &[&today.to_string(), &ends_by.to_string(), &i64::from(limit)]).await?;
    let read = |row: &Row| {
        Ok(DueReminder {
            transaction_id: row.try_get("transaction_id")?,
            number: read_number(row, "subscribers.number_index")?,
            subscriber_ref: row.try_get("subscriber_ref")?,
            locale: read_locale(row, "coupons.locale")?,
            offer: parse_column(row, "coupons.offer", OfferId::parse)?,
            paid_until: parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(in crate::store) async fn queue_reminder(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    message: &[u8],
) -> Result<bool, TxError> {
    let sql = format!("SELECT r.coupon_id {REMINDABLE} AND r.transaction_id = $1 FOR NO KEY UPDATE OF r, p");
    let Some(row) = tx.query_optional(&sql, &[&transaction_id]).await? else { return Ok(false) };
    tx.execute_one(
        "coupon_redemptions",
        "UPDATE coupon_redemptions SET reminded_at = $2 WHERE transaction_id = $1",
        &[&transaction_id, &now.unix_seconds()],
    )
    .await?;
    let reminder = SmsJob::CouponReminder { coupon_id: row.try_get("coupon_id")?, message: message.to_vec() };
    queue::put(tx, &Job::Sms(reminder), now, 0).await?;
    Ok(true)
}
