//! What one side of a row has come to: one value for each round, and what belongs beside it.

use super::latency::Latencies;
use super::process_tree::to_f64;
use super::rounds::Round;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Operations a second: more is better. Everything else is better when it is less.
    PerSecond,
    Milliseconds,
    /// Of a whole round, whatever it does.
    Seconds,
    Mebibytes,
    Kibibytes,
    Bytes,
}

impl Unit {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PerSecond => "/s",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Mebibytes => "MiB",
            Self::Kibibytes => "KiB",
            Self::Bytes => "B",
        }
    }
}

/// The rounds of one side.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) unit: Unit,
    /// One for each round.
    pub(crate) values: Vec<f64>,
    /// CPU time of an operation in microseconds, one for each round; empty where none was measured.
    pub(crate) cpu_micros: Vec<f64>,
    pub(crate) latencies: Latencies,
    /// Requests that were not answered as expected. A side with errors does not count.
    pub(crate) errors: u64,
}

impl Series {
    pub(crate) fn new(unit: Unit) -> Self {
        Self { unit, values: Vec::new(), cpu_micros: Vec::new(), latencies: Latencies::default(), errors: 0 }
    }

    /// A side of which there is one value only, such as a size.
    pub(crate) fn of(unit: Unit, value: f64) -> Self {
        let mut series = Self::new(unit);
        series.values.push(value);
        series
    }

    pub(crate) fn add(&mut self, round: Round) {
        let seconds = round.elapsed.as_secs_f64();
        let operations = to_f64(round.operations.max(1));
        self.values.push(match self.unit {
            Unit::PerSecond => operations / seconds,
            Unit::Milliseconds => seconds * 1000.0 / operations,
            Unit::Seconds | Unit::Mebibytes | Unit::Kibibytes | Unit::Bytes => seconds,
        });
        if let Some(cpu) = round.cpu {
            self.cpu_micros.push(cpu.as_secs_f64() * 1e6 / operations);
        }
        self.latencies.append(round.latencies);
        self.errors += round.errors;
    }

    pub(crate) fn median(&self) -> f64 {
        median(&self.values)
    }
}

/// The ratio of each round to the other side's in the same turn. They are neighbours in time, so that a machine that
/// slows down slows both.
pub(crate) fn ratios(subject: &[f64], yardstick: &[f64]) -> Vec<f64> {
    subject.iter().zip(yardstick).map(|(one, other)| one / other).collect()
}

/// The middle value, or the mean of the middle two; NaN of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len(), sorted.len() % 2) {
        (0, _) => f64::NAN,
        (_, 1) => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The least and the most of the values.
pub(crate) fn range(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    (least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "these values are exact")]
    fn median_ignores_the_outliers() {
        assert_eq!(median(&[5.0, 1.0, 900.0]), 5.0);
        assert_eq!(median(&[4.0, 2.0]), 3.0);
        assert!(median(&[]).is_nan());
        assert_eq!(range(&[5.0, 1.0, 9.0]), (1.0, 9.0));
        assert_eq!(ratios(&[2.0, 9.0], &[4.0, 3.0]), [0.5, 3.0]);
    }
}
