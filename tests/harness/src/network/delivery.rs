//! The way of a call to its service and back, through the faults.

use super::fault::FaultedCall;
use super::services::Service;
use super::{StoredCall, TestNetwork, lock_mutex};
use crate::network::NetworkFault;
use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_origin::app::App;
use onbill_origin::http::{Peer, Unreachable};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tower::ServiceExt as _;

/// The response of a service that fails after it has acted.
pub const FAILED_AFTER: &str = "Something failed after the work was done.";
/// Seconds that a stalled call may take: longer than any lease, and than a signature stays valid.
const STALL_SECONDS: [i64; 4] = [65, 125, 250, 400];

impl TestNetwork {
    /// Takes a request to its service and returns the response, unless a fault hits the call.
    pub async fn send_call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let mishap = self.take_fault_for(request.uri());
        let Some(mishap) = mishap else { return self.exchange_undisturbed(request).await };
        let authority = request.uri().authority().map_or_else(String::new, ToString::to_string);
        lock_mutex(&self.faulted_calls).push(FaultedCall {
            authority,
            body: request.body().clone(),
            fault: mishap,
        });
        match mishap {
            NetworkFault::Lost => Err(Unreachable),
            NetworkFault::Late => {
                lock_mutex(&self.late_requests).push(request);
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
                    lock_mutex(&self.accepted_twice).push(path);
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

    /// Takes a request to its service and returns the response.
    pub async fn exchange_undisturbed(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Unreachable> {
        let authority = request.uri().authority().ok_or(Unreachable)?.to_string();
        let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        let service = lock_mutex(&self.services).get(&authority).cloned().ok_or(Unreachable)?;
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
        lock_mutex(&self.calls).push(StoredCall {
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

    /// Delivers late calls in random order. No caller waits for their responses.
    pub async fn deliver_late(&self) {
        let late = std::mem::take(&mut *lock_mutex(&self.late_requests));
        for request in late.into_iter().rev() {
            let _ = self.exchange_undisturbed(request).await;
        }
    }

    /// Minutes pass in the middle of a call, and the outboxes are processed. The calls of that work
    /// do not stall in turn.
    async fn stall_call(&self) {
        if self.is_stalling.swap(true, Ordering::Relaxed) {
            return;
        }
        self.clock.advance_seconds(STALL_SECONDS[self.draw_below(STALL_SECONDS.len())]);
        let apps: Vec<Arc<App>> = lock_mutex(&self.apps).values().flatten().cloned().collect();
        for app in apps {
            // A program that has crashed, or crashes now, is handled elsewhere. Boxed, because its
            // calls come through here.
            let _ = Box::pin(app.worker.deliver_due()).await;
        }
        self.is_stalling.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Peer for TestNetwork {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let answer = self.send_call(request).await?;
        if answer.body().len() > BODY_BYTES_MAX { Err(Unreachable) } else { Ok(answer) }
    }
}

fn reject_response(reject: &Reject) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json!(reject.body()).to_string()));
    *response.status_mut() = reject.code.status();
    response
}
