//! Correlation in SQL.

use super::{LinkRow, LinkedSubscription};
use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::pai::sqlite as pai;
use crate::store::queue::sqlite as queue;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_pai};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use rusqlite::{Connection, Row, params};

/// The mandate in force says what the plan is by now and what it costs.
const LINKS: &str = "SELECT p.pai, p.state, h.number_index, h.subscriber_ref, h.ended_at, s.ext_subscription_id,
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
    let price_minor: Option<i64> = row.get("price_minor")?;
    let currency = parse_optional_column(row, "mandates.currency", Currency::parse)?;
    Ok(LinkRow {
        pai: read_pai(row, "pais.pai")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        subscriber: number.map(NumberIndex).zip(subscriber_ref).filter(|_| !has_left),
        subscription: ext_id.zip(plan).map(|(ext_subscription_id, plan)| LinkedSubscription {
            ext_subscription_id,
            plan,
            price: price_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
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
    let known = pai::find_pai_status(tx, pai)?.filter(|known| known.partner == *partner);
    let Some(known) = known else { return Ok(false) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn page_of_links_begins_where_the_last_one_ended() {
        let plan = query_plan(LINKS);
        for step in &plan {
            assert!(!step.starts_with("SCAN"), "{plan:?}");
        }
    }
}
