//! Sign-up tokens in SQL.

use crate::store::coupon::sqlite as coupon;
use crate::store::error::StoreError;
use crate::store::mandate::sqlite as mandate;
use crate::store::number::Hash;
use crate::store::pai::sqlite as pai;
use crate::store::signup::{
    IssueSignupResult, NewSignup, Signup, SignupResult, SpendTokenResult, SubscriptionStart,
};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_locale, read_pai};
use crate::store::subscription::sqlite as subscription;
use onbill_domain::account::AccountType;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::ott::SubscriptionSource;
use rusqlite::{Connection, params};

pub(in crate::store) fn issue_signup(
    tx: &Connection,
    now: Timestamp,
    new: &NewSignup,
) -> Result<IssueSignupResult, StoreError> {
    if pai::is_proof_over(tx, now, &new.pai)? {
        return Ok(IssueSignupResult::FlowOver);
    }
    let (row, _) = pai::find_or_create_pai(tx, now, &new.pai)?;
    if row.is_dark || subscription::has_live_subscription(tx, row.pai)? {
        return Ok(IssueSignupResult::AlreadyOnBill);
    }
    tx.prepare_cached(
        "INSERT INTO signups (jti, ticket_hash, partner, pai, offer, locale, account_type, partner_return_url,
             return_url, issued_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        new.jti,
        new.ticket,
        new.pai.partner.as_str(),
        row.pai.to_string(),
        new.offer.as_str(),
        new.locale.as_str(),
        new.account_type.as_str(),
        new.partner_return_url,
        new.return_url,
        now.unix_seconds(),
    ])?;
    mandate::insert_mandate(tx, &new.to_mandate(now, row.pai))?;
    Ok(IssueSignupResult::Issued(row))
}

pub(in crate::store) fn spend_token(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    jti: &str,
    ext_reference: &ExtId,
) -> Result<SpendTokenResult, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT g.* FROM signups g JOIN pais p USING (pai)
         WHERE g.jti = ?1 AND g.partner = ?2 AND p.state <> 'CLOSED'",
    )?;
    let mut rows = select.query(params![jti, partner.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(SpendTokenResult::Unknown) };
    let spent_by: Option<String> = row.get("ext_reference")?;
    match spent_by.as_deref() {
        Some(reference) if reference != ext_reference.as_str() => return Ok(SpendTokenResult::UsedElsewhere),
        Some(_) => {}
        None => {
            tx.prepare_cached("UPDATE signups SET spent_at = ?2, ext_reference = ?3 WHERE jti = ?1")?
                .execute(params![jti, now.unix_seconds(), ext_reference.as_str()])?;
        }
    }
    Ok(SpendTokenResult::Spent(Signup {
        pai: read_pai(row, "signups.pai")?,
        offer: parse_column(row, "signups.offer", OfferId::parse)?,
        locale: read_locale(row, "signups.locale")?,
        account_type: parse_column(row, "signups.account_type", AccountType::parse)?,
        partner_return_url: row.get("partner_return_url")?,
    }))
}

/// The subscription that came of a visit: one of its PAI that is no older than the token, and not of
/// another visit. A live one comes first. The mandate names the visit, if the partner had spent its token.
const FIND_RESULT: &str = "SELECT g.offer, g.return_url, g.spent_at, s.partner_subscription_id,
         s.status = 'CANCELLED' AS is_over
     FROM signups g LEFT JOIN partner_subscriptions s
         ON s.pai = g.pai AND s.created_at >= g.issued_at
             AND NOT EXISTS (SELECT 1 FROM mandates m JOIN signups v ON v.jti = m.supersedes
                             WHERE m.partner_subscription_id = s.partner_subscription_id AND v.jti <> g.jti)
     WHERE g.ticket_hash = ?1 ORDER BY s.status = 'CANCELLED' LIMIT 1";

/// A visit succeeded if its subscription is live. Once that has ended, there is no result any more.
pub(in crate::store) fn find_signup_result(
    db: &Connection,
    ticket: &Hash,
) -> Result<Option<SignupResult>, StoreError> {
    let mut select = db.prepare_cached(FIND_RESULT)?;
    let mut rows = select.query([ticket])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let (is_over, spent_at): (Option<bool>, Option<i64>) = (row.get("is_over")?, row.get("spent_at")?);
    let (outcome, partner_subscription_id) = match (is_over, spent_at) {
        (Some(false), _) => (SignupOutcome::Success, row.get("partner_subscription_id")?),
        (Some(true), Some(_)) => return Ok(None),
        (None, Some(_)) => (SignupOutcome::Pending, None),
        (Some(true) | None, None) => (SignupOutcome::Cancelled, None),
    };
    Ok(Some(SignupResult {
        offer: parse_column(row, "signups.offer", OfferId::parse)?,
        return_url: row.get("return_url")?,
        outcome,
        partner_subscription_id,
    }))
}

/// How a live subscription began. The mandate of a charge says of which subscription it is. That of an
/// adopted charge is lost: it counts from the visit on.
const FIND_START: &str = "SELECT s.pai, s.origin, g.account_type,
         (SELECT min(t.created_at) FROM transactions t LEFT JOIN mandates o ON o.mandate_id = t.mandate_id
          WHERE t.pai = s.pai AND t.created_at >= coalesce(g.issued_at, s.created_at) AND t.status <> 'DECLINED'
              AND (o.partner_subscription_id = s.partner_subscription_id
                  OR t.mandate_id IS NULL AND t.fingerprint IS NULL)
              AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id))
             AS charged_at
     FROM partner_subscriptions s LEFT JOIN signups g
         ON g.jti = (SELECT m.supersedes FROM mandates m
                     WHERE m.partner_subscription_id = s.partner_subscription_id ORDER BY m.sequence LIMIT 1)
     WHERE s.partner_subscription_id = ?1 AND s.status <> 'CANCELLED'";

pub(in crate::store) fn find_subscription_start(
    db: &Connection,
    subscription_id: &str,
    today: Day,
) -> Result<Option<SubscriptionStart>, StoreError> {
    let mut select = db.prepare_cached(FIND_START)?;
    let mut rows = select.query([subscription_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let charged_at: Option<i64> = row.get("charged_at")?;
    let mandate = mandate::find_latest_mandate(db, subscription_id)?;
    Ok(Some(SubscriptionStart {
        source: parse_column(row, "partner_subscriptions.origin", SubscriptionSource::parse)?,
        account_type: parse_optional_column(row, "signups.account_type", AccountType::parse)?,
        price: mandate.as_ref().and_then(|mandate| mandate.price),
        offer: mandate.and_then(|mandate| mandate.offer),
        charged_at: charged_at.map(Timestamp::from_unix_seconds),
        paid_until: coupon::find_paid_until(db, read_pai(row, "partner_subscriptions.pai")?, today)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn results_and_starts_are_found_along_indexes() {
        for step in [FIND_RESULT, FIND_START].into_iter().flat_map(query_plan) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
