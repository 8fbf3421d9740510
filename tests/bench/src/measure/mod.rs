//! How anything is measured: rounds of two sides in turn, CPU time from `/proc`, latencies. Nothing here knows what is
//! measured; that is in `rows/`.

pub(crate) mod http_load;
mod latency;
pub(crate) mod process_tree;
pub(crate) mod rounds;
pub(crate) mod series;

pub(crate) use http_load::HttpLoad;
pub(crate) use latency::Latencies;
pub(crate) use process_tree::{ProcessTree, to_f64};
pub(crate) use rounds::{Round, Side, measure_in_turn};
pub(crate) use series::{Series, Unit};
