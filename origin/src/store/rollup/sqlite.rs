//! Counts by day in SQL. Each statement reads a stretch of an index.

use super::{
    ChargeCounts, ChargeGroup, ChargeKey, Counted, CountedSpan, DaySpan, FlowGroup, NEWER_SECONDS_MAX,
    RefusedVisits, VisitCounts, VisitKey, add_charges, add_flows,
};
use crate::store::error::StoreError;
use crate::store::sqlite::SqliteDatabase;
use crate::store::sqlite::rows::{parse_column, read_amount, read_time};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::summary::{ChargeCount, CountedOutcome, VisitChannel, VisitCount, VisitStep};
use rusqlite::{Connection, Row, params};

pub(super) async fn count_day(db: &SqliteDatabase, now: Timestamp, span: DaySpan) -> Result<(), StoreError> {
    let mut charges = ChargeCounts::new();
    for partner in db.read(list_partners).await? {
        for (from, until) in span.slices(now) {
            let partner = partner.clone();
            for (key, more) in db.read(move |db| count_slice(db, &partner, from, until)).await? {
                add_charges(&mut charges, key, more);
            }
        }
    }
    let visits = db.read(move |db| count_signups(db, span)).await?;
    db.write(move |tx| replace_day(tx, now, span, &charges, &visits)).await
}

/// One look at an index for each partner.
const NEXT_PARTNER: &str = "SELECT min(partner) FROM transactions WHERE partner > ?1";

fn list_partners(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut next = db.prepare_cached(NEXT_PARTNER)?;
    let mut partners: Vec<String> = Vec::new();
    loop {
        let after = partners.last().map_or("", String::as_str);
        match next.query_row([after], |row| row.get(0))? {
            Some(partner) => partners.push(partner),
            None => return Ok(partners),
        }
    }
}

/// Claims are left out: the other system has counted them.
const CHARGES: &str = "SELECT currency, coalesce(charge_code, '') AS charge_code,
        coalesce(decline_reason, '') AS reason, count(*) AS counted, sum(amount_minor) AS amount_minor
    FROM transactions WHERE partner = ?1 AND settled_at >= ?2 AND settled_at < ?3 AND migration_file IS NULL
    GROUP BY 1, 2, 3";

const REFUNDS: &str = "SELECT c.currency, coalesce(c.charge_code, '') AS charge_code, '' AS reason,
        count(*) AS counted, sum(r.amount_minor) AS amount_minor
    FROM refunds r JOIN transactions c ON c.transaction_id = r.transaction_id
    WHERE r.partner = ?1 AND r.settled_at >= ?2 AND r.settled_at < ?3 AND r.status = 'APPROVED' GROUP BY 1, 2";

fn count_slice(
    db: &Connection,
    partner: &str,
    from: i64,
    until: i64,
) -> Result<Vec<(ChargeKey, Counted)>, StoreError> {
    let mut found = Vec::new();
    for (sql, key) in [
        (CHARGES, ChargeKey::of_charges as fn(&str, ChargeGroup) -> ChargeKey),
        (REFUNDS, ChargeKey::of_refunds as fn(&str, ChargeGroup) -> ChargeKey),
    ] {
        let mut select = db.prepare_cached(sql)?;
        let mut rows = select.query(params![partner, from, until])?;
        while let Some(row) = rows.next()? {
            let group = ChargeGroup {
                currency: row.get("currency")?,
                charge_code: row.get("charge_code")?,
                reason: row.get("reason")?,
            };
            let more = Counted { count: row.get("counted")?, amount_minor: row.get("amount_minor")? };
            found.push((key(partner, group), more));
        }
    }
    Ok(found)
}

/// What the widget's last step has recorded. Its token may be spent on a later day.
const SIGNUPS: &str = "SELECT g.locale, m.proof, count(*) AS begun, count(g.spent_at) AS spent
    FROM mandates m JOIN signups g ON g.jti = m.mandate_id
    WHERE m.recorded_at >= ?1 AND m.recorded_at < ?2 AND m.partner_subscription_id IS NULL GROUP BY 1, 2";

/// The first mandate of a subscription: of a visit to the widget, or of a partner's app.
const SUBSCRIBED: &str = "SELECT supersedes IS NULL AS is_in_app, coalesce(locale, '') AS locale, proof,
        count(*) AS counted
    FROM mandates WHERE recorded_at >= ?1 AND recorded_at < ?2 AND partner_subscription_id IS NOT NULL
        AND change_id IS NULL AND proof <> 'imported' GROUP BY 1, 2, 3";

fn count_signups(db: &Connection, span: DaySpan) -> Result<VisitCounts, StoreError> {
    let bounds = [span.starts_at.unix_seconds(), span.ends_at.unix_seconds()];
    let mut counts = VisitCounts::new();
    let mut add = |channel: VisitChannel, row: &Row<'_>, step: VisitStep, column: &str| {
        let key = VisitKey::of_step(span.day, channel, row.get("locale")?, row.get("proof")?, step);
        let more: i64 = row.get(column)?;
        if more > 0 {
            *counts.entry(key).or_default() += more;
        }
        Ok::<(), StoreError>(())
    };
    let mut select = db.prepare_cached(SIGNUPS)?;
    let mut rows = select.query(bounds)?;
    while let Some(row) = rows.next()? {
        add(VisitChannel::Widget, row, VisitStep::SignupBegun, "begun")?;
        add(VisitChannel::Widget, row, VisitStep::TokenSpent, "spent")?;
    }
    let mut select = db.prepare_cached(SUBSCRIBED)?;
    let mut rows = select.query(bounds)?;
    while let Some(row) = rows.next()? {
        let channel = if row.get("is_in_app")? { VisitChannel::App } else { VisitChannel::Widget };
        add(channel, row, VisitStep::Subscribed, "counted")?;
    }
    Ok(counts)
}

/// Nothing is written if another origin has counted the day since.
fn replace_day(
    tx: &Connection,
    now: Timestamp,
    span: DaySpan,
    charges: &ChargeCounts,
    visits: &VisitCounts,
) -> Result<(), StoreError> {
    let day = span.day.to_string();
    let is_newest =
        tx.prepare_cached(
            "INSERT INTO counted_days (day, starts_at, ends_at, counted_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (day) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                 counted_at = excluded.counted_at
             WHERE counted_days.counted_at NOT BETWEEN excluded.counted_at + 1 AND excluded.counted_at + ?5",
        )?
        .execute(params![
            day,
            span.starts_at.unix_seconds(),
            span.ends_at.unix_seconds(),
            now.unix_seconds(),
            NEWER_SECONDS_MAX
        ])? > 0;
    if !is_newest {
        return Ok(());
    }
    tx.prepare_cached("DELETE FROM charge_days WHERE day = ?1")?.execute([&day])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO charge_days (day, partner, currency, charge_code, outcome, reason, counted, amount_minor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (key, Counted { count, amount_minor }) in charges {
        let ChargeKey { partner, currency, charge_code, outcome, reason } = key;
        insert.execute(params![day, partner, currency, charge_code, outcome, reason, count, amount_minor])?;
    }
    tx.prepare_cached(
        "DELETE FROM visit_days WHERE day = ?1 AND step IN ('sign-up-begun', 'token-spent', 'subscribed')",
    )?
    .execute([&day])?;
    add_visits(tx, visits)
}

/// Adds to what was counted before.
pub(in crate::store) fn add_visits(tx: &Connection, visits: &VisitCounts) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO visit_days (day, channel, locale, proof, step, refusal, counted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (day, channel, locale, proof, step, refusal) DO UPDATE SET counted = counted + excluded.counted",
    )?;
    for (key, count) in visits {
        let VisitKey { day, channel, locale, proof, step, refusal } = key;
        insert.execute(params![day.to_string(), channel, locale, proof, step, refusal, count])?;
    }
    Ok(())
}

pub(super) fn add_refused_visits(
    tx: &Connection,
    day: Day,
    refused: &[RefusedVisits],
) -> Result<(), StoreError> {
    add_visits(tx, &super::count_refused(day, refused))
}

pub(super) fn list_counted_days(db: &Connection, from: Day, to: Day) -> Result<Vec<CountedSpan>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT day, starts_at, ends_at, counted_at FROM counted_days WHERE day BETWEEN ?1 AND ?2 ORDER BY day",
    )?;
    let mut rows = select.query([from.to_string(), to.to_string()])?;
    let mut days = Vec::new();
    while let Some(row) = rows.next()? {
        let span = DaySpan {
            day: parse_column(row, "counted_days.day", Day::parse)?,
            starts_at: read_time(row, "counted_days.starts_at")?,
            ends_at: read_time(row, "counted_days.ends_at")?,
        };
        days.push(CountedSpan { span, counted_at: read_time(row, "counted_days.counted_at")? });
    }
    Ok(days)
}

/// A stretch of the primary key.
const CHARGE_DAYS: &str = "SELECT day, partner, currency, charge_code, outcome, reason, counted, amount_minor
    FROM charge_days WHERE day BETWEEN ?1 AND ?2
    ORDER BY day, partner, currency, charge_code, outcome, reason";

pub(super) fn list_charge_counts(
    db: &Connection,
    from: Day,
    to: Day,
) -> Result<Vec<ChargeCount>, StoreError> {
    let mut select = db.prepare_cached(CHARGE_DAYS)?;
    let mut rows = select.query([from.to_string(), to.to_string()])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        counts.push(ChargeCount {
            day: parse_column(row, "charge_days.day", Day::parse)?,
            partner: parse_column(row, "charge_days.partner", PartnerId::parse)?,
            charge_code: parse_or_empty(row, "charge_days.charge_code", ChargeCode::parse)?,
            outcome: parse_column(row, "charge_days.outcome", CountedOutcome::parse)?,
            reason: parse_or_empty(row, "charge_days.reason", DeclineReason::parse)?,
            count: row.get("counted")?,
            amount: read_amount(row, "charge_days.currency")?,
        });
    }
    Ok(counts)
}

/// A stretch of the primary key.
const VISIT_DAYS: &str = "SELECT day, channel, locale, proof, step, refusal, counted
    FROM visit_days WHERE day BETWEEN ?1 AND ?2 ORDER BY day, channel, locale, proof, step, refusal";

/// Flows are kept for a day, so that there are as many as customers in a day. Who has asked for a PIN is in
/// the index, and the PIN is not.
const FLOWS: &str = "SELECT partner IS NOT NULL AS is_in_app, locale, pin_asked_by IS NOT NULL AS has_pin,
        count(*) AS counted, count(proven_at) AS proven
    FROM flows WHERE started_at >= ?1 AND started_at < ?2 AND (partner IS NOT NULL OR offer IS NOT NULL)
    GROUP BY 1, 2, 3";

/// A flow that is deleted between the statements is missing until the next look.
pub(super) fn list_visit_counts(
    db: &Connection,
    from: Day,
    to: Day,
    recent: &[DaySpan],
) -> Result<Vec<VisitCount>, StoreError> {
    let mut counts = Vec::new();
    let mut select = db.prepare_cached(VISIT_DAYS)?;
    let mut rows = select.query([from.to_string(), to.to_string()])?;
    while let Some(row) = rows.next()? {
        counts.push(read_visits(row)?);
    }
    let mut present = VisitCounts::new();
    let mut select = db.prepare_cached(FLOWS)?;
    for span in recent.iter().filter(|span| (from..=to).contains(&span.day)) {
        let mut rows = select.query([span.starts_at.unix_seconds(), span.ends_at.unix_seconds()])?;
        while let Some(row) = rows.next()? {
            let flows = FlowGroup {
                is_in_app: row.get("is_in_app")?,
                locale: row.get("locale")?,
                has_pin: row.get("has_pin")?,
                count: row.get("counted")?,
                proven: row.get("proven")?,
            };
            add_flows(&mut present, span.day, &flows);
        }
    }
    super::merge_present(counts, &present)
}

fn read_visits(row: &Row<'_>) -> Result<VisitCount, StoreError> {
    let refusal: String = row.get("refusal")?;
    Ok(VisitCount {
        day: parse_column(row, "visit_days.day", Day::parse)?,
        channel: parse_column(row, "visit_days.channel", VisitChannel::parse)?,
        locale: parse_or_empty(row, "visit_days.locale", Locale::from_tag)?,
        proof: parse_or_empty(row, "visit_days.proof", MandateProof::parse)?,
        step: parse_column(row, "visit_days.step", VisitStep::parse)?,
        refusal: Some(refusal).filter(|code| !code.is_empty()),
        count: row.get("counted")?,
    })
}

/// An empty column is none: a primary key has no NULL.
fn parse_or_empty<T>(
    row: &Row<'_>,
    place: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    parse_column(row, place, |word| if word.is_empty() { Some(None) } else { parse(word).map(Some) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn each_count_reads_a_stretch_of_an_index() {
        for (sql, index) in [
            (NEXT_PARTNER, "transactions"),
            (CHARGES, "transactions_by_settlement"),
            (REFUNDS, "refunds_by_settlement"),
            (SIGNUPS, "mandates_by_time"),
            (SUBSCRIBED, "mandates_by_time"),
            (CHARGE_DAYS, "PRIMARY KEY"),
            (VISIT_DAYS, "PRIMARY KEY"),
            // A day can have a hundred thousand visits.
            (FLOWS, "COVERING INDEX flows_by_start"),
        ] {
            let plan = query_plan(sql);
            assert!(
                plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(index)),
                "{sql}: {plan:?}"
            );
            assert!(!plan.iter().any(|step| step.starts_with("SCAN")), "{sql}: {plan:?}");
        }
    }
}
