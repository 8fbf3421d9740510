//! Sign-up tokens in SQL.

use crate::store::coupon::postgres as coupon;
use crate::store::mandate::postgres as mandate;
use crate::store::number::Hash;
use crate::store::pai::postgres as pai;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_locale, read_pai};
use crate::store::postgres::tx_error::TxError;
use crate::store::signup::{
    IssueSignupResult, NewSignup, Signup, SignupResult, SpendTokenResult, SubscriptionStart,
};
use crate::store::subscription::postgres as subscription;
use onbill_domain::account::AccountType;
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::ott::SubscriptionSource;

pub(in crate::store) async fn issue_signup(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewSignup,
) -> Result<IssueSignupResult, TxError> {
    if pai::is_proof_over(tx, now, &new.pai).await? {
        return Ok(IssueSignupResult::FlowOver);
    }
    let (row, _) = pai::find_or_create_pai(tx, now, &new.pai).await?;
    let is_dark = pai_lock::lock_switch(tx, "$1", &[&row.pai.as_str()]).await?;
    if is_dark || subscription::has_live_subscription(tx, row.pai).await? {
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

/// The subscription that came of a visit: one of its PAI that is no older than the token, and not of
/// another visit. A live one comes first. The mandate names the visit, if the partner had spent its token.
const FIND_RESULT: &str = "SELECT g.offer, g.return_url, g.spent_at, s.partner_subscription_id,
         s.status = 'CANCELLED' AS is_over
     FROM signups g LEFT JOIN LATERAL (SELECT * FROM partner_subscriptions l
         WHERE l.pai = g.pai AND l.created_at >= g.issued_at
             AND NOT EXISTS (SELECT 1 FROM mandates m JOIN signups v ON v.jti = m.supersedes
                             WHERE m.partner_subscription_id = l.partner_subscription_id AND v.jti <> g.jti OFFSET 0)
         OFFSET 0) s ON TRUE
     WHERE g.ticket_hash = $1 ORDER BY s.status = 'CANCELLED' LIMIT 1";

/// A visit succeeded if its subscription is live. Once that has ended, there is no result any more.
pub(in crate::store) async fn find_signup_result(
    db: &PgConnection<'_>,
    ticket: &Hash,
) -> Result<Option<SignupResult>, TxError> {
    let Some(row) = db.query_optional(FIND_RESULT, &[&ticket.as_slice()]).await? else { return Ok(None) };
    let (is_over, spent_at): (Option<bool>, Option<i64>) =
        (row.try_get("is_over")?, row.try_get("spent_at")?);
    let (outcome, partner_subscription_id) = match (is_over, spent_at) {
        (Some(false), _) => (SignupOutcome::Success, row.try_get("partner_subscription_id")?),
        (Some(true), Some(_)) => return Ok(None),
        (None, Some(_)) => (SignupOutcome::Pending, None),
        (Some(true) | None, None) => (SignupOutcome::Cancelled, None),
    };
    Ok(Some(SignupResult {
        offer: parse_column(&row, "signups.offer", OfferId::parse)?,
        return_url: row.try_get("return_url")?,
        outcome,
        partner_subscription_id,
    }))
}

/// How a live subscription began. The mandate of a charge says of which subscription it is. That of an
/// adopted charge is lost: it counts from the visit on. By `sequence` alone, PostgreSQL would look for
/// the first mandate among all of them.
const FIND_START: &str = "SELECT s.pai, s.origin, g.account_type,
         (SELECT min(t.created_at) FROM transactions t LEFT JOIN LATERAL
                 (SELECT * FROM mandates l WHERE l.mandate_id = t.mandate_id LIMIT 1) o ON TRUE
          WHERE t.pai = s.pai AND t.created_at >= coalesce(g.issued_at, s.created_at) AND t.status <> 'DECLINED'
              AND (o.partner_subscription_id = s.partner_subscription_id
                  OR t.mandate_id IS NULL AND t.fingerprint IS NULL)
              AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id OFFSET 0))
             AS charged_at
     FROM partner_subscriptions s LEFT JOIN signups g
         ON g.jti = (SELECT m.supersedes FROM mandates m
                     WHERE m.partner_subscription_id = s.partner_subscription_id ORDER BY m.sequence + 0 LIMIT 1)
     WHERE s.partner_subscription_id = $1 AND s.status <> 'CANCELLED'";

pub(in crate::store) async fn find_subscription_start(
    db: &PgConnection<'_>,
    subscription_id: &str,
    today: Day,
) -> Result<Option<SubscriptionStart>, TxError> {
    let Some(row) = db.query_optional(FIND_START, &[&subscription_id]).await? else { return Ok(None) };
    let charged_at: Option<i64> = row.try_get("charged_at")?;
    let mandate = mandate::find_latest_mandate(db, subscription_id).await?;
    Ok(Some(SubscriptionStart {
        source: parse_column(&row, "partner_subscriptions.origin", SubscriptionSource::parse)?,
        account_type: parse_optional_column(&row, "signups.account_type", AccountType::parse)?,
        price: mandate.as_ref().and_then(|mandate| mandate.price),
        offer: mandate.and_then(|mandate| mandate.offer),
        charged_at: charged_at.map(Timestamp::from_unix_seconds),
        paid_until: coupon::find_paid_until(db, read_pai(&row, "partner_subscriptions.pai")?, today).await?,
    }))
}
