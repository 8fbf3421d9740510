//! The desks in SQL.

use super::{
    DeskEvent, DeskLink, DeskMandate, DeskRefund, DeskSms, DeskSmsKind, DeskSubscriber, audit_outcome,
    buyers_pai, command_run, coupon_outcome, name_alarm, name_job, name_refund, refund_outcome,
    refused_access,
};
use crate::instruments::Alarm;
use crate::store::alarm::postgres as alarm;
use crate::store::audit::{AuditFact, AuditStamp, postgres as audit};
use crate::store::coupon::{ChangeCouponResult, CouponCodeSms, postgres as coupon};
use crate::store::dead_letter::postgres as dead_letter;
use crate::store::number::NumberIndex;
use crate::store::pai::{ClosePaiResult, postgres as pai};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{
    parse_column, parse_optional_column, read_amount, read_pai, read_precise_time, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::redemption_outcome::postgres as redemption_outcome;
use crate::store::refund::{NewRefund, PostRefundResult, postgres as refund};
use crate::store::refund_request::postgres as refund_request;
use onbill_domain::account_event::AccountEvent;
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;
use tokio_postgres::Row;

pub(super) async fn record_refused_access(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    act: &str,
) -> Result<(), TxError> {
    audit::append(tx, now, stamp, &refused_access(act)).await
}

pub(super) async fn look_up_for_desk(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    number: NumberIndex,
    subscriber_ref: Option<&str>,
) -> Result<Option<DeskSubscriber>, TxError> {
    // No row has NULL here while it has a number, so that no subscriber is found without a subscriber_ref.
    let row = tx
        .query_optional(
            "SELECT subscriber_id, handle, created_at FROM subscribers
             WHERE number_index = $1 AND ended_at IS NULL AND subscriber_ref = $2",
            &[&number.0.as_slice(), &subscriber_ref],
        )
        .await?;
    let found = row.as_ref().map(read_found).transpose()?;
    let fact = AuditFact {
        act,
        outcome: if found.is_some() { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: found.as_ref().map(|found| found.handle.as_str()),
        subject: None,
        reason: None,
    };
    audit::append(tx, now, stamp, &fact).await?;
    Ok(found)
}

fn read_found(row: &Row) -> Result<DeskSubscriber, TxError> {
    Ok(DeskSubscriber {
        subscriber_id: row.try_get("subscriber_id")?,
        handle: row.try_get("handle")?,
        created_at: read_time(row, "subscribers.created_at")?,
    })
}

/// The index of what is paid for has no declined charges. Each join has a limit of its own: a table that
/// was never analysed is read as a whole otherwise. An order by `recorded_at` alone would have it look for the
/// mandate among all of them, by time.
const LINKS: &str =
    "SELECT p.pai, p.partner, p.state, p.closed_reason, p.closed_at, p.created_at, s.plan, s.status,
        (SELECT max(t.period_to) FROM transactions t
         WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.status = 'APPROVED') AS paid_until,
        m.mandate_id, m.price_minor, m.currency, m.accepted_at, m.proof, m.in_force_from
    FROM pais p
        LEFT JOIN LATERAL (SELECT l.plan, l.status FROM partner_subscriptions l WHERE l.pai = p.pai
             ORDER BY l.created_at DESC, l.partner_subscription_id LIMIT 1) s ON TRUE
        LEFT JOIN LATERAL (SELECT * FROM mandates l WHERE l.pai = p.pai AND l.partner_subscription_id IS NOT NULL
             ORDER BY l.recorded_at + 0 DESC, l.sequence DESC LIMIT 1) m ON TRUE
    WHERE p.subscriber_id = $1 ORDER BY p.state = 'CLOSED', p.created_at DESC, p.pai LIMIT $2";

pub(super) async fn list_desk_links(
    db: &PgConnection<'_>,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskLink>, TxError> {
    db.query(LINKS, &[&subscriber_id, &i64::from(limit)]).await?.iter().map(read_link).collect()
}

fn read_link(row: &Row) -> Result<DeskLink, TxError> {
    let plan = parse_optional_column(row, "partner_subscriptions.plan", ExtId::parse)?;
    let status = parse_optional_column(row, "partner_subscriptions.status", SubscriptionStatus::parse)?;
    Ok(DeskLink {
        pai: read_pai(row, "pais.pai")?,
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        subscription: plan.zip(status),
        created_at: read_time(row, "pais.created_at")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        closed_at: read_optional_time(row, "closed_at")?,
        closed_reason: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        paid_until: parse_optional_column(row, "transactions.paid_until", Day::parse)?,
        mandate: read_mandate(row)?,
    })
}

fn read_mandate(row: &Row) -> Result<Option<DeskMandate>, TxError> {
    let Some(mandate_id) = row.try_get("mandate_id")? else { return Ok(None) };
    let amount: Option<i64> = row.try_get("price_minor")?;
    let currency = parse_optional_column(row, "mandates.currency", Currency::parse)?;
    Ok(Some(DeskMandate {
        mandate_id,
        price: amount.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
        accepted_at: read_time(row, "mandates.accepted_at")?,
        proof: parse_column(row, "mandates.proof", MandateProof::parse)?,
        in_force_from: parse_optional_column(row, "mandates.in_force_from", Day::parse)?,
    }))
}

fn read_optional_time(row: &Row, column: &str) -> Result<Option<Timestamp>, TxError> {
    let seconds: Option<i64> = row.try_get(column)?;
    Ok(seconds.map(Timestamp::from_unix_seconds))
}

const REFUNDS: &str =
    "SELECT r.refund_id, r.ext_refund_id, r.transaction_id, r.amount_minor, t.currency, r.reason,
        r.borne_by, r.status, r.created_at, r.settled_at
    FROM transactions t CROSS JOIN LATERAL
        (SELECT * FROM refunds o WHERE o.transaction_id = t.transaction_id
         ORDER BY o.created_at DESC, o.refund_id LIMIT $2) r
    WHERE t.transaction_id = ANY ($1) ORDER BY r.created_at DESC, r.refund_id";

pub(super) async fn list_desk_refunds(
    db: &PgConnection<'_>,
    transactions: &[String],
    limit: u32,
) -> Result<Vec<DeskRefund>, TxError> {
    let rows = db.query(REFUNDS, &[&transactions.to_vec(), &i64::from(limit)]).await?;
    rows.iter().map(read_refund).collect()
}

fn read_refund(row: &Row) -> Result<DeskRefund, TxError> {
    Ok(DeskRefund {
        refund_id: row.try_get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        transaction_id: row.try_get("transaction_id")?,
        amount: read_amount(row, "transactions.currency")?,
        reason: row.try_get("reason")?,
        borne_by: parse_optional_column(row, "refunds.borne_by", BorneBy::parse)?,
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        created_at: read_time(row, "refunds.created_at")?,
        settled_at: read_optional_time(row, "settled_at")?,
    })
}

/// Each part has a limit of its own, for the reason that [`LINKS`] has.
const SMS: &str =
    "SELECT 'coupon' AS kind, c.ext_coupon_id AS id, p.partner, c.issued_at AS promised_at, c.sent_at,
        c.delivered_at, c.undelivered_at, c.undelivered_reason
    FROM pais p CROSS JOIN LATERAL (SELECT * FROM coupons o WHERE o.pai = p.pai
        ORDER BY o.issued_at DESC, o.ext_coupon_id LIMIT $2) c
    WHERE p.subscriber_id = $1
    UNION ALL SELECT 'partner-message', n.id, p.partner, n.accepted_at, NULL, NULL, NULL, NULL
    FROM pais p CROSS JOIN LATERAL
        (SELECT o.accepted_at, coalesce(o.ext_notification_id, o.notification_id) AS id FROM notifications o
         WHERE o.pai = p.pai ORDER BY o.accepted_at DESC, id LIMIT $2) n
    WHERE p.subscriber_id = $1
    ORDER BY promised_at DESC, id LIMIT $2";

pub(super) async fn list_desk_sms(
    db: &PgConnection<'_>,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskSms>, TxError> {
    let rows = db.query(SMS, &[&subscriber_id, &i64::from(limit)]).await?;
    rows.iter().map(read_sms).collect()
}

fn read_sms(row: &Row) -> Result<DeskSms, TxError> {
    Ok(DeskSms {
        kind: parse_column(row, "coupons.kind", DeskSmsKind::parse)?,
        id: row.try_get("id")?,
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        at: read_time(row, "coupons.promised_at")?,
        sent_at: read_optional_time(row, "sent_at")?,
        delivered_at: read_optional_time(row, "delivered_at")?,
        undelivered_at: read_optional_time(row, "undelivered_at")?,
        undelivered_reason: row.try_get("undelivered_reason")?,
    })
}

const EVENTS: &str =
    "SELECT event_id, event, occurred_at_nanoseconds, recorded_at, outcome FROM account_events
    WHERE subscriber_id = $1 ORDER BY occurred_at_nanoseconds DESC, event_id LIMIT $2";

pub(super) async fn list_desk_events(
    db: &PgConnection<'_>,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskEvent>, TxError> {
    let rows = db.query(EVENTS, &[&subscriber_id, &i64::from(limit)]).await?;
    rows.iter().map(read_event).collect()
}

fn read_event(row: &Row) -> Result<DeskEvent, TxError> {
    Ok(DeskEvent {
        event_id: parse_column(row, "account_events.event_id", ExtId::parse)?,
        event: parse_column(row, "account_events.event", AccountEvent::parse)?,
        occurred_at: read_precise_time(row, "account_events.occurred_at_nanoseconds")?,
        recorded_at: read_time(row, "account_events.recorded_at")?,
        outcome: parse_column(row, "account_events.outcome", AccountEventOutcome::parse)?,
    })
}

pub(super) async fn close_link(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    partner: Option<&PartnerId>,
    pai: Pai,
    reason: DeclineReason,
) -> Result<ClosePaiResult, TxError> {
    let known = pai::find_pai_status(tx, pai).await?;
    let known = known.filter(|known| partner.is_none_or(|partner| known.partner == *partner));
    let result = match &known {
        Some(known) => pai::close_pai(tx, now, &known.partner, pai, reason).await?,
        None => ClosePaiResult::NotFound,
    };
    if let Some(outcome) = audit_outcome(result) {
        // The audit is kept permanently. What is no PAI of ours may be whatever was typed, such as a number.
        let subject = known.is_some().then(|| pai.masked().to_string());
        let fact = AuditFact {
            act: AuditAct::LinkClosed,
            outcome,
            subscriber: known.as_ref().map(|known| known.handle.as_str()),
            subject: subject.as_deref(),
            reason: Some(reason.as_str()),
        };
        audit::append(tx, now, stamp, &fact).await?;
    }
    Ok(result)
}

const HANDLE_OF_CHARGE: &str = "SELECT s.handle FROM transactions t JOIN pais p USING (pai)
        JOIN subscribers s USING (subscriber_id)
    WHERE t.transaction_id = $1";

pub(super) async fn post_desk_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    transaction_id: &str,
    new: &NewRefund,
) -> Result<PostRefundResult, TxError> {
    let result = if redemption_outcome::find_coupon_of_charge(tx, transaction_id).await?.is_some() {
        PostRefundResult::CouponsCharge
    } else if refund_request::is_rejected(tx, &new.refund_id).await? {
        PostRefundResult::NotAgreed
    } else {
        refund::post_refund(tx, now, new).await?
    };
    let row = tx.query_optional(HANDLE_OF_CHARGE, &[&transaction_id]).await?;
    let handle: Option<&str> = row.as_ref().map(|row| row.try_get("handle")).transpose()?;
    let subject = name_refund(transaction_id, new);
    let fact = AuditFact {
        act: AuditAct::RefundPosted,
        outcome: refund_outcome(&result),
        subscriber: handle,
        subject: Some(&subject),
        reason: new.borne_by.map(BorneBy::as_str),
    };
    audit::append(tx, now, stamp, &fact).await?;
    Ok(result)
}

pub(super) async fn resend_sms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    id: &ExtId,
    text: &CouponCodeSms,
) -> Result<ChangeCouponResult, TxError> {
    let result = coupon::resend_coupon(tx, now, id, stamp.reference.as_ref(), text).await?;
    append_coupon_act(tx, now, stamp, AuditAct::SmsResent, id, &result).await?;
    Ok(result)
}

pub(super) async fn void_coupon_by_hand(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    id: &ExtId,
) -> Result<ChangeCouponResult, TxError> {
    let result = coupon::void_coupon(tx, now, id).await?;
    append_coupon_act(tx, now, stamp, AuditAct::CouponVoided, id, &result).await?;
    Ok(result)
}

/// The entry names the coupon and its buyer. What names no coupon may be anything, such as a number.
async fn append_coupon_act(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    id: &ExtId,
    result: &ChangeCouponResult,
) -> Result<(), TxError> {
    let buyer = match buyers_pai(result) {
        Some(pai) => pai::find_pai_status(tx, pai).await?,
        None => None,
    };
    let fact = AuditFact {
        act,
        outcome: coupon_outcome(result),
        subscriber: buyer.as_ref().map(|buyer| buyer.handle.as_str()),
        subject: (*result != ChangeCouponResult::NotFound).then_some(id.as_str()),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact).await
}

pub(super) async fn record_command(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    words: &str,
) -> Result<(), TxError> {
    audit::append(tx, now, stamp, &command_run(words)).await
}

pub(super) async fn redrive_by_hand(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    job_id: i64,
) -> Result<bool, TxError> {
    let retried = dead_letter::redrive_dead_letter(tx, now, job_id).await?;
    let subject = name_job(job_id);
    let fact = AuditFact {
        act: AuditAct::JobRetried,
        outcome: if retried { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: None,
        subject: Some(&subject),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact).await?;
    Ok(retried)
}

pub(super) async fn close_seen_alarms(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    alarm: Alarm,
    subject: Option<&str>,
) -> Result<u64, TxError> {
    let closed = alarm::close_alarms(tx, now, alarm, subject).await?;
    // What names no alarm may be anything.
    let subject = name_alarm(alarm, subject.filter(|_| closed > 0));
    let fact = AuditFact {
        act: AuditAct::AlarmClosed,
        outcome: if closed > 0 { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: None,
        subject: Some(&subject),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact).await?;
    Ok(closed)
}
