//! A span that has ended, and whether it is exported.

use super::fields::Fields;
use serde_json::Value;
use std::time::SystemTime;

/// How many traces are distinguished by the bits of a trace id that every version of the standard has random
/// (W3C Trace Context Level 2 §3.2.2.3.1): two to the 56th.
const RANDOM_TRACES: f64 = 72_057_594_037_927_936.0;
/// Where those bits begin among the digits of a trace id.
const RANDOM_DIGITS: usize = 18;
/// The spans that are exported. Others only give log lines their fields.
const EXPORTED: [&str; 5] = ["call", "job", "send", "sms", "work"];

pub(super) struct FinishedSpan {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
    pub(super) began_at: SystemTime,
    pub(super) ended_at: SystemTime,
}

impl FinishedSpan {
    /// Whether a caller has sampled the trace, or it is one of the share that is ours to choose. The
    /// share is chosen by the id of the trace: so all spans of a trace are, or none is.
    pub(super) fn is_sampled(&self, share: f64) -> bool {
        if !EXPORTED.contains(&self.name) {
            return false;
        }
        let digits = self.fields.text("trace_id").get(RANDOM_DIGITS..);
        let Some(Ok(random)) = digits.map(|digits| u64::from_str_radix(digits, 16)) else { return false };
        #[expect(clippy::cast_precision_loss, reason = "three of 56 bits decide nothing")]
        let is_chosen = (random as f64) < share * RANDOM_TRACES;
        is_chosen || self.fields.get("sampled") == Some(&Value::Bool(true))
    }

    /// A span of this trace.
    #[cfg(test)]
    pub(super) fn of(trace_id: &str, sampled: bool) -> Self {
        let fields = Fields::of([("trace_id", trace_id.into()), ("sampled", sampled.into())]);
        let at = std::time::UNIX_EPOCH;
        Self { name: "call", fields, began_at: at, ended_at: at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_of_the_traces_is_chosen_by_their_ids() {
        let low = "0af7651916cd43dd84000000000000ff";
        let high = "0af7651916cd43dd84ffffffffff0000";
        for (trace, share, is_sampled) in
            [(low, 0.0, false), (low, 0.01, true), (high, 0.99, false), (high, 1.0, true), ("", 1.0, false)]
        {
            assert_eq!(FinishedSpan::of(trace, false).is_sampled(share), is_sampled, "{trace} {share}");
        }
        let sampled = FinishedSpan::of(high, true);
        assert!(sampled.is_sampled(0.0), "the caller has sampled it");
        assert!(!FinishedSpan { name: "trace", ..sampled }.is_sampled(1.0));
    }
}
