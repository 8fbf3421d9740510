//! Sign-up tokens in SQL.

use crate::store::mandate::postgres as mandate;
use crate::store::number::Hash;
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_locale, read_pai};
use crate::store::postgres::tx_error::TxError;
use crate::store::signup::{IssueSignupResult, NewSignup, Signup, SignupResult, SpendTokenResult};
use crate::store::subscription::postgres as subscription;
use onbill_domain::account::AccountType;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;

pub(in crate::store) async fn issue_signup(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewSignup,
) -> Result<IssueSignupResult, TxError> {
    if pai::is_proof_over(tx, now, &new.pai).await? {
        return Ok(IssueSignupResult::FlowOver);
    }
    let (row, _) = pai::find_or_create_pai(tx, now, &new.pai).await?;
    if row.is_dark || subscription::has_live_subscription(tx, row.pai).await? {
        return Ok(IssueSignupResult::AlreadyOnBill);
    }
    tx.execute_one(
        "signups",
        "INSERT INTO signups (jti, ticket_hash, partner, pai, offer, locale, account_type, partner_return_url,
             return_url, issued_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            &new.jti,
            &new.ticket.as_slice(),
            &new.pai.partner.as_str(),
            &row.pai.to_string(),
            &new.offer.as_str(),
            &new.locale.as_str(),
            &new.account_type.as_str(),
            &new.partner_return_url,
            &new.return_url,
            &now.unix_seconds(),
        ],
    )
    .await?;
    mandate::insert_mandate(tx, &new.to_mandate(now, row.pai)).await?;
    Ok(IssueSignupResult::Issued(row))
}

pub(in crate::store) async fn spend_token(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    jti: &str,
    ext_reference: &ExtId,
) -> Result<SpendTokenResult, TxError> {
    // The token is locked, so that the second of two callers sees the first one's reference.
    let row = tx
        .query_optional(
            "SELECT g.pai, g.offer, g.locale, g.account_type, g.partner_return_url, g.ext_reference
             FROM signups g JOIN pais p USING (pai)
             WHERE g.jti = $1 AND g.partner = $2 AND p.state <> 'CLOSED' FOR UPDATE OF g",
            &[&jti, &partner.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(SpendTokenResult::Unknown) };
    match row.try_get::<_, Option<&str>>("ext_reference")? {
        Some(reference) if reference != ext_reference.as_str() => return Ok(SpendTokenResult::UsedElsewhere),
        Some(_) => {}
        None => {
            tx.execute_one(
                "signups",
                "UPDATE signups SET spent_at = $2, ext_reference = $3 WHERE jti = $1",
                &[&jti, &now.unix_seconds(), &ext_reference.as_str()],
            )
            .await?;
        }
    }
    Ok(SpendTokenResult::Spent(Signup {
        pai: read_pai(&row, "signups.pai")?,
        offer: parse_column(&row, "signups.offer", OfferId::parse)?,
        locale: read_locale(&row, "signups.locale")?,
        account_type: parse_column(&row, "signups.account_type", AccountType::parse)?,
        partner_return_url: row.try_get("partner_return_url")?,
    }))
}

/// A visit succeeded if the PAI got a subscription after the token was issued.
pub(in crate::store) async fn find_signup_result(
    db: &PgConnection<'_>,
    ticket: &Hash,
) -> Result<Option<SignupResult>, TxError> {
    let row = db
        .query_optional(
            "SELECT g.offer, g.return_url, g.spent_at, s.partner_subscription_id
             FROM signups g LEFT JOIN partner_subscriptions s
                 ON s.pai = g.pai AND s.created_at >= g.issued_at AND s.status <> 'CANCELLED'
             WHERE g.ticket_hash = $1",
            &[&ticket.as_slice()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let partner_subscription_id: Option<String> = row.try_get("partner_subscription_id")?;
    let spent_at: Option<i64> = row.try_get("spent_at")?;
    let outcome = match (&partner_subscription_id, spent_at) {
        (Some(_), _) => SignupOutcome::Success,
        (None, Some(_)) => SignupOutcome::Pending,
        (None, None) => SignupOutcome::Cancelled,
    };
    Ok(Some(SignupResult {
        offer: parse_column(&row, "signups.offer", OfferId::parse)?,
        return_url: row.try_get("return_url")?,
        outcome,
        partner_subscription_id,
    }))
}
