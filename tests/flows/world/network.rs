//! A network of function calls. It can lose a request or an answer, and it remembers everything that crossed it.

use super::fragile::Life;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use onbill_edge::Config;
use onbill_edge::fake::FakePlatform;
use onbill_edge::platform::Unreachable as NotReached;
use onbill_origin::peer::{Peer, Unreachable};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tower::ServiceExt as _;

/// What happens to calls on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The request does not arrive.
    Lost,
    /// The request arrives, and is acted on; the answer does not.
    AnswerLost,
    /// The answer arrives as something else.
    Garbled,
}

/// One call that crossed.
#[derive(Clone, Debug)]
pub(crate) struct Crossing {
    pub(crate) authority: String,
    pub(crate) path: String,
    /// The request's headers and body.
    pub(crate) asked: String,
    /// The answer's.
    pub(crate) answered: String,
}

impl Crossing {
    /// Whether the text is anywhere in it.
    pub(crate) fn has(&self, text: &str) -> bool {
        [&self.path, &self.asked, &self.answered].iter().any(|part| part.contains(text))
    }
}

#[derive(Clone)]
enum Service {
    Axum(Router, Arc<Life>),
    Edge(Arc<FakePlatform>, Arc<Config>),
}

/// Who is where, and what goes wrong.
#[derive(Default)]
pub(crate) struct Network {
    services: Mutex<HashMap<String, Service>>,
    mishaps: Mutex<Vec<(String, Mishap)>>,
    crossings: Mutex<Vec<Crossed>>,
}

/// One call that crossed, as it was: most are never looked at.
struct Crossed {
    authority: String,
    path: String,
    asked: (HeaderMap, Bytes),
    answered: (HeaderMap, Bytes),
}

impl Crossed {
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
    pub(crate) fn attach(&self, authority: &str, router: Router) {
        self.attach_mortal(authority, router, Arc::default());
    }

    /// The same for a program that can die: then it takes no call and gives no answer.
    pub(crate) fn attach_mortal(&self, authority: &str, router: Router, life: Arc<Life>) {
        hold(&self.services).insert(authority.to_owned(), Service::Axum(router, life));
    }

    /// Puts the edge on the network, in both directions.
    pub(crate) fn attach_edge(
        self: &Arc<Self>,
        authority: &str,
        edge: Arc<FakePlatform>,
        config: Arc<Config>,
    ) {
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
    pub(crate) fn disturb(&self, to: &str, mishap: Mishap) {
        hold(&self.mishaps).push((to.to_owned(), mishap));
    }

    /// Ends all mishaps.
    pub(crate) fn mend(&self) {
        hold(&self.mishaps).clear();
    }

    /// Takes everybody off the network.
    pub(crate) fn end(&self) {
        let services = std::mem::take(&mut *hold(&self.services));
        // Outside of the lock: what goes with them may look at the network.
        drop(services);
    }

    /// Everything that crossed so far.
    pub(crate) fn crossings(&self) -> Vec<Crossing> {
        hold(&self.crossings).iter().map(Crossed::told).collect()
    }

    /// Takes a request to its service and brings the answer back.
    pub(crate) async fn deliver(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let authority = request.uri().authority().ok_or(Unreachable)?.to_string();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let address = format!("{authority}{path}");
        let mishap =
            hold(&self.mishaps).iter().find(|(to, _)| address.starts_with(to)).map(|(_, mishap)| *mishap);
        let service = hold(&self.services).get(&authority).cloned().ok_or(Unreachable)?;
        if mishap == Some(Mishap::Lost) {
            return Err(Unreachable);
        }
        let asked = (request.headers().clone(), request.body().clone());
        let answer = match service {
            Service::Edge(edge, config) => onbill_edge::handle(&*edge, &config, request).await,
            Service::Axum(router, life) => {
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
        let answered = (answer.headers().clone(), answer.body().clone());
        hold(&self.crossings).push(Crossed { authority, path, asked, answered });
        match mishap {
            Some(Mishap::AnswerLost) => Err(Unreachable),
            Some(Mishap::Garbled) => {
                let mut garbled = Response::new(Bytes::from_static(b"<html>502 Bad Gateway"));
                *garbled.status_mut() = StatusCode::OK;
                Ok(garbled)
            }
            Some(Mishap::Lost) | None => Ok(answer),
        }
    }
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
