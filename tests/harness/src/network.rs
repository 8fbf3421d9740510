//! A network of function calls. It can lose a request or a response, and it records everything that
//! crossed it.

mod fault;

pub use fault::NetworkFault;

use crate::crash_point::CrashPoint;
use crate::{ManualClock, TestOrigin};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use fault::{ActiveFault, FaultedCall};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use onbill_domain::digest::sha256;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_edge::Config;
use onbill_edge::fake::FakePlatform;
use onbill_edge::platform::Unreachable as NotReached;
use onbill_origin::app::App;
use onbill_origin::http::{Peer, Unreachable};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tower::ServiceExt as _;

/// The response of a service that fails after it has acted.
pub const FAILED_AFTER: &str = "Something failed after the work was done.";
/// Seconds that a stalled call may take: longer than any lease, and than a signature stays valid.
const STALL_SECONDS: [i64; 4] = [65, 125, 250, 400];

/// One call that crossed.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub authority: String,
    pub path: String,
    /// Headers and body.
    pub request: String,
    /// Headers and body.
    pub response: String,
}

impl RecordedCall {
    /// Returns whether the text occurs in the request or the response.
    pub fn contains(&self, text: &str) -> bool {
        [&self.path, &self.request, &self.response].iter().any(|part| part.contains(text))
    }
}

#[derive(Clone)]
enum Service {
    /// The programs behind one address. A call goes to any of them, also to one that has crashed.
    Axum(Vec<(Router, Arc<CrashPoint>)>),
    Edge(Arc<FakePlatform>, Arc<Config>),
}

/// The services by address, and the faults.
pub struct TestNetwork {
    clock: ManualClock,
    services: Mutex<HashMap<String, Service>>,
    /// The origins, whose outboxes are processed whatever else happens.
    apps: Mutex<BTreeMap<String, Vec<Arc<App>>>>,
    active_faults: Mutex<Vec<ActiveFault>>,
    faulted_calls: Mutex<Vec<FaultedCall>>,
    late_requests: Mutex<Vec<Request<Bytes>>>,
    accepted_twice: Mutex<Vec<String>>,
    calls: Mutex<Vec<StoredCall>>,
    calls_sent: AtomicU64,
    draws: AtomicU64,
    /// Whether a call stalls at the moment.
    is_stalling: AtomicBool,
}

/// One call that crossed, unformatted: most are never looked at.
#[derive(Clone)]
pub struct StoredCall {
    /// Counts calls in the order in which they were sent. They are stored in the order of their
    /// responses.
    pub number: u64,
    pub method: Method,
    pub authority: String,
    pub path: String,
    pub request: (HeaderMap, Bytes),
    pub status: StatusCode,
    pub response: (HeaderMap, Bytes),
}

/// One call as bytes.
pub struct RawCall {
    pub authority: String,
    pub path: String,
    pub status: StatusCode,
    pub request: Vec<u8>,
    pub response: Vec<u8>,
}

impl StoredCall {
    fn to_bytes(&self) -> RawCall {
        let bytes =
            |(headers, body): &(HeaderMap, Bytes)| [format!("{headers:?}\n").as_bytes(), body].concat();
        RawCall {
            authority: self.authority.clone(),
            path: self.path.clone(),
            status: self.status,
            request: bytes(&self.request),
            response: bytes(&self.response),
        }
    }

    fn to_text(&self) -> RecordedCall {
        let text =
            |(headers, body): &(HeaderMap, Bytes)| format!("{headers:?} {}", String::from_utf8_lossy(body));
        RecordedCall {
            authority: self.authority.clone(),
            path: self.path.clone(),
            request: text(&self.request),
            response: text(&self.response),
        }
    }
}

impl TestNetwork {
    pub fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            services: Mutex::default(),
            apps: Mutex::default(),
            active_faults: Mutex::default(),
            faulted_calls: Mutex::default(),
            late_requests: Mutex::default(),
            accepted_twice: Mutex::default(),
            calls: Mutex::default(),
            calls_sent: AtomicU64::new(0),
            draws: AtomicU64::new(0),
            is_stalling: AtomicBool::new(false),
        }
    }

    pub fn attach_service(&self, authority: &str, router: Router) {
        lock(&self.services).insert(authority.to_owned(), Service::Axum(vec![(router, Arc::default())]));
    }

    /// Attaches the programs of an origin. One that has crashed takes no call and gives no
    /// response.
    pub fn attach_origin(&self, authority: &str, programs: &[TestOrigin]) {
        let services = programs.iter().map(|each| (each.app.router(), Arc::clone(&each.crash_point)));
        lock(&self.services).insert(authority.to_owned(), Service::Axum(services.collect()));
        let apps = programs.iter().map(|each| Arc::clone(&each.app)).collect();
        lock(&self.apps).insert(authority.to_owned(), apps);
    }

    /// Attaches the edge to the network, in both directions.
    pub fn attach_edge(self: &Arc<Self>, authority: &str, edge: Arc<FakePlatform>, config: Arc<Config>) {
        // A weak reference to the network, which owns the edge: strong ones would keep each other
        // alive permanently.
        let network = Arc::downgrade(self);
        edge.on_network(move |request| {
            let network = network.upgrade();
            async move {
                network.ok_or(NotReached::Broken)?.exchange(request).await.map_err(|_| NotReached::Broken)
            }
        });
        lock(&self.services).insert(authority.to_owned(), Service::Edge(edge, config));
    }

    /// From now on this fault hits calls whose address begins with `to` (`host:port/path`).
    pub fn inject_fault(&self, to: &str, mishap: NetworkFault) {
        self.inject_fault_for(to, mishap, u32::MAX);
    }

    /// The fault hits this many calls.
    pub fn inject_fault_for(&self, to: &str, mishap: NetworkFault, calls: u32) {
        lock(&self.active_faults).push(ActiveFault { to: to.to_owned(), mishap, calls_left: calls });
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        lock(&self.active_faults).clear();
    }

    /// Every fault that a call has met so far.
    pub fn faults_met(&self) -> Vec<NetworkFault> {
        lock(&self.faulted_calls).iter().map(|call| call.fault).collect()
    }

    /// The faults that calls to one address have met so far, with the bodies of these calls.
    pub fn faults_met_at(&self, authority: &str) -> Vec<(Bytes, NetworkFault)> {
        let befell = lock(&self.faulted_calls);
        let there = befell.iter().filter(|call| call.authority == authority);
        there.map(|call| (call.body.clone(), call.fault)).collect()
    }

    /// Delivers late calls in random order. No caller waits for their responses.
    pub async fn deliver_late(&self) {
        let late = std::mem::take(&mut *lock(&self.late_requests));
        for request in late.into_iter().rev() {
            let _ = self.exchange_undisturbed(request).await;
        }
    }

    /// Late calls never arrive.
    pub fn drop_late(&self) {
        lock(&self.late_requests).clear();
    }

    /// Late calls to one address never arrive.
    pub fn drop_late_to(&self, authority: &str) {
        lock(&self.late_requests)
            .retain(|request| request.uri().authority().is_none_or(|to| to.as_str() != authority));
    }

    /// The response to the newest successful call to a path.
    pub fn last_response(&self, authority: &str, path: &str) -> Option<Bytes> {
        let crossings = lock(&self.calls);
        let there =
            |call: &&StoredCall| call.authority == authority && call.path == path && call.status.is_success();
        crossings.iter().rev().find(there).map(|call| call.response.1.clone())
    }

    /// The bodies of calls that crossed to a path, and the status of each response, also if the
    /// response was lost.
    pub fn calls_to(&self, authority: &str, path: &str) -> Vec<(Bytes, StatusCode)> {
        let crossings = lock(&self.calls);
        let there = crossings.iter().filter(|call| call.authority == authority && call.path == path);
        there.map(|call| (call.request.1.clone(), call.status)).collect()
    }

    /// The paths of the partner's posts, and of the operator's that change a coupon, that succeeded
    /// twice under one signature. Reads may do so, and webhooks and events from the origin are
    /// deduplicated by their receivers.
    pub fn accepted_twice(&self) -> Vec<String> {
        let paths = lock(&self.accepted_twice).clone();
        let acts = ["/ott/v1/transaction", "/ott/v1/coupon", "/operator/v1/coupons/"];
        paths.into_iter().filter(|path| acts.iter().any(|act| path.starts_with(act))).collect()
    }

    /// Detaches all services from the network.
    pub fn shut_down(&self) {
        let services = std::mem::take(&mut *lock(&self.services));
        let apps = std::mem::take(&mut *lock(&self.apps));
        // Dropped outside of the lock: what goes with them may use the network.
        drop((services, apps));
    }

    /// Everything that has crossed so far.
    pub fn recorded_calls(&self) -> Vec<RecordedCall> {
        lock(&self.calls).iter().map(StoredCall::to_text).collect()
    }

    /// The calls that were answered after the first `count` ones, in the order in which they were
    /// sent.
    pub fn calls_after(&self, count: usize) -> Vec<StoredCall> {
        let mut exchanges = lock(&self.calls).get(count..).unwrap_or_default().to_vec();
        exchanges.sort_by_key(|exchange| exchange.number);
        exchanges
    }

    pub fn raw_calls(&self) -> Vec<RawCall> {
        lock(&self.calls).iter().map(StoredCall::to_bytes).collect()
    }

    /// Pseudo-random, and the same in every run.
    fn draw_below(&self, bound: usize) -> usize {
        let throw = self.draws.fetch_add(1, Ordering::Relaxed);
        usize::from(sha256(&throw.to_le_bytes())[0]) % bound
    }

    /// Takes a request to its service and returns the response, unless a fault hits the call.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let mishap = self.take_fault_for(request.uri());
        let Some(mishap) = mishap else { return self.exchange_undisturbed(request).await };
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        lock(&self.faulted_calls).push(FaultedCall {
            authority,
            body: request.body().clone(),
            fault: mishap,
        });
        match mishap {
            NetworkFault::Lost => Err(Unreachable),
            NetworkFault::Late => {
                lock(&self.late_requests).push(request);
                Err(Unreachable)
            }
            NetworkFault::Twice => {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let mut answers = [
                    self.exchange_undisturbed(request.clone()).await,
                    self.exchange_undisturbed(request).await,
                ];
                let acts = method == Method::POST;
                if acts && answers.iter().flatten().filter(|answer| answer.status().is_success()).count() == 2
                {
                    lock(&self.accepted_twice).push(path);
                }
                answers.swap(0, self.draw_below(2));
                let [answer, _] = answers;
                answer
            }
            NetworkFault::Refused => Ok(reject_response(&Reject::service_unavailable())),
            NetworkFault::AnswerLost => {
                self.exchange_undisturbed(request).await?;
                Err(Unreachable)
            }
            NetworkFault::FailsAfter => {
                self.exchange_undisturbed(request).await?;
                Ok(reject_response(&Reject::new(ErrorCode::InternalError, FAILED_AFTER)))
            }
            NetworkFault::Garbled => {
                self.exchange_undisturbed(request).await?;
                Ok(Response::new(Bytes::from_static(b"<html>502 Bad Gateway")))
            }
            NetworkFault::Stalls => {
                let before = self.draw_below(2) == 0;
                if before {
                    self.stall_call().await;
                }
                let answer = self.exchange_undisturbed(request).await;
                if !before {
                    self.stall_call().await;
                }
                answer
            }
        }
    }

    /// The fault that hits a call to this address.
    fn take_fault_for(&self, to: &Uri) -> Option<NetworkFault> {
        let address = format!("{}{}", to.authority()?, to.path_and_query().map_or("", PathAndQuery::as_str));
        let mut disturbances = lock(&self.active_faults);
        let at = disturbances.iter().position(|disturbance| address.starts_with(&disturbance.to))?;
        let disturbance = &mut disturbances[at];
        let mishap = disturbance.mishap;
        disturbance.calls_left -= 1;
        if disturbance.calls_left == 0 {
            disturbances.remove(at);
        }
        Some(mishap)
    }

    /// Minutes pass in the middle of a call, and the outboxes are processed. The calls of that work
    /// do not stall in turn.
    async fn stall_call(&self) {
        if self.is_stalling.swap(true, Ordering::Relaxed) {
            return;
        }
        self.clock.advance_seconds(STALL_SECONDS[self.draw_below(STALL_SECONDS.len())]);
        let apps: Vec<Arc<App>> = lock(&self.apps).values().flatten().cloned().collect();
        for app in apps {
            // A program that has crashed, or crashes now, is handled elsewhere. Boxed, because its
            // calls come through here.
            let _ = Box::pin(app.worker.deliver_due()).await;
        }
        self.is_stalling.store(false, Ordering::Relaxed);
    }

    /// Takes a request to its service and returns the response.
    pub async fn exchange_undisturbed(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        let authority = request.uri().authority().ok_or(Unreachable)?.to_string();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let service = lock(&self.services).get(&authority).cloned().ok_or(Unreachable)?;
        let (number, method) = (self.calls_sent.fetch_add(1, Ordering::Relaxed), request.method().clone());
        let asked = (request.headers().clone(), request.body().clone());
        let answer = match service {
            Service::Edge(edge, config) => onbill_edge::handle(&*edge, &config, request).await,
            Service::Axum(programs) => {
                let (router, life) = programs[self.draw_below(programs.len())].clone();
                if life.has_crashed() {
                    return Err(Unreachable);
                }
                let mut request = request.map(Body::from);
                let host = authority.parse().map_err(|_| Unreachable)?;
                request.headers_mut().insert("host", host);
                let answer = router.oneshot(request).await.map_err(|_| Unreachable)?;
                if life.has_crashed() {
                    return Err(Unreachable);
                }
                let (parts, body) = answer.into_parts();
                Response::from_parts(parts, to_bytes(body, 1 << 20).await.map_err(|_| Unreachable)?)
            }
        };
        let status = answer.status();
        let answered = (answer.headers().clone(), answer.body().clone());
        lock(&self.calls).push(StoredCall {
            number,
            method,
            authority,
            path,
            request: asked,
            status,
            response: answered,
        });
        Ok(answer)
    }
}

fn reject_response(reject: &Reject) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!(reject.body()).to_string()));
    *response.status_mut() = reject.code.status();
    response
}

#[async_trait]
impl Peer for TestNetwork {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        self.exchange(request).await
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
