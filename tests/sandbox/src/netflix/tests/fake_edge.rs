//! The edge in the partner's tests.

use super::{NOW, PAI, RETURN, coupons};
use crate::netflix::{KeyUse, Timestamp};
use crate::testing::keys;
use bytes::Bytes;
use http::Request;
use onbill_domain::signature::{
    CONTENT_DIGEST, ReceivedSignature, RequestComponents, ResponseComponents, SIGNATURE, SIGNATURE_INPUT,
    sign_response, verify_request,
};
use onbill_origin::http::Unreachable;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// Signs a response as the origin of this operator does.
fn sign_as(operator: &str, call: &Request<Bytes>, response: &mut http::Response<Bytes>) {
    let keys = keys();
    let key = keys.signing_key(KeyUse::OriginToPartner, format!("operator:{operator}")).expect("is there");
    let answer = ResponseComponents {
        status: response.status().as_u16(),
        body: (response.body(), "application/json"),
        request_signature: call.headers()[SIGNATURE].to_str().expect("is text"),
    };
    let now = Timestamp::from_unix_seconds(NOW);
    let signed = sign_response(&answer, key, now, "answer-nonce-0001").expect("signs");
    let digest = signed.content_digest.expect("has a body");
    for (name, value) in
        [(CONTENT_DIGEST, digest), (SIGNATURE_INPUT, signed.signature_input), (SIGNATURE, signed.signature)]
    {
        response.headers_mut().insert(name, value.parse().expect("is a value"));
    }
}

/// An edge that checks every signature, spends tokens once, and keeps charges by their id.
#[derive(Default)]
pub(super) struct FakeEdge {
    pub(super) nonces: HashSet<String>,
    pub(super) tokens: HashMap<String, Value>,
    pub(super) subscriptions: Vec<Value>,
    pub(super) charges: HashMap<String, Value>,
    pub(super) refunds: HashMap<String, Value>,
    /// The messages to subscribers, by their id.
    pub(super) messages: HashMap<String, Value>,
    pub(super) refuse_message: Option<(u16, &'static str)>,
    /// Redemption requests and responses, by their reference.
    pub(super) redemptions: HashMap<String, (Value, Value)>,
    /// The response to the next redemption, where it is wrong.
    pub(super) tells: Option<Value>,
    pub(super) refuse_coupon: Option<(u16, &'static str)>,
    /// The day until which coupons have paid, in tokens.
    pub(super) paid_until: Option<&'static str>,
    /// The status of new charges and refunds; APPROVED when not set.
    pub(super) says: Option<&'static str>,
    /// Changes every response after its origin has signed it.
    pub(super) tampers: Option<fn(&mut http::Response<Bytes>)>,
    /// The operator whose origin signs, where it is not that in the response.
    pub(super) speaks_as: Option<&'static str>,
    /// How many of the next responses are lost, after the calls had their effect.
    pub(super) lost: u32,
    pub(super) refuse_subscription: Option<(u16, &'static str)>,
    /// The queries about numbers: path and body.
    pub(super) asked: Vec<(String, Value)>,
    /// The next responses to these queries. When none is left, the number may be billed.
    pub(super) answers: VecDeque<(u16, Value)>,
}

impl FakeEdge {
    pub(super) fn answer(&mut self, request: &Request<Bytes>) -> Result<http::Response<Bytes>, Unreachable> {
        let keys = keys();
        let target = RequestComponents {
            method: request.method().as_str(),
            authority: "127.0.0.1:8787",
            path: request.uri().path(),
            query: "",
            body: (!request.body().is_empty()).then_some((request.body(), "application/json")),
        };
        let presented = ReceivedSignature::from_headers(request.headers()).expect("is signed");
        let now = Timestamp::from_unix_seconds(NOW);
        let verified =
            verify_request(&target, presented, &keys, KeyUse::PartnerCall, now).expect("is signed rightly");
        assert!(self.nonces.insert(verified.nonce.value().to_owned()), "each try has a nonce of its own");
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (status, answer) = match request.uri().path() {
            "/ott/v1/coupon/redeem" => self.redeem(&body),
            path if request.method() == "GET" => {
                let id = path.rsplit('/').next().expect("has an end").replace("%2D", "-");
                (
                    200,
                    json!({"transactionID": format!("t-{id}"), "extTransactionID": id, "status": "APPROVED"}),
                )
            }
            "/ott/v1/token/validate" => self.validate(&body),
            "/ott/v1/partnerSubscription" => self.subscribe(body),
            "/ott/v1/transaction" => self.charge(&body),
            "/ott/v1/notification" => self.notify(body),
            path @ ("/ott/v1/account/validate" | "/ott/v1/pin") => self.say(path, body),
            other => {
                let charge =
                    other.strip_prefix("/ott/v1/transaction/").and_then(|rest| rest.strip_suffix("/refund"));
                self.refund(&percent_decode_str(charge.expect("is a refund")).decode_utf8_lossy(), &body)
            }
        };
        if self.lost > 0 {
            self.lost -= 1;
            return Err(Unreachable);
        }
        let mut response =
            http::Response::builder().status(status).header("content-type", "application/json");
        if status == 429 {
            response = response.header("retry-after", "7200");
        }
        let mut response = response.body(Bytes::from(answer.to_string())).expect("is a response");
        if response.status().is_success() {
            let operator = self.speaks_as.or(answer["operator"].as_str()).unwrap_or("acme");
            sign_as(operator, request, &mut response);
        }
        if let Some(tampers) = self.tampers {
            tampers(&mut response);
        }
        Ok(response)
    }

    fn validate(&mut self, body: &Value) -> (u16, Value) {
        let token = body["token"].as_str().expect("is text").to_owned();
        let spent_by = self.tokens.entry(token.clone()).or_insert_with(|| body["extReference"].clone());
        if token == "forged" {
            (400, json!({"code": "token-invalid", "message": "x"}))
        } else if *spent_by == body["extReference"] {
            let operator = if token == "for-nova" { "nova" } else { "acme" };
            (
                200,
                json!({"pai": PAI, "operator": operator, "offer": "netflix-standard", "status": "ACTIVE",
                         "type": "postpaid", "locale": "en", "returnURL": RETURN, "paidUntil": self.paid_until}),
            )
        } else {
            (409, json!({"code": "token-already-used", "message": "x"}))
        }
    }

    fn redeem(&mut self, body: &Value) -> (u16, Value) {
        if let Some((status, code)) = self.refuse_coupon {
            return (status, json!({"code": code, "message": "x"}));
        }
        let reference = body["extReference"].as_str().expect("is text").to_owned();
        let before = self.redemptions.len();
        let (_, reported) = self.redemptions.entry(reference.clone()).or_insert_with(|| {
            (body.clone(), self.tells.clone().unwrap_or_else(|| coupons::coupon(&reference, before)))
        });
        (200, reported.clone())
    }

    fn subscribe(&mut self, body: Value) -> (u16, Value) {
        if let Some((status, code)) = self.refuse_subscription {
            return (status, json!({"code": code, "message": "x"}));
        }
        self.subscriptions.push(body);
        (201, json!({"partnerSubscriptionID": "ps-1", "status": "ACTIVE"}))
    }

    fn notify(&mut self, body: Value) -> (u16, Value) {
        if let Some((status, code)) = self.refuse_message {
            return (status, json!({"code": code, "message": "x"}));
        }
        let name = body["extNotificationID"].as_str().expect("is text").to_owned();
        self.messages.insert(name, body);
        (202, json!({"status": "ACCEPTED"}))
    }

    fn charge(&mut self, body: &Value) -> (u16, Value) {
        let id = body["extTransactionID"].as_str().expect("is text").to_owned();
        let status = if self.charges.insert(id.clone(), body.clone()).is_none() { 201 } else { 200 };
        let says = self.says.unwrap_or("APPROVED");
        let mut answer = json!({"transactionID": format!("t-{id}"), "extTransactionID": id, "status": says});
        if says == "DECLINED" {
            answer["declineReason"] = json!("account-closed");
        }
        (status, answer)
    }

    /// A refund of one charge, whatever was refunded before: the remaining amount is checked here
    /// only against the whole charge.
    fn refund(&mut self, charge: &str, body: &Value) -> (u16, Value) {
        let mut coupons = self.redemptions.values().map(|(_, reported)| reported);
        let of = self
            .charges
            .get(charge)
            .or_else(|| coupons.find(|reported| reported["extTransactionID"] == charge));
        let of = &of.expect("is a charge")["amount"];
        let amount = if body["amount"].is_null() { of } else { &body["amount"] };
        let remaining = of["value"].as_i64().expect("is whole") - amount["value"].as_i64().expect("is whole");
        if remaining < 0 {
            return (400, json!({"code": "invalid-request", "message": "x"}));
        }
        let id = body["extRefundID"].as_str().expect("is text");
        let status = if self.refunds.contains_key(id) { 200 } else { 201 };
        if self.refunds.entry(id.to_owned()).or_insert_with(|| body.clone()) != body {
            return (422, json!({"code": "idempotency-violation", "message": "x"}));
        }
        let status_word = self.says.unwrap_or("APPROVED");
        let remaining = json!({"value": remaining, "currency": "USD"});
        let answer = json!({"refundID": format!("f-{id}"), "extRefundID": id, "extTransactionID": charge,
                            "status": status_word, "amount": amount, "remaining": remaining});
        (status, answer)
    }
}
