//! The operator's SMS gateway, with Kannel's interface, and everything that it remembers. At times
//! it is busy or has no route to a number, and it reports at any time: late, twice, before its
//! response, or not at all.

use super::outcomes::RunOutcome;
use super::run::SimulationRun;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use onbill_origin::config::Config;
use onbill_origin::config::SmsSettings;
use onbill_test_harness::{TestNetwork, write_password_file};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

pub(super) const GATEWAY: &str = "127.0.0.1:13013";
const DELIVERED: &str = "1";
/// Kannel's status codes: delivered, not delivered, buffered, and refused by the SMSC.
const REPORTS: [&str; 6] = [DELIVERED, DELIVERED, DELIVERED, "2", BUFFERED, "16"];
const BUFFERED: &str = "8";

/// What the gateway does with the next messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GatewayFault {
    Busy,
    KnowsNoWay,
    /// Its report arrives before its response.
    ReportsAtOnce,
}

/// A message that it has accepted.
#[derive(Clone, Debug)]
pub(super) struct AcceptedSms {
    pub(super) to: String,
    pub(super) text: String,
    /// The report URL.
    report: String,
}

/// A report of how a message ended.
#[derive(Clone, Debug)]
pub(super) struct SmsReport {
    pub(super) token: String,
    /// Delivered to the phone; false when it never will be.
    pub(super) is_delivered: bool,
    /// Whether the origin has confirmed the report.
    pub(super) is_taken: bool,
}

#[derive(Clone, Default)]
pub(super) struct SimulatedGateway(Arc<Mutex<GatewayRecords>>);

#[derive(Default)]
struct GatewayRecords {
    network: Weak<TestNetwork>,
    mood: Option<(GatewayFault, u32)>,
    taken: Vec<AcceptedSms>,
    reported: Vec<SmsReport>,
}

impl AcceptedSms {
    /// The id by which the origin knows it.
    pub(super) fn token(&self) -> &str {
        let end = self.report.rsplit('/').next().unwrap_or_default();
        end.split('?').next().unwrap_or_default()
    }
}

impl SimulatedGateway {
    /// Attaches it to the network.
    pub(super) fn attach_to(network: &Arc<TestNetwork>) -> Self {
        let gateway = Self::default();
        gateway.lock_records().network = Arc::downgrade(network);
        let router = Router::new().route("/cgi-bin/sendsms", post(accept_sms)).with_state(gateway.clone());
        network.attach_service(GATEWAY, router);
        gateway
    }

    fn lock_records(&self) -> MutexGuard<'_, GatewayRecords> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that it has accepted, oldest first.
    pub(super) fn taken(&self) -> Vec<AcceptedSms> {
        self.lock_records().taken.clone()
    }

    /// Its reports of how messages ended.
    pub(super) fn reported(&self) -> Vec<SmsReport> {
        self.lock_records().reported.clone()
    }

    /// Sets its mood for a number of messages.
    pub(super) fn is_in(&self, mood: Option<(GatewayFault, u32)>) {
        self.lock_records().mood = mood;
    }

    fn next_fault(&self) -> Option<GatewayFault> {
        let mut records = self.lock_records();
        let (mood, calls) = records.mood?;
        records.mood = calls.checked_sub(1).filter(|calls| *calls > 0).map(|calls| (mood, calls));
        Some(mood)
    }

    /// Reports the status of a message; returns whether the origin has confirmed the report.
    async fn report(&self, message: &AcceptedSms, status: &str) -> bool {
        let network = self.lock_records().network.upgrade();
        let request = Request::get(message.report.replace("%d", status)).body(Bytes::new());
        let Some(network) = network else { return false };
        let answer = network.send_call(request.expect("is a request")).await;
        let is_taken = answer.is_ok_and(|answer| answer.status() == StatusCode::NO_CONTENT);
        if status != BUFFERED {
            let token = message.token().to_owned();
            self.lock_records().reported.push(SmsReport {
                token,
                is_delivered: status == DELIVERED,
                is_taken,
            });
        }
        is_taken
    }
}

async fn accept_sms(State(gateway): State<SimulatedGateway>, headers: HeaderMap, body: Bytes) -> Response {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mood = gateway.next_fault();
    match mood {
        Some(GatewayFault::Busy) => {
            return (StatusCode::SERVICE_UNAVAILABLE, "Temporal failure, try again later.").into_response();
        }
        Some(GatewayFault::KnowsNoWay) => {
            return (StatusCode::FORBIDDEN, "Not routable. Do not try again.").into_response();
        }
        Some(GatewayFault::ReportsAtOnce) | None => {}
    }
    let (to, report) = (header("x-kannel-to"), header("x-kannel-dlr-url"));
    let taken = AcceptedSms { to, text: String::from_utf8_lossy(&body).into_owned(), report };
    gateway.lock_records().taken.push(taken.clone());
    if mood.is_some() {
        gateway.report(&taken, DELIVERED).await;
    }
    (StatusCode::ACCEPTED, "0: Accepted for delivery").into_response()
}

/// Configures an origin to send its messages there.
pub(super) fn use_it(config: &mut Config) {
    static PASSWORD: OnceLock<PathBuf> = OnceLock::new();
    let password =
        PASSWORD.get_or_init(|| write_password_file(Path::new(env!("CARGO_TARGET_TMPDIR")), "hunter2"));
    let settings: SmsSettings = serde_json::from_value(json!({
        "by": "kannel", "url": format!("http://{GATEWAY}/cgi-bin/sendsms"), "username": "onbill",
        "password_file": password, "sender": "Acme", "receipts_url": format!("http://{}", config.listen),
    }))
    .expect("are settings");
    config.sms = settings;
}

impl SimulationRun {
    /// The gateway changes its mood for a while.
    pub(super) fn change_mood(&mut self) {
        let (mood, met) = *self.dice.pick_one(&[
            (GatewayFault::Busy, RunOutcome::Busy),
            (GatewayFault::KnowsNoWay, RunOutcome::KnowsNoWay),
            (GatewayFault::ReportsAtOnce, RunOutcome::ReportedAtOnce),
            (GatewayFault::ReportsAtOnce, RunOutcome::ReportedAtOnce),
        ]);
        let calls = *self.dice.pick_one(&[1, 2, 20]);
        self.gateway.is_in(Some((mood, calls)));
        self.tally.count(met);
    }

    /// The gateway reports on some messages, old or recent, or repeats a report.
    pub(super) async fn report(&mut self) {
        let taken = self.gateway.taken();
        if taken.is_empty() {
            return;
        }
        for _ in 0..=self.dice.draw_below(2) {
            let last = taken.len() - 1;
            let back = usize::try_from(self.dice.draw_below(3)).expect("is small");
            let message = match self.dice.draw_below(3) {
                0 => self.dice.pick_one(&taken).clone(),
                _ => taken[last.saturating_sub(back)].clone(),
            };
            let status = *self.dice.pick_one(&REPORTS);
            let is_again = self.gateway.reported().iter().any(|reported| reported.token == message.token());
            let is_taken = self.gateway.report(&message, status).await;
            self.tally.count(match (status, is_again, is_taken) {
                (_, _, false) => RunOutcome::ReportLost,
                (DELIVERED, true, _) => RunOutcome::ReportedAgain,
                (DELIVERED, false, _) => RunOutcome::Delivered,
                _ => RunOutcome::NotDelivered,
            });
        }
    }
}
