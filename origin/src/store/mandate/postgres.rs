//! Mandates in SQL.

use super::{ANNOUNCED_SECONDS, AgreedTerms, MandateEvidence, MandatePlace, MandateRow, VISIT_SECONDS_MAX};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_hash, read_pai, read_price, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::report::Period;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

pub(in crate::store) async fn insert_mandate(tx: &PgConnection<'_>, new: &MandateRow) -> Result<(), TxError> {
    let terms = new.terms.as_ref();
    let in_force = new.in_force.as_ref();
    tx.execute_one(
        "mandates",
        "INSERT INTO mandates (mandate_id, partner, pai, offer, plan, price_minor, currency, period, terms_id,
             terms_sha256, words_sha256, locale, proof, proof_reference, accepted_at, recorded_at, supersedes,
             partner_subscription_id, in_force_from, change_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'month', $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        &[
            &new.mandate_id,
            &new.partner.as_str(),
            &new.pai.to_string(),
            &new.offer.as_ref().map(OfferId::as_str),
            &new.plan.as_str(),
            &new.price.map(|price| price.amount_minor),
            &new.price.map(|price| price.currency.to_string()),
            &terms.map(|terms| terms.id.as_str()),
            &terms.map(|terms| terms.sha256.as_slice()),
            &new.words_sha256.as_ref().map(<[u8; 32]>::as_slice),
            &new.locale.map(Locale::as_str),
            &new.proof.as_str(),
            &new.proof_reference,
            &new.accepted_at.unix_seconds(),
            &new.recorded_at.unix_seconds(),
            &new.supersedes,
            &in_force.map(|(subscription, _)| subscription.as_str()),
            &in_force.map(|(_, day)| day.to_string()),
            &new.change_id.as_ref().map(ExtId::as_str),
        ],
    )
    .await
}

/// What the subscriber agreed to in the visit whose token the partner has spent last, unless a
/// subscription has come of it.
const FIND_OF_VISIT: &str = "SELECT m.* FROM mandates m JOIN signups g ON g.jti = m.mandate_id
     WHERE m.pai = $1 AND m.partner_subscription_id IS NULL AND g.spent_at > $2
         AND NOT EXISTS (SELECT 1 FROM mandates n WHERE n.pai = m.pai AND n.supersedes = m.mandate_id)
     ORDER BY g.spent_at DESC, m.sequence DESC LIMIT 1";

pub(in crate::store) async fn find_mandate_of_visit(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: Pai,
) -> Result<Option<MandateRow>, TxError> {
    let since = now.plus_seconds(-VISIT_SECONDS_MAX).unix_seconds();
    let row = tx.query_optional(FIND_OF_VISIT, &[&pai.to_string(), &since]).await?;
    row.as_ref().map(read_mandate_row).transpose()
}

/// The mandate by its id.
pub(in crate::store) async fn find_mandate(
    tx: &PgConnection<'_>,
    mandate_id: &str,
) -> Result<Option<MandateRow>, TxError> {
    let row = tx.query_optional("SELECT * FROM mandates WHERE mandate_id = $1", &[&mandate_id]).await?;
    row.as_ref().map(read_mandate_row).transpose()
}

/// The newest mandate of a subscription, also one that is not in force yet.
pub(in crate::store) async fn find_latest_mandate(
    tx: &PgConnection<'_>,
    subscription_id: &str,
) -> Result<Option<MandateRow>, TxError> {
    // By `sequence` alone, PostgreSQL would look for it among all mandates, from the newest on.
    let sql = "SELECT * FROM mandates WHERE partner_subscription_id = $1 ORDER BY sequence + 0 DESC LIMIT 1";
    tx.query_optional(sql, &[&subscription_id]).await?.as_ref().map(read_mandate_row).transpose()
}

/// The mandate of the same subscription that is in force on the day before this one is.
pub(in crate::store) async fn find_mandate_before(
    tx: &PgConnection<'_>,
    latest: &MandateRow,
) -> Result<Option<MandateRow>, TxError> {
    let Some((subscription_id, day)) = &latest.in_force else { return Ok(None) };
    let sql = "SELECT * FROM mandates WHERE partner_subscription_id = $1 AND in_force_from < $2
         ORDER BY in_force_from DESC, sequence DESC LIMIT 1";
    let row = tx.query_optional(sql, &[&subscription_id.as_str(), &day.to_string()]).await?;
    row.as_ref().map(read_mandate_row).transpose()
}

/// Whether the subscriber may have been notified of a change for the day of `new`. There is a message of
/// each change, unless it was taken back before it was sent. Those of long ago are swept.
pub(in crate::store) async fn was_announced(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &MandateRow,
) -> Result<bool, TxError> {
    let Some((subscription_id, day)) = &new.in_force else { return Ok(false) };
    let sql = "SELECT 1 FROM mandates m WHERE m.partner_subscription_id = $1 AND m.in_force_from = $2
             AND m.change_id IS NOT NULL
             AND (m.recorded_at <= $3
                 OR EXISTS (SELECT 1 FROM notifications n WHERE n.notification_id = m.mandate_id)) LIMIT 1";
    let before = now.plus_seconds(-ANNOUNCED_SECONDS).unix_seconds();
    let row = tx.query_optional(sql, &[&subscription_id.as_str(), &day.to_string(), &before]).await?;
    Ok(row.is_some())
}

/// The mandate that came of a change.
pub(in crate::store) async fn find_mandate_of_change(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    change_id: &ExtId,
) -> Result<Option<MandateRow>, TxError> {
    let sql = "SELECT * FROM mandates WHERE partner = $1 AND change_id = $2";
    let row = tx.query_optional(sql, &[&partner.as_str(), &change_id.as_str()]).await?;
    row.as_ref().map(read_mandate_row).transpose()
}

/// The newest flow in which the partner's app has proved the subscriber's number by PIN.
pub(in crate::store) async fn find_pin_flow(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<String>, TxError> {
    let row = tx
        .query_optional(
            "SELECT f.flow_hash FROM pais p JOIN subscribers h USING (subscriber_id)
                 JOIN flows f ON f.number_index = h.number_index
             WHERE p.pai = $1 AND f.partner = $2 AND f.proven_at IS NOT NULL ORDER BY f.proven_at DESC LIMIT 1",
            &[&pai.to_string(), &partner.as_str()],
        )
        .await?;
    row.map(|row| Ok(encode_base64url(&read_hash(&row, "flows.flow_hash")?))).transpose()
}

pub(in crate::store) async fn list_mandates(
    db: &PgConnection<'_>,
    period: Period,
    after: Option<MandatePlace>,
    limit: u32,
) -> Result<Vec<MandateEvidence>, TxError> {
    let after = after.unwrap_or(MandatePlace::before(period));
    let rows = db
        .query(
            "SELECT m.*, s.ended_at, s.ended_by
             FROM mandates m LEFT JOIN partner_subscriptions s
                 ON s.partner_subscription_id = m.partner_subscription_id
             WHERE (m.recorded_at, m.sequence) > ($1, $2) AND m.recorded_at < $3
             ORDER BY m.recorded_at, m.sequence LIMIT $4",
            &[
                &after.recorded_at.unix_seconds(),
                &after.sequence,
                &period.until.unix_seconds(),
                &i64::from(limit),
            ],
        )
        .await?;
    let line = |row: &Row| {
        let ended_at: Option<i64> = row.try_get("ended_at")?;
        let mandate = read_mandate_row(row)?;
        Ok(MandateEvidence {
            place: MandatePlace { recorded_at: mandate.recorded_at, sequence: row.try_get("sequence")? },
            mandate,
            ended_at: ended_at.map(Timestamp::from_unix_seconds),
            ended_by: parse_optional_column(row, "partner_subscriptions.ended_by", DeclineReason::parse)?,
        })
    };
    rows.iter().map(line).collect()
}

pub(in crate::store) fn read_mandate_row(row: &Row) -> Result<MandateRow, TxError> {
    let terms: Option<String> = row.try_get("terms_id")?;
    let words: Option<&[u8]> = row.try_get("words_sha256")?;
    let subscription: Option<String> = row.try_get("partner_subscription_id")?;
    Ok(MandateRow {
        mandate_id: row.try_get("mandate_id")?,
        partner: parse_column(row, "mandates.partner", PartnerId::parse)?,
        pai: read_pai(row, "mandates.pai")?,
        offer: parse_optional_column(row, "mandates.offer", OfferId::parse)?,
        plan: parse_column(row, "mandates.plan", ExtId::parse)?,
        price: read_price(row, "mandates.currency")?,
        terms: terms
            .map(|id| Ok::<_, TxError>(AgreedTerms { id, sha256: read_hash(row, "mandates.terms_sha256")? }))
            .transpose()?,
        words_sha256: words.map(|_| read_hash(row, "mandates.words_sha256")).transpose()?,
        locale: parse_optional_column(row, "mandates.locale", Locale::from_tag)?,
        proof: parse_column(row, "mandates.proof", MandateProof::parse)?,
        proof_reference: row.try_get("proof_reference")?,
        accepted_at: read_time(row, "mandates.accepted_at")?,
        recorded_at: read_time(row, "mandates.recorded_at")?,
        supersedes: row.try_get("supersedes")?,
        in_force: subscription.zip(parse_optional_column(row, "mandates.in_force_from", Day::parse)?),
        change_id: parse_optional_column(row, "mandates.change_id", ExtId::parse)?,
    })
}
