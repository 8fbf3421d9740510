//! Makes the scripted calls and records every exchange that follows from them.

use super::golden;
use super::request::{CallerKind, ScriptedCall};
use super::transcript;
use bytes::Bytes;
use futures_util::future::join;
use http::header::LOCATION;
use http::{Method, Request, StatusCode};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::Value;
use std::fmt::Write as _;

/// The reply to a scripted call.
pub(super) struct RecordedReply {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    location: Option<String>,
}

impl RecordedReply {
    /// A string member of the body.
    pub(super) fn text(&self, member: &str) -> String {
        let text = self.body[member].as_str();
        text.unwrap_or_else(|| panic!("{member} is not in {} {}", self.status, self.body)).to_owned()
    }

    pub(super) fn location(&self) -> &str {
        self.location.as_deref().expect("is a redirect")
    }
}

/// A test system, and the transcript of its exchanges.
pub(super) struct ResponseRecorder {
    pub(super) system: TestSystem,
    transcript: String,
    recorded: usize,
}

impl ResponseRecorder {
    /// Acme has its demo accounts; no customer has signed up.
    pub(super) async fn new() -> Self {
        let system = TestSystem::start();
        system.acme.import_accounts(ACME_ACCOUNTS).await;
        Self { system, transcript: String::new(), recorded: 0 }
    }

    pub(super) fn begin_section(&mut self, title: &str) {
        writeln!(self.transcript, "{} {title} {}\n", "=".repeat(20), "=".repeat(20)).expect("is text");
    }

    /// Makes a call and records it, with all calls that it causes.
    pub(super) async fn call(&mut self, label: &str, call: ScriptedCall) -> RecordedReply {
        let request = call.build_request(&self.system);
        self.send(label, request).await
    }

    pub(super) async fn send(&mut self, label: &str, request: Request<Bytes>) -> RecordedReply {
        let response = self.system.network.send_call(request).await.expect("answers");
        self.record_call(label);
        let location = response.headers().get(LOCATION).map(|to| to.to_str().expect("is text").to_owned());
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        RecordedReply { status: response.status(), body, location }
    }

    /// A call of the widget's frame.
    pub(super) async fn widget(&mut self, label: &str, path: &str, body: &Value) -> RecordedReply {
        self.call(label, ScriptedCall::post(CallerKind::Browser, format!("/widget/v1{path}"), body)).await
    }

    /// A call of Netflix's.
    pub(super) async fn partner(
        &mut self,
        label: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> RecordedReply {
        self.call(
            label,
            ScriptedCall::new(CallerKind::Partner("netflix"), method, format!("/ott/v1{path}"), body),
        )
        .await
    }

    /// A call of Netflix's that the sandbox records, so that it accepts later webhooks about it.
    pub(super) async fn known_partner(&mut self, label: &str, path: &str, body: &Value) -> RecordedReply {
        let (status, body) =
            self.system.call_ott(Method::POST, &format!("/ott/v1{path}"), body.clone()).await;
        self.record(label);
        RecordedReply { status, body, location: None }
    }

    /// A post of Acme's own systems.
    pub(super) async fn operator(&mut self, label: &str, path: &str, body: &Value) -> RecordedReply {
        self.call(
            label,
            ScriptedCall::post(CallerKind::Operator("acme"), format!("/operator/v1{path}"), body),
        )
        .await
    }

    /// A GET of Acme's own systems.
    pub(super) async fn operator_asks(&mut self, label: &str, path: &str) -> RecordedReply {
        self.call(label, ScriptedCall::get(CallerKind::Operator("acme"), format!("/operator/v1{path}"))).await
    }

    /// Both origins deliver what is due.
    pub(super) async fn deliver(&mut self, label: &str) {
        self.system.acme.deliver_due().await;
        self.system.nova.deliver_due().await;
        self.record(label);
    }

    /// Makes a call twice concurrently: the second one arrives while the first is processed.
    pub(super) async fn call_twice(&mut self, label: &str, call: &ScriptedCall) {
        let (network, first, second) =
            (&self.system.network, call.build_request(&self.system), call.build_request(&self.system));
        let (first, second) = join(network.send_call(first), network.send_call(second)).await;
        assert!(first.is_ok() && second.is_ok());
        self.record_call(label);
    }

    /// Makes a call while the network is disturbed at an address.
    pub(super) async fn call_disturbed(
        &mut self,
        label: &str,
        at: &str,
        mishap: NetworkFault,
        call: ScriptedCall,
    ) -> RecordedReply {
        self.system.network.inject_fault(at, mishap);
        let reply = self.call(label, call).await;
        self.system.network.clear_faults();
        reply
    }

    /// The newest SMS of a number, after everything due was delivered and recorded.
    pub(super) async fn newest_sms(
        &mut self,
        operator: fn(&TestSystem) -> &onbill_test_harness::TestOperator,
        number: &str,
    ) -> String {
        // The inbox is in the order of seconds.
        self.system.advance_seconds(1);
        let messages = self.system.sms_received(operator(&self.system), number).await;
        self.record("the outbox delivers an SMS");
        messages.last().expect("an SMS came").clone()
    }

    /// The PIN in the newest SMS of one of Acme's numbers.
    pub(super) async fn read_pin(&mut self, number: &str) -> String {
        pin_digits(&self.newest_sms(|system| &system.acme, number).await)
    }

    /// The PIN in the newest SMS of one of Nova's numbers.
    pub(super) async fn nova_pin(&mut self, number: &str) -> String {
        pin_digits(&self.newest_sms(|system| &system.nova, number).await)
    }

    /// Records everything that has crossed since the last record.
    pub(super) fn record(&mut self, label: &str) {
        self.record_as(label, None);
    }

    /// Records the exchanges, of which the first is the script's own: its request headers are not
    /// onbill's.
    fn record_call(&mut self, label: &str) {
        let first = self.system.network.calls_after(self.recorded).first().map(|first| first.number);
        self.record_as(label, first);
    }

    fn record_as(&mut self, label: &str, scripted: Option<u64>) {
        let exchanges = self.system.network.calls_after(self.recorded);
        self.recorded += exchanges.len();
        self.transcript.push_str(&transcript::write_step(label, &exchanges, scripted));
    }

    /// Leaves out what has crossed since then: another area records the like.
    pub(super) fn skip(&mut self) {
        self.recorded += self.system.network.calls_after(self.recorded).len();
    }

    /// Compares the transcript with the recorded one.
    pub(super) fn finish(self, area: &str) {
        golden::compare_with_golden(area, &self.transcript);
    }
}

fn pin_digits(sms: &str) -> String {
    sms.chars().filter(char::is_ascii_digit).take(6).collect()
}
