//! What happened on each day, for charts: when the days are counted, and what is read of them. Decision
//! 80 says why they are counted like this.

use crate::ambient::Clock;
use crate::config::OperatorTimeZone;
use crate::fault::Failure;
use crate::instruments::Instruments;
use crate::store::{CountedSpan, DaySpan, Store, StoreError};
use onbill_domain::day::Day;
use onbill_domain::limits::SUMMARY_DAYS_MAX;
use onbill_domain::reject::Reject;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::summary::{ChargeCount, CountedDay, SummaryResponse, VisitCount};
use std::sync::Arc;

/// The present day is counted again after so many seconds: with each sweep, by one of the origins.
const PRESENT_SECONDS: i64 = 240;

/// How long after its end a day is counted once more, in seconds. A call that was under way at midnight
/// is settled within the hour, also by an origin whose clock is a minute behind. The last time repairs
/// what was later than that, such as an origin that stood still in between.
const LOOKS_SECONDS: [i64; 3] = [0, 3_600, 90_000];

/// Days counted in one run. The first run on a ledger with history has all of [`SUMMARY_DAYS_MAX`] to
/// count, and must not keep the sweep from its other work.
const DAYS_PER_RUN: usize = 31;

/// Flows are kept for a day, and for as long as it takes until the next sweep.
const DAYS_WITH_FLOWS: u16 = 2;

pub struct DailyCounts {
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time_zone: OperatorTimeZone,
    pub(crate) instruments: Arc<Instruments>,
}

impl DailyCounts {
    /// Counts the days whose time has come, the newest first. What was done stays done if it stops.
    pub async fn count_due_days(&self) -> Result<(), StoreError> {
        self.write_refused_visits().await?;
        let now = self.clock.now();
        let today = self.time_zone.day_of(now);
        let oldest = today.minus_days(SUMMARY_DAYS_MAX);
        let counted = self.store.list_counted_days(oldest, today).await?;
        let span_of = |back: u16| DaySpan::of(today.minus_days(back), &self.time_zone);
        let known = |span: &DaySpan| counted.iter().find(|counted| counted.span.day == span.day).copied();
        let due = (0..SUMMARY_DAYS_MAX).map(span_of).filter(|span| is_due(*span, known(span), now));
        let due: Vec<_> = due.take(DAYS_PER_RUN).collect();
        for span in due {
            self.store.count_day(self.clock.now(), span).await?;
        }
        Ok(())
    }

    /// Writes the refused calls that were noted since the last time. They are of the present day: it is
    /// minutes ago that they were noted. Those that cannot be written are kept for the next time.
    pub(crate) async fn write_refused_visits(&self) -> Result<(), StoreError> {
        let refused = self.instruments.refused_visits.take();
        if refused.is_empty() {
            return Ok(());
        }
        let today = self.time_zone.day_of(self.clock.now());
        let written = self.store.add_refused_visits(today, refused.clone()).await;
        if written.is_err() {
            self.instruments.refused_visits.put_back(refused);
        }
        written
    }

    /// What was counted of these days: 400 `invalid-request` for days in the wrong order, or too many.
    pub(crate) async fn read_summary(&self, from: Day, to: Day) -> Result<SummaryResponse, Failure> {
        let CountedCharges { days, charges } = self.read_charges(from, to).await?;
        let visits = self.read_visits(from, to).await?;
        Ok(SummaryResponse { from, to, days, charges, visits })
    }

    /// The charges and refunds of these days alone, which costs the same however many customers come. As
    /// [`DailyCounts::read_summary`] otherwise.
    pub(crate) async fn read_charges(&self, from: Day, to: Day) -> Result<CountedCharges, Failure> {
        check_days(from, to)?;
        let days = self.store.list_counted_days(from, to).await?.into_iter().map(CountedDay::from).collect();
        Ok(CountedCharges { days, charges: self.store.list_charge_counts(from, to).await? })
    }

    /// How far customers came on these days alone. As [`DailyCounts::read_summary`] otherwise.
    pub(crate) async fn read_visits(&self, from: Day, to: Day) -> Result<Vec<VisitCount>, Failure> {
        check_days(from, to)?;
        let today = self.time_zone.day_of(self.clock.now());
        let recent = (0..=DAYS_WITH_FLOWS).map(|back| DaySpan::of(today.minus_days(back), &self.time_zone));
        Ok(self.store.list_visit_counts(from, to, recent.collect()).await?)
    }

    /// The present day where the operator is.
    pub(crate) fn today(&self) -> Day {
        self.time_zone.day_of(self.clock.now())
    }
}

/// Charges and refunds of some days, and which of those were counted.
pub(crate) struct CountedCharges {
    pub(crate) days: Vec<CountedDay>,
    pub(crate) charges: Vec<ChargeCount>,
}

fn check_days(from: Day, to: Day) -> Result<(), Reject> {
    if to < from {
        return Err(Reject::invalid_request("to must not lie before from."));
    }
    if to.days_since(from) >= i64::from(SUMMARY_DAYS_MAX) {
        let message = format!("from and to are {SUMMARY_DAYS_MAX} days at most.");
        return Err(Reject::invalid_request(message));
    }
    Ok(())
}

/// Whether a day is to be counted now. One that was counted with other bounds, or by a clock that was
/// ahead, is.
fn is_due(span: DaySpan, counted: Option<CountedSpan>, now: Timestamp) -> bool {
    let latest = now.plus_seconds(PRESENT_SECONDS);
    let Some(counted) = counted.filter(|counted| counted.span == span && counted.counted_at <= latest) else {
        return true;
    };
    if now < span.ends_at {
        return counted.counted_at.plus_seconds(PRESENT_SECONDS) <= now;
    }
    let looks = LOOKS_SECONDS.map(|seconds| span.ends_at.plus_seconds(seconds));
    looks.into_iter().any(|look| counted.counted_at < look && look <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_is_counted_while_it_lasts_and_three_times_after_its_end() {
        let zone = OperatorTimeZone::default();
        let span = DaySpan::of(Day::parse("2026-11-18").expect("is a day"), &zone);
        let at = |seconds: i64| span.ends_at.plus_seconds(seconds);
        let counted = |seconds: i64| Some(CountedSpan { span, counted_at: at(seconds) });
        for (counted, now, expected) in [
            (None, -600, true),
            (counted(-600), -599, false),
            (counted(-600), -360, true),
            (counted(-10), -1, false),
            (counted(-10), 0, true),
            (counted(0), 3_599, false),
            (counted(0), 3_600, true),
            (counted(3_600), 89_999, false),
            (counted(3_600), 90_000, true),
            (counted(90_000), 9_000_000, false),
            // A clock that was ahead.
            (counted(86_400 * 365), 90_000, true),
        ] {
            assert_eq!(is_due(span, counted, at(now)), expected, "{counted:?} at {now}");
        }
        let other = DaySpan { starts_at: span.starts_at.plus_seconds(-3_600), ..span };
        let elsewhere = CountedSpan { span: other, counted_at: at(90_000) };
        assert!(is_due(span, Some(elsewhere), at(100_000)), "in another time zone");
    }
}
