//! The rows of the table, one file for each row or family of rows.
//!
//! To add a row:
//!
//! 1. A file here with `pub(crate) const ROW: Row`: a name for `--row`, and a function that measures it. Start what it
//!    needs from `programs/`; what is started ends when it is dropped.
//! 2. Its sides. For a load over HTTP that is [`HttpLoad`](crate::measure::HttpLoad) with requests made beforehand; for
//!    anything else implement [`Side`](crate::measure::Side), whose round does some operations and says how long they
//!    took. Give the yardstick the same job, in the same process layout.
//! 3. [`measure_in_turn`](crate::measure::measure_in_turn) with the subject first gives a series for each side, and a
//!    [`Line`] puts subject, yardstick and goals together. What has no rounds (a size) is `Series::of`.
//! 4. A line in `ROWS` below. A quick run of all rows takes less than three minutes: prepare less where
//!    `bench.scale.is_quick` (`bench.scale.amount(100_000, 10)`). A full one takes less than half an hour: what takes
//!    longer is for `--large` (`bench.scale.large_amounts()`).
//!
//! `cargo xtask bench --quick --row NAME` then measures it alone.

mod cold_start;
mod console;
mod coupons;
mod drain;
mod edge_memory;
mod import;
mod ledger_growth;
mod origin_memory;
mod postgres_charge;
mod postgres_origins;
mod postgres_partitions;
mod postgres_statistics;
mod reconcile;
mod signed_charge;
mod sqlite_charge;
mod token_check;
mod weight;
mod widget;

use crate::bench::Bench;
use crate::measure::Series;
use anyhow::Result;
use futures_util::future::BoxFuture;

/// All rows, in the order of the table.
pub(crate) const ROWS: [&Row; 18] = [
    &token_check::ROW,
    &signed_charge::ROW,
    &widget::ROW,
    &cold_start::ROW,
    &sqlite_charge::ROW,
    &postgres_charge::ROW,
    &postgres_statistics::ROW,
    &postgres_origins::ROW,
    &postgres_partitions::ROW,
    &ledger_growth::ROW,
    &console::ROW,
    &import::ROW,
    &drain::ROW,
    &reconcile::ROW,
    &coupons::ROW,
    &weight::ROW,
    &origin_memory::ROW,
    &edge_memory::ROW,
];

/// A row, or a family of rows that share their programs.
pub(crate) struct Row {
    /// What `--row` takes.
    pub(crate) name: &'static str,
    pub(crate) measure: for<'b> fn(&'b Bench) -> BoxFuture<'b, Result<Vec<Line>>>,
}

/// One line of the table.
pub(crate) struct Line {
    pub(crate) title: String,
    pub(crate) subject: Series,
    /// The yardstick and what it came to; `None` where the goal is a number.
    pub(crate) yardstick: Option<(String, Series)>,
    pub(crate) goals: Vec<Goal>,
}

impl Line {
    pub(crate) fn new(
        title: impl Into<String>,
        subject: Series,
        yardstick: Option<(&str, Series)>,
        goals: &[Goal],
    ) -> Self {
        let yardstick = yardstick.map(|(title, series)| (title.to_owned(), series));
        Self { title: title.into(), subject, yardstick, goals: goals.to_vec() }
    }
}

/// What a line is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Subject divided by yardstick.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// The subject's own value, in its unit.
    ValueAtLeast(f64),
    ValueAtMost(f64),
    /// Every value of the subject, in its unit.
    EachAtMost(f64),
    /// The subject's CPU time for an operation, in microseconds.
    CpuMicrosAtMost(f64),
}

/// The series of a row with a known number of sides.
fn take<const SIDES: usize>(series: Vec<Series>) -> Result<[Series; SIDES]> {
    series.try_into().map_err(|_| anyhow::anyhow!("a row has another number of sides"))
}
