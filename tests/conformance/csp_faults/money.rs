//! What the faults do to charges and refunds.

use super::{CHARGE, PREPAID, REFUND, change, is_lookup, pass_changed, refuse};
use crate::faulty::{Behind, Whole, body_of, is_call};
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use serde_json::json;
use std::time::Duration;

/// The subscriber of the prepaid account.
const PREPAID_SUBSCRIBER: &str = "line-4-since-2024-06-30";

/// How long a charge is under way: long enough for its parallel calls to come.
const UNDER_WAY: Duration = Duration::from_millis(200);

pub(super) async fn refuse_repeated(
    behind: &Behind,
    request: Request<Bytes>,
    path: &str,
    id: &str,
) -> Response {
    let id = format!("{path} {}", body_of(&request)[id]);
    if is_call(&request, "POST", path) && behind.times_before(&id) > 0 {
        return refuse(409, "duplicate").send();
    }
    behind.pass(request).await.send()
}

pub(super) async fn refuse_parallel(
    behind: &Behind,
    request: Request<Bytes>,
    path: &str,
    id: &str,
) -> Response {
    if !is_call(&request, "POST", path) {
        return behind.pass(request).await.send();
    }
    let id = body_of(&request)[id].to_string();
    if behind.is_under_way(&id) {
        return refuse(409, "locked").send();
    }
    tokio::time::sleep(UNDER_WAY).await;
    let whole = behind.pass(request).await;
    behind.end(&id);
    whole.send()
}

/// Bills slowly, so that a charge that is cut off has not begun.
pub(super) async fn decline_unknown(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_call(&request, "POST", CHARGE) {
        tokio::time::sleep(UNDER_WAY).await;
    }
    let is_meant = is_lookup(&request);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 404 {
        return Whole::json(200, &json!({"status": "DECLINED"})).send();
    }
    whole.send()
}

pub(super) async fn forget_charges(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_lookup(&request) {
        return refuse(404, "transaction-not-found").send();
    }
    behind.pass(request).await.send()
}

pub(super) async fn approve_malformed(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_call(&request, "POST", CHARGE);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 400 {
        return Whole::json(201, &json!({"status": "APPROVED"})).send();
    }
    whole.send()
}

/// Bills a charge, and says nothing of it.
pub(crate) async fn no_content(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_call(&request, "POST", CHARGE);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() < 300 { Whole::empty(204).send() } else { whole.send() }
}

pub(super) async fn number_as_code(behind: &Behind, request: Request<Bytes>) -> Response {
    change(behind, request, CHARGE, |body| body["rawCode"] = json!(0)).await
}

pub(super) async fn decline(behind: &Behind, request: Request<Bytes>, status: u16) -> Response {
    let whole = behind.pass(request).await;
    if whole.body()["status"] == "DECLINED" {
        return Whole::json(status, &json!({"error": "The account cannot be charged."})).send();
    }
    whole.send()
}

/// Charges the present subscriber of the number.
pub(super) async fn charge_present_subscriber(behind: &Behind, request: Request<Bytes>) -> Response {
    let mut body = body_of(&request);
    if !is_call(&request, "POST", CHARGE) || body["msisdn"] != "+12025550101" {
        return behind.pass(request).await.send();
    }
    body["subscriberID"] = json!("line-2-since-2021-03-14");
    pass_changed(behind, request, &body).await.send()
}

/// Takes the money, and then claims the id: parallel calls of one charge take it again.
pub(super) async fn take_twice(behind: &Behind, request: Request<Bytes>) -> Response {
    let mut body = body_of(&request);
    let id = body["transactionID"].to_string();
    let is_meant = is_call(&request, "POST", CHARGE) && body["msisdn"] == PREPAID;
    if is_meant && behind.times_before(&id) == 1 {
        let first = behind.pass(request.clone()).await;
        body["transactionID"] =
            json!(format!("again-{}", body["transactionID"].as_str().unwrap_or_default()));
        pass_changed(behind, request, &body).await;
        return first.send();
    }
    behind.pass(request).await.send()
}

/// Says that it declines the charge of another subscriber, and takes the balance all the same.
pub(super) async fn take_and_decline(behind: &Behind, request: Request<Bytes>) -> Response {
    let mut body = body_of(&request);
    let is_meant = is_call(&request, "POST", CHARGE) && body["msisdn"] == PREPAID;
    let whole = behind.pass(request.clone()).await;
    if is_meant && whole.body()["rawCode"] == "account-closed-taken-over" {
        body["transactionID"] =
            json!(format!("taken-{}", body["transactionID"].as_str().unwrap_or_default()));
        body["subscriberID"] = json!(PREPAID_SUBSCRIBER);
        pass_changed(behind, request, &body).await;
    }
    whole.send()
}

pub(super) async fn whole_refunds(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_part = body_of(&request)["amount"]["value"].as_i64().is_some_and(|value| value < 1000);
    if is_call(&request, "POST", REFUND) && is_part {
        return refuse(400, "whole-charges-only").send();
    }
    behind.pass(request).await.send()
}

pub(super) async fn refund_again(behind: &Behind, request: Request<Bytes>) -> Response {
    let mut body = body_of(&request);
    let before = behind.times_before(&body["refundID"].to_string());
    if !is_call(&request, "POST", REFUND) || before == 0 {
        return behind.pass(request).await.send();
    }
    body["refundID"] = json!(format!("again-{before}-{}", body["refundID"].as_str().unwrap_or_default()));
    pass_changed(behind, request, &body).await.send()
}

pub(super) async fn approve_refund(behind: &Behind, request: Request<Bytes>, instead_of: &str) -> Response {
    let is_meant = is_call(&request, "POST", REFUND);
    let whole = behind.pass(request).await;
    if is_meant && whole.body()["rawCode"] == instead_of {
        return Whole::json(200, &json!({"status": "APPROVED"})).send();
    }
    whole.send()
}

/// Answers a refund of the last charge of a balance so, and gives nothing back.
pub(super) async fn answer_prepaid_refund(
    behind: &Behind,
    request: Request<Bytes>,
    answer: Whole,
) -> Response {
    let body = body_of(&request);
    if is_call(&request, "POST", CHARGE) && body["msisdn"] == PREPAID {
        behind.memory().kept = Some(body["transactionID"].clone());
    }
    let is_of_prepaid = behind.memory().kept.as_ref() == Some(&body["transactionID"]);
    if is_call(&request, "POST", REFUND) && is_of_prepaid {
        return answer.send();
    }
    behind.pass(request).await.send()
}

/// Refunds the last charge that was declined.
pub(super) async fn refund_declined(behind: &Behind, request: Request<Bytes>) -> Response {
    let id = body_of(&request)["transactionID"].clone();
    let (is_charge, is_refund) = (is_call(&request, "POST", CHARGE), is_call(&request, "POST", REFUND));
    let whole = behind.pass(request).await;
    if is_charge && whole.body()["status"] == "DECLINED" {
        behind.memory().kept = Some(id);
    } else if is_refund && behind.memory().kept.as_ref() == Some(&id) {
        return Whole::json(201, &json!({"status": "APPROVED"})).send();
    }
    whole.send()
}
