//! Faults of partners, each with the check that has to find it.

use super::faulty::{Behind, Fault, Whole, body_of};
use super::leniency::{Flaw, flaw_of, sign_again};
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use onbill_domain::key::KeyUse;
use onbill_domain::wire::partner::{
    ACCOUNT_STATE_PATH, DISPUTE_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH,
};
use onbill_test_harness::KeyHolder;
use onbill_test_harness::keys::keyring;
use serde_json::json;
use std::time::Duration;

const SIGNUP: &str = "/signup-sessions";

/// Longer than the tests' limit, and shorter than the kit itself waits.
const LATE: Duration = Duration::from_millis(1_500);

/// How long a webhook is under way: long enough for its parallel calls to come.
const UNDER_WAY: Duration = Duration::from_millis(200);

/// What the fault is, what it does, and the id of the check.
pub(super) static FAULTS: &[(&str, Fault, &str)] = &[
    ("a sign-up is answered 204", |b, r| Box::pin(no_page(b, r)), "partner-signup-opened"),
    ("a sign-up's page is a path", |b, r| Box::pin(relative_page(b, r)), "partner-signup-opened"),
    ("a token is not spent", |b, r| Box::pin(open_without_token(b, r)), "partner-signup-token-spent"),
    ("all sign-ups have one page", |b, r| Box::pin(one_page(b, r)), "partner-signup-own-page"),
    ("a refused token opens a page", |b, r| Box::pin(open_anyway(b, r, 400)), "partner-signup-token-refused"),
    (
        "an unsigned answer is believed",
        |b, r| Box::pin(open_anyway(b, r, 503)),
        "partner-signup-token-unsigned",
    ),
    (
        "a sign-up needs no signature",
        |b, r| Box::pin(accept(b, r, SIGNUP, Flaw::Missing)),
        "partner-signup-signature",
    ),
    (
        "a repeated state is a conflict",
        |b, r| Box::pin(refuse_repeated(b, r, ACCOUNT_STATE_PATH)),
        "partner-account-repeated",
    ),
    ("no PAI is suspended", |b, r| Box::pin(refuse_state(b, r, "SUSPENDED")), "partner-account-suspended"),
    ("no PAI is closed", |b, r| Box::pin(refuse_state(b, r, "CLOSED")), "partner-account-closed"),
    (
        "a member that is new is refused",
        |b, r| Box::pin(refuse_stranger(b, r)),
        "partner-account-extra-member",
    ),
    (
        "a state under way is refused",
        |b, r| Box::pin(refuse_parallel(b, r, ACCOUNT_STATE_PATH)),
        "partner-account-parallel",
    ),
    (
        "an older state is refused",
        |b, r| Box::pin(refuse_older(b, r, ACCOUNT_STATE_PATH, "pai")),
        "partner-account-older",
    ),
    ("anything is a webhook", |b, r| Box::pin(error_in_success(b, r)), "partner-malformed"),
    (
        "a charge's end is refused",
        |b, r| Box::pin(refuse_webhook(b, r, TRANSACTION_STATE_PATH)),
        "partner-charge-settled",
    ),
    (
        "a charge's end under way is refused",
        |b, r| Box::pin(refuse_parallel(b, r, TRANSACTION_STATE_PATH)),
        "partner-charge-parallel",
    ),
    (
        "a refund's end is refused",
        |b, r| Box::pin(refuse_webhook(b, r, REFUND_STATE_PATH)),
        "partner-refund-settled",
    ),
    (
        "disputes are refused",
        |b, r| Box::pin(refuse_webhook(b, r, DISPUTE_STATE_PATH)),
        "partner-dispute-opened",
    ),
    (
        "a repeated dispute is a conflict",
        |b, r| Box::pin(refuse_repeated(b, r, DISPUTE_STATE_PATH)),
        "partner-dispute-repeated",
    ),
    (
        "an older dispute is refused",
        |b, r| Box::pin(refuse_older(b, r, DISPUTE_STATE_PATH, "disputeID")),
        "partner-dispute-older",
    ),
    (
        "a repeated charge is a conflict",
        |b, r| Box::pin(refuse_repeated(b, r, TRANSACTION_STATE_PATH)),
        "partner-charge-repeated",
    ),
    (
        "a repeated refund is a conflict",
        |b, r| Box::pin(refuse_repeated(b, r, REFUND_STATE_PATH)),
        "partner-refund-repeated",
    ),
    (
        "the operator's refund is unknown",
        |b, r| Box::pin(refuse_operators_refund(b, r)),
        "partner-refund-by-operator",
    ),
    (
        "a webhook needs no signature",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::Missing)),
        "partner-signature-missing",
    ),
    (
        "any signature will do",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::Wrong)),
        "partner-signature-wrong",
    ),
    (
        "a signature is for ever",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::Late)),
        "partner-signature-late",
    ),
    (
        "a signature is for any host",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::OtherAddress)),
        "partner-signature-other-address",
    ),
    (
        "webhooks about charges are not verified",
        |b, r| Box::pin(accept(b, r, TRANSACTION_STATE_PATH, Flaw::Wrong)),
        "partner-signature-wrong",
    ),
    (
        "webhooks about refunds are not verified",
        |b, r| Box::pin(accept(b, r, REFUND_STATE_PATH, Flaw::Missing)),
        "partner-signature-missing",
    ),
    (
        "the edge may report disputes",
        |b, r| Box::pin(accept(b, r, DISPUTE_STATE_PATH, Flaw::OtherUse)),
        "partner-signature-edge-key",
    ),
    (
        "the digest is not compared",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::BodyChanged)),
        "partner-signature-body-changed",
    ),
    (
        "a nonce works twice",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::Replayed)),
        "partner-signature-replayed",
    ),
    (
        "the edge may send webhooks",
        |b, r| Box::pin(accept(b, r, ACCOUNT_STATE_PATH, Flaw::OtherUse)),
        "partner-signature-edge-key",
    ),
    ("a webhook is answered late", |b, r| Box::pin(late(b, r)), "partner-time"),
    ("a webhook's response is too large", |b, r| Box::pin(enlarge(b, r)), "partner-size"),
    ("a webhook's response is cut off", |b, r| Box::pin(cut_off(b, r)), "partner-whole"),
    ("a webhook is redirected", |b, r| Box::pin(redirect(b, r)), "partner-no-redirect"),
    (
        "a refusal is an error in a success",
        |b, r| Box::pin(error_in_success(b, r)),
        "partner-no-error-in-success",
    ),
    ("a bad webhook is a crash", |b, r| Box::pin(crash(b, r)), "partner-no-server-error"),
];

fn is_to(request: &Request<Bytes>, path: &str) -> bool {
    request.method() == "POST" && request.uri().path() == path
}

fn conflict() -> Response {
    Whole::json(409, &json!({"code": "conflict", "message": "No."})).send()
}

async fn no_page(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, SIGNUP);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 201 { Whole::empty(204).send() } else { whole.send() }
}

/// The second sign-up is that of the check; the others go on.
async fn open_without_token(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_to(&request, SIGNUP) && behind.times_before("sign-up") == 1 {
        return Whole::json(201, &json!({"url": "https://partner.example/signup/1"})).send();
    }
    behind.pass(request).await.send()
}

async fn relative_page(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, SIGNUP);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 201 {
        whole.with_body(&json!({"url": "/signup/1"})).send()
    } else {
        whole.send()
    }
}

async fn one_page(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, SIGNUP);
    let whole = behind.pass(request).await;
    if !is_meant || whole.status() != 201 {
        return whole.send();
    }
    let first = behind.memory().kept.get_or_insert_with(|| whole.body()).clone();
    whole.with_body(&first).send()
}

async fn open_anyway(behind: &Behind, request: Request<Bytes>, instead_of: u16) -> Response {
    let is_meant = is_to(&request, SIGNUP);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == instead_of {
        return Whole::json(201, &json!({"url": "https://partner.example/signup/1"})).send();
    }
    whole.send()
}

async fn refuse_repeated(behind: &Behind, request: Request<Bytes>, path: &str) -> Response {
    if is_to(&request, path) && behind.times_before(&body_of(&request).to_string()) > 0 {
        return conflict();
    }
    behind.pass(request).await.send()
}

async fn refuse_webhook(behind: &Behind, request: Request<Bytes>, path: &str) -> Response {
    if is_to(&request, path) { conflict() } else { behind.pass(request).await.send() }
}

async fn refuse_state(behind: &Behind, request: Request<Bytes>, state: &str) -> Response {
    if is_to(&request, ACCOUNT_STATE_PATH) && body_of(&request)["state"] == state {
        return conflict();
    }
    behind.pass(request).await.send()
}

async fn refuse_stranger(behind: &Behind, request: Request<Bytes>) -> Response {
    if body_of(&request).get("certifyExtra").is_some() {
        return conflict();
    }
    behind.pass(request).await.send()
}

async fn refuse_parallel(behind: &Behind, request: Request<Bytes>, path: &str) -> Response {
    if !is_to(&request, path) {
        return behind.pass(request).await.send();
    }
    let body = body_of(&request).to_string();
    if behind.is_under_way(&body) {
        return conflict();
    }
    tokio::time::sleep(UNDER_WAY).await;
    let whole = behind.pass(request).await;
    behind.end(&body);
    whole.send()
}

async fn refuse_older(behind: &Behind, request: Request<Bytes>, path: &str, id: &str) -> Response {
    let body = body_of(&request);
    if is_to(&request, path)
        && let Some(sequence) = body["sequence"].as_u64()
        && behind.highest_before(&body[id].to_string(), sequence) > sequence
    {
        return conflict();
    }
    behind.pass(request).await.send()
}

async fn refuse_operators_refund(behind: &Behind, request: Request<Bytes>) -> Response {
    let body = body_of(&request);
    if is_to(&request, REFUND_STATE_PATH) && body["extRefundID"] == body["refundID"] {
        return Whole::json(404, &json!({"code": "unknown-refund", "message": "No."})).send();
    }
    behind.pass(request).await.send()
}

async fn accept(behind: &Behind, request: Request<Bytes>, path: &str, flaw: Flaw) -> Response {
    let key_use = if path == SIGNUP { KeyUse::EdgeToPartner } else { KeyUse::OriginToPartner };
    let keys = keyring(&KeyHolder::Partner("netflix"));
    let found = flaw_of(behind, &request, &keys, key_use).filter(|_| is_to(&request, path));
    let request = if found == Some(flaw) { sign_again(request, &keys, key_use) } else { request };
    behind.pass(request).await.send()
}

async fn late(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_to(&request, TRANSACTION_STATE_PATH) {
        tokio::time::sleep(LATE).await;
    }
    behind.pass(request).await.send()
}

async fn redirect(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_to(&request, ACCOUNT_STATE_PATH) {
        Whole::redirect().send()
    } else {
        behind.pass(request).await.send()
    }
}

async fn error_in_success(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, ACCOUNT_STATE_PATH);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() >= 400 {
        let body = whole.body();
        return Whole::json(200, &body).send();
    }
    whole.send()
}

async fn crash(behind: &Behind, request: Request<Bytes>) -> Response {
    let whole = behind.pass(request).await;
    if whole.status() == 400 {
        Whole::html(500, "<html>NullPointerException</html>").send()
    } else {
        whole.send()
    }
}

async fn enlarge(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, ACCOUNT_STATE_PATH);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 200 {
        return whole.with_body(&json!({"history": "x".repeat(20_000)})).send();
    }
    whole.send()
}

async fn cut_off(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_to(&request, ACCOUNT_STATE_PATH);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 200 { whole.cut_off() } else { whole.send() }
}
