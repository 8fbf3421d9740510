//! The network: every call stops until a step lets it continue, or a fault hits it.

use super::edge::StaleEdge;
use super::ground_truth::{GroundTruth, number_index};
use super::operator::{ModelBilling, json_response, parse_body};
use super::partner::ModelPartner;
use crate::seed_campaign::OutcomeTally;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::pai::Pai;
use onbill_domain::wire::csp::BillChargeRequest;
use onbill_origin::ambient::Clock as _;
use onbill_origin::http::{Peer, Unreachable};
use onbill_test_harness::{EDGE, ManualClock, NETFLIX};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// No signature stays valid for longer than this.
const SIGNATURE_SECONDS: i64 = 300;

/// How long an origin waits for a response.
const PATIENCE_SECONDS: i64 = 8;

/// A delivery attempt makes three calls at most.
const ATTEMPT_SECONDS: i64 = 3 * PATIENCE_SECONDS;

/// A call that is stopped, and how to answer it.
struct StoppedCall {
    sent_at: i64,
    request: Request<Bytes>,
    answer: oneshot::Sender<Response<Bytes>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallFate {
    Arrives,
    ArrivesTwice,
    Lost,
    AnswerLost,
    Late,
    Refused,
}

/// All parties but the origin, and the calls on their way to them.
pub(super) struct ModelParties {
    pub(super) truth: GroundTruth,
    pub(super) billing: ModelBilling,
    pub(super) partner: ModelPartner,
    pub(super) edge: StaleEdge,
    pub(super) tally: OutcomeTally,
    /// The PAI of each charge, by our ids.
    pub(super) charges: BTreeMap<String, Pai>,
    /// When each closed PAI was first seen closed.
    pub(super) closed: BTreeMap<Pai, i64>,
    /// The violations.
    pub(super) found: Vec<String>,
    calls: Vec<StoppedCall>,
    /// Calls whose callers have timed out, with the times at which they were sent.
    late: Vec<(i64, Request<Bytes>)>,
}

pub(super) struct StoppingNetwork {
    clock: ManualClock,
    parties: Mutex<ModelParties>,
}

impl StoppingNetwork {
    pub(super) fn new(clock: ManualClock, truth: GroundTruth, edge: StaleEdge) -> Self {
        let parties = ModelParties {
            truth,
            billing: ModelBilling::default(),
            partner: ModelPartner::default(),
            edge,
            tally: OutcomeTally::default(),
            charges: BTreeMap::new(),
            closed: BTreeMap::new(),
            found: Vec::new(),
            calls: Vec::new(),
            late: Vec::new(),
        };
        Self { clock, parties: Mutex::new(parties) }
    }

    pub(super) fn lock_parties(&self) -> MutexGuard<'_, ModelParties> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().unix_seconds()
    }
}

#[async_trait]
impl Peer for StoppingNetwork {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let (sender, answer) = oneshot::channel();
        {
            let mut parties = self.lock_parties();
            parties.look_at(&request, self.now());
            parties.calls.push(StoppedCall { sent_at: self.now(), request, answer: sender });
        }
        answer.await.map_err(|_| Unreachable)
    }
}

impl StoppingNetwork {
    pub(super) fn count_stopped(&self) -> usize {
        self.lock_parties().calls.len()
    }

    /// Lets one of the stopped calls continue to its fate; returns its description.
    pub(super) fn let_go(&self, at: usize, fate: CallFate) -> String {
        let mut parties = self.lock_parties();
        let StoppedCall { sent_at, request, answer: caller } = parties.calls.remove(at);
        let call = format!("{} {}", request.method(), request.uri());
        let answered = match fate {
            CallFate::Arrives => Some(parties.arrive(request)),
            CallFate::ArrivesTwice => {
                parties.arrive(request.clone());
                Some(parties.arrive(request))
            }
            CallFate::Lost => {
                parties.tally.count("lost");
                None
            }
            CallFate::AnswerLost => {
                parties.tally.count("answers lost");
                parties.arrive(request);
                None
            }
            CallFate::Late => {
                parties.tally.count("late");
                parties.late.push((sent_at, request));
                None
            }
            CallFate::Refused => Some(json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({}))),
        };
        let status = answered.as_ref().map(|answer| answer.status().as_u16());
        if let Some(answered) = answered {
            // The caller may have crashed.
            let _ = caller.send(answered);
        }
        format!("{call}: {status:?}")
    }

    /// A call whose caller has timed out.
    pub(super) fn find_overdue(&self) -> Option<usize> {
        let now = self.now();
        self.lock_parties().calls.iter().position(|call| now - call.sent_at > PATIENCE_SECONDS)
    }

    /// Sends a request without waiting for the response.
    pub(super) fn post(&self, request: Request<Bytes>) {
        let now = self.now();
        self.lock_parties().late.push((now, request));
    }

    /// Sends a request that arrives at once.
    pub(super) fn take_at_once(&self, request: Request<Bytes>) -> StatusCode {
        self.lock_parties().arrive(request).status()
    }

    /// How many calls could still arrive whose callers have timed out.
    pub(super) fn late(&self) -> usize {
        let now = self.now();
        let mut parties = self.lock_parties();
        parties.late.retain(|(sent, _)| now - sent <= SIGNATURE_SECONDS);
        parties.late.len()
    }

    /// One of them arrives.
    pub(super) fn arrive_late(&self, at: usize) -> String {
        let mut parties = self.lock_parties();
        let (_, request) = parties.late.remove(at);
        parties.tally.count("arrived late");
        let call = format!("{} {}", request.method(), request.uri());
        let answer = parties.arrive(request);
        format!("{call}: {}", answer.status())
    }

    /// No caller waits for a response any more; the calls may still arrive.
    pub(super) fn abandon_calls(&self) {
        let mut parties = self.lock_parties();
        let calls = std::mem::take(&mut parties.calls);
        parties.late.extend(calls.into_iter().map(|call| (call.sent_at, call.request)));
    }
}

impl ModelParties {
    /// The moment of submission to billing counts: what happens to a number while a charge is on
    /// its way, or after it was checked, no protocol can know.
    fn look_at(&mut self, request: &Request<Bytes>, now: i64) {
        if request.method() != Method::POST || request.uri().path() != "/csp/transaction" {
            return;
        }
        let charge: BillChargeRequest = parse_body(request);
        let Some(pai) = self.charges.get(&charge.transaction_id).copied() else {
            self.found.push(format!("{} was never charged", charge.transaction_id));
            return;
        };
        let Some(number) = number_index(charge.msisdn.expose()) else {
            self.found.push(format!("{} goes to a number that is nobody's", charge.transaction_id));
            return;
        };
        if self.closed.get(&pai).is_some_and(|closed_at| now - closed_at > ATTEMPT_SECONDS) {
            self.found.push(format!("{} goes out for {pai}, which is closed", charge.transaction_id));
        }
        self.found
            .extend(self.truth.charge(pai, number).map(|why| format!("{}: {why}", charge.transaction_id)));
    }

    fn arrive(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let authority = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        match (authority.as_str(), request.uri().path()) {
            (EDGE, _) => {
                self.tally.count("edge told");
                let (answer, wrong) = self.edge.take(request, &mut self.tally);
                self.found.extend(wrong);
                answer
            }
            (NETFLIX, "/account-state") => {
                self.tally.count("partner told");
                let wrong = self.partner.hear(parse_body(&request));
                self.found.extend(wrong);
                json_response(StatusCode::OK, &json!({}))
            }
            (NETFLIX, _) => json_response(StatusCode::OK, &json!({})),
            _ => self.billing.take(&self.truth, &request),
        }
    }
}
