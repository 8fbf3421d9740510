//! What a test has shown of an alarm: that it is raised, where people see it, and that it ends.

use axum::Router;
use http::StatusCode;
use onbill_origin::app::App;
use onbill_origin::instruments::{Alarm, AlarmKind};
use onbill_origin::store::AlarmFilter;
use onbill_test_harness::TestSystem;
use serde_json::Value;
use std::sync::Arc;

/// The operator's own tool, which gets the posts.
pub(crate) const SINK: &str = "127.0.0.1:9099";
pub(super) const SINK_PATH: &str = "/alarms";

/// A system with a webhook for alarms, and what was seen there.
pub(super) struct Shown {
    pub(super) system: TestSystem,
    alarm: Alarm,
    /// The program that is looked at; Acme's by default.
    pub(super) app: Option<Arc<App>>,
    /// The table cannot be read at the moment.
    pub(super) is_table_away: bool,
    was_raised: bool,
    has_ended: bool,
}

/// Gives both operators of a system a webhook that takes every post.
pub(crate) fn attach_sink(system: &mut TestSystem) {
    let url = || Some(format!("http://{SINK}{SINK_PATH}"));
    system.reconfigure_acme(|config| config.alarms.webhook = url());
    system.reconfigure_nova(|config| config.alarms.webhook = url());
    system.network.attach_service(SINK, Router::new().fallback(async || StatusCode::NO_CONTENT));
}

impl Shown {
    pub(super) fn begin(alarm: Alarm, mut system: TestSystem) -> Self {
        attach_sink(&mut system);
        Self { system, alarm, app: None, is_table_away: false, was_raised: false, has_ended: false }
    }

    pub(super) fn app(&self) -> Arc<App> {
        Arc::clone(self.app.as_ref().unwrap_or(self.system.acme.app()))
    }

    /// A round of the watch, and the posts that follow from it.
    pub(super) async fn make_round(&self) {
        let app = self.app();
        app.alarm_watch.make_round().await;
        app.alarm_webhook.as_ref().expect("is configured").post_waiting().await;
    }

    /// The subjects with which the alarm is active.
    fn active_subjects(&self) -> Vec<String> {
        let active = self.app().instruments.alarms.snapshot().into_iter();
        active.filter(|active| active.alarm == self.alarm).map(|active| active.subject).collect()
    }

    async fn stored_subjects(&self) -> Vec<String> {
        let stored = self.app().store.list_alarms(AlarmFilter::Active).await.expect("works");
        stored.into_iter().filter(|stored| stored.alarm == self.alarm).map(|stored| stored.subject).collect()
    }

    /// The posts of this kind about the alarm so far.
    fn posts(&self, kind: &str) -> Vec<Value> {
        let calls = self.system.network.calls_to(SINK, SINK_PATH);
        let posts = calls.iter().map(|(body, _)| serde_json::from_slice(body).expect("is JSON"));
        posts
            .filter(|post: &Value| post["type"] == kind && post["data"]["alarm"] == self.alarm.as_str())
            .collect()
    }

    /// Nothing of the alarm yet.
    pub(super) async fn expect_quiet(&self) {
        self.make_round().await;
        assert_eq!(self.active_subjects(), [""; 0]);
    }

    /// The alarm is active for this subject, and for no other; `*` is any.
    pub(super) async fn expect_raised(&mut self, subject: &str) {
        self.make_round().await;
        let subjects = self.active_subjects();
        assert_eq!(subjects.len(), 1, "{subjects:?}");
        assert!(subject == "*" && !subjects[0].is_empty() || subject == subjects[0], "{subjects:?}");
        if !self.is_table_away {
            assert_eq!(self.stored_subjects().await, subjects);
        }
        let posts = self.posts("alarm.raised");
        assert!(posts.iter().any(|post| post["data"]["subject"] == subjects[0].as_str()), "{posts:?}");
        self.was_raised = true;
    }

    /// The condition has ended by itself.
    pub(super) async fn expect_over(&mut self) {
        assert_eq!(self.alarm.kind(), AlarmKind::Condition);
        self.expect_ended().await;
    }

    /// The event stays until a person closes it, and then is over in the program that serves.
    pub(super) async fn close(&mut self) {
        assert_eq!(self.alarm.kind(), AlarmKind::Event);
        self.system.advance_seconds(7_200);
        self.make_round().await;
        assert_eq!(self.active_subjects().len(), 1, "nobody has closed it");
        let app = self.app();
        assert_eq!(app.store.close_alarms(app.now(), self.alarm, None).await, Ok(1));
        self.expect_ended().await;
    }

    async fn expect_ended(&mut self) {
        self.make_round().await;
        // What was found out after the table was read is written in the next round.
        self.make_round().await;
        assert_eq!(self.active_subjects(), [""; 0]);
        assert_eq!(self.stored_subjects().await, [""; 0]);
        assert!(!self.posts("alarm.cleared").is_empty());
        self.has_ended = true;
    }

    pub(super) fn assert_complete(&self, alarm: Alarm) {
        assert_eq!(self.alarm, alarm);
        assert!(self.was_raised && self.has_ended);
    }
}
