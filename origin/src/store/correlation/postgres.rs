//! Correlation in SQL.

use super::{ENDED_SECONDS, LinkRow, LinkedSubscription, MONTH_SECONDS, UnchargedPage, UnfittingCharge};
use crate::store::audit::{AuditFact, AuditStamp, postgres as audit};
use crate::store::error::missing_row;
use crate::store::number::NumberIndex;
use crate::store::page::{Cursor, Page};
use crate::store::pai::postgres as pai;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_hash, read_pai, read_price, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::postgres as queue;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// The mandate in force says what the plan is by now and what it costs. Each join is for one row, and the
/// partner is asked for in a CASE, for the reason that the way back has.
const LINKS: &str = "SELECT p.pai, p.state, p.dark_since, h.number_index, h.subscriber_ref, h.ended_at, s.ext_subscription_id,
        coalesce(m.plan, s.plan) AS plan, m.price_minor, m.currency
    FROM pais p
        CROSS JOIN LATERAL (SELECT * FROM subscribers l WHERE l.subscriber_id = p.subscriber_id LIMIT 1) h
        LEFT JOIN LATERAL (SELECT * FROM partner_subscriptions l
            WHERE l.pai = p.pai AND l.status <> 'CANCELLED' LIMIT 1) s ON TRUE
        LEFT JOIN LATERAL (SELECT * FROM mandates l
            WHERE l.partner_subscription_id = s.partner_subscription_id
                AND l.partner_subscription_id IS NOT NULL AND l.in_force_from <= $3
            ORDER BY l.in_force_from DESC, l.sequence DESC LIMIT 1) m ON TRUE
    WHERE p.pai > $1 AND CASE WHEN p.partner = $2 THEN TRUE ELSE FALSE END ORDER BY p.pai LIMIT $4";

pub(super) async fn list_links(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    today: Day,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<LinkRow>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let rows = db.query(LINKS, &[&after, &partner.as_str(), &today.to_string(), &i64::from(limit)]).await?;
    rows.iter().map(read_link).collect()
}

fn read_link(row: &Row) -> Result<LinkRow, TxError> {
    let number = read_optional_index(row)?;
    let subscriber_ref: Option<String> = row.try_get("subscriber_ref")?;
    let has_left = row.try_get::<_, Option<i64>>("ended_at")?.is_some();
    let ext_id = parse_optional_column(row, "partner_subscriptions.ext_subscription_id", ExtId::parse)?;
    let plan = parse_optional_column(row, "partner_subscriptions.plan", ExtId::parse)?;
    let price = read_price(row, "mandates.currency")?;
    Ok(LinkRow {
        pai: read_pai(row, "pais.pai")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        is_dark: row.try_get::<_, Option<i64>>("dark_since")?.is_some(),
        subscriber: number.zip(subscriber_ref).filter(|_| !has_left),
        subscription: ext_id.zip(plan).map(|(ext_subscription_id, plan)| LinkedSubscription {
            ext_subscription_id,
            plan,
            price,
        }),
    })
}

/// The index of the number, unless its subscriber was erased.
fn read_optional_index(row: &Row) -> Result<Option<NumberIndex>, TxError> {
    let has_number = row.try_get::<_, Option<&[u8]>>("number_index")?.is_some();
    if !has_number {
        return Ok(None);
    }
    Ok(Some(NumberIndex(read_hash(row, "subscribers.number_index")?)))
}

pub(super) async fn send_pai_state_again(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    partner: &PartnerId,
    pai: Pai,
    reason: &str,
) -> Result<bool, TxError> {
    let locked = pai_lock::lock_pai(tx, partner, pai).await?;
    if locked.is_none_or(|pai| pai.is_dark) {
        return Ok(false);
    }
    let known = pai::find_pai_status(tx, pai).await?.ok_or_else(|| missing_row("pais"))?;
    queue::put_pai_change(tx, now, pai.as_str()).await?;
    let fact = AuditFact {
        act: AuditAct::StateSentAgain,
        outcome: AuditOutcome::Done,
        subscriber: Some(&known.handle),
        subject: Some(&pai.masked().to_string()),
        reason: Some(reason),
    };
    audit::append(tx, now, stamp, &fact).await?;
    Ok(true)
}

/// The live subscriptions after a PAI. One that the partner has suspended is not charged, nor one whose
/// PAI is suspended or dark, nor days that a coupon, the other system's charges or an earlier charge have
/// paid for, such as that of a year.
///
/// `OFFSET 0` keeps each EXISTS a look along an index: PostgreSQL would else read all charges, once for a
/// page, into a hash table. The PAI is joined with a limit, or each page would read all PAIs before its own.
const UNCHARGED: &str =
    "SELECT s.pai, s.partner, s.status = 'ACTIVE' AND s.created_at < $1 AND p.state = 'ACTIVE'
        AND p.dark_since IS NULL AND coalesce(p.cut_over_at, 0) < $1 AND coalesce(p.paid_until, '') < $2
        AND NOT EXISTS (SELECT 1 FROM transactions t
            WHERE t.pai = s.pai AND t.created_at >= $1 AND t.status <> 'DECLINED' OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM transactions t
            WHERE t.pai = s.pai AND t.period_to >= $5 AND t.status <> 'DECLINED' OFFSET 0)
        AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r
            WHERE r.pai = s.pai AND r.period_to >= $2 AND r.outcome <> 'DECLINED' OFFSET 0) AS is_uncharged
    FROM partner_subscriptions s CROSS JOIN LATERAL (SELECT * FROM pais l WHERE l.pai = s.pai LIMIT 1) p
    WHERE s.status <> 'CANCELLED' AND s.pai > $3 ORDER BY s.pai LIMIT $4";

const UNFITTING: &str = "SELECT t.transaction_id, t.created_at,
        t.status <> 'DECLINED' AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s
                WHERE s.pai = t.pai AND (s.ended_at IS NULL OR s.ended_at >= t.created_at - $6) OFFSET 0)
            AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id OFFSET 0)
            AS is_without_subscription,
        coalesce(p.closed_at < t.created_at - $6, FALSE) AS is_after_closing
    FROM transactions t CROSS JOIN LATERAL (SELECT * FROM pais l WHERE l.pai = t.pai LIMIT 1) p
    WHERE t.partner = $1 AND t.created_at < $2 AND (t.created_at, t.transaction_id) > ($3, $4)
        AND t.migration_file IS NULL
    ORDER BY t.created_at, t.transaction_id LIMIT $5";

pub(super) async fn count_uncharged(
    db: &PgConnection<'_>,
    since: Timestamp,
    after: Option<Pai>,
    limit: u32,
) -> Result<Option<UnchargedPage>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let since_day = Day::of_timestamp(since).to_string();
    let paid_day = Day::of_timestamp(since.plus_seconds(MONTH_SECONDS)).to_string();
    let rows = db
        .query(UNCHARGED, &[&since.unix_seconds(), &since_day, &after, &i64::from(limit), &paid_day])
        .await?;
    let (mut last, mut counts) = (None, BTreeMap::new());
    for row in &rows {
        last = Some(read_pai(row, "partner_subscriptions.pai")?);
        let partner = parse_column(row, "partner_subscriptions.partner", PartnerId::parse)?;
        *counts.entry(partner).or_insert(0) += u64::from(row.try_get::<_, bool>("is_uncharged")?);
    }
    Ok(last.map(|last| (last, counts.into_iter().collect())))
}

pub(super) async fn list_unfitting_charges(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    until: Timestamp,
    after: &Cursor,
    limit: u32,
) -> Result<Page<UnfittingCharge>, TxError> {
    let rows = db
        .query(
            UNFITTING,
            &[
                &partner.as_str(),
                &until.unix_seconds(),
                &after.at.unix_seconds(),
                &after.id,
                &i64::from(limit),
                &ENDED_SECONDS,
            ],
        )
        .await?;
    let charges = rows.iter().map(read_unfitting).collect::<Result<_, TxError>>()?;
    Ok(Page::of(charges, limit, |charge: &UnfittingCharge| charge.posted.clone()))
}

fn read_unfitting(row: &Row) -> Result<UnfittingCharge, TxError> {
    Ok(UnfittingCharge {
        posted: Cursor { at: read_time(row, "transactions.created_at")?, id: row.try_get("transaction_id")? },
        is_without_subscription: row.try_get("is_without_subscription")?,
        is_after_closing: row.try_get("is_after_closing")?,
    })
}
