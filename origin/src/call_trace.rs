//! The correlator and the trace that a piece of work belongs to: a partner's call, and every job
//! that follows from it. They are in its log lines, in the calls that it makes, and in the jobs
//! that it puts into the queue.
//!
//! The spans of a trace: the call that came, the attempts at its jobs, and the calls that either
//! makes. Each call is sent with the id of its own span.
//!
//! They belong to the task that works, as its log span does, and are no arguments: they decide
//! nothing, and every call and every use case of the store would have to pass them on.

use crate::ambient::Random;
use http::{HeaderMap, HeaderValue};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::trace_context::{self, TraceParent, TraceState};
use tracing::Instrument as _;

tokio::task_local! {
    static CURRENT: CallTrace;
}

/// A correlator and a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    pub correlator: Correlator,
    /// The call that the work follows from. It is kept with a job.
    pub parent: TraceParent,
    /// The work itself.
    span: TraceParent,
    /// Whether the trace begins with the work, so that nothing has recorded its parent.
    is_begun: bool,
    /// What the caller's tracing system has added. Only the operator's systems get it, and only in
    /// the calls that the call itself makes: it may hold anything, so it is not kept with a job.
    state: Option<TraceState>,
}

/// A span of the trace, as logs and exports have it.
pub(crate) struct SpanIds {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// `None` for the first span of a trace.
    pub(crate) parent_span_id: Option<String>,
    /// Whether a caller has sampled the trace.
    pub(crate) is_sampled: bool,
}

impl CallTrace {
    /// The work on a call that came with this, or that a job keeps.
    pub fn new(correlator: Correlator, parent: TraceParent) -> Self {
        Self { correlator, parent, span: parent.receiver(), is_begun: false, state: None }
    }

    /// Begins a trace, for work that no call has asked for.
    pub fn begin(random: &dyn Random) -> Self {
        let bytes = random.bytes();
        Self { is_begun: true, ..Self::new(Correlator::from_random(bytes), TraceParent::begin(bytes)) }
    }

    /// Continues what the headers of a call have. What it lacks begins here, and so does the trace
    /// of a malformed `traceparent` (W3C Trace Context §4.3). `None` for a malformed correlator.
    pub fn read(headers: &HeaderMap, random: &dyn Random) -> Option<Self> {
        let given = match headers.get(correlator::HEADER) {
            Some(given) => Some(given.to_str().ok().and_then(Correlator::parse)?),
            None => None,
        };
        let Some(parent) = TraceParent::from_headers(headers) else {
            let begun = Self::begin(random);
            return Some(Self { correlator: given.unwrap_or(begun.correlator), ..begun });
        };
        let correlator = given.unwrap_or_else(|| Correlator::from_random(random.bytes()));
        Some(Self { state: TraceState::from_headers(headers), ..Self::new(correlator, parent) })
    }

    /// The same trace, under a correlator that no caller has chosen.
    pub(crate) fn renamed(self, random: &dyn Random) -> Self {
        Self { correlator: Correlator::from_random(random.bytes()), ..self }
    }

    /// An attempt at a job of this trace. Its `seed` is different for each.
    pub(crate) fn attempt(self, seed: &str) -> Self {
        Self { span: self.parent.child(seed.as_bytes()), ..self }
    }

    /// The span of the work: a child of the call that it follows from.
    pub(crate) fn span_ids(&self) -> SpanIds {
        let parent = (!self.is_begun).then_some(self.parent);
        SpanIds::new(self.span, parent)
    }

    /// The span of an attempt at a job: a child of the work that has put the job into the queue.
    pub(crate) fn attempt_ids(&self) -> SpanIds {
        let parent = (!self.is_begun).then(|| self.parent.receiver());
        SpanIds::new(self.span, parent)
    }

    /// The span of a step of the work that makes calls of its own, and the work within it. There is
    /// one such step in a piece of work.
    pub(crate) fn step(&self) -> (Self, SpanIds) {
        let span = self.span.child(b"step");
        (Self { span, ..self.clone() }, SpanIds::new(span, Some(self.span)))
    }

    /// Does work that begins a trace, such as a round, within a span of its own.
    pub(crate) async fn begin_work<T>(
        random: &dyn Random,
        what: &'static str,
        work: impl Future<Output = T>,
    ) -> T {
        let trace = Self::begin(random);
        let ids = trace.span_ids();
        let span = tracing::info_span!(
            "work",
            correlator = %trace.correlator,
            trace_id = ids.trace_id,
            span_id = ids.span_id,
            sampled = ids.is_sampled,
            what,
        );
        trace.scope(work).instrument(span).await
    }

    /// The span of a call that the work makes with this nonce.
    pub(crate) fn call_ids(&self, nonce: &str) -> SpanIds {
        SpanIds::new(self.parent.child(nonce.as_bytes()), Some(self.span))
    }

    /// That of the work that is under way.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Does the work of this trace.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Does the work of this trace, if there is one, also in the log; else that of the trace under
    /// way.
    pub(crate) async fn scope_of<T>(trace: Option<Self>, work: impl Future<Output = T>) -> T {
        let Some(trace) = trace else { return work.await };
        let ids = trace.span_ids();
        let span = tracing::info_span!(
            "trace",
            correlator = %trace.correlator,
            trace_id = ids.trace_id,
            span_id = ids.span_id,
        );
        trace.scope(work).instrument(span).await
    }

    /// Does the work of the same trace on another thread.
    pub(crate) fn run<T>(trace: Option<&Self>, work: impl FnOnce() -> T) -> T {
        match trace {
            Some(trace) => CURRENT.sync_scope(trace.clone(), work),
            None => work(),
        }
    }

    /// Puts correlator and trace into a call that this work makes. Its `nonce` is unique.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, nonce: &str) {
        if let Ok(value) = HeaderValue::from_str(self.correlator.as_str()) {
            headers.insert(correlator::HEADER, value);
        }
        if let Ok(value) = HeaderValue::try_from(self.parent.child(nonce.as_bytes()).to_string()) {
            headers.insert(trace_context::HEADER, value);
        }
    }

    /// Puts the caller's `tracestate` into a call to the operator's systems.
    pub(crate) fn write_state(&self, headers: &mut HeaderMap) {
        let value = self.state.as_ref().map(|state| HeaderValue::from_str(state.as_header()));
        if let Some(Ok(value)) = value {
            headers.insert(trace_context::STATE_HEADER, value);
        }
    }
}

impl SpanIds {
    fn new(span: TraceParent, parent: Option<TraceParent>) -> Self {
        Self {
            trace_id: span.trace_id().to_string(),
            span_id: span.span_id().to_string(),
            parent_span_id: parent.map(|parent| parent.span_id().to_string()),
            is_sampled: span.is_sampled(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// Gives bytes of one value.
    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn read(fields: &[(&'static str, &str)]) -> Option<CallTrace> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().expect("is a value"));
        }
        CallTrace::read(&headers, &Sevens)
    }

    #[test]
    fn call_continues_what_it_was_given() {
        let begun = CallTrace::begin(&Sevens);
        assert_eq!(read(&[]), Some(begun.clone()));
        let both = read(&[("x-correlator", "c-1"), ("traceparent", PARENT)]).expect("is well formed");
        assert_eq!((both.correlator.as_str(), both.parent.to_string().as_str()), ("c-1", PARENT));
        for malformed in [&[("traceparent", "00-0")][..], &[("traceparent", PARENT), ("traceparent", PARENT)]]
        {
            assert_eq!(read(malformed), Some(begun.clone()), "a new trace begins");
        }
        assert_eq!(read(&[("x-correlator", "not one")]), None);
    }

    #[tokio::test]
    async fn outgoing_call_is_a_child_of_the_current_work() {
        assert_eq!(CallTrace::current(), None);
        let trace = read(&[("x-correlator", "c-1"), ("traceparent", PARENT)]).expect("is well formed");
        trace
            .scope(async {
                let current = CallTrace::current().expect("is within a scope");
                let elsewhere = std::thread::spawn(move || {
                    assert_eq!(CallTrace::current(), None);
                    CallTrace::run(Some(&current), CallTrace::current)
                });
                let current = elsewhere.join().expect("ends").expect("was taken along");
                let mut headers = HeaderMap::new();
                current.write_headers(&mut headers, "nonce-1");
                assert_eq!(headers["x-correlator"], "c-1");
                let sent = headers["traceparent"].to_str().expect("is text");
                assert!(sent.starts_with(&PARENT[..36]) && sent != PARENT, "{sent}");
            })
            .await;
    }
}
