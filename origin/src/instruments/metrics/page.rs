//! Writes series in the text form of OpenMetrics.

use super::series::{Series, SeriesKind};
use crate::histogram::Histogram;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use std::fmt;

/// The page that is being written.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// Writes the values of a counter, each with the values of its labels.
    pub(super) fn counters<'v, const N: usize>(
        &mut self,
        series: Series,
        samples: impl IntoIterator<Item = ([&'v str; N], u64)>,
    ) -> fmt::Result {
        self.write(series, SeriesKind::Counter, samples, |encoder, value| {
            encoder.encode_counter::<NoLabelSet, u64, f64>(&value, None)
        })
    }

    /// Writes a counter that is not whole.
    pub(super) fn fractional_counter(&mut self, series: Series, value: f64) -> fmt::Result {
        self.write(series, SeriesKind::Counter, [([], value)], |encoder, value| {
            encoder.encode_counter::<NoLabelSet, f64, f64>(&value, None)
        })
    }

    /// Writes the values of a gauge, each with the values of its labels.
    pub(super) fn gauges<'v, const N: usize>(
        &mut self,
        series: Series,
        samples: impl IntoIterator<Item = ([&'v str; N], i64)>,
    ) -> fmt::Result {
        self.write(series, SeriesKind::Gauge, samples, |encoder, value| encoder.encode_gauge(&value))
    }

    /// Writes a gauge without labels.
    pub(super) fn gauge(&mut self, series: Series, value: i64) -> fmt::Result {
        self.gauges(series, [([], value)])
    }

    /// Writes a gauge that is not whole.
    pub(super) fn fractional_gauge(&mut self, series: Series, value: f64) -> fmt::Result {
        self.write(series, SeriesKind::Gauge, [([], value)], |encoder, value| encoder.encode_gauge(&value))
    }

    /// Writes histograms, each with the values of its labels.
    pub(super) fn histograms<'v, const N: usize>(
        &mut self,
        series: Series,
        samples: impl IntoIterator<Item = ([&'v str; N], &'v Histogram)>,
    ) -> fmt::Result {
        self.write(series, SeriesKind::Histogram, samples, |encoder, histogram| {
            let read = histogram.read();
            encoder.encode_histogram::<NoLabelSet>(read.sum, read.count, &read.buckets, None)
        })
    }

    /// Writes what labels alone say.
    pub(super) fn info<const N: usize>(&mut self, series: Series, values: [&str; N]) -> fmt::Result {
        let labels: Vec<(&str, &str)> = series.labels.iter().copied().zip(values).collect();
        let mut encoder =
            self.0.encode_descriptor(series.name, series.help, None, series.kind.metric_type())?;
        encoder.encode_info(&labels)
    }

    fn write<'v, const N: usize, T>(
        &mut self,
        series: Series,
        kind: SeriesKind,
        samples: impl IntoIterator<Item = ([&'v str; N], T)>,
        encode: impl Fn(&mut MetricEncoder<'_>, T) -> fmt::Result,
    ) -> fmt::Result {
        debug_assert_eq!((series.kind, series.labels.len()), (kind, N), "{}", series.name);
        let unit = series.to_unit();
        let mut family =
            self.0.encode_descriptor(series.name, series.help, unit.as_ref(), series.kind.metric_type())?;
        for (values, value) in samples {
            let labels: Vec<(&str, &str)> = series.labels.iter().copied().zip(values).collect();
            if labels.is_empty() {
                encode(&mut family, value)?;
            } else {
                encode(&mut family.encode_family(&labels)?, value)?;
            }
        }
        Ok(())
    }
}
