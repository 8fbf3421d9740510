//! The correlator and the trace that a piece of work belongs to: a partner's call, and every job
//! that follows from it. They are in its log lines, in the calls that it makes, and in the jobs
//! that it puts into the queue.
//!
//! They belong to the task that works, as its log span does, and are no arguments: they decide
//! nothing, and every call and every use case of the store would have to pass them on.

use crate::ambient::Random;
use http::{HeaderMap, HeaderValue};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::trace_context::{self, TraceParent};

tokio::task_local! {
    static CURRENT: CallTrace;
}

/// A correlator and a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    pub correlator: Correlator,
    pub parent: TraceParent,
}

impl CallTrace {
    /// Begins a trace, for work that no call has asked for.
    pub fn begin(random: &dyn Random) -> Self {
        let bytes = random.bytes();
        Self { correlator: Correlator::from_random(bytes), parent: TraceParent::begin(bytes) }
    }

    /// Continues what the headers of a call have. What it lacks begins here, and so does the trace
    /// of a malformed `traceparent` (W3C Trace Context §4.3). `None` for a malformed correlator.
    pub fn read(headers: &HeaderMap, random: &dyn Random) -> Option<Self> {
        let parent = find_parent(headers);
        let Some(given) = headers.get(correlator::HEADER) else {
            let begun = Self::begin(random);
            return Some(Self { parent: parent.unwrap_or(begun.parent), ..begun });
        };
        let correlator = given.to_str().ok().and_then(Correlator::parse)?;
        Some(Self { correlator, parent: parent.unwrap_or_else(|| TraceParent::begin(random.bytes())) })
    }

    /// The same trace, under a correlator that nobody else has chosen.
    pub(crate) fn renamed(self, random: &dyn Random) -> Self {
        Self { correlator: Correlator::from_random(random.bytes()), ..self }
    }

    /// That of the work that is under way.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Does the work of this trace.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Does the work of the same trace on another thread.
    pub(crate) fn run<T>(trace: Option<&Self>, work: impl FnOnce() -> T) -> T {
        match trace {
            Some(trace) => CURRENT.sync_scope(trace.clone(), work),
            None => work(),
        }
    }

    /// Puts both into a call that follows from this work. Its `nonce` is unique.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, nonce: &str) {
        if let Ok(value) = HeaderValue::from_str(self.correlator.as_str()) {
            headers.insert(correlator::HEADER, value);
        }
        if let Ok(value) = HeaderValue::try_from(self.parent.child(nonce.as_bytes()).to_string()) {
            headers.insert(trace_context::HEADER, value);
        }
    }
}

/// Several values contradict each other.
fn find_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all(trace_context::HEADER).iter();
    let first = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { TraceParent::parse(first) }
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
            assert_eq!(read(malformed), Some(begun.clone()), "the trace begins anew");
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
