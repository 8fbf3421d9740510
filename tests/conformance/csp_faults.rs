//! Faults of CSP APIs, each with the check that has to find it.

pub(super) mod money;

use super::faulty::{Behind, Fault, Whole, body_of, is_call};
use super::leniency::{Flaw, flaw_of, sign_again};
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use onbill_domain::key::KeyUse;
use onbill_test_harness::KeyHolder;
use onbill_test_harness::keys::keyring;
use serde_json::{Value, json};
use std::time::Duration;

const ACCOUNT: &str = "/csp/account/validate";
const CHARGE: &str = "/csp/transaction";
const REFUND: &str = "/csp/refund";

/// The prepaid account of the numbers.
const PREPAID: &str = "+12025550103";

/// Longer than the tests' limit, and shorter than the kit itself waits.
const LATE: Duration = Duration::from_millis(1_500);

/// What the fault is, what it does, and the id of the check.
pub(super) static FAULTS: &[(&str, Fault, &str)] = &[
    (
        "a repeated charge is a duplicate",
        |b, r| Box::pin(money::refuse_repeated(b, r, CHARGE, "transactionID")),
        "csp-charge-repeated",
    ),
    (
        "a charge under way is refused",
        |b, r| Box::pin(money::refuse_parallel(b, r, CHARGE, "transactionID")),
        "csp-charge-parallel",
    ),
    (
        "a refund under way is refused",
        |b, r| Box::pin(money::refuse_parallel(b, r, REFUND, "refundID")),
        "csp-refund-parallel",
    ),
    (
        "a charge that is not there is declined",
        |b, r| Box::pin(money::decline_unknown(b, r)),
        "csp-charge-cut-off",
    ),
    (
        "a charge of anything is approved",
        |b, r| Box::pin(money::approve_malformed(b, r)),
        "csp-charge-malformed",
    ),
    (
        "a charge of anybody is approved",
        |b, r| Box::pin(money::charge_present_subscriber(b, r)),
        "csp-charge-declined-other-subscriber",
    ),
    (
        "a charge of another subscriber is declined and paid",
        |b, r| Box::pin(money::take_and_decline(b, r)),
        "csp-charge-declined-other-subscriber",
    ),
    (
        "a declined charge is refunded",
        |b, r| Box::pin(money::refund_declined(b, r)),
        "csp-charge-declined-other-subscriber",
    ),
    ("a balance pays twice", |b, r| Box::pin(money::take_twice(b, r)), "csp-charge-parallel-balance"),
    (
        "a refund gives no balance back",
        |b, r| Box::pin(money::answer_prepaid_refund(b, r, Whole::json(201, &json!({"status": "APPROVED"})))),
        "csp-refund-prepaid",
    ),
    (
        "the subscriber is the number without its country code",
        |b, r| Box::pin(national_subscriber(b, r)),
        "csp-account-form",
    ),
    (
        "a refund of a balance is refused",
        |b, r| Box::pin(money::answer_prepaid_refund(b, r, refuse(400, "no-bill"))),
        "csp-refund-prepaid",
    ),
    ("an SMS is refused", |b, r| Box::pin(refuse_call(b, r, "/csp/notification")), "csp-sms"),
    ("the look-up forgets", |b, r| Box::pin(money::forget_charges(b, r)), "csp-charge-looked-up"),
    (
        "a proxy answers for an unknown charge",
        |b, r| Box::pin(html_for_404(b, r, "/csp/transaction/")),
        "csp-charge-unknown",
    ),
    (
        "a proxy answers for an unknown account",
        |b, r| Box::pin(html_for_404(b, r, ACCOUNT)),
        "csp-account-unknown",
    ),
    ("an unknown account is a ceased one", |b, r| Box::pin(ceased_for_404(b, r)), "csp-account-unknown"),
    ("a charge is answered 204", |b, r| Box::pin(money::no_content(b, r)), "csp-charge-approved"),
    ("an amount is a text", |b, r| Box::pin(amount_as_text(b, r)), "csp-account-form"),
    ("the raw code is a number", |b, r| Box::pin(money::number_as_code(b, r)), "csp-charge-form"),
    ("the subscriber has another id each time", |b, r| Box::pin(new_subscriber(b, r)), "csp-account-stable"),
    ("an active account is refused", |b, r| Box::pin(hide(b, r, "ACTIVE")), "csp-account-active"),
    ("a suspended account is refused", |b, r| Box::pin(hide(b, r, "SUSPENDED")), "csp-account-suspended"),
    ("a ceased account is refused", |b, r| Box::pin(hide(b, r, "CEASED")), "csp-account-ceased"),
    ("a question needs a price", |b, r| Box::pin(refuse_bare(b, r)), "csp-account-number-alone"),
    ("a member that is new is refused", |b, r| Box::pin(refuse_stranger(b, r)), "csp-account-extra-member"),
    ("only whole charges are refunded", |b, r| Box::pin(money::whole_refunds(b, r)), "csp-refund-half"),
    (
        "a repeated refund is a duplicate",
        |b, r| Box::pin(money::refuse_repeated(b, r, REFUND, "refundID")),
        "csp-refund-repeated",
    ),
    ("a repeated refund counts twice", |b, r| Box::pin(money::refund_again(b, r)), "csp-refund-repeated"),
    (
        "too much is refunded",
        |b, r| Box::pin(money::approve_refund(b, r, "not-within-remainder")),
        "csp-refund-too-much",
    ),
    (
        "a refund of nothing is approved",
        |b, r| Box::pin(money::approve_refund(b, r, "no-such-charge")),
        "csp-refund-unknown",
    ),
    (
        "a decline is an error in a success",
        |b, r| Box::pin(money::decline(b, r, 200)),
        "csp-no-error-in-success",
    ),
    ("a decline is a status", |b, r| Box::pin(money::decline(b, r, 402)), "csp-charge-declined-suspended"),
    (
        "a ceased account's decline is a status",
        |b, r| Box::pin(money::decline(b, r, 402)),
        "csp-charge-declined-ceased",
    ),
    (
        "a poor account's decline is a status",
        |b, r| Box::pin(money::decline(b, r, 402)),
        "csp-charge-declined-balance",
    ),
    ("the look-up is late", |b, r| Box::pin(late(b, r)), "csp-time"),
    ("the look-up is a redirect", |b, r| Box::pin(redirect(b, r)), "csp-no-redirect"),
    ("the account has too much to say", |b, r| Box::pin(enlarge(b, r)), "csp-size"),
    ("the account is cut off", |b, r| Box::pin(cut_off(b, r)), "csp-whole"),
    ("a bad request is a crash", |b, r| Box::pin(crash(b, r)), "csp-no-server-error"),
    ("a call needs no signature", |b, r| Box::pin(accept(b, r, Flaw::Missing)), "csp-signature-missing"),
    ("any signature will do", |b, r| Box::pin(accept(b, r, Flaw::Wrong)), "csp-signature-wrong"),
    ("a signature is for ever", |b, r| Box::pin(accept(b, r, Flaw::Late)), "csp-signature-late"),
    (
        "a signature is for any host",
        |b, r| Box::pin(accept(b, r, Flaw::OtherAddress)),
        "csp-signature-other-address",
    ),
    (
        "any signature will do for a refund",
        |b, r| Box::pin(accept_at(b, r, Flaw::Wrong, |r| is_call(r, "POST", REFUND))),
        "csp-signature-wrong",
    ),
    (
        "any signature will do for a look-up",
        |b, r| Box::pin(accept_at(b, r, Flaw::Wrong, is_lookup)),
        "csp-signature-wrong",
    ),
    (
        "any signature will do for a charge",
        |b, r| Box::pin(accept_at(b, r, Flaw::Wrong, |r| is_call(r, "POST", CHARGE))),
        "csp-signature-wrong",
    ),
    (
        "the digest is not compared",
        |b, r| Box::pin(accept(b, r, Flaw::BodyChanged)),
        "csp-signature-body-changed",
    ),
    ("the host of the request is believed", |b, r| Box::pin(believe_host(b, r)), "csp-signature-other-host"),
    ("a nonce works twice", |b, r| Box::pin(accept(b, r, Flaw::Replayed)), "csp-signature-replayed"),
];

/// A refusal of an API that has a word for everything.
pub(super) fn refuse(status: u16, code: &str) -> Whole {
    Whole::json(status, &json!({"code": code, "message": "No."}))
}

async fn refuse_call(behind: &Behind, request: Request<Bytes>, path: &str) -> Response {
    if is_call(&request, "POST", path) {
        refuse(400, "not-here").send()
    } else {
        behind.pass(request).await.send()
    }
}

async fn refuse_bare(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_call(&request, "POST", ACCOUNT) && body_of(&request).get("amount").is_none() {
        return refuse(400, "amount-missing").send();
    }
    behind.pass(request).await.send()
}

async fn html_for_404(behind: &Behind, request: Request<Bytes>, path: &str) -> Response {
    let is_meant = request.uri().path().starts_with(path);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 404 {
        return Whole::html(404, "<html><title>404 Not Found</title></html>").send();
    }
    whole.send()
}

async fn ceased_for_404(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_call(&request, "POST", ACCOUNT);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 404 {
        return Whole::json(200, &json!({"status": "CEASED", "type": "postpaid", "subscriberID": "none"}))
            .send();
    }
    whole.send()
}

/// Changes the body of a success of this call.
async fn change(
    behind: &Behind,
    request: Request<Bytes>,
    path: &str,
    change: impl FnOnce(&mut Value),
) -> Response {
    let is_meant = is_call(&request, "POST", path);
    let whole = behind.pass(request).await;
    if !is_meant || whole.status() >= 300 {
        return whole.send();
    }
    let mut body = whole.body();
    change(&mut body);
    whole.with_body(&body).send()
}

async fn amount_as_text(behind: &Behind, request: Request<Bytes>) -> Response {
    change(behind, request, ACCOUNT, |body| {
        if let Some(value) = body["balance"]["value"].as_i64() {
            body["balance"]["value"] = json!(value.to_string());
        }
    })
    .await
}

async fn new_subscriber(behind: &Behind, request: Request<Bytes>) -> Response {
    let count = behind.times_before("account");
    change(behind, request, ACCOUNT, |body| body["subscriberID"] = json!(format!("s-{count}"))).await
}

async fn hide(behind: &Behind, request: Request<Bytes>, status: &str) -> Response {
    let whole = behind.pass(request).await;
    if whole.body()["status"] == status { refuse(403, "not-now").send() } else { whole.send() }
}

async fn refuse_stranger(behind: &Behind, request: Request<Bytes>) -> Response {
    if body_of(&request).get("certifyExtra").is_some() {
        return refuse(400, "unknown-member").send();
    }
    behind.pass(request).await.send()
}

fn is_lookup(request: &Request<Bytes>) -> bool {
    request.method() == "GET" && request.uri().path().starts_with("/csp/transaction/")
}

async fn late(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_lookup(&request) {
        tokio::time::sleep(LATE).await;
    }
    behind.pass(request).await.send()
}

async fn redirect(behind: &Behind, request: Request<Bytes>) -> Response {
    if is_lookup(&request) { Whole::redirect().send() } else { behind.pass(request).await.send() }
}

async fn enlarge(behind: &Behind, request: Request<Bytes>) -> Response {
    change(behind, request, ACCOUNT, |body| body["history"] = json!("x".repeat(20_000))).await
}

async fn cut_off(behind: &Behind, request: Request<Bytes>) -> Response {
    let is_meant = is_call(&request, "POST", ACCOUNT);
    let whole = behind.pass(request).await;
    if is_meant && whole.status() == 200 { whole.cut_off() } else { whole.send() }
}

async fn crash(behind: &Behind, request: Request<Bytes>) -> Response {
    let whole = behind.pass(request).await;
    if whole.status() == 400 {
        Whole::html(500, "<html>NullPointerException</html>").send()
    } else {
        whole.send()
    }
}

async fn accept(behind: &Behind, request: Request<Bytes>, flaw: Flaw) -> Response {
    let (keys, key_use) = (keyring(&KeyHolder::Operator("acme")), KeyUse::OriginToOperator);
    let is_signed_call = request.uri().path().starts_with("/csp/");
    let found = flaw_of(behind, &request, &keys, key_use).filter(|_| is_signed_call);
    let request = if found == Some(flaw) { sign_again(request, &keys, key_use) } else { request };
    behind.pass(request).await.send()
}

/// Passes the call on with another body, signed rightly.
async fn pass_changed(behind: &Behind, mut request: Request<Bytes>, body: &Value) -> Whole {
    *request.body_mut() = Bytes::from(body.to_string());
    let signed = sign_again(request, &keyring(&KeyHolder::Operator("acme")), KeyUse::OriginToOperator);
    behind.pass(signed).await
}

/// Verifies the address against what the request itself says.
async fn believe_host(behind: &Behind, mut request: Request<Bytes>) -> Response {
    let (keys, key_use) = (keyring(&KeyHolder::Operator("acme")), KeyUse::OriginToOperator);
    let host = request.headers()[HOST].clone();
    if flaw_of(behind, &request, &keys, key_use) == Some(Flaw::OtherHost) {
        let own = behind.memory().kept.clone().expect("was called before");
        let own = own.as_str().and_then(|own| own.parse().ok()).expect("is a host");
        request.headers_mut().insert(HOST, own);
        request = sign_again(request, &keys, key_use);
    } else {
        behind.memory().kept = Some(json!(host.to_str().expect("is text")));
    }
    behind.pass(request).await.send()
}

async fn national_subscriber(behind: &Behind, request: Request<Bytes>) -> Response {
    let msisdn = body_of(&request)["msisdn"].as_str().unwrap_or_default().to_owned();
    change(behind, request, ACCOUNT, |body| body["subscriberID"] = json!(msisdn.get(2..))).await
}

/// Accepts the flaw in some calls.
async fn accept_at(
    behind: &Behind,
    request: Request<Bytes>,
    flaw: Flaw,
    is_meant: fn(&Request<Bytes>) -> bool,
) -> Response {
    if is_meant(&request) { accept(behind, request, flaw).await } else { behind.pass(request).await.send() }
}
