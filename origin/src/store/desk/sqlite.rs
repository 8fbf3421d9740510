//! The desks in SQL.

use super::{
    DeskEvent, DeskLink, DeskMandate, DeskRefund, DeskSms, DeskSmsKind, DeskSubscriber, audit_outcome,
    buyers_pai, command_run, coupon_outcome, name_alarm, name_job, name_refund, refund_outcome,
    refused_access,
};
use crate::instruments::Alarm;
use crate::store::alarm::sqlite as alarm;
use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::coupon::{ChangeCouponResult, CouponCodeSms, sqlite as coupon};
use crate::store::dead_letter::sqlite as dead_letter;
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::pai::{ClosePaiResult, sqlite as pai};
use crate::store::redemption_outcome::sqlite as redemption_outcome;
use crate::store::refund::{NewRefund, PostRefundResult, sqlite as refund};
use crate::store::refund_request::sqlite as refund_request;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_amount, read_pai, read_time};
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
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(super) fn record_refused_access(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    act: &str,
) -> Result<(), StoreError> {
    audit::append(tx, now, stamp, &refused_access(act))
}

pub(super) fn look_up_for_desk(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    number: NumberIndex,
    subscriber_ref: Option<&str>,
) -> Result<Option<DeskSubscriber>, StoreError> {
    // No row has NULL here while it has a number, so that no subscriber is found without a subscriber_ref.
    let found = tx
        .prepare_cached(
            "SELECT subscriber_id, handle, created_at FROM subscribers
             WHERE number_index = ?1 AND ended_at IS NULL AND subscriber_ref = ?2",
        )?
        .query_row(params![number.0, subscriber_ref], |row| {
            Ok(DeskSubscriber {
                subscriber_id: row.get("subscriber_id")?,
                handle: row.get("handle")?,
                created_at: Timestamp::from_unix_seconds(row.get("created_at")?),
            })
        })
        .optional()?;
    let fact = AuditFact {
        act,
        outcome: if found.is_some() { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: found.as_ref().map(|found| found.handle.as_str()),
        subject: None,
        reason: None,
    };
    audit::append(tx, now, stamp, &fact)?;
    Ok(found)
}

/// The index of what is paid for has no declined charges.
const LINKS: &str =
    "SELECT p.pai, p.partner, p.state, p.closed_reason, p.closed_at, p.created_at, s.plan, s.status,
        (SELECT max(t.period_to) FROM transactions t
         WHERE t.pai = p.pai AND t.status <> 'DECLINED' AND t.status = 'APPROVED') AS paid_until,
        m.mandate_id, m.price_minor, m.currency, m.accepted_at, m.proof, m.in_force_from
    FROM pais p
        LEFT JOIN partner_subscriptions s ON s.partner_subscription_id =
            (SELECT l.partner_subscription_id FROM partner_subscriptions l WHERE l.pai = p.pai
             ORDER BY l.created_at DESC, l.partner_subscription_id LIMIT 1)
        LEFT JOIN mandates m ON m.mandate_id =
            (SELECT l.mandate_id FROM mandates l WHERE l.pai = p.pai AND l.partner_subscription_id IS NOT NULL
             ORDER BY l.recorded_at DESC, l.sequence DESC LIMIT 1)
    WHERE p.subscriber_id = ?1 ORDER BY p.state = 'CLOSED', p.created_at DESC, p.pai LIMIT ?2";

pub(super) fn list_desk_links(
    db: &Connection,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskLink>, StoreError> {
    let mut select = db.prepare_cached(LINKS)?;
    let mut rows = select.query(params![subscriber_id, limit])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        links.push(read_link(row)?);
    }
    Ok(links)
}

fn read_link(row: &Row<'_>) -> Result<DeskLink, StoreError> {
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

fn read_mandate(row: &Row<'_>) -> Result<Option<DeskMandate>, StoreError> {
    let Some(mandate_id) = row.get("mandate_id")? else { return Ok(None) };
    let amount: Option<i64> = row.get("price_minor")?;
    let currency = parse_optional_column(row, "mandates.currency", Currency::parse)?;
    Ok(Some(DeskMandate {
        mandate_id,
        price: amount.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
        accepted_at: read_time(row, "mandates.accepted_at")?,
        proof: parse_column(row, "mandates.proof", MandateProof::parse)?,
        in_force_from: parse_optional_column(row, "mandates.in_force_from", Day::parse)?,
    }))
}

fn read_optional_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let seconds: Option<i64> = row.get(column)?;
    Ok(seconds.map(Timestamp::from_unix_seconds))
}

const REFUNDS: &str =
    "SELECT r.refund_id, r.ext_refund_id, r.transaction_id, r.amount_minor, t.currency, r.reason,
        r.borne_by, r.status, r.created_at, r.settled_at
    FROM refunds r JOIN transactions t USING (transaction_id)
    WHERE r.transaction_id = ?1 ORDER BY r.created_at DESC, r.refund_id LIMIT ?2";

pub(super) fn list_desk_refunds(
    db: &Connection,
    transactions: &[String],
    limit: u32,
) -> Result<Vec<DeskRefund>, StoreError> {
    let mut select = db.prepare_cached(REFUNDS)?;
    let mut refunds = Vec::new();
    for transaction_id in transactions {
        let mut rows = select.query(params![transaction_id, limit])?;
        while let Some(row) = rows.next()? {
            refunds.push(read_refund(row)?);
        }
    }
    refunds.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.refund_id.cmp(&b.refund_id)));
    Ok(refunds)
}

fn read_refund(row: &Row<'_>) -> Result<DeskRefund, StoreError> {
    Ok(DeskRefund {
        refund_id: row.get("refund_id")?,
        ext_refund_id: parse_column(row, "refunds.ext_refund_id", ExtId::parse)?,
        transaction_id: row.get("transaction_id")?,
        amount: read_amount(row, "transactions.currency")?,
        reason: row.get("reason")?,
        borne_by: parse_optional_column(row, "refunds.borne_by", BorneBy::parse)?,
        status: parse_column(row, "refunds.status", TransactionStatus::parse)?,
        created_at: read_time(row, "refunds.created_at")?,
        settled_at: read_optional_time(row, "settled_at")?,
    })
}

const SMS: &str = "SELECT 'coupon' AS kind, c.ext_coupon_id AS id, p.partner, c.issued_at AS promised_at, c.sent_at,
        c.delivered_at, c.undelivered_at, c.undelivered_reason
    FROM pais p JOIN coupons c ON c.pai = p.pai WHERE p.subscriber_id = ?1
    UNION ALL SELECT 'partner-message', coalesce(n.ext_notification_id, n.notification_id), p.partner, n.accepted_at,
        NULL, NULL, NULL, NULL
    FROM pais p JOIN notifications n ON n.pai = p.pai WHERE p.subscriber_id = ?1
    ORDER BY promised_at DESC, id LIMIT ?2";

pub(super) fn list_desk_sms(
    db: &Connection,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskSms>, StoreError> {
    let mut select = db.prepare_cached(SMS)?;
    let mut rows = select.query(params![subscriber_id, limit])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(DeskSms {
            kind: parse_column(row, "coupons.kind", DeskSmsKind::parse)?,
            id: row.get("id")?,
            partner: parse_column(row, "pais.partner", PartnerId::parse)?,
            at: read_time(row, "coupons.promised_at")?,
            sent_at: read_optional_time(row, "sent_at")?,
            delivered_at: read_optional_time(row, "delivered_at")?,
            undelivered_at: read_optional_time(row, "undelivered_at")?,
            undelivered_reason: row.get("undelivered_reason")?,
        });
    }
    Ok(messages)
}

const EVENTS: &str =
    "SELECT event_id, event, occurred_at_nanoseconds, recorded_at, outcome FROM account_events
    WHERE subscriber_id = ?1 ORDER BY occurred_at_nanoseconds DESC, event_id LIMIT ?2";

pub(super) fn list_desk_events(
    db: &Connection,
    subscriber_id: &str,
    limit: u32,
) -> Result<Vec<DeskEvent>, StoreError> {
    let mut select = db.prepare_cached(EVENTS)?;
    let mut rows = select.query(params![subscriber_id, limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(DeskEvent {
            event_id: parse_column(row, "account_events.event_id", ExtId::parse)?,
            event: parse_column(row, "account_events.event", AccountEvent::parse)?,
            occurred_at: Timestamp::from_unix_nanoseconds(row.get("occurred_at_nanoseconds")?),
            recorded_at: read_time(row, "account_events.recorded_at")?,
            outcome: parse_column(row, "account_events.outcome", AccountEventOutcome::parse)?,
        });
    }
    Ok(events)
}

pub(super) fn close_link(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    partner: Option<&PartnerId>,
    pai: Pai,
    reason: DeclineReason,
) -> Result<ClosePaiResult, StoreError> {
    let known = pai::find_pai_status(tx, pai)?;
    let known = known.filter(|known| partner.is_none_or(|partner| known.partner == *partner));
    let result = match &known {
        Some(known) => pai::close_pai(tx, now, &known.partner, pai, reason)?,
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
        audit::append(tx, now, stamp, &fact)?;
    }
    Ok(result)
}

const HANDLE_OF_CHARGE: &str = "SELECT s.handle FROM transactions t JOIN pais p USING (pai)
        JOIN subscribers s USING (subscriber_id)
    WHERE t.transaction_id = ?1";

pub(super) fn post_desk_refund(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    transaction_id: &str,
    new: &NewRefund,
) -> Result<PostRefundResult, StoreError> {
    let result = if redemption_outcome::is_coupon_charge(tx, transaction_id)? {
        PostRefundResult::CouponsCharge
    } else if refund_request::is_rejected(tx, &new.refund_id)? {
        PostRefundResult::NotAgreed
    } else {
        refund::post_refund(tx, now, new)?
    };
    let handle: Option<String> =
        tx.prepare_cached(HANDLE_OF_CHARGE)?.query_row([transaction_id], |row| row.get(0)).optional()?;
    let subject = name_refund(transaction_id, new);
    let fact = AuditFact {
        act: AuditAct::RefundPosted,
        outcome: refund_outcome(&result),
        subscriber: handle.as_deref(),
        subject: Some(&subject),
        reason: new.borne_by.map(BorneBy::as_str),
    };
    audit::append(tx, now, stamp, &fact)?;
    Ok(result)
}

pub(super) fn resend_sms(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    id: &ExtId,
    text: &CouponCodeSms,
) -> Result<ChangeCouponResult, StoreError> {
    let result = coupon::resend_coupon(tx, now, id, stamp.reference.as_ref(), text)?;
    append_coupon_act(tx, now, stamp, AuditAct::SmsResent, id, &result)?;
    Ok(result)
}

pub(super) fn void_coupon_by_hand(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    id: &ExtId,
) -> Result<ChangeCouponResult, StoreError> {
    let result = coupon::void_coupon(tx, now, id)?;
    append_coupon_act(tx, now, stamp, AuditAct::CouponVoided, id, &result)?;
    Ok(result)
}

/// The entry names the coupon and its buyer. What names no coupon may be anything, such as a number.
fn append_coupon_act(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    id: &ExtId,
    result: &ChangeCouponResult,
) -> Result<(), StoreError> {
    let buyer = match buyers_pai(result) {
        Some(pai) => pai::find_pai_status(tx, pai)?,
        None => None,
    };
    let fact = AuditFact {
        act,
        outcome: coupon_outcome(result),
        subscriber: buyer.as_ref().map(|buyer| buyer.handle.as_str()),
        subject: (*result != ChangeCouponResult::NotFound).then_some(id.as_str()),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact)
}

pub(super) fn record_command(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    words: &str,
) -> Result<(), StoreError> {
    audit::append(tx, now, stamp, &command_run(words))
}

pub(super) fn redrive_by_hand(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    job_id: i64,
) -> Result<bool, StoreError> {
    let retried = dead_letter::redrive_dead_letter(tx, now, job_id)?;
    let subject = name_job(job_id);
    let fact = AuditFact {
        act: AuditAct::JobRetried,
        outcome: if retried { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: None,
        subject: Some(&subject),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact)?;
    Ok(retried)
}

pub(super) fn close_seen_alarms(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    alarm: Alarm,
    subject: Option<&str>,
) -> Result<u64, StoreError> {
    let closed = alarm::close_alarms(tx, now, alarm, subject)?;
    // What names no alarm may be anything.
    let subject = name_alarm(alarm, subject.filter(|_| closed > 0));
    let fact = AuditFact {
        act: AuditAct::AlarmClosed,
        outcome: if closed > 0 { AuditOutcome::Done } else { AuditOutcome::NotFound },
        subscriber: None,
        subject: Some(&subject),
        reason: None,
    };
    audit::append(tx, now, stamp, &fact)?;
    Ok(closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn what_a_desk_reads_does_not_grow_with_the_ledger() {
        for step in [LINKS, REFUNDS, SMS, EVENTS].into_iter().flat_map(query_plan) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
