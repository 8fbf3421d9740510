//! Many coupons at once, and the operator's actions on one: an import, another SMS.

use super::{
    GOOD, call_as_operator, coupon_body, find_coupon, issue_and_read_code, issue_coupon, read_code,
    redeem_code, start_system, status_and_code,
};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_domain::wire::audit::{ActorRole, AuditAct};
use onbill_origin::coupon::{CouponFileError, CouponFileReport, HEADER, issue_file};
use onbill_test_harness::{KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};
use std::fmt::Write as _;

async fn import_coupons(
    system: &TestSystem,
    text: &str,
) -> (Result<CouponFileReport, CouponFileError>, Vec<String>) {
    let mut complaints = Vec::new();
    let report = issue_file(
        &system.acme.app().coupons,
        text.as_bytes(),
        |problem| complaints.push(problem.text),
        |_| {},
    )
    .await;
    (report, complaints)
}

#[tokio::test]
async fn bad_line_is_reported_and_others_issued() {
    let system = start_system().await;
    let text = format!(
        "{}\nc-1,(202) 555-0101,6M,8999,USD,,\nc-2,+12025550102,24M,8999,USD,,\nc-3,abc,6M,8999,USD,,\n\
         c-4,+12025550102,6M,89.99,USD,,\nc-5,+12025550102,6M,8999,ZZZ,,\nc-6,+12025550199,6M,8999,USD,,\n\
         c-7,+12025550102,12M,15999,USD,netflix-standard,es\nc-8,+12025550102,6M,8999,USD,no-such,\n\
         a b,+12025550102,6M,8999,USD,,\nc-1,+12025550102,6M,8999,USD,,\nc-9,+12025550102,6M,0,USD,,\n\
         c-10,+12025550102,6M,8999,EUR,,\nc-11,+12025550102,6M\n\
         c-7,202-555-0102,12M,15999,USD,netflix-standard,es\n",
        HEADER.join(",")
    );
    let (report, complaints) = import_coupons(&system, &text).await;
    assert_eq!(report.expect("reads"), CouponFileReport { issued: 1, repeated: 1, refused: 12 });
    let places: Vec<&str> =
        complaints.iter().map(|complaint| complaint.split(':').next().expect("is there")).collect();
    for place in [
        "line 2, column ext_coupon_id",
        "line 3, column plan",
        "line 4, column msisdn",
        "line 5, column amount",
        "line 6, column currency",
        "line 7, column msisdn",
        "line 9, column offer",
        "line 10, column ext_coupon_id",
        "line 11, column ext_coupon_id",
        "line 12, column amount",
        "line 13, column currency",
        "line 14, column amount",
    ] {
        assert!(places.contains(&place), "{place}: {complaints:?}");
    }
    assert!(!complaints.join("").contains("55501"), "no number is repeated");
    let spanish = system.sms_received(&system.acme, "+12025550102").await;
    assert!(spanish.len() == 1 && spanish[0].contains("para 12 meses de"), "{spanish:?}");
    assert!(system.sms_received(&system.acme, GOOD).await.is_empty(), "c-1 is two coupons, so it is none");
    // Imported again, it creates nothing.
    let (report, _) = import_coupons(&system, &text).await;
    assert_eq!(report.expect("reads"), CouponFileReport { issued: 0, repeated: 2, refused: 12 });
    assert_eq!(system.sms_received(&system.acme, "+12025550102").await.len(), 1);
    let (report, _) = import_coupons(&system, "msisdn,plan\n").await;
    assert!(matches!(report, Err(CouponFileError::Header(_))));
}

#[tokio::test]
async fn interrupted_coupon_file_can_be_read_again() {
    let mut system = start_system().await;
    let mut text = HEADER.join(",") + "\n";
    for n in 0..700 {
        writeln!(text, "c-{n},{GOOD},6M,8999,USD,,").expect("is text");
    }
    // In each batch, all lines are checked, with two calls to the store, before any coupon is
    // created: the program crashes in the third batch.
    system.acme.origins[0].crash_point.crash_at(2_000, onbill_test_harness::crash_point::CrashMoment::Before);
    let (report, _) = import_coupons(&system, &text).await;
    assert!(matches!(report, Err(CouponFileError::Failed(_))), "{report:?}");
    system.restart_acme(|_| true).await;
    let (report, complaints) = import_coupons(&system, &text).await;
    let report = report.expect("reads");
    assert_eq!((report.issued + report.repeated, report.refused), (700, 0), "{complaints:?}");
    assert!(report.repeated > 0 && report.issued > 0, "{report:?}");
}

#[tokio::test]
async fn resent_coupon_has_new_code_five_times_maximum() {
    let system = start_system().await;
    let first = issue_and_read_code(&system, "c-1", GOOD).await;
    let body = json!({});
    let resend = || call_as_operator(&system, Method::POST, "/c-1/resend", &body);
    for texts in 2..=5 {
        assert_eq!(resend().await.0, StatusCode::OK);
        assert_eq!(find_coupon(&system, "c-1").await["texts"], texts);
        system.acme.deliver_due().await;
    }
    assert_eq!(status_and_code(&resend().await), (400, "invalid-request"));
    let messages = system.sms_received(&system.acme, GOOD).await;
    assert_eq!(messages.len(), 5);
    assert!(messages.iter().any(|text| text.contains("replaces your earlier code")));
    assert_eq!(status_and_code(&redeem_code(&system, &first, "r-1").await), (400, "token-invalid"));
}

#[tokio::test]
async fn resend_with_id_is_sent_once() {
    let system = start_system().await;
    issue_and_read_code(&system, "c-1", GOOD).await;
    let named = |name: &str| {
        let body = json!({"resendID": name});
        let system = &system;
        async move { call_as_operator(system, Method::POST, "/c-1/resend", &body).await }
    };
    system.network.inject_fault(
        &format!("{}/operator/v1/coupons/c-1/resend", system.acme.origin_address),
        NetworkFault::AnswerLost,
    );
    assert_eq!(named("again-1").await.0, StatusCode::SERVICE_UNAVAILABLE);
    system.network.clear_faults();
    let second = read_code(&system, &system.acme, GOOD).await;
    assert_eq!(named("again-1").await.1["state"], "SENT", "it was sent already, and nothing more is");
    assert_eq!(read_code(&system, &system.acme, GOOD).await, second);
    assert_eq!(named("again-2").await.0, StatusCode::OK);
    assert_ne!(read_code(&system, &system.acme, GOOD).await, second);
    assert_eq!(find_coupon(&system, "c-1").await["texts"], 3);
}

#[tokio::test]
async fn each_resend_and_void_is_in_the_audit() {
    let system = start_system().await;
    issue_and_read_code(&system, "c-1", GOOD).await;
    let by_care = json!({"resendID": "T-1", "actor": "care-17", "role": "care"});
    for (act, body) in [("resend", &by_care), ("resend", &Value::Null), ("void", &json!({}))] {
        let answer = call_as_operator(&system, Method::POST, &format!("/c-1/{act}"), body).await;
        assert_eq!(answer.0, StatusCode::OK, "{answer:?}");
    }
    let entries = system.acme.app().store.list_audit_lines(0, 100).await.expect("reads");
    let said: Vec<_> =
        entries.iter().map(|entry| (entry.act, entry.role, entry.subject.as_deref())).collect();
    assert_eq!(
        said,
        [
            (AuditAct::SmsResent, ActorRole::Care, Some("c-1")),
            (AuditAct::SmsResent, ActorRole::Admin, Some("c-1")),
            (AuditAct::CouponVoided, ActorRole::Admin, Some("c-1")),
        ]
    );
    assert_eq!((entries[0].actor.as_str(), entries[1].actor.as_str() == entries[1].key), ("care-17", true));
    assert_eq!(entries[0].reference.as_ref().map(onbill_domain::ids::ExtId::as_str), Some("T-1"));
}

#[tokio::test]
async fn resend_and_void_need_no_body() {
    let system = start_system().await;
    issue_and_read_code(&system, "c-1", GOOD).await;
    for act in ["/c-1/resend", "/c-1/void"] {
        for garbage in [json!([]), json!("x"), json!(1), json!([{"resendID": "r-1"}])] {
            assert_eq!(
                status_and_code(&call_as_operator(&system, Method::POST, act, &garbage).await),
                (400, "invalid-request")
            );
        }
    }
    let named_badly = json!({"resendID": "a b"});
    let answer = call_as_operator(&system, Method::POST, "/c-1/resend", &named_badly).await;
    assert_eq!(status_and_code(&answer), (400, "invalid-request"));
    assert_eq!(find_coupon(&system, "c-1").await["texts"], 1, "none of that has sent anything");
    // With a content type and without one.
    assert_eq!(call_as_operator(&system, Method::POST, "/c-1/resend", &Value::Null).await.0, StatusCode::OK);
    let path = format!("http://{}/operator/v1/coupons/c-1/void", system.acme.origin_address);
    let mut request = Request::post(&path).body(Bytes::new()).expect("is a request");
    assert_eq!(status_and_code(&system.send_request(request.clone()).await), (401, "authorization-failure"));
    let ring = keys::keyring(&KeyHolder::Operator("acme"));
    let key = ring.signing_key(KeyUse::OperatorToOrigin, "operator:acme").expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    // The signature is for a call without a body: an added body is not signed.
    let mut longer = request.clone();
    *longer.body_mut() = Bytes::from_static(b"{}");
    longer.headers_mut().insert("content-type", "application/json".parse().expect("is a value"));
    assert_eq!(status_and_code(&system.send_request(longer).await), (401, "authorization-failure"));
    let (status, answer) = system.send_request(request).await;
    assert_eq!((status, &answer["state"]), (StatusCode::OK, &json!("VOIDED")));
    // A body needs a content type, as everywhere.
    let request = Request::post(&path).body(Bytes::from_static(b"{}")).expect("is a request");
    assert_eq!(status_and_code(&system.send_request(request).await), (415, "unsupported-media-type"));
}

#[tokio::test]
async fn coupon_reaches_recovered_gateway() {
    let system = start_system().await;
    system.network.inject_fault("127.0.0.1:8790/csp/notification", NetworkFault::Lost);
    assert_eq!(issue_coupon(&system, &coupon_body("c-1", GOOD)).await.0, StatusCode::CREATED);
    for _ in 0..3 {
        system.acme.deliver_due().await;
        system.advance_seconds(700);
    }
    assert_eq!(find_coupon(&system, "c-1").await["state"], "ISSUED");
    system.network.clear_faults();
    system.advance_seconds(5_000);
    let code = read_code(&system, &system.acme, GOOD).await;
    assert_eq!(find_coupon(&system, "c-1").await["state"], "SENT");
    assert_eq!(redeem_code(&system, &code, "r-1").await.0, StatusCode::OK);
}
