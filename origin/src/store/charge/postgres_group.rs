//! Posting charges in groups: the steps of [`post_charge()`], each for all of them.
//!
//! A charge that is not as usual is posted in a transaction of its own, where the rules for it are:
//! one that was posted before, that is declined, or whose days may be paid for already.

use super::new_charge::{NewCharge, PostedCharge};
use super::postgres::{post_charge, to_pending_charge};
use super::postgres_payer::{PAYER, Payer, join_mandates, read_mandate, read_payer};
use crate::call_trace::CallTrace;
use crate::config::Booking;
use crate::store::charge::{Mandate, PostChargeResult};
use crate::store::coupon::postgres as coupon;
use crate::store::nonce::postgres as nonce;
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::group::Grouped;
use crate::store::postgres::rows::read_place;
use crate::store::postgres::tx_error::{TxError, conflict};
use crate::store::queue::{JobKind, postgres as queue};
use crate::store::spending::postgres_group::{SpendingChanges, read_spending_if_any};
use onbill_domain::day::ServicePeriod;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::spending::{Spending, SpendingLimits};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use std::collections::{HashMap, HashSet};
use tokio_postgres::Row;

/// A charge that is as usual so far.
struct UsualCharge<'a> {
    /// Its index in the group.
    place: usize,
    nonce: &'a Nonce,
    now: Timestamp,
    new: &'a NewCharge,
    trace: Option<&'a CallTrace>,
    limits: SpendingLimits,
    payer: Payer,
    booking: Booking,
    /// What the account had spent; `None` before its first charge.
    spent: Option<Spending>,
}

impl Grouped for PostedCharge {
    type Answer = PostChargeResult;

    async fn run_alone(&self, tx: &PgConnection<'_>) -> Result<PostChargeResult, TxError> {
        post_charge(tx, &self.nonce, self.now, &self.new).await
    }

    /// 1. Locks the PAIs, which waits for redemptions with them, reads, and leaves alone what is not as
    ///    usual.
    /// 2. Claims the ids.
    /// 3. Writes what goes with the claimed ones.
    async fn run_group(
        tx: &PgConnection<'_>,
        group: &[Self],
    ) -> Result<Vec<Option<PostChargeResult>>, TxError> {
        // 1.
        let mut answers: Vec<_> = group.iter().map(|_| None).collect();
        let mut usual = find_usual_charges(tx, group).await?;
        count_spending(&mut usual);
        if usual.is_empty() {
            return Ok(answers);
        }

        // 2.
        let claimed = insert_charges(tx, &usual).await?;
        usual.retain(|charge| claimed.contains(&charge.new.transaction_id));

        // 3.
        let spending = count_spending(&mut usual);
        if usual.len() != claimed.len() {
            return Err(conflict("transactions"));
        }
        let nonces: Vec<&Nonce> = usual.iter().map(|charge| charge.nonce).collect();
        let jobs: Vec<_> = usual
            .iter()
            .map(|charge| queue::LeasedSubject {
                id: &charge.new.transaction_id,
                now: charge.now,
                until: charge.new.responding_until,
                trace: charge.trace,
            })
            .collect();
        tokio::try_join!(
            nonce::spend_nonces(tx, &nonces),
            spending.write(tx),
            queue::put_all_leased(tx, JobKind::Charge, &jobs)
        )?;
        for charge in usual {
            let created = to_pending_charge(charge.new, charge.payer, charge.booking);
            answers[charge.place] = Some(PostChargeResult::Created(Box::new(created)));
        }
        Ok(answers)
    }
}

/// Counts the charges against the limits of their accounts, and leaves alone those that exceed one.
fn count_spending(usual: &mut Vec<UsualCharge<'_>>) -> SpendingChanges {
    let mut changes = SpendingChanges::default();
    usual.retain(|UsualCharge { now, new, limits, payer, spent, .. }| {
        changes.count_charge(*now, &payer.subscriber_id, new.request.amount, limits, *spent)
    });
    changes
}

/// Charges with new ids of active PAIs that are not dark, in a currency that is billed, that are covered by a mandate
/// if they need one, for days that no coupon and no other charge can have paid for. They are in the
/// order of their ids, in which all groups claim them: so no two groups wait for each other.
async fn find_usual_charges<'a>(
    tx: &PgConnection<'_>,
    group: &'a [PostedCharge],
) -> Result<Vec<UsualCharge<'a>>, TxError> {
    let periods: Vec<_> =
        group.iter().map(|posted| (posted.new.request.pai, posted.new.request.service_period)).collect();
    let named: Vec<String> = periods.iter().map(|(pai, _)| pai.to_string()).collect();
    let pais: Vec<&str> = named.iter().map(String::as_str).collect();
    // In one round trip, and in this order. The first query brings the transaction's beginning along, so
    // its error is the one that counts.
    let ((), payers, covered) = tokio::try_join!(
        biased;
        pai_lock::lock_named_pais(tx, &pais),
        find_active_payers(tx, group),
        coupon::find_perhaps_paid_within(tx, &periods),
    )?;
    let mut usual = Vec::new();
    for (place, payer, spent) in payers {
        let PostedCharge { nonce, now, new, trace } = &group[place];
        let repeats = new.minds_repeats() && payer.mandate.as_ref().is_some_and(|mandate| mandate.is_charged);
        if let Some(limits) = new.limits
            && !covered.contains(&place)
            && !repeats
            && payer.find_decline(new).is_none()
        {
            let booking = new.book(payer.mandate.as_ref());
            let (now, trace) = (*now, trace.as_ref());
            usual.push(UsualCharge { place, nonce, now, new, trace, limits, payer, booking, spent });
        }
    }
    usual.sort_by(|one, other| one.new.transaction_id.cmp(&other.new.transaction_id));
    // Of two with the same id, one is a replay.
    usual.dedup_by(|one, other| one.new.transaction_id == other.new.transaction_id);
    Ok(leave_repeats_alone(usual))
}

/// The first of the charges with one PAI for the same days, and all that may repeat each other. The
/// group's other rows are not seen by its reads.
fn leave_repeats_alone(usual: Vec<UsualCharge<'_>>) -> Vec<UsualCharge<'_>> {
    let mut first: HashMap<Pai, Vec<ServicePeriod>> = HashMap::new();
    let is_first = |charge: &UsualCharge<'_>| {
        let days = charge.new.request.service_period;
        let charged = first.entry(charge.new.request.pai).or_default();
        let repeats = charge.new.minds_repeats() && charged.iter().any(|other| other.overlaps(days));
        charged.push(days);
        !repeats
    };
    usual.into_iter().filter(is_first).collect()
}

/// With the place of each charge in the group, and what its account has spent.
async fn find_active_payers(
    tx: &PgConnection<'_>,
    group: &[PostedCharge],
) -> Result<Vec<(usize, Payer, Option<Spending>)>, TxError> {
    let partners: Vec<&str> = group.iter().map(|posted| posted.new.partner.as_str()).collect();
    let pais: Vec<String> = group.iter().map(|posted| posted.new.request.pai.to_string()).collect();
    let currencies: Vec<&str> =
        group.iter().map(|posted| posted.new.request.amount.currency.as_str()).collect();
    let periods = group.iter().map(|posted| posted.new.request.service_period);
    let (from, to): (Vec<_>, Vec<_>) =
        periods.map(|period| (period.from().to_string(), period.to().to_string())).unzip();
    let begins: Vec<i64> = group.iter().map(|posted| posted.new.rules.begins_at.unix_seconds()).collect();
    let month_ends: Vec<String> =
        group.iter().map(|posted| posted.new.first_month_end().to_string()).collect();
    let named: Vec<Option<&str>> = group.iter().map(|posted| posted.new.named_subscription()).collect();
    let sql = format!(
        "SELECT c.place, {PAYER}, s.day, s.day_minor, s.month_minor
         FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $5::TEXT[], $6::TEXT[], $7::BIGINT[], $8::TEXT[],
                 $9::TEXT[]) WITH ORDINALITY
                 AS c (partner, pai, currency, period_from, period_to, begins_at, first_month_to, subscription, place)
             JOIN pais p ON p.pai = c.pai AND p.partner = c.partner JOIN subscribers h USING (subscriber_id)
             LEFT JOIN spending s ON s.subscriber_id = h.subscriber_id AND s.currency = c.currency {}
         WHERE p.state = $4 AND p.dark_since IS NULL ORDER BY c.place, m.rank",
        join_mandates()
    );
    let active = PaiState::Active.as_str();
    let rows = tx
        .query(&sql, &[&partners, &pais, &currencies, &active, &from, &to, &begins, &month_ends, &named])
        .await?;
    // A charge has a row for each mandate that it may be for.
    let mut payers: Vec<(usize, &Row, Vec<Mandate>)> = Vec::new();
    for row in &rows {
        let (place, mandate) = (read_place(row)?, read_mandate(row)?);
        match payers.last_mut() {
            Some((last, _, candidates)) if *last == place => candidates.extend(mandate),
            _ => payers.push((place, row, mandate.into_iter().collect())),
        }
    }
    let read = |(place, row, candidates): (usize, &Row, Vec<Mandate>)| {
        Ok((place, read_payer(row, &group[place].new, candidates)?, read_spending_if_any(row)?))
    };
    payers.into_iter().map(read).collect()
}

/// Gives the ids that were not claimed before.
async fn insert_charges(
    tx: &PgConnection<'_>,
    usual: &[UsualCharge<'_>],
) -> Result<HashSet<String>, TxError> {
    let strings = |read: fn(&NewCharge) -> String| -> Vec<String> {
        usual.iter().map(|charge| read(charge.new)).collect()
    };
    let numbers = |read: fn(&UsualCharge<'_>) -> i64| -> Vec<i64> { usual.iter().map(read).collect() };
    let fingerprints: Vec<&[u8]> = usual.iter().map(|charge| charge.new.fingerprint.as_slice()).collect();
    let taxes: Vec<Option<i64>> =
        usual.iter().map(|charge| Some(charge.new.request.tax.as_ref()?.amount_minor)).collect();
    let words = |read: fn(&UsualCharge<'_>) -> Option<String>| -> Vec<Option<String>> {
        usual.iter().map(read).collect()
    };
    let rows = tx
        .query(
            "INSERT INTO transactions (transaction_id, partner, ext_transaction_id, fingerprint, pai, amount_minor,
                 currency, tax_minor, description, period_from, period_to, responding_until, created_at, mandate_id,
                 tax_rate, offer, plan, charge_code, status)
             SELECT c.*, $19 FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BYTEA[], $5::TEXT[], $6::BIGINT[],
                 $7::TEXT[], $8::BIGINT[], $9::TEXT[], $10::TEXT[], $11::TEXT[], $12::BIGINT[], $13::BIGINT[],
                 $14::TEXT[], $15::TEXT[], $16::TEXT[], $17::TEXT[], $18::TEXT[]) AS c
             ON CONFLICT DO NOTHING RETURNING transaction_id",
            &[
                &strings(|new| new.transaction_id.clone()),
                &strings(|new| new.partner.to_string()),
                &strings(|new| new.request.ext_transaction_id.to_string()),
                &fingerprints,
                &strings(|new| new.request.pai.to_string()),
                &numbers(|charge| charge.new.request.amount.amount_minor),
                &strings(|new| new.request.amount.currency.to_string()),
                &taxes,
                &strings(|new| new.request.description.clone()),
                &strings(|new| new.request.service_period.from().to_string()),
                &strings(|new| new.request.service_period.to().to_string()),
                &numbers(|charge| charge.new.responding_until.unix_seconds()),
                &numbers(|charge| charge.now.unix_seconds()),
                &words(|charge| Some(charge.payer.mandate.as_ref()?.id.clone())),
                &words(|charge| Some(charge.new.request.tax.as_ref()?.rate.as_ref()?.to_string())),
                &words(|charge| Some(charge.booking.offer.as_ref()?.to_string())),
                &words(|charge| Some(charge.booking.plan.as_ref()?.to_string())),
                &words(|charge| Some(charge.booking.charge_code.as_ref()?.to_string())),
                &TransactionStatus::Pending.as_str(),
            ],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get("transaction_id")?)).collect()
}
