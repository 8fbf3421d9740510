//! Correlation in SQL.

use super::{ENDED_SECONDS, LinkRow, LinkedSubscription, MONTH_SECONDS, UnchargedPage, UnfittingCharge};
use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::page::{Cursor, Page};
use crate::store::pai::sqlite as pai;
use crate::store::queue::sqlite as queue;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_pai, read_price, read_time};
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use rusqlite::{Connection, Row, params};
use std::collections::BTreeMap;

/// The mandate in force says what the plan is by now and what it costs.
const LINKS: &str = "SELECT p.pai, p.state, p.dark_since, h.number_index, h.subscriber_ref, h.ended_at, s.ext_subscription_id,
        coalesce(m.plan, s.plan) AS plan, m.price_minor, m.currency
    FROM pais p JOIN subscribers h USING (subscriber_id)
        LEFT JOIN partner_subscriptions s ON s.pai = p.pai AND s.status <> 'CANCELLED'
        LEFT JOIN mandates m ON m.sequence =
            (SELECT l.sequence FROM mandates l
             WHERE l.partner_subscription_id = s.partner_subscription_id
                 AND l.partner_subscription_id IS NOT NULL AND l.in_force_from <= ?3
             ORDER BY l.in_force_from DESC, l.sequence DESC LIMIT 1)
    WHERE p.pai > ?1 AND p.partner = ?2 ORDER BY p.pai LIMIT ?4";

pub(super) fn list_links(
    db: &Connection,
    partner: &PartnerId,
    today: Day,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<LinkRow>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(LINKS)?;
    let mut rows = select.query(params![after, partner.as_str(), today.to_string(), limit])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(read_link(row)?);
    }
    Ok(links)
}

fn read_link(row: &Row<'_>) -> Result<LinkRow, StoreError> {
    let number: Option<[u8; 32]> = row.get("number_index")?;
    let subscriber_ref: Option<String> = row.get("subscriber_ref")?;
    let has_left = row.get::<_, Option<i64>>("ended_at")?.is_some();
    let ext_id = parse_optional_column(row, "partner_subscriptions.ext_subscription_id", ExtId::parse)?;
    let plan = parse_optional_column(row, "partner_subscriptions.plan", ExtId::parse)?;
    let price = read_price(row, "mandates.currency")?;
    Ok(LinkRow {
        pai: read_pai(row, "pais.pai")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        is_dark: row.get::<_, Option<i64>>("dark_since")?.is_some(),
        subscriber: number.map(NumberIndex).zip(subscriber_ref).filter(|_| !has_left),
        subscription: ext_id.zip(plan).map(|(ext_subscription_id, plan)| LinkedSubscription {
            ext_subscription_id,
            plan,
            price,
        }),
    })
}

pub(super) fn send_pai_state_again(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    partner: &PartnerId,
    pai: Pai,
    reason: &str,
) -> Result<bool, StoreError> {
    let known = pai::find_pai(tx, partner, pai)?;
    let Some(known) = known.filter(|row| !row.is_dark) else { return Ok(false) };
    queue::put_pai_change(tx, now, pai.as_str())?;
    let fact = AuditFact {
        act: AuditAct::StateSentAgain,
        outcome: AuditOutcome::Done,
        subscriber: Some(&known.handle),
        subject: Some(&pai.masked().to_string()),
        reason: Some(reason),
    };
    audit::append(tx, now, stamp, &fact)?;
    Ok(true)
}

/// The live subscriptions after a PAI. One that the partner has suspended is not charged, nor one whose
/// PAI is suspended or dark, nor days that a coupon, the other system's charges or an earlier charge have
/// paid for, such as that of a year.
const UNCHARGED: &str =
    "SELECT s.pai, s.partner, s.status = 'ACTIVE' AND s.created_at < ?1 AND p.state = 'ACTIVE'
        AND p.dark_since IS NULL AND coalesce(p.cut_over_at, 0) < ?1 AND coalesce(p.paid_until, '') < ?2
        AND NOT EXISTS (SELECT 1 FROM transactions t
            WHERE t.pai = s.pai AND t.created_at >= ?1 AND t.status <> 'DECLINED')
        AND NOT EXISTS (SELECT 1 FROM transactions t
            WHERE t.pai = s.pai AND t.period_to >= ?5 AND t.status <> 'DECLINED')
        AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r
            WHERE r.pai = s.pai AND r.period_to >= ?2 AND r.outcome <> 'DECLINED') AS is_uncharged
    FROM partner_subscriptions s JOIN pais p USING (pai)
    WHERE s.status <> 'CANCELLED' AND s.pai > ?3 ORDER BY s.pai LIMIT ?4";

const UNFITTING: &str = "SELECT t.transaction_id, t.created_at,
        t.status <> 'DECLINED' AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s
                WHERE s.pai = t.pai AND (s.ended_at IS NULL OR s.ended_at >= t.created_at - ?6))
            AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)
            AS is_without_subscription,
        coalesce(p.closed_at < t.created_at - ?6, FALSE) AS is_after_closing
    FROM transactions t JOIN pais p USING (pai)
    WHERE t.partner = ?1 AND t.created_at < ?2 AND (t.created_at, t.transaction_id) > (?3, ?4)
        AND t.migration_file IS NULL
    ORDER BY t.created_at, t.transaction_id LIMIT ?5";

pub(super) fn count_uncharged(
    db: &Connection,
    since: Timestamp,
    after: Option<Pai>,
    limit: u32,
) -> Result<Option<UnchargedPage>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(UNCHARGED)?;
    let since_day = Day::of_timestamp(since).to_string();
    let paid_day = Day::of_timestamp(since.plus_seconds(MONTH_SECONDS)).to_string();
    let mut rows = select.query(params![since.unix_seconds(), since_day, after, limit, paid_day])?;
    let (mut last, mut counts) = (None, BTreeMap::new());
    while let Some(row) = rows.next()? {
        last = Some(read_pai(row, "partner_subscriptions.pai")?);
        let partner = parse_column(row, "partner_subscriptions.partner", PartnerId::parse)?;
        *counts.entry(partner).or_insert(0) += u64::from(row.get::<_, bool>("is_uncharged")?);
    }
    Ok(last.map(|last| (last, counts.into_iter().collect())))
}

pub(super) fn list_unfitting_charges(
    db: &Connection,
    partner: &PartnerId,
    until: Timestamp,
    after: &Cursor,
    limit: u32,
) -> Result<Page<UnfittingCharge>, StoreError> {
    let mut select = db.prepare_cached(UNFITTING)?;
    let mut rows = select.query(params![
        partner.as_str(),
        until.unix_seconds(),
        after.at.unix_seconds(),
        after.id,
        limit,
        ENDED_SECONDS
    ])?;
    let mut charges = Vec::new();
    while let Some(row) = rows.next()? {
        charges.push(UnfittingCharge {
            posted: Cursor { at: read_time(row, "transactions.created_at")?, id: row.get("transaction_id")? },
            is_without_subscription: row.get("is_without_subscription")?,
            is_after_closing: row.get("is_after_closing")?,
        });
    }
    Ok(Page::of(charges, limit, |charge| charge.posted.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn pages_begin_where_the_last_ones_ended() {
        for sql in [LINKS, UNCHARGED, UNFITTING] {
            let plan = query_plan(sql);
            assert!(plan.iter().all(|step| !step.starts_with("SCAN")), "{plan:?}");
        }
        let plan = query_plan(UNFITTING);
        assert!(plan.iter().any(|step| step.contains("transactions_by_creation")), "{plan:?}");
    }
}
