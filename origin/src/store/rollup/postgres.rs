//! Counts by day in SQL. Each statement reads a stretch of an index.

use super::{
    ChargeCounts, ChargeGroup, ChargeKey, Counted, CountedSpan, DaySpan, FlowGroup, NEWER_SECONDS_MAX,
    RefusedVisits, VisitCounts, VisitKey, add_charges, add_flows,
};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::postgres::PostgresDatabase;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_amount, read_place, read_time};
use crate::store::postgres::transaction::{in_transaction, read};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::summary::{ChargeCount, CountedOutcome, VisitChannel, VisitCount, VisitStep};
use tokio_postgres::Row;

pub(super) async fn count_day(
    db: &PostgresDatabase,
    now: Timestamp,
    span: DaySpan,
) -> Result<(), StoreError> {
    let pool = db.pool();
    let mut charges = ChargeCounts::new();
    let mut partner = String::new();
    while let Some(next) = read!(pool, |db| find_next_partner(db, &partner))? {
        partner = next;
        for (from, until) in span.slices(now) {
            for (sql, key) in [
                (CHARGES, ChargeKey::of_charges as fn(&str, ChargeGroup) -> ChargeKey),
                (REFUNDS, ChargeKey::of_refunds as fn(&str, ChargeGroup) -> ChargeKey),
            ] {
                for (group, more) in read!(pool, |db| count_slice(db, sql, &partner, from, until))? {
                    add_charges(&mut charges, key(&partner, group), more);
                }
            }
        }
    }
    let mut visits = read!(pool, |db| count_signups(db, span))?;
    visits.append(&mut read!(pool, |db| count_subscriptions(db, span))?);
    in_transaction!(pool, |tx| { replace_day(tx, now, span, &charges, &visits).await? })
}

const NEXT_PARTNER: &str = "SELECT min(partner) AS partner FROM transactions WHERE partner > $1";

async fn find_next_partner(db: &PgConnection<'_>, after: &str) -> Result<Option<String>, TxError> {
    match db.query_optional(NEXT_PARTNER, &[&after]).await? {
        Some(row) => Ok(row.try_get("partner")?),
        None => Ok(None),
    }
}

/// Claims are left out: the other system has counted them.
const CHARGES: &str = "SELECT currency, coalesce(charge_code, '') AS charge_code,
        coalesce(decline_reason, '') AS reason, count(*) AS counted, CAST(sum(amount_minor) AS BIGINT) AS amount_minor
    FROM transactions WHERE partner = $1 AND settled_at >= $2 AND settled_at < $3 AND migration_file IS NULL
    GROUP BY 1, 2, 3";

const REFUNDS: &str = "SELECT c.currency, coalesce(c.charge_code, '') AS charge_code, '' AS reason,
        count(*) AS counted, CAST(sum(r.amount_minor) AS BIGINT) AS amount_minor
    FROM refunds r JOIN transactions c ON c.transaction_id = r.transaction_id
    WHERE r.partner = $1 AND r.settled_at >= $2 AND r.settled_at < $3 AND r.status = 'APPROVED' GROUP BY 1, 2";

async fn count_slice(
    db: &PgConnection<'_>,
    sql: &str,
    partner: &str,
    from: i64,
    until: i64,
) -> Result<Vec<(ChargeGroup, Counted)>, TxError> {
    let mut found = Vec::new();
    for row in db.query(sql, &[&partner, &from, &until]).await? {
        let group = ChargeGroup {
            currency: row.try_get("currency")?,
            charge_code: row.try_get("charge_code")?,
            reason: row.try_get("reason")?,
        };
        let more = Counted { count: row.try_get("counted")?, amount_minor: row.try_get("amount_minor")? };
        found.push((group, more));
    }
    Ok(found)
}

const SIGNUPS: &str = "SELECT g.locale, m.proof, count(*) AS begun, count(g.spent_at) AS spent
    FROM mandates m JOIN signups g ON g.jti = m.mandate_id
    WHERE m.recorded_at >= $1 AND m.recorded_at < $2 AND m.partner_subscription_id IS NULL GROUP BY 1, 2";

const SUBSCRIBED: &str = "SELECT supersedes IS NULL AS is_in_app, coalesce(locale, '') AS locale, proof,
        count(*) AS counted
    FROM mandates WHERE recorded_at >= $1 AND recorded_at < $2 AND partner_subscription_id IS NOT NULL
        AND change_id IS NULL AND proof <> 'imported' GROUP BY 1, 2, 3";

async fn count_signups(db: &PgConnection<'_>, span: DaySpan) -> Result<VisitCounts, TxError> {
    let mut counts = VisitCounts::new();
    let bounds = [span.starts_at.unix_seconds(), span.ends_at.unix_seconds()];
    for row in db.query(SIGNUPS, &[&bounds[0], &bounds[1]]).await? {
        for (step, column) in [(VisitStep::SignupBegun, "begun"), (VisitStep::TokenSpent, "spent")] {
            add_visit(&mut counts, span.day, VisitChannel::Widget, step, &row, column)?;
        }
    }
    Ok(counts)
}

async fn count_subscriptions(db: &PgConnection<'_>, span: DaySpan) -> Result<VisitCounts, TxError> {
    let mut counts = VisitCounts::new();
    let bounds = [span.starts_at.unix_seconds(), span.ends_at.unix_seconds()];
    for row in db.query(SUBSCRIBED, &[&bounds[0], &bounds[1]]).await? {
        let channel = if row.try_get("is_in_app")? { VisitChannel::App } else { VisitChannel::Widget };
        add_visit(&mut counts, span.day, channel, VisitStep::Subscribed, &row, "counted")?;
    }
    Ok(counts)
}

fn add_visit(
    counts: &mut VisitCounts,
    day: Day,
    channel: VisitChannel,
    step: VisitStep,
    row: &Row,
    column: &str,
) -> Result<(), TxError> {
    let key = VisitKey::of_step(day, channel, row.try_get("locale")?, row.try_get("proof")?, step);
    let more: i64 = row.try_get(column)?;
    if more > 0 {
        *counts.entry(key).or_default() += more;
    }
    Ok(())
}

/// The row of the day is locked until the commit, so that two origins take turns.
async fn replace_day(
    tx: &PgConnection<'_>,
    now: Timestamp,
    span: DaySpan,
    charges: &ChargeCounts,
    visits: &VisitCounts,
) -> Result<(), TxError> {
    let day = span.day.to_string();
    let changed = tx
        .execute(
            "INSERT INTO counted_days (day, starts_at, ends_at, counted_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (day) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                 counted_at = excluded.counted_at
             WHERE counted_days.counted_at NOT BETWEEN excluded.counted_at + 1 AND excluded.counted_at + $5",
            &[
                &day,
                &span.starts_at.unix_seconds(),
                &span.ends_at.unix_seconds(),
                &now.unix_seconds(),
                &NEWER_SECONDS_MAX,
            ],
        )
        .await?;
    if changed == 0 {
        return Ok(());
    }
    tx.execute("DELETE FROM charge_days WHERE day = $1", &[&day]).await?;
    let of_keys = |part: fn(&ChargeKey) -> &str| charges.keys().map(part).collect::<Vec<_>>();
    let counted: Vec<i64> = charges.values().map(|counted| counted.count).collect();
    let amounts: Vec<i64> = charges.values().map(|counted| counted.amount_minor).collect();
    tx.execute(
        "INSERT INTO charge_days (day, partner, currency, charge_code, outcome, reason, counted, amount_minor)
         SELECT $1, * FROM unnest($2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::BIGINT[], $8::BIGINT[])",
        &[
            &day,
            &of_keys(|key| &key.partner),
            &of_keys(|key| &key.currency),
            &of_keys(|key| &key.charge_code),
            &of_keys(|key| key.outcome),
            &of_keys(|key| &key.reason),
            &counted,
            &amounts,
        ],
    )
    .await?;
    tx.execute(
        "DELETE FROM visit_days WHERE day = $1 AND step IN ('sign-up-begun', 'token-spent', 'subscribed')",
        &[&day],
    )
    .await?;
    add_visits(tx, visits).await
}

/// In the order of the primary key, so that two origins never wait for each other in turn.
pub(in crate::store) async fn add_visits(tx: &PgConnection<'_>, visits: &VisitCounts) -> Result<(), TxError> {
    let days: Vec<String> = visits.keys().map(|key| key.day.to_string()).collect();
    let of_keys = |part: fn(&VisitKey) -> &str| visits.keys().map(part).collect::<Vec<_>>();
    let counted: Vec<i64> = visits.values().copied().collect();
    tx.execute(
        "INSERT INTO visit_days (day, channel, locale, proof, step, refusal, counted)
         SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], $6::TEXT[], $7::BIGINT[])
         ON CONFLICT (day, channel, locale, proof, step, refusal)
             DO UPDATE SET counted = visit_days.counted + excluded.counted",
        &[
            &days,
            &of_keys(|key| key.channel),
            &of_keys(|key| &key.locale),
            &of_keys(|key| &key.proof),
            &of_keys(|key| key.step),
            &of_keys(|key| key.refusal),
            &counted,
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn add_refused_visits(
    tx: &PgConnection<'_>,
    day: Day,
    refused: &[RefusedVisits],
) -> Result<(), TxError> {
    add_visits(tx, &super::count_refused(day, refused)).await
}

pub(super) async fn list_counted_days(
    db: &PgConnection<'_>,
    from: Day,
    to: Day,
) -> Result<Vec<CountedSpan>, TxError> {
    let rows = db
        .query(
            "SELECT day, starts_at, ends_at, counted_at FROM counted_days WHERE day BETWEEN $1 AND $2 ORDER BY day",
            &[&from.to_string(), &to.to_string()],
        )
        .await?;
    let read = |row: &Row| {
        let span = DaySpan {
            day: parse_column(row, "counted_days.day", Day::parse)?,
            starts_at: read_time(row, "counted_days.starts_at")?,
            ends_at: read_time(row, "counted_days.ends_at")?,
        };
        Ok(CountedSpan { span, counted_at: read_time(row, "counted_days.counted_at")? })
    };
    rows.iter().map(read).collect()
}

const CHARGE_DAYS: &str = "SELECT day, partner, currency, charge_code, outcome, reason, counted, amount_minor
    FROM charge_days WHERE day BETWEEN $1 AND $2
    ORDER BY day, partner, currency, charge_code, outcome, reason";

pub(super) async fn list_charge_counts(
    db: &PgConnection<'_>,
    from: Day,
    to: Day,
) -> Result<Vec<ChargeCount>, TxError> {
    let rows = db.query(CHARGE_DAYS, &[&from.to_string(), &to.to_string()]).await?;
    let read = |row: &Row| {
        Ok(ChargeCount {
            day: parse_column(row, "charge_days.day", Day::parse)?,
            partner: parse_column(row, "charge_days.partner", PartnerId::parse)?,
            charge_code: parse_or_empty(row, "charge_days.charge_code", ChargeCode::parse)?,
            outcome: parse_column(row, "charge_days.outcome", CountedOutcome::parse)?,
            reason: parse_or_empty(row, "charge_days.reason", DeclineReason::parse)?,
            count: row.try_get("counted")?,
            amount: read_amount(row, "charge_days.currency")?,
        })
    };
    rows.iter().map(read).collect()
}

const VISIT_DAYS: &str = "SELECT day, channel, locale, proof, step, refusal, counted
    FROM visit_days WHERE day BETWEEN $1 AND $2 ORDER BY day, channel, locale, proof, step, refusal";

/// The flows of all recent days in one statement: a day without flows has no row.
const FLOWS: &str = "SELECT spans.place, f.partner IS NOT NULL AS is_in_app, f.locale,
        f.pin_mac IS NOT NULL AS has_pin, count(*) AS counted, count(f.proven_at) AS proven
    FROM unnest($1::BIGINT[], $2::BIGINT[]) WITH ORDINALITY AS spans (starts_at, ends_at, place)
        JOIN flows f ON f.started_at >= spans.starts_at AND f.started_at < spans.ends_at
    WHERE f.partner IS NOT NULL OR f.offer IS NOT NULL GROUP BY 1, 2, 3, 4";

pub(super) async fn list_visit_counts(
    db: &PgConnection<'_>,
    from: Day,
    to: Day,
    recent: &[DaySpan],
) -> Result<Vec<VisitCount>, TxError> {
    let rows = db.query(VISIT_DAYS, &[&from.to_string(), &to.to_string()]).await?;
    let counts = rows.iter().map(read_visits).collect::<Result<Vec<_>, _>>()?;
    let recent: Vec<_> = recent.iter().filter(|span| (from..=to).contains(&span.day)).collect();
    let starts: Vec<i64> = recent.iter().map(|span| span.starts_at.unix_seconds()).collect();
    let ends: Vec<i64> = recent.iter().map(|span| span.ends_at.unix_seconds()).collect();
    let mut present = VisitCounts::new();
    for row in db.query(FLOWS, &[&starts, &ends]).await? {
        let span = recent.get(read_place(&row)?).ok_or_else(|| inconsistent_row("unnest.place"))?;
        let flows = FlowGroup {
            is_in_app: row.try_get("is_in_app")?,
            locale: row.try_get("locale")?,
            has_pin: row.try_get("has_pin")?,
            count: row.try_get("counted")?,
            proven: row.try_get("proven")?,
        };
        add_flows(&mut present, span.day, &flows);
    }
    Ok(super::merge_present(counts, &present)?)
}

fn read_visits(row: &Row) -> Result<VisitCount, TxError> {
    let refusal: String = row.try_get("refusal")?;
    Ok(VisitCount {
        day: parse_column(row, "visit_days.day", Day::parse)?,
        channel: parse_column(row, "visit_days.channel", VisitChannel::parse)?,
        locale: parse_or_empty(row, "visit_days.locale", Locale::from_tag)?,
        proof: parse_or_empty(row, "visit_days.proof", MandateProof::parse)?,
        step: parse_column(row, "visit_days.step", VisitStep::parse)?,
        refusal: Some(refusal).filter(|code| !code.is_empty()),
        count: row.try_get("counted")?,
    })
}

fn parse_or_empty<T>(
    row: &Row,
    place: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, TxError> {
    parse_column(row, place, |word| if word.is_empty() { Some(None) } else { parse(word).map(Some) })
}
