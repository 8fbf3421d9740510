//! Mandates in SQL.

use super::{ANNOUNCED_SECONDS, AgreedTerms, MandateEvidence, MandatePlace, MandateRow, VISIT_SECONDS_MAX};
use crate::store::error::StoreError;
use crate::store::report::Period;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_pai, read_price, read_time};
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(in crate::store) fn insert_mandate(tx: &Connection, new: &MandateRow) -> Result<(), StoreError> {
    let terms = new.terms.as_ref();
    let in_force = new.in_force.as_ref();
    tx.prepare_cached(
        "INSERT INTO mandates (mandate_id, partner, pai, offer, plan, price_minor, currency, period, terms_id,
             terms_sha256, words_sha256, locale, proof, proof_reference, accepted_at, recorded_at, supersedes,
             partner_subscription_id, in_force_from, change_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'month', ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
    )?
    .execute(params![
        new.mandate_id,
        new.partner.as_str(),
        new.pai.to_string(),
        new.offer.as_ref().map(OfferId::as_str),
        new.plan.as_str(),
        new.price.map(|price| price.amount_minor),
        new.price.map(|price| price.currency.to_string()),
        terms.map(|terms| &terms.id),
        terms.map(|terms| terms.sha256),
        new.words_sha256,
        new.locale.map(Locale::as_str),
        new.proof.as_str(),
        new.proof_reference,
        new.accepted_at.unix_seconds(),
        new.recorded_at.unix_seconds(),
        new.supersedes,
        in_force.map(|(subscription, _)| subscription),
        in_force.map(|(_, day)| day.to_string()),
        new.change_id.as_ref().map(ExtId::as_str),
    ])?;
    Ok(())
}

/// What the subscriber agreed to in the visit whose token the partner has spent last, unless a
/// subscription has come of it.
const FIND_OF_VISIT: &str = "SELECT m.* FROM mandates m JOIN signups g ON g.jti = m.mandate_id
     WHERE m.pai = ?1 AND m.partner_subscription_id IS NULL AND g.spent_at > ?2
         AND NOT EXISTS (SELECT 1 FROM mandates n WHERE n.pai = m.pai AND n.supersedes = m.mandate_id)
     ORDER BY g.spent_at DESC, m.sequence DESC LIMIT 1";

pub(in crate::store) fn find_mandate_of_visit(
    tx: &Connection,
    now: Timestamp,
    pai: Pai,
) -> Result<Option<MandateRow>, StoreError> {
    let since = now.plus_seconds(-VISIT_SECONDS_MAX).unix_seconds();
    let mut select = tx.prepare_cached(FIND_OF_VISIT)?;
    let mut rows = select.query(params![pai.to_string(), since])?;
    rows.next()?.map(read_mandate_row).transpose()
}

/// The mandate by its id.
pub(in crate::store) fn find_mandate(
    tx: &Connection,
    mandate_id: &str,
) -> Result<Option<MandateRow>, StoreError> {
    let mut select = tx.prepare_cached("SELECT * FROM mandates WHERE mandate_id = ?1")?;
    let mut rows = select.query([mandate_id])?;
    rows.next()?.map(read_mandate_row).transpose()
}

/// The newest mandate of a subscription, also one that is not in force yet.
pub(in crate::store) fn find_latest_mandate(
    tx: &Connection,
    subscription_id: &str,
) -> Result<Option<MandateRow>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT * FROM mandates WHERE partner_subscription_id = ?1 ORDER BY sequence DESC LIMIT 1",
    )?;
    let mut rows = select.query([subscription_id])?;
    rows.next()?.map(read_mandate_row).transpose()
}

/// The mandate of the same subscription that is in force on the day before this one is.
pub(in crate::store) fn find_mandate_before(
    tx: &Connection,
    latest: &MandateRow,
) -> Result<Option<MandateRow>, StoreError> {
    let Some((subscription_id, day)) = &latest.in_force else { return Ok(None) };
    let mut select = tx.prepare_cached(
        "SELECT * FROM mandates WHERE partner_subscription_id = ?1 AND in_force_from < ?2
         ORDER BY in_force_from DESC, sequence DESC LIMIT 1",
    )?;
    let mut rows = select.query([subscription_id, &day.to_string()])?;
    rows.next()?.map(read_mandate_row).transpose()
}

/// Whether the subscriber may have been notified of a change for the day of `new`. There is a message of
/// each change, unless it was taken back before it was sent. Those of long ago are swept.
pub(in crate::store) fn was_announced(
    tx: &Connection,
    now: Timestamp,
    new: &MandateRow,
) -> Result<bool, StoreError> {
    let Some((subscription_id, day)) = &new.in_force else { return Ok(false) };
    Ok(tx
        .prepare_cached(
            "SELECT 1 FROM mandates m WHERE m.partner_subscription_id = ?1 AND m.in_force_from = ?2
                 AND m.change_id IS NOT NULL
                 AND (m.recorded_at <= ?3
                     OR EXISTS (SELECT 1 FROM notifications n WHERE n.notification_id = m.mandate_id))",
        )?
        .exists(params![
            subscription_id,
            day.to_string(),
            now.plus_seconds(-ANNOUNCED_SECONDS).unix_seconds()
        ])?)
}

/// The mandate that came of a change.
pub(in crate::store) fn find_mandate_of_change(
    tx: &Connection,
    partner: &PartnerId,
    change_id: &ExtId,
) -> Result<Option<MandateRow>, StoreError> {
    let mut select = tx.prepare_cached("SELECT * FROM mandates WHERE partner = ?1 AND change_id = ?2")?;
    let mut rows = select.query([partner.as_str(), change_id.as_str()])?;
    rows.next()?.map(read_mandate_row).transpose()
}

/// The newest flow in which the partner's app has proved the subscriber's number by PIN.
pub(in crate::store) fn find_pin_flow(
    tx: &Connection,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<String>, StoreError> {
    let flow: Option<Vec<u8>> = tx
        .prepare_cached(
            "SELECT f.flow_hash FROM pais p JOIN subscribers h USING (subscriber_id)
                 JOIN flows f ON f.number_index = h.number_index
             WHERE p.pai = ?1 AND f.partner = ?2 AND f.proven_at IS NOT NULL ORDER BY f.proven_at DESC LIMIT 1",
        )?
        .query_row(params![pai.to_string(), partner.as_str()], |row| row.get(0))
        .optional()?;
    Ok(flow.map(|hash| encode_base64url(&hash)))
}

const LIST: &str = "SELECT m.*, s.ended_at, s.ended_by
    FROM mandates m LEFT JOIN partner_subscriptions s ON s.partner_subscription_id = m.partner_subscription_id
    WHERE (m.recorded_at, m.sequence) > (?1, ?2) AND m.recorded_at < ?3
    ORDER BY m.recorded_at, m.sequence LIMIT ?4";

pub(in crate::store) fn list_mandates(
    db: &Connection,
    period: Period,
    after: Option<MandatePlace>,
    limit: u32,
) -> Result<Vec<MandateEvidence>, StoreError> {
    let after = after.unwrap_or(MandatePlace::before(period));
    let mut select = db.prepare_cached(LIST)?;
    let mut rows = select.query(params![
        after.recorded_at.unix_seconds(),
        after.sequence,
        period.until.unix_seconds(),
        limit
    ])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let ended_at: Option<i64> = row.get("ended_at")?;
        let mandate = read_mandate_row(row)?;
        lines.push(MandateEvidence {
            place: MandatePlace { recorded_at: mandate.recorded_at, sequence: row.get("sequence")? },
            mandate,
            ended_at: ended_at.map(Timestamp::from_unix_seconds),
            ended_by: parse_optional_column(row, "partner_subscriptions.ended_by", DeclineReason::parse)?,
        });
    }
    Ok(lines)
}

pub(in crate::store) fn read_mandate_row(row: &Row<'_>) -> Result<MandateRow, StoreError> {
    let terms: Option<String> = row.get("terms_id")?;
    let subscription: Option<String> = row.get("partner_subscription_id")?;
    Ok(MandateRow {
        mandate_id: row.get("mandate_id")?,
        partner: parse_column(row, "mandates.partner", PartnerId::parse)?,
        pai: read_pai(row, "mandates.pai")?,
        offer: parse_optional_column(row, "mandates.offer", OfferId::parse)?,
        plan: parse_column(row, "mandates.plan", ExtId::parse)?,
        price: read_price(row, "mandates.currency")?,
        terms: terms
            .map(|id| Ok::<_, StoreError>(AgreedTerms { id, sha256: row.get("terms_sha256")? }))
            .transpose()?,
        words_sha256: row.get("words_sha256")?,
        locale: parse_optional_column(row, "mandates.locale", Locale::from_tag)?,
        proof: parse_column(row, "mandates.proof", MandateProof::parse)?,
        proof_reference: row.get("proof_reference")?,
        accepted_at: read_time(row, "mandates.accepted_at")?,
        recorded_at: read_time(row, "mandates.recorded_at")?,
        supersedes: row.get("supersedes")?,
        in_force: subscription.zip(parse_optional_column(row, "mandates.in_force_from", Day::parse)?),
        change_id: parse_optional_column(row, "mandates.change_id", ExtId::parse)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn mandates_are_found_along_indexes() {
        for step in [FIND_OF_VISIT, LIST].into_iter().flat_map(query_plan) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
