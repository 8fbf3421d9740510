//! Counts by day, for charts: what was settled, and how far customers came on their way to a
//! subscription. A page that shows them reads these rows and none of the ledger's.
//!
//! A charge or a refund is of the day on which its outcome was written, which never changes. A day is
//! counted from the ledger as a whole and takes the place of what was counted before: so it does not
//! matter how often that happens, or by which origin, and no charge waits for a row of counts.
//!
//! Flows are counted as they are deleted, in the same transaction: each of them once.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::OperatorTimeZone;
use crate::store::database::{Store, use_case};
use crate::store::error::{StoreError, inconsistent_row};
use onbill_domain::day::Day;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::summary::{
    ChargeCount, CountedDay, CountedOutcome, VisitChannel, VisitCount, VisitStep,
};
use std::collections::BTreeMap;

/// Part of a day that one statement counts, in seconds. An hour of a hundred charges a second is
/// counted within the time that a statement may take, also from a cold disk.
const SLICE_SECONDS: i64 = 3_600;

/// A count of another origin stands if it is at most this much newer, in seconds. If it is newer by
/// more, the clock of that origin was ahead.
const NEWER_SECONDS_MAX: i64 = 600;

impl Store {
    /// Counts what was settled on a day until now, and the sign-ups of the day.
    pub async fn count_day(&self, now: Timestamp, span: DaySpan) -> Result<(), StoreError> {
        use_case!(self, steps, count_day(now, span))
    }

    /// The days from `from` to `to` that were counted, in order.
    pub async fn list_counted_days(&self, from: Day, to: Day) -> Result<Vec<CountedSpan>, StoreError> {
        use_case!(self, read, list_counted_days(from, to))
    }

    /// What was settled on the days from `from` to `to`, in order.
    pub async fn list_charge_counts(&self, from: Day, to: Day) -> Result<Vec<ChargeCount>, StoreError> {
        use_case!(self, read, list_charge_counts(from, to))
    }

    /// How far customers came on the days from `from` to `to`, in order. The flows that are there are
    /// counted as of now: those of the days `recent`, which has to include all days since yesterday.
    pub async fn list_visit_counts(
        &self,
        from: Day,
        to: Day,
        recent: Vec<DaySpan>,
    ) -> Result<Vec<VisitCount>, StoreError> {
        use_case!(self, read, list_visit_counts(from, to, &recent))
    }

    /// Adds calls of customers that were refused on a day.
    pub async fn add_refused_visits(&self, day: Day, refused: Vec<RefusedVisits>) -> Result<(), StoreError> {
        use_case!(self, write, add_refused_visits(day, &refused))
    }
}

/// A day in the operator's time zone. It can be an hour longer or shorter than others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    pub day: Day,
    pub starts_at: Timestamp,
    /// The first second after it.
    pub ends_at: Timestamp,
}

impl DaySpan {
    #[must_use]
    pub fn of(day: Day, zone: &OperatorTimeZone) -> Self {
        let starts_at = zone.start_of(day);
        // Only the last day of the calendar has none after it.
        let ends_at = day.next().map_or(starts_at.plus_seconds(86_400), |next| zone.start_of(next));
        Self { day, starts_at, ends_at }
    }

    /// The parts of the day that have begun.
    fn slices(self, now: Timestamp) -> impl Iterator<Item = (i64, i64)> {
        let until = self.ends_at.unix_seconds().min(now.unix_seconds() + 1);
        let mut from = self.starts_at.unix_seconds();
        std::iter::from_fn(move || {
            let begins = from;
            from = (begins + SLICE_SECONDS).min(until);
            (begins < until).then_some((begins, from))
        })
    }
}

/// A day that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedSpan {
    pub span: DaySpan,
    /// The newest time as of which.
    pub counted_at: Timestamp,
}

impl From<CountedSpan> for CountedDay {
    fn from(counted: CountedSpan) -> Self {
        Self { day: counted.span.day, counted_at: counted.counted_at }
    }
}

/// Calls of customers that were refused with the same code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedVisits {
    pub channel: VisitChannel,
    /// The error code.
    pub refusal: &'static str,
    pub count: i64,
}

/// A row of `charge_days`, in the words of its columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ChargeKey {
    partner: String,
    currency: String,
    charge_code: String,
    outcome: &'static str,
    reason: String,
}

impl ChargeKey {
    fn of_charges(partner: &str, group: ChargeGroup) -> Self {
        let ChargeGroup { currency, charge_code, reason } = group;
        let outcome = if reason.is_empty() { CountedOutcome::Approved } else { CountedOutcome::Declined };
        Self { partner: partner.to_owned(), currency, charge_code, outcome: outcome.as_str(), reason }
    }

    fn of_refunds(partner: &str, group: ChargeGroup) -> Self {
        let ChargeGroup { currency, charge_code, .. } = group;
        let outcome = CountedOutcome::Refunded.as_str();
        Self { partner: partner.to_owned(), currency, charge_code, outcome, reason: String::new() }
    }
}

/// Charges or refunds of a partner that are counted together.
struct ChargeGroup {
    currency: String,
    /// Empty without one.
    charge_code: String,
    /// Why they were declined; empty if they were not.
    reason: String,
}

/// How many, and their sum in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted {
    count: i64,
    amount_minor: i64,
}

type ChargeCounts = BTreeMap<ChargeKey, Counted>;

fn add_charges(counts: &mut ChargeCounts, key: ChargeKey, more: Counted) {
    let known = counts.entry(key).or_default();
    known.count += more.count;
    known.amount_minor = known.amount_minor.saturating_add(more.amount_minor);
}

/// A row of `visit_days`, in the words of its columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct VisitKey {
    day: Day,
    channel: &'static str,
    locale: String,
    proof: String,
    step: &'static str,
    refusal: &'static str,
}

impl VisitKey {
    fn of_step(day: Day, channel: VisitChannel, locale: String, proof: String, step: VisitStep) -> Self {
        Self { day, channel: channel.as_str(), locale, proof, step: step.as_str(), refusal: "" }
    }

    /// The row as it is read; `None` if one of its words is not known.
    fn to_count(&self, count: i64) -> Option<VisitCount> {
        Some(VisitCount {
            day: self.day,
            channel: VisitChannel::parse(self.channel)?,
            locale: Some(Locale::from_tag(&self.locale)?),
            proof: Some(MandateProof::parse(&self.proof)?),
            step: VisitStep::parse(self.step)?,
            refusal: None,
            count,
        })
    }
}

/// How many customers came how far.
pub(in crate::store) type VisitCounts = BTreeMap<VisitKey, i64>;

/// Flows of one kind, and what became of them.
pub(in crate::store) struct FlowGroup {
    /// In an app of a partner's, and not in the widget.
    pub(in crate::store) is_in_app: bool,
    pub(in crate::store) locale: String,
    /// With a PIN. Those without one were proved by a session of the dashboard.
    pub(in crate::store) has_pin: bool,
    pub(in crate::store) count: i64,
    pub(in crate::store) proven: i64,
}

/// Adds the steps of flows that began on a day. Visits to the customer's own page are not among them.
pub(in crate::store) fn add_flows(counts: &mut VisitCounts, day: Day, flows: &FlowGroup) {
    let channel = if flows.is_in_app { VisitChannel::App } else { VisitChannel::Widget };
    let proof = if flows.has_pin { "pin" } else { "session" };
    let mut add = |step: VisitStep, more: i64| {
        if more > 0 {
            let key = VisitKey::of_step(day, channel, flows.locale.clone(), proof.to_owned(), step);
            *counts.entry(key).or_default() += more;
        }
    };
    if !flows.is_in_app {
        add(VisitStep::Validated, flows.count);
    }
    if flows.has_pin {
        add(VisitStep::PinIssued, flows.count);
        add(VisitStep::PinRight, flows.proven);
    }
}

fn count_refused(day: Day, refused: &[RefusedVisits]) -> VisitCounts {
    let mut counts = VisitCounts::new();
    for RefusedVisits { channel, refusal, count } in refused {
        let (locale, proof) = (String::new(), String::new());
        let step = VisitKey::of_step(day, *channel, locale, proof, VisitStep::Refused);
        *counts.entry(VisitKey { refusal, ..step }).or_default() += count;
    }
    counts
}

/// Adds what the present flows say to what was counted before. Both can have the same key: some flows of
/// a day are deleted before others.
fn merge_present(mut counted: Vec<VisitCount>, present: &VisitCounts) -> Result<Vec<VisitCount>, StoreError> {
    for (key, count) in present {
        let more = key.to_count(*count).ok_or_else(|| inconsistent_row("flows"))?;
        match counted.iter_mut().find(|known| VisitCount { count: known.count, ..more.clone() } == **known) {
            Some(known) => known.count += more.count,
            None => counted.push(more),
        }
    }
    counted.sort_by_key(|count| count.day);
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, day: &str) -> DaySpan {
        let zone = OperatorTimeZone::try_from(name.to_owned()).expect("is a zone");
        DaySpan::of(Day::parse(day).expect("is a day"), &zone)
    }

    #[test]
    fn slices_are_the_day_without_gap_or_overlap() {
        for (name, day, hours) in [
            ("UTC", "2026-11-18", 24),
            ("America/Chicago", "2026-11-01", 25),
            ("America/Chicago", "2026-03-08", 23),
        ] {
            let span = span(name, day);
            let slices: Vec<_> = span.slices(span.ends_at.plus_seconds(86_400)).collect();
            assert_eq!(slices.len(), hours, "{name} {day}");
            assert_eq!(slices[0].0, span.starts_at.unix_seconds());
            assert_eq!(slices[hours - 1].1, span.ends_at.unix_seconds());
            assert!(slices.windows(2).all(|pair| pair[0].1 == pair[1].0));
        }
    }

    #[test]
    fn slices_end_with_the_present_second() {
        let span = span("UTC", "2026-11-18");
        let now = span.starts_at.plus_seconds(3_700);
        let starts_at = span.starts_at.unix_seconds();
        let slices: Vec<_> = span.slices(now).collect();
        assert_eq!(slices, [(starts_at, starts_at + 3_600), (starts_at + 3_600, starts_at + 3_701)]);
        assert_eq!(span.slices(span.starts_at.plus_seconds(-1)).count(), 0, "a day to come");
    }
}
