//! Requests of callers, by route. A route is its pattern, as axum has matched it: a path may contain
//! a partner's identifier, and a caller can make up as many as they like.

use super::labels::{Counters, LabelLists, OTHER};
use super::page::Page;
use super::series::{HTTP_DURATION, HTTP_IN_FLIGHT, HTTP_REQUESTS};
use crate::histogram::{CALL_BOUNDS, Histogram};
use http::{Method, StatusCode};
use prometheus_client::metrics::gauge::Gauge;
use std::collections::BTreeMap;
use std::fmt;
use tokio::time::Instant;

const METHODS: [&str; 4] = ["GET", "POST", "PUT", OTHER];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// The classes that a route answers with, which are shown before there are any.
const USUAL_CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];

/// Requests and how long they took.
#[derive(Debug)]
pub(crate) struct RequestMetrics {
    routes: BTreeMap<&'static str, OfRoute>,
    /// Those for paths that are no route.
    others: OfRoute,
    in_flight: Gauge,
}

#[derive(Debug)]
struct OfRoute {
    /// The methods that the route has.
    methods: Vec<&'static str>,
    /// By method and class.
    answered: [Counters<{ CLASSES.len() }>; METHODS.len()],
    duration: Histogram,
}

impl OfRoute {
    fn new(methods: Vec<&'static str>) -> Self {
        let answered = std::array::from_fn(|_| Counters::default());
        Self { methods, answered, duration: Histogram::new(CALL_BOUNDS) }
    }
}

/// A request that is being worked on.
pub(crate) struct RequestUnderWay<'m> {
    of: &'m OfRoute,
    in_flight: &'m Gauge,
    method: usize,
    begun: Instant,
}

impl RequestMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        let mut routes: BTreeMap<&'static str, OfRoute> = BTreeMap::new();
        for &(method, route) in &lists.routes {
            let method = METHODS[place_of_method(&method.to_ascii_uppercase())];
            routes.entry(route).or_insert_with(|| OfRoute::new(Vec::new())).methods.push(method);
        }
        Self { routes, others: OfRoute::new(vec![OTHER]), in_flight: Gauge::default() }
    }

    /// Notes that a request has arrived, for this pattern if it has a route.
    pub(crate) fn begin(&self, route: Option<&str>, method: &Method) -> RequestUnderWay<'_> {
        let of = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.others);
        self.in_flight.inc();
        let method = place_of_method(method.as_str());
        RequestUnderWay { of, in_flight: &self.in_flight, method, begun: Instant::now() }
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(HTTP_REQUESTS, self.of_routes().flat_map(|(route, of)| of.list_answered(route)))?;
        page.histograms(HTTP_DURATION, self.of_routes().map(|(route, of)| ([route], &of.duration)))?;
        page.gauge(HTTP_IN_FLIGHT, self.in_flight.get())
    }

    /// Figures of each route since the start.
    pub(crate) fn list_figures(&self) -> Vec<CallFigures> {
        self.of_routes().map(|(route, of)| of.to_figures(route)).collect()
    }

    fn of_routes(&self) -> impl Iterator<Item = (&'static str, &OfRoute)> {
        self.routes.iter().map(|(route, of)| (*route, of)).chain([(OTHER, &self.others)])
    }
}

/// How a route was answered since the start.
pub(crate) struct CallFigures {
    pub(crate) route: &'static str,
    pub(crate) answered: u64,
    /// With 4xx and 5xx.
    pub(crate) refused: u64,
    pub(crate) failed: u64,
    /// Half of the calls, and 99 of 100, took no longer: upper bounds of the histogram's buckets.
    pub(crate) median_seconds: f64,
    pub(crate) slowest_seconds: f64,
}

impl OfRoute {
    fn to_figures(&self, route: &'static str) -> CallFigures {
        let of_class =
            |place: usize| self.answered.iter().map(|of_method| of_method.read()[place]).sum::<u64>();
        let duration = self.duration.read();
        CallFigures {
            route,
            answered: (0..CLASSES.len()).map(of_class).sum(),
            refused: of_class(3),
            failed: of_class(4),
            median_seconds: duration.bound_of(1, 2),
            slowest_seconds: duration.bound_of(99, 100),
        }
    }

    /// What was answered, and zeros for what is usual: a rate has to begin somewhere.
    fn list_answered(&self, route: &'static str) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        METHODS.into_iter().zip(&self.answered).flat_map(move |(method, answered)| {
            let is_listed = self.methods.contains(&method);
            let answered = CLASSES.into_iter().zip(answered.read());
            answered
                .filter(move |(class, count)| *count > 0 || (is_listed && USUAL_CLASSES.contains(class)))
                .map(move |(class, count)| ([route, method, class], count))
        })
    }
}

impl RequestUnderWay<'_> {
    /// The response is there. A client that is gone before gets none, and is not counted.
    pub(crate) fn end(self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.of.answered[self.method].count(class);
        self.of.duration.note(self.begun.elapsed());
    }
}

impl Drop for RequestUnderWay<'_> {
    fn drop(&mut self) {
        self.in_flight.dec();
    }
}

fn place_of_method(method: &str) -> usize {
    METHODS.iter().position(|known| *known == method).unwrap_or(METHODS.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_paths_and_methods_add_no_series() {
        let routes = vec![("get", "/a/{id}"), ("put", "/a/{id}")];
        let metrics = RequestMetrics::new(&LabelLists { routes, ..LabelLists::default() });
        let odd = Method::from_bytes(b"12025550101").expect("is a method");
        for n in 0..100 {
            metrics.begin(Some(&format!("/{n}")), &odd).end(StatusCode::NOT_FOUND);
            metrics.begin(None, &Method::GET).end(StatusCode::NOT_FOUND);
        }
        metrics.begin(Some("/a/{id}"), &Method::PUT).end(StatusCode::OK);
        drop(metrics.begin(Some("/a/{id}"), &Method::PUT));
        let listed: Vec<_> = metrics.of_routes().flat_map(|(route, of)| of.list_answered(route)).collect();
        let counted: Vec<_> = listed.iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(
            counted,
            [&(["/a/{id}", "PUT", "2xx"], 1), &([OTHER, "GET", "4xx"], 100), &([OTHER, OTHER, "4xx"], 100)]
        );
        assert!(listed.contains(&(["/a/{id}", "GET", "2xx"], 0)), "{listed:?}");
        assert_eq!(metrics.in_flight.get(), 0);
    }
}
