//! Sign-up tokens in SQL.

use crate::store::error::StoreError;
use crate::store::mandate::sqlite as mandate;
use crate::store::number::Hash;
use crate::store::pai::sqlite as pai;
use crate::store::signup::{IssueSignupResult, NewSignup, Signup, SignupResult, SpendTokenResult};
use crate::store::sqlite::rows::{parse_column, read_locale, read_pai};
use crate::store::subscription::sqlite as subscription;
use onbill_domain::account::AccountType;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;
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

/// A visit succeeded if the PAI got a subscription after the token was issued.
pub(in crate::store) fn find_signup_result(
    db: &Connection,
    ticket: &Hash,
) -> Result<Option<SignupResult>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT g.offer, g.return_url, g.spent_at, s.partner_subscription_id
         FROM signups g LEFT JOIN partner_subscriptions s
             ON s.pai = g.pai AND s.created_at >= g.issued_at AND s.status <> 'CANCELLED'
         WHERE g.ticket_hash = ?1",
    )?;
    let mut rows = select.query([ticket])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let partner_subscription_id: Option<String> = row.get("partner_subscription_id")?;
    let spent_at: Option<i64> = row.get("spent_at")?;
    let outcome = match (&partner_subscription_id, spent_at) {
        (Some(_), _) => SignupOutcome::Success,
        (None, Some(_)) => SignupOutcome::Pending,
        (None, None) => SignupOutcome::Cancelled,
    };
    Ok(Some(SignupResult {
        offer: parse_column(row, "signups.offer", OfferId::parse)?,
        return_url: row.get("return_url")?,
        outcome,
        partner_subscription_id,
    }))
}
