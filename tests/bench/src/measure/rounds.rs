//! Rounds of several sides in turn: a machine that slows down, or a neighbour, meets all of them.

use super::latency::Latencies;
use super::process_tree::ProcessTree;
use super::series::{Series, Unit};
use crate::bench::Bench;
use crate::profile;
use anyhow::Result;
use async_trait::async_trait;
use std::time::Duration;

/// Rounds before the measured ones: the first one finds out the rate, and a just-in-time compiler needs both.
pub(crate) const WARM_UP_ROUNDS: usize = 2;

/// What one round of one side did.
pub(crate) struct Round {
    pub(crate) operations: u64,
    pub(crate) errors: u64,
    pub(crate) elapsed: Duration,
    /// CPU time of the measured processes, where it was measured.
    pub(crate) cpu: Option<Duration>,
    pub(crate) latencies: Latencies,
}

/// One side of a row: the subject or a yardstick.
#[async_trait]
pub(crate) trait Side: Send {
    /// Works for about this long.
    async fn run_round(&mut self, length: Duration) -> Result<Round>;

    /// Rounds before the measured ones.
    fn warm_up_rounds(&self) -> usize {
        WARM_UP_ROUNDS
    }

    /// The measured process, for a profile.
    fn process(&self) -> Option<ProcessTree> {
        None
    }
}

/// Measures the sides in turn, the subject first, and returns a series for each. Every other turn runs the sides in the
/// opposite order, so that none always follows the same neighbour.
///
/// When one row is to be profiled, the profiler is attached to the subject, and the yardsticks do one short round that
/// nobody reads.
pub(crate) async fn measure_in_turn(
    bench: &Bench,
    unit: Unit,
    sides: &mut [&mut dyn Side],
) -> Result<Vec<Series>> {
    let mut series = vec![Series::new(unit); sides.len()];
    let length = bench.scale.round;
    for side in sides.iter_mut() {
        for _ in 0..side.warm_up_rounds() {
            side.run_round(length).await?;
        }
    }
    if let Some(profile) = &bench.profile {
        for (side, series) in sides.iter_mut().zip(&mut series) {
            series.add(profile::run_under_perf(profile, *side).await?);
        }
        return Ok(series);
    }
    for turn in 0..bench.scale.rounds {
        bench.show_progress(&format!("round {} of {}", turn + 1, bench.scale.rounds));
        let mut order: Vec<usize> = (0..sides.len()).collect();
        if turn % 2 == 1 {
            order.reverse();
        }
        for at in order {
            series[at].add(sides[at].run_round(length).await?);
        }
    }
    Ok(series)
}
