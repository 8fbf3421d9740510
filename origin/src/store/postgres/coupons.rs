//! Coupons: made, sent, changed. How they are spent is in `redemptions.rs`.
//!
//! The row of a coupon is the lock of all that is decided about it, its redemptions included. It is taken after a charge
//! that is there already, and before PAIs and entries of the outbox.

use super::failure::{Broken, corrupt};
use super::rows::{amount, count, hash, locale, number, optional_text, pai as read_pai, text, time};
use super::statements::Db;
use super::transaction::in_transaction;
use super::{PostgresStore, coupon_texts, outbox, pais, read, redemptions, spend};
use crate::store::{
    CouponBuyer, CouponChange, CouponIssue, CouponRow, CouponText, Coupons, HandOff, Hash, NewCoupon,
    NewRedemption, Redeeming, RedemptionEnd, ReminderDue, Settling, StoreError, TextEnd, WhichCoupons,
};
use async_trait::async_trait;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{Undelivered, UndeliveredReason};
use tokio_postgres::Row;

async fn issue(tx: &Db<'_>, now: Timestamp, new: &NewCoupon) -> Result<CouponIssue, Broken> {
    if let Some(row) = find(tx, &new.ext_coupon_id).await? {
        return Ok(if row.is_of(&new.fingerprint) {
            CouponIssue::Replayed(Box::new(row))
        } else {
            CouponIssue::Conflict
        });
    }
    let buyer = pais::issue_and_tell(tx, now, &new.buyer).await?;
    // Somebody who is about to take the name is waited for; then this is done again, and finds it.
    tx.change_one(
        "coupon",
        "INSERT INTO coupons (coupon_id, ext_coupon_id, fingerprint, pai, plan, months, offer, description, locale,
             amount_minor, currency, code_hash, texts, issued_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $14)",
        &[
            &new.coupon_id,
            &new.ext_coupon_id.as_str(),
            &new.fingerprint.as_slice(),
            &buyer.pai.to_string(),
            &new.plan.as_str(),
            &i64::from(new.months),
            &new.offer.as_str(),
            &new.description,
            &new.locale.as_str(),
            &new.amount.amount_minor,
            &new.amount.currency.as_str(),
            &new.text.code.as_slice(),
            &now.unix_seconds(),
            &new.expires_at.unix_seconds(),
        ],
    )
    .await?;
    outbox::put_text(tx, "coupon", &new.coupon_id, &new.text.message, now).await?;
    let row = find(tx, &new.ext_coupon_id).await?.ok_or_else(|| corrupt("coupon"))?;
    Ok(CouponIssue::Created(Box::new(row)))
}

const COUPON: &str = "SELECT c.*, r.period_from, r.period_to,
        r.transaction_id IS NOT NULL AND r.pai IS DISTINCT FROM c.pai AS is_gift
    FROM coupons c LEFT JOIN coupon_redemptions r ON r.transaction_id = c.transaction_id";

async fn find(db: &Db<'_>, id: &ExtId) -> Result<Option<CouponRow>, Broken> {
    let row = db.row(&format!("{COUPON} WHERE c.ext_coupon_id = $1"), &[&id.as_str()]).await?;
    row.as_ref().map(read_coupon).transpose()
}

/// The coupon, which nobody else changes until the commit.
async fn find_and_lock(tx: &Db<'_>, id: &ExtId) -> Result<Option<CouponRow>, Broken> {
    tx.row("SELECT 1 FROM coupons WHERE ext_coupon_id = $1 FOR UPDATE", &[&id.as_str()]).await?;
    find(tx, id).await
}

/// Keeps everybody else from deciding about this coupon until the commit.
pub(super) async fn lock(tx: &Db<'_>, coupon_id: &str) -> Result<(), Broken> {
    tx.row("SELECT 1 FROM coupons WHERE coupon_id = $1 FOR UPDATE", &[&coupon_id]).await?;
    Ok(())
}

/// What is void or redeemed does not wait for its message.
const UNDELIVERED: &str =
    "AND c.undelivered_at IS NOT NULL AND c.voided_at IS NULL AND c.redeemed_at IS NULL";

async fn page(
    db: &Db<'_>,
    after: Option<&ExtId>,
    which: WhichCoupons,
    limit: u32,
) -> Result<Vec<CouponRow>, Broken> {
    let (these, now) = match which {
        WhichCoupons::All => ("", None),
        WhichCoupons::Unpaid => ("AND c.unpaid_at IS NOT NULL", None),
        WhichCoupons::Undelivered(now) => (UNDELIVERED, Some(now.unix_seconds())),
    };
    let sql = format!(
        "{COUPON} WHERE c.ext_coupon_id > $1 AND coalesce(c.expires_at > $3, TRUE) {these}
         ORDER BY c.ext_coupon_id LIMIT $2"
    );
    let rows = db.rows(&sql, &[&after.map_or("", ExtId::as_str), &i64::from(limit), &now]).await?;
    rows.iter().map(read_coupon).collect()
}

fn read_coupon(row: &Row) -> Result<CouponRow, Broken> {
    let when =
        |column| Ok::<_, Broken>(row.try_get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_seconds));
    let days = (optional_text(row, "period_from", Day::parse)?, optional_text(row, "period_to", Day::parse)?);
    let service_period = match days {
        (Some(from), Some(to)) => Some(ServicePeriod::new(from, to).map_err(|_| corrupt("service period"))?),
        _ => None,
    };
    let undelivered = match optional_text(row, "undelivered_reason", UndeliveredReason::parse)? {
        None => None,
        Some(reason) => {
            let at = when("undelivered_at")?.ok_or_else(|| corrupt("undelivered_at"))?;
            Some(Undelivered { at, reason, code: row.try_get("undelivered_code")? })
        }
    };
    Ok(CouponRow {
        coupon_id: row.try_get("coupon_id")?,
        ext_coupon_id: text(row, "ext_coupon_id", ExtId::parse)?,
        fingerprint: optional_hash(row)?,
        pai: read_pai(row)?,
        plan: text(row, "plan", ExtId::parse)?,
        months: months(row)?,
        offer: text(row, "offer", OfferId::parse)?,
        description: row.try_get("description")?,
        amount: amount(row)?,
        texts: count(row, "texts")?,
        issued_at: time(row, "issued_at")?,
        expires_at: time(row, "expires_at")?,
        sent_at: when("sent_at")?,
        delivered_at: when("delivered_at")?,
        undelivered,
        voided_at: when("voided_at")?,
        redeemed_at: when("redeemed_at")?,
        transaction_id: row.try_get("transaction_id")?,
        service_period,
        is_gift: row.try_get("is_gift")?,
        unpaid_at: when("unpaid_at")?,
    })
}

fn optional_hash(row: &Row) -> Result<Option<Hash>, Broken> {
    match row.try_get::<_, Option<&[u8]>>("fingerprint")? {
        None => Ok(None),
        Some(_) => hash(row, "fingerprint").map(Some),
    }
}

pub(super) fn months(row: &Row) -> Result<u8, Broken> {
    u8::try_from(count(row, "months")?).map_err(|_| corrupt("months"))
}

async fn buyer(db: &Db<'_>, id: &ExtId) -> Result<Option<CouponBuyer>, Broken> {
    let row = db
        .row(
            "SELECT h.number_index, h.number_sealed, h.generation, c.locale
             FROM coupons c JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
             WHERE c.ext_coupon_id = $1 AND p.state <> 'CLOSED'",
            &[&id.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(CouponBuyer {
        number: number(&row)?,
        generation: row.try_get("generation")?,
        locale: locale(&row)?,
    }))
}

async fn renew(
    tx: &Db<'_>,
    now: Timestamp,
    id: &ExtId,
    resend_id: Option<&ExtId>,
    new: &CouponText,
) -> Result<CouponChange, Broken> {
    let Some(row) = find_and_lock(tx, id).await? else { return Ok(CouponChange::NotFound) };
    if let Some(resend_id) = resend_id {
        let sql = "SELECT 1 FROM coupon_resends WHERE coupon_id = $1 AND resend_id = $2";
        if tx.row(sql, &[&row.coupon_id, &resend_id.as_str()]).await?.is_some() {
            return Ok(CouponChange::Done(Box::new(row)));
        }
    }
    if row.voided_at.is_some()
        || row.redeemed_at.is_some()
        || now >= row.expires_at
        || row.texts >= COUPON_SMS_MAX
    {
        return Ok(CouponChange::Not(Box::new(row)));
    }
    if !is_buyer_here(tx, row.pai).await? {
        return Ok(CouponChange::BuyerLeft);
    }
    tx.change_one(
        "coupon",
        "UPDATE coupons SET code_hash = $2, texts = texts + 1, message_id = NULL, sent_at = NULL,
             delivered_at = NULL, undelivered_at = NULL, undelivered_reason = NULL, undelivered_code = NULL
         WHERE coupon_id = $1",
        &[&row.coupon_id, &new.code.as_slice()],
    )
    .await?;
    if let Some(resend_id) = resend_id {
        let sql = "INSERT INTO coupon_resends (coupon_id, resend_id) VALUES ($1, $2)";
        tx.change_one("resend", sql, &[&row.coupon_id, &resend_id.as_str()]).await?;
    }
    outbox::drop_text(tx, "coupon", &row.coupon_id).await?;
    outbox::put_text(tx, "coupon", &row.coupon_id, &new.message, now).await?;
    changed(tx, id).await
}

/// Whether a PAI is open, which it stays until the commit: nobody is erased before this message is there to go with them.
async fn is_buyer_here(tx: &Db<'_>, pai: Pai) -> Result<bool, Broken> {
    let sql = "SELECT 1 FROM pais WHERE pai = $1 AND state <> 'CLOSED' FOR NO KEY UPDATE";
    Ok(tx.row(sql, &[&pai.to_string()]).await?.is_some())
}

/// Of those who are erased, what they bought is not told apart by its contents any more. Before their PAIs are closed, as
/// everybody takes coupons and PAIs.
pub(super) async fn forget_contents(tx: &Db<'_>, subscribers: &[&str]) -> Result<(), Broken> {
    tx.change(
        "UPDATE coupons SET fingerprint = NULL WHERE pai IN (SELECT pai FROM pais WHERE subscriber_id = ANY ($1))",
        &[&subscribers],
    )
    .await?;
    Ok(())
}

/// Their text messages, which have the number in them, are not sent any more.
pub(super) async fn drop_texts_to(tx: &Db<'_>, subscribers: &[&str]) -> Result<(), Broken> {
    tx.change(
        "DELETE FROM outbox WHERE kind = 'coupon' AND coupon_id IN
             (SELECT c.coupon_id FROM coupons c JOIN pais p USING (pai) WHERE p.subscriber_id = ANY ($1))",
        &[&subscribers],
    )
    .await?;
    tx.change(
        "DELETE FROM outbox WHERE kind = 'coupon-reminder' AND coupon_id IN
             (SELECT r.coupon_id FROM coupon_redemptions r JOIN pais p USING (pai)
              WHERE p.subscriber_id = ANY ($1) AND r.outcome <> 'DECLINED')",
        &[&subscribers],
    )
    .await?;
    Ok(())
}

async fn void(tx: &Db<'_>, now: Timestamp, id: &ExtId) -> Result<CouponChange, Broken> {
    let Some(row) = find_and_lock(tx, id).await? else { return Ok(CouponChange::NotFound) };
    if row.redeemed_at.is_some() {
        return Ok(CouponChange::Not(Box::new(row)));
    }
    tx.change_one(
        "coupon",
        "UPDATE coupons SET voided_at = coalesce(voided_at, $2) WHERE coupon_id = $1",
        &[&row.coupon_id, &now.unix_seconds()],
    )
    .await?;
    outbox::drop_text(tx, "coupon", &row.coupon_id).await?;
    changed(tx, id).await
}

async fn changed(tx: &Db<'_>, id: &ExtId) -> Result<CouponChange, Broken> {
    let row = find(tx, id).await?.ok_or_else(|| corrupt("coupon"))?;
    Ok(CouponChange::Done(Box::new(row)))
}

async fn spend_if_any(tx: &Db<'_>, nonce: Option<&Nonce>) -> Result<(), Broken> {
    match nonce {
        Some(nonce) => spend(tx, nonce).await,
        None => Ok(()),
    }
}

#[async_trait]
impl Coupons for PostgresStore {
    async fn issue_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewCoupon,
    ) -> Result<CouponIssue, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend_if_any(tx, nonce.as_ref()).await?;
            issue(tx, now, &new).await?
        })
    }

    async fn coupon(&self, id: ExtId) -> Result<Option<CouponRow>, StoreError> {
        read!(&self.pool, |db| find(db, &id))
    }

    async fn coupons(
        &self,
        after: Option<ExtId>,
        which: WhichCoupons,
        limit: u32,
    ) -> Result<Vec<CouponRow>, StoreError> {
        read!(&self.pool, |db| page(db, after.as_ref(), which, limit))
    }

    async fn coupon_buyer(&self, id: ExtId) -> Result<Option<CouponBuyer>, StoreError> {
        read!(&self.pool, |db| buyer(db, &id))
    }

    async fn renew_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        id: ExtId,
        resend_id: Option<ExtId>,
        text: CouponText,
    ) -> Result<CouponChange, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend_if_any(tx, nonce.as_ref()).await?;
            renew(tx, now, &id, resend_id.as_ref(), &text).await?
        })
    }

    async fn void_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        id: ExtId,
    ) -> Result<CouponChange, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend_if_any(tx, nonce.as_ref()).await?;
            void(tx, now, &id).await?
        })
    }

    async fn redeem_coupon(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRedemption,
    ) -> Result<Redeeming, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            spend(tx, &nonce).await?;
            redemptions::redeem(tx, now, &new).await?
        })
    }

    async fn answer_redemption(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(RedemptionEnd, Settling), StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            let settling = outbox::settle_charge(tx, now, &transaction_id, 1, &outcome).await?;
            (redemptions::finish(tx, &transaction_id).await?, settling)
        })
    }

    async fn paid_until(&self, pai: Pai, today: Day) -> Result<Option<Day>, StoreError> {
        read!(&self.pool, |db| redemptions::paid_until(db, pai, today))
    }

    async fn text_ended(
        &self,
        now: Timestamp,
        message_id: String,
        end: TextEnd,
    ) -> Result<Option<String>, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            coupon_texts::ended(tx, now, &message_id, &end).await?
        })
    }

    async fn reminders_due(
        &self,
        today: Day,
        ends_by: Day,
        limit: u32,
    ) -> Result<Vec<ReminderDue>, StoreError> {
        read!(&self.pool, |db| redemptions::reminders_due(db, today, ends_by, limit))
    }

    async fn remind(
        &self,
        now: Timestamp,
        transaction_id: String,
        message: Vec<u8>,
    ) -> Result<bool, StoreError> {
        in_transaction!(&self.pool, ReadCommitted, |tx| {
            redemptions::remind(tx, now, &transaction_id, &message).await?
        })
    }
}
