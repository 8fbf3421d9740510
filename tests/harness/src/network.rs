//! A network of function calls. It can lose a request or an answer, and it remembers everything that crossed it.

mod fault;

pub use fault::Mishap;

use crate::fragile::Life;
use crate::{Process, SharedClock};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use fault::{Befallen, Disturbance};
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

/// What a service says that fails after it has acted.
pub const FAILED_AFTER: &str = "Something failed after the work was done.";
/// Seconds that a call which stalls may take: longer than any lease, and than a signature is good for.
const STALL_SECONDS: [i64; 4] = [65, 125, 250, 400];

/// One call that crossed.
#[derive(Clone, Debug)]
pub struct Crossing {
    pub authority: String,
    pub path: String,
    /// The request's headers and body.
    pub asked: String,
    /// The answer's.
    pub answered: String,
}

impl Crossing {
    /// Whether the text is anywhere in it.
    pub fn has(&self, text: &str) -> bool {
        [&self.path, &self.asked, &self.answered].iter().any(|part| part.contains(text))
    }
}

#[derive(Clone)]
enum Service {
    /// The programs behind one address. A call goes to any of them, also to one that is dead.
    Axum(Vec<(Router, Arc<Life>)>),
    Edge(Arc<FakePlatform>, Arc<Config>),
}

/// Who is where, and what goes wrong.
pub struct Network {
    clock: SharedClock,
    services: Mutex<HashMap<String, Service>>,
    /// The origins, whose outboxes are worked on whatever else happens.
    apps: Mutex<BTreeMap<String, Vec<Arc<App>>>>,
    disturbances: Mutex<Vec<Disturbance>>,
    befell: Mutex<Vec<Befallen>>,
    late: Mutex<Vec<Request<Bytes>>>,
    taken_twice: Mutex<Vec<String>>,
    crossings: Mutex<Vec<Crossed>>,
    sent: AtomicU64,
    thrown: AtomicU64,
    /// Whether a call stalls at the moment.
    stalled: AtomicBool,
}

/// One call that crossed, as it was: most are never looked at.
#[derive(Clone)]
pub struct Crossed {
    /// Counts calls in the order in which they were sent. They are stored in the order in which they were answered.
    pub number: u64,
    pub method: Method,
    pub authority: String,
    pub path: String,
    pub asked: (HeaderMap, Bytes),
    pub status: StatusCode,
    pub answered: (HeaderMap, Bytes),
}

/// The same as bytes.
pub struct RawCrossing {
    pub authority: String,
    pub path: String,
    pub status: StatusCode,
    pub asked: Vec<u8>,
    pub answered: Vec<u8>,
}

impl Crossed {
    fn raw(&self) -> RawCrossing {
        let bytes =
            |(headers, body): &(HeaderMap, Bytes)| [format!("{headers:?}\n").as_bytes(), body].concat();
        RawCrossing {
            authority: self.authority.clone(),
            path: self.path.clone(),
            status: self.status,
            asked: bytes(&self.asked),
            answered: bytes(&self.answered),
        }
    }

    fn told(&self) -> Crossing {
        let text =
            |(headers, body): &(HeaderMap, Bytes)| format!("{headers:?} {}", String::from_utf8_lossy(body));
        Crossing {
            authority: self.authority.clone(),
            path: self.path.clone(),
            asked: text(&self.asked),
            answered: text(&self.answered),
        }
    }
}

impl Network {
    pub fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            services: Mutex::default(),
            apps: Mutex::default(),
            disturbances: Mutex::default(),
            befell: Mutex::default(),
            late: Mutex::default(),
            taken_twice: Mutex::default(),
            crossings: Mutex::default(),
            sent: AtomicU64::new(0),
            thrown: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
        }
    }

    pub fn attach(&self, authority: &str, router: Router) {
        hold(&self.services).insert(authority.to_owned(), Service::Axum(vec![(router, Arc::default())]));
    }

    /// The same for the programs of an origin, which can die: then one takes no call and gives no answer.
    pub fn attach_origin(&self, authority: &str, programs: &[Process]) {
        let services = programs.iter().map(|each| (each.app.router(), Arc::clone(&each.life)));
        hold(&self.services).insert(authority.to_owned(), Service::Axum(services.collect()));
        let apps = programs.iter().map(|each| Arc::clone(&each.app)).collect();
        hold(&self.apps).insert(authority.to_owned(), apps);
    }

    /// Puts the edge on the network, in both directions.
    pub fn attach_edge(self: &Arc<Self>, authority: &str, edge: Arc<FakePlatform>, config: Arc<Config>) {
        // A weak hand on the network, which holds the edge: the two would keep each other for ever.
        let network = Arc::downgrade(self);
        edge.on_network(move |request| {
            let network = network.upgrade();
            async move {
                network.ok_or(NotReached::Broken)?.deliver(request).await.map_err(|_| NotReached::Broken)
            }
        });
        hold(&self.services).insert(authority.to_owned(), Service::Edge(edge, config));
    }

    /// From now on this happens to calls whose address begins with `to` (`host:port/path`).
    pub fn disturb(&self, to: &str, mishap: Mishap) {
        self.disturb_next(to, mishap, u32::MAX);
    }

    /// The same for so many calls.
    pub fn disturb_next(&self, to: &str, mishap: Mishap, calls: u32) {
        hold(&self.disturbances).push(Disturbance { to: to.to_owned(), mishap, calls_left: calls });
    }

    /// Ends all mishaps.
    pub fn mend(&self) {
        hold(&self.disturbances).clear();
    }

    /// Every mishap that a call met so far.
    pub fn befell(&self) -> Vec<Mishap> {
        hold(&self.befell).iter().map(|call| call.mishap).collect()
    }

    /// The mishaps that calls to one place met so far, with what these calls said.
    pub fn befell_at(&self, authority: &str) -> Vec<(Bytes, Mishap)> {
        let befell = hold(&self.befell);
        let there = befell.iter().filter(|call| call.authority == authority);
        there.map(|call| (call.body.clone(), call.mishap)).collect()
    }

    /// Lets late calls arrive, in no order that anybody meant. Nobody waits for their answers.
    pub async fn arrive(&self) {
        let late = std::mem::take(&mut *hold(&self.late));
        for request in late.into_iter().rev() {
            let _ = self.bring(request).await;
        }
    }

    /// Late calls never arrive.
    pub fn drop_late(&self) {
        hold(&self.late).clear();
    }

    /// The same for those to one place.
    pub fn drop_late_to(&self, authority: &str) {
        hold(&self.late)
            .retain(|request| request.uri().authority().is_none_or(|to| to.as_str() != authority));
    }

    /// What the newest call to a path was answered with success.
    pub fn last_answer(&self, authority: &str, path: &str) -> Option<Bytes> {
        let crossings = hold(&self.crossings);
        let there =
            |call: &&Crossed| call.authority == authority && call.path == path && call.status.is_success();
        crossings.iter().rev().find(there).map(|call| call.answered.1.clone())
    }

    /// What crossed to a path, and with which status it was answered: also if nobody heard the answer.
    pub fn crossed(&self, authority: &str, path: &str) -> Vec<(Bytes, StatusCode)> {
        let crossings = hold(&self.crossings);
        let there = crossings.iter().filter(|call| call.authority == authority && call.path == path);
        there.map(|call| (call.asked.1.clone(), call.status)).collect()
    }

    /// The paths of posts of the partner's, and of the operator's that change a coupon, that were answered with success twice, under
    /// one signature. Questions may be, and what the origin tells other parties is theirs to know again.
    pub fn taken_twice(&self) -> Vec<String> {
        let paths = hold(&self.taken_twice).clone();
        let acts = ["/ott/v1/transaction", "/ott/v1/coupon", "/operator/v1/coupons/"];
        paths.into_iter().filter(|path| acts.iter().any(|act| path.starts_with(act))).collect()
    }

    /// Takes everybody off the network.
    pub fn end(&self) {
        let services = std::mem::take(&mut *hold(&self.services));
        let apps = std::mem::take(&mut *hold(&self.apps));
        // Outside of the lock: what goes with them may look at the network.
        drop((services, apps));
    }

    /// Everything that crossed so far.
    pub fn crossings(&self) -> Vec<Crossing> {
        hold(&self.crossings).iter().map(Crossed::told).collect()
    }

    /// The calls that were answered after the first `count` ones, in the order in which they were sent.
    pub fn exchanges_after(&self, count: usize) -> Vec<Crossed> {
        let mut exchanges = hold(&self.crossings).get(count..).unwrap_or_default().to_vec();
        exchanges.sort_by_key(|exchange| exchange.number);
        exchanges
    }

    /// The same as the bytes that they were.
    pub fn raw_crossings(&self) -> Vec<RawCrossing> {
        hold(&self.crossings).iter().map(Crossed::raw).collect()
    }

    /// Chance without a pattern, and the same in every run.
    fn below(&self, bound: usize) -> usize {
        let throw = self.thrown.fetch_add(1, Ordering::Relaxed);
        usize::from(sha256(&throw.to_le_bytes())[0]) % bound
    }

    /// Takes a request to its service and brings the answer back, if nothing befalls them.
    pub async fn deliver(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let mishap = self.mishap_of(request.uri());
        let Some(mishap) = mishap else { return self.bring(request).await };
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        hold(&self.befell).push(Befallen { authority, body: request.body().clone(), mishap });
        match mishap {
            Mishap::Lost => Err(Unreachable),
            Mishap::Late => {
                hold(&self.late).push(request);
                Err(Unreachable)
            }
            Mishap::Twice => {
                let (method, path) = (request.method().clone(), request.uri().path().to_owned());
                let mut answers = [self.bring(request.clone()).await, self.bring(request).await];
                let acts = method == Method::POST;
                if acts && answers.iter().flatten().filter(|answer| answer.status().is_success()).count() == 2
                {
                    hold(&self.taken_twice).push(path);
                }
                answers.swap(0, self.below(2));
                let [answer, _] = answers;
                answer
            }
            Mishap::Refused => Ok(refusal(&Reject::service_unavailable())),
            Mishap::AnswerLost => {
                self.bring(request).await?;
                Err(Unreachable)
            }
            Mishap::FailsAfter => {
                self.bring(request).await?;
                Ok(refusal(&Reject::new(ErrorCode::InternalError, FAILED_AFTER)))
            }
            Mishap::Garbled => {
                self.bring(request).await?;
                Ok(Response::new(Bytes::from_static(b"<html>502 Bad Gateway")))
            }
            Mishap::Stalls => {
                let before = self.below(2) == 0;
                if before {
                    self.stall().await;
                }
                let answer = self.bring(request).await;
                if !before {
                    self.stall().await;
                }
                answer
            }
        }
    }

    /// What befalls a call to this address.
    fn mishap_of(&self, to: &Uri) -> Option<Mishap> {
        let address = format!("{}{}", to.authority()?, to.path_and_query().map_or("", PathAndQuery::as_str));
        let mut disturbances = hold(&self.disturbances);
        let at = disturbances.iter().position(|disturbance| address.starts_with(&disturbance.to))?;
        let disturbance = &mut disturbances[at];
        let mishap = disturbance.mishap;
        disturbance.calls_left -= 1;
        if disturbance.calls_left == 0 {
            disturbances.remove(at);
        }
        Some(mishap)
    }

    /// Minutes pass in the middle of a call, and the outboxes are worked on. The calls of that work do not stall in turn.
    async fn stall(&self) {
        if self.stalled.swap(true, Ordering::Relaxed) {
            return;
        }
        self.clock.pass_seconds(STALL_SECONDS[self.below(STALL_SECONDS.len())]);
        let apps: Vec<Arc<App>> = hold(&self.apps).values().flatten().cloned().collect();
        for app in apps {
            // One that is dead, or dies of it, is somebody else's business. In a box, because its calls come by here.
            let _ = Box::pin(app.worker.deliver_due()).await;
        }
        self.stalled.store(false, Ordering::Relaxed);
    }

    /// Takes a request to its service and brings the answer back.
    pub async fn bring(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let authority = request.uri().authority().ok_or(Unreachable)?.to_string();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let service = hold(&self.services).get(&authority).cloned().ok_or(Unreachable)?;
        let (number, method) = (self.sent.fetch_add(1, Ordering::Relaxed), request.method().clone());
        let asked = (request.headers().clone(), request.body().clone());
        let answer = match service {
            Service::Edge(edge, config) => onbill_edge::handle(&*edge, &config, request).await,
            Service::Axum(programs) => {
                let (router, life) = programs[self.below(programs.len())].clone();
                if life.is_over() {
                    return Err(Unreachable);
                }
                let mut request = request.map(Body::from);
                let host = authority.parse().map_err(|_| Unreachable)?;
                request.headers_mut().insert("host", host);
                let answer = router.oneshot(request).await.map_err(|_| Unreachable)?;
                if life.is_over() {
                    return Err(Unreachable);
                }
                let (parts, body) = answer.into_parts();
                Response::from_parts(parts, to_bytes(body, 1 << 20).await.map_err(|_| Unreachable)?)
            }
        };
        let status = answer.status();
        let answered = (answer.headers().clone(), answer.body().clone());
        hold(&self.crossings).push(Crossed { number, method, authority, path, asked, status, answered });
        Ok(answer)
    }
}

fn refusal(reject: &Reject) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!(reject.body()).to_string()));
    *response.status_mut() = reject.code.status();
    response
}

#[async_trait]
impl Peer for Network {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        self.deliver(request).await
    }
}

fn hold<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
