//! Faults of an SMSC, and what is known about an SMS then.

use crate::smsc_link::{GOOD, PATIENCE, RIGHT, SmscLink, UNANSWERED_SECONDS};
use futures_util::future::join_all;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::sms::{RetryCause, SendSmsResult, Sms};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::wait::wait_until;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::Level;

#[tokio::test]
async fn throttling_smsc_is_left_alone_and_recovers() {
    let link = SmscLink::new().await;
    link.send_sms("there is a connection", true).await;
    for fault in ["throttle", "queue-full"] {
        link.inject_faults(json!({"smsc": fault})).await;
        assert_eq!(link.send_sms("one", true).await, SendSmsResult::Later(RetryCause::Throttled));
        let asked = link.operator.smsc_asked();
        assert_eq!(link.send_sms("two", false).await, SendSmsResult::Later(RetryCause::Throttled));
        assert_eq!(link.operator.smsc_asked(), asked, "what can wait is not even tried");
        link.inject_faults(json!({})).await;
        assert!(
            matches!(link.send_sms("one", true).await, SendSmsResult::Accepted { .. }),
            "what cannot wait is"
        );
        assert_eq!(link.send_sms("two", false).await, SendSmsResult::Later(RetryCause::Throttled));
        link.clock.advance_seconds(2);
        assert!(matches!(link.send_sms("two", false).await, SendSmsResult::Accepted { .. }));
    }
    assert_eq!(link.received_sms(GOOD).await[1..], ["one", "two", "one", "two"]);
}

#[tokio::test]
async fn session_has_the_end_that_its_protocol_asks_for() {
    let link = SmscLink::new().await;
    link.send_sms("there is a connection", true).await;
    let binds = link.operator.smsc_binds();
    link.texts.end_session().await;
    // A session that the SMSC took for a live one would be in the way of the next.
    let rebinding = wait_until("it binds again", async || link.operator.smsc_binds() > binds);
    timeout(PATIENCE, rebinding).await.expect("the session has ended");
    assert!(matches!(link.send_sms("again", true).await, SendSmsResult::Accepted { .. }));
}

/// Sends all of them, repeatedly, until each was accepted.
async fn send_all(link: &SmscLink, mut left: Vec<String>) {
    while !left.is_empty() {
        let sent = join_all(left.iter().map(|text| link.send_sms(text, true))).await;
        let again = sent.into_iter().zip(left).filter(|(sent, _)| match sent {
            SendSmsResult::Accepted { .. } => false,
            SendSmsResult::Later(RetryCause::Unclear | RetryCause::Throttled) => true,
            other => panic!("{other:?}"),
        });
        left = again.map(|(_, text)| text).collect();
    }
}

async fn times_each_came(link: &SmscLink) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for text in link.received_sms(GOOD).await {
        *times.entry(text).or_default() += 1;
    }
    times
}

#[tokio::test]
async fn connection_lost_within_a_window_loses_no_sms() {
    for (fault, most) in [("drop", 1), ("drop-after", 2)] {
        let link = SmscLink::new().await;
        link.inject_faults(json!({"smsc": fault})).await;
        let texts: Vec<String> = (0..12).map(|n| format!("text {n}")).collect();
        let mend = async {
            wait_until("it has broken", async || link.operator.smsc_bound() == 0).await;
            link.inject_faults(json!({})).await;
        };
        tokio::join!(send_all(&link, texts.clone()), mend);
        let times = times_each_came(&link).await;
        assert!(texts.iter().all(|text| times.contains_key(text)), "{fault}: {times:?}");
        assert!(times.values().all(|times| *times <= most), "{fault}: {times:?}");
        assert!(link.operator.smsc_binds() >= 2, "{fault}");
    }
}

#[tokio::test]
async fn lost_submit_response_leaves_the_outcome_open() {
    let link = SmscLink::connect_with(&json!({"answer_seconds": UNANSWERED_SECONDS})).await;
    for (fault, times) in [("hang", 1), ("hang-after", 2)] {
        link.inject_faults(json!({"smsc": fault})).await;
        assert_eq!(link.send_sms(fault, true).await, SendSmsResult::Later(RetryCause::Unclear));
        link.inject_faults(json!({})).await;
        assert!(matches!(link.send_sms(fault, true).await, SendSmsResult::Accepted { .. }));
        assert_eq!(times_each_came(&link).await[fault], times, "{fault}");
    }
    assert_eq!(link.operator.smsc_binds(), 1, "an SMSC that is there still is not left");
}

#[tokio::test]
async fn urgent_sms_is_not_delayed_by_a_thousand() {
    let link = SmscLink::new().await;
    link.send_sms("there is a connection", true).await;
    link.inject_faults(json!({"smsc": "slow"})).await;
    let asked = link.operator.smsc_asked();
    let mut bulk = JoinSet::new();
    for n in 0..1_000 {
        let texts = Arc::clone(&link.texts);
        bulk.spawn(async move {
            let to = Msisdn::parse(GOOD).expect("is E.164");
            let body = format!("bulk {n}");
            let text = Sms { to: &to, body: &body, urgent: false, valid_until: None, receipt: false };
            let sent = texts.send(&text).await;
            (body, sent)
        });
    }
    wait_until("the window is as full as it gets", async || link.operator.smsc_asked() == asked + 3).await;
    assert!(matches!(link.send_sms("pin", true).await, SendSmsResult::Accepted { .. }));
    assert_eq!(link.received_sms(GOOD).await[1..], ["pin"], "none of the thousand was before it");
    link.inject_faults(json!({})).await;
    let sent = bulk.join_all().await;
    // A sender that has waited too long for a place gets that error, and may retry.
    let mut later = Vec::new();
    for (text, sent) in sent {
        match sent {
            SendSmsResult::Accepted { .. } => {}
            SendSmsResult::Later(RetryCause::Throttled) => later.push(text),
            other => panic!("{text}: {other:?}"),
        }
    }
    send_all(&link, later).await;
    assert_eq!(times_each_came(&link).await.values().sum::<usize>(), 1_002, "each came, and none came twice");
    assert_eq!(times_each_came(&link).await.len(), 1_002);
}

#[tokio::test]
async fn wrong_password_raises_alarm_without_retry_storm() {
    let (log, _logging) = LogCapture::capture_thread(Level::TRACE);
    let link = SmscLink::begin_with("wrong-pw", &json!({})).await;
    wait_until("there is an alarm", async || log.to_text().contains("alarm=\"sms-not-let-in\"")).await;
    let to = Msisdn::parse(GOOD).expect("is E.164");
    for _ in 0..100 {
        let text = Sms { to: &to, body: "the text", urgent: true, valid_until: None, receipt: false };
        assert_eq!(link.texts.send(&text).await, SendSmsResult::Later(RetryCause::Unreachable));
    }
    assert_eq!(link.operator.smsc_binds(), 1);
    let log = log.to_text();
    assert!(log.contains("EsmeRinvpaswd"), "{log}");
    for secret in ["wrong-pw", RIGHT, "2025550101", "the text"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn nothing_of_a_message_is_in_the_log() {
    let (log, _logging) = LogCapture::capture_thread(Level::TRACE);
    let link = SmscLink::connect_with(&json!({"answer_seconds": 1})).await;
    link.send_sms("the very text", true).await;
    for fault in ["throttle", "drop", "hang-after"] {
        link.inject_faults(json!({"smsc": fault})).await;
        link.send_sms("the very text", true).await;
    }
    link.inject_faults(json!({})).await;
    link.send_sms("the very text", true).await;
    link.wait_for_receipts(1).await;
    let log = log.to_text();
    assert!(log.contains("connected to the SMSC") && log.contains("EsmeRthrottled"), "{log}");
    for secret in [RIGHT, "2025550101", "the very text", "m-000001"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
