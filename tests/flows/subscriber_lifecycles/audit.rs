//! Reads the database directly: after each step for what may never change, and at the end for all
//! invariants.

use super::lifecycle::LifecycleRun;
use super::plan::ReportingManner;
use onbill_domain::pai::{Pai, PaiState};
use rusqlite::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet};

/// The state of a PAI in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredPai {
    pub(super) subscriber: String,
    pub(super) handle: String,
    pub(super) state: PaiState,
    pub(super) reason: Option<String>,
    pub(super) version: u64,
}

/// The PAIs as they were last read.
#[derive(Default)]
pub(super) struct PaiWatch(pub(super) BTreeMap<Pai, StoredPai>);

impl PaiWatch {
    /// Reads the PAIs again, and returns the violations.
    pub(super) fn look(&mut self, db_reader: &Connection) -> Vec<String> {
        let sql = "SELECT pai, subscriber_id, state, closed_reason, version, handle
                   FROM pais JOIN subscribers USING (subscriber_id)";
        let standing = |row: &Row<'_>| {
            let (pai, state): (String, String) = (row.get(0)?, row.get(2)?);
            let standing = StoredPai {
                subscriber: row.get(1)?,
                handle: row.get(5)?,
                state: PaiState::parse(&state).expect("is a state"),
                reason: row.get(3)?,
                version: row.get::<_, i64>(4)?.unsigned_abs(),
            };
            Ok((Pai::parse(&pai).expect("is a PAI"), standing))
        };
        let now: BTreeMap<Pai, StoredPai> = read_rows(db_reader, sql, standing).into_iter().collect();
        let mut found = Vec::new();
        for (pai, before) in &self.0 {
            match now.get(pai) {
                Some(after) if before.may_become(after) => {}
                after => found.push(format!("{pai} was {before:?} and is {after:?}")),
            }
        }
        self.0 = now;
        found
    }
}

impl StoredPai {
    /// It belongs to one subscriber, each change is a version, and closed is permanent.
    fn may_become(&self, after: &Self) -> bool {
        let is_same = (self.state, &self.reason) == (after.state, &after.reason);
        self.subscriber == after.subscriber
            && self.handle == after.handle
            && if is_same { self.version <= after.version } else { self.version < after.version }
            && (self.state != PaiState::Closed || self == after)
    }
}

fn read_rows<T>(
    db_reader: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Vec<T> {
    let mut select = db_reader.prepare_cached(sql).expect("is SQL");
    select.query_map([], read).expect("reads").collect::<Result<_, _>>().expect("reads")
}

/// The jobs of the outbox that are dead letters.
pub(super) fn read_dead_letters(db_reader: &Connection) -> Vec<i64> {
    read_rows(db_reader, "SELECT job_id FROM outbox WHERE dead_lettered_at IS NOT NULL", |row| row.get(0))
}

/// The violations at the end, when all parties had time to finish.
pub(super) fn find_violations(run: &LifecycleRun<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let left = read_rows(&run.db.db_reader, "SELECT kind, attempts FROM outbox", |row| {
        Ok(format!("{} {}", row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    found.extend(left.into_iter().map(|entry| format!("still in the outbox: {entry}")));
    check_money(run, &mut found);
    check_pai_states(run, &mut found);
    found
}

/// A charge has one line if it is approved and none if it is declined; its refunds refer to the
/// same charge.
fn check_money(run: &LifecycleRun<'_>, found: &mut Vec<String>) {
    let parties = run.network.lock_parties();
    let sql = "SELECT transaction_id, status, amount_minor, refunded_minor FROM transactions";
    let charge = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let charges: Vec<(String, String, i64, i64)> = read_rows(&run.db.db_reader, sql, charge);
    for (id, status, value, refunded) in &charges {
        let billed = parties.billing.lines.get(id);
        let fits = match status.as_str() {
            "APPROVED" => billed.is_some_and(|(_, billed)| billed == value),
            "DECLINED" => billed.is_none(),
            _ => false,
        };
        let of_it = parties.billing.returned.values().filter(|(of, _)| of == id);
        let returned: i64 = of_it.map(|(_, value)| value).sum();
        if !fits || returned != *refunded || refunded > value {
            found.push(format!(
                "{id} is {status} over {value}, {refunded} of it back; its line is {billed:?}, {returned} of it back"
            ));
        }
    }
    let unknown = parties.billing.lines.keys().filter(|id| charges.iter().all(|(known, ..)| known != *id));
    found.extend(unknown.map(|id| format!("{id} is on a bill and not in the db")));
}

/// Partner and edge know the state of each PAI; and where the operator has reported everything in
/// order, that state follows its owner's account.
fn check_pai_states(run: &LifecycleRun<'_>, found: &mut Vec<String>) {
    let parties = run.network.lock_parties();
    let excused = excused_pais(run);
    let subscribed = read_rows(&run.db.db_reader, "SELECT DISTINCT pai FROM partner_subscriptions", |row| {
        row.get::<_, String>(0)
    });
    for (pai, standing) in &run.watch.0 {
        let heard = parties.partner.heard.get(pai);
        let has_heard = heard.is_some_and(|heard| {
            (heard.state, heard.reason.map(onbill_domain::decline_reason::DeclineReason::as_str))
                == (standing.state, standing.reason.as_deref())
        });
        let has_to_hear = standing.state != PaiState::Active && subscribed.contains(&pai.to_string());
        if !has_heard && (has_to_hear || heard.is_some()) {
            found.push(format!("{pai} is {standing:?}, and the partner knows {heard:?}"));
        }
        let kept = parties.edge.kept(*pai);
        let is_kept = kept.as_ref().is_some_and(|kept| {
            kept.state == standing.state
                && kept.subscriber == standing.handle
                && kept.version == standing.version
                && kept.operator.as_str() == "acme"
        });
        let has_to_know = kept.is_some() || standing.version > 1 || run.on_devices.contains(pai);
        if !is_kept && !parties.edge.is_overtaken(*pai) && has_to_know {
            found.push(format!("{pai} is {standing:?}, and the edge has {kept:?}"));
        }
        let Some(owner) = parties.truth.owner(*pai) else { continue };
        if parties.truth.manner == ReportingManner::Wild || excused.contains(pai) {
            continue;
        }
        let fits = match (parties.truth.manner, owner.number, standing.state) {
            (ReportingManner::Orderly, Some(_), state) => {
                (state == PaiState::Suspended) == owner.suspended && state != PaiState::Closed
            }
            (ReportingManner::Orderly, None, state) => state == PaiState::Closed,
            // A late event may not have held or released it; but whether the subscriber is still
            // there is never lost.
            (_, Some(_), state) => state != PaiState::Closed,
            (_, None, state) => state != PaiState::Active,
        };
        if !fits {
            found.push(format!("{pai} is {standing:?}, and its owner is {owner:?}"));
        }
    }
}

/// PAIs whose state may differ from their owners' accounts: also those that were closed by a charge
/// for an account that had another subscriber by then, or none, before the operator reported it.
fn excused_pais(run: &LifecycleRun<'_>) -> BTreeSet<Pai> {
    let sql = "SELECT transaction_id, pai FROM transactions WHERE decline_reason LIKE 'account-closed%'";
    let declined =
        read_rows(&run.db.db_reader, sql, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let late = declined.into_iter().filter(|(id, _)| run.created.contains(id));
    let late = late.map(|(_, pai)| Pai::parse(&pai).expect("is a PAI"));
    run.excused.iter().copied().chain(late).collect()
}

/// Counts the outcomes of charges.
pub(super) fn count_outcomes(run: &LifecycleRun<'_>) {
    let sql = "SELECT count(*) FROM transactions WHERE decline_reason = 'account-closed-taken-over'";
    let taken_over = read_rows(&run.db.db_reader, sql, |row| row.get::<_, i64>(0));
    let mut parties = run.network.lock_parties();
    let counts = [
        ("lines", parties.billing.lines.len()),
        ("declined by billing", parties.billing.refused.len()),
        ("declined for another subscriber", usize::try_from(taken_over[0]).expect("is small")),
    ];
    for (what, count) in counts {
        (0..count).for_each(|_| parties.tally.count(what));
    }
}
