//! Prepaid plans, as customers, staff and the origin use them.

use super::{AcmeUnderTest, BASE, POSTPAID, acme};
use crate::operator::{CouponsOnSale, PrepaidPlan};
use crate::testing::{NOW, WholeResponse, ask, form, get, get_json, keys};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::ids::ExtId;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::{ReceivedSignature, RequestComponents, verify_request};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::http::Unreachable;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

const ORIGIN: &str = "127.0.0.1:8788";

pub(super) fn on_sale() -> CouponsOnSale {
    let plan = |plan: &str, months, price| PrepaidPlan {
        plan: ExtId::parse(plan).expect("is an identifier"),
        months,
        price,
    };
    CouponsOnSale {
        origin_url: format!("http://{ORIGIN}"),
        redeem_url: "http://127.0.0.1:8791/redeem".to_owned(),
        plans: vec![plan("6M", 6, 8994), plan("12M", 12, 16999)],
    }
}

/// An origin that checks every signature and keeps coupons by their ids.
#[derive(Default)]
struct FakeOrigin {
    nonces: HashSet<String>,
    coupons: HashMap<String, Value>,
    /// The calls other than queries: `issue`, `resend`, `void`.
    done: Vec<String>,
    /// Messages that were sent again, by their ids.
    resends: HashSet<String>,
    /// Its refusal of all these calls.
    refuses: Option<(u16, &'static str)>,
    /// How many of the next responses are lost, after the calls had their effect.
    lost: u32,
}

impl FakeOrigin {
    fn answer(&mut self, request: &Request<Bytes>) -> Result<http::Response<Bytes>, Unreachable> {
        let keys = keys();
        let body = request.body();
        let target = RequestComponents {
            method: request.method().as_str(),
            authority: ORIGIN,
            path: request.uri().path(),
            query: "",
            body: (!body.is_empty()).then_some((&body[..], "application/json")),
        };
        let presented = ReceivedSignature::from_headers(request.headers()).expect("is signed");
        let now = Timestamp::from_unix_seconds(NOW);
        let verified = verify_request(&target, presented, &keys, KeyUse::OperatorToOrigin, now)
            .expect("is signed rightly");
        assert!(self.nonces.insert(verified.nonce.value().to_owned()), "each call has a nonce of its own");
        let path = request.uri().path().strip_prefix("/operator/v1/coupons").expect("is about coupons");
        let (status, answer) = match path.trim_start_matches('/') {
            "" => self.issue(&serde_json::from_slice(body).expect("is JSON")),
            rest => {
                let (id, act) = rest.split_once('/').unwrap_or((rest, "look"));
                self.on_one(&id.replace("%2D", "-"), act, body)
            }
        };
        if self.lost > 0 {
            self.lost -= 1;
            return Err(Unreachable);
        }
        let response = http::Response::builder().status(status).header("content-type", "application/json");
        Ok(response.body(Bytes::from(answer.to_string())).expect("is a response"))
    }

    fn issue(&mut self, body: &Value) -> (u16, Value) {
        if let Some((status, code)) = self.refuses {
            return (status, json!({"code": code, "message": "x"}));
        }
        let id = body["extCouponID"].as_str().expect("is text").to_owned();
        assert_eq!(
            *body,
            json!({"extCouponID": id, "msisdn": POSTPAID, "plan": "6M", "offer": "netflix-standard",
                   "locale": "en", "amount": {"value": 8994, "currency": "USD"}})
        );
        if let Some(known) = self.coupons.get(&id) {
            return (200, known.clone());
        }
        self.done.push("issue".to_owned());
        let coupon = json!({"couponID": "c-1", "extCouponID": id, "state": "ISSUED"});
        self.coupons.insert(id, coupon.clone());
        (201, coupon)
    }

    fn on_one(&mut self, id: &str, act: &str, body: &[u8]) -> (u16, Value) {
        let Some(coupon) = self.coupons.get_mut(id) else {
            return (404, json!({"code": "not-found", "message": "x"}));
        };
        if act != "look" {
            if let Some((status, code)) = self.refuses {
                return (status, json!({"code": code, "message": "x"}));
            }
            if act == "resend" {
                let asked: Value = serde_json::from_slice(body).expect("is JSON");
                if !self.resends.insert(format!("{id} {}", asked["resendID"].as_str().expect("is text"))) {
                    return (200, coupon.clone());
                }
            }
            self.done.push(act.to_owned());
            coupon["state"] = json!(if act == "void" { "VOIDED" } else { "ISSUED" });
        }
        (200, coupon.clone())
    }

    fn stands(&mut self, state: &str) {
        for coupon in self.coupons.values_mut() {
            coupon["state"] = json!(state);
            coupon["expiresAt"] = json!("2027-11-18T11:00:00Z");
        }
    }
}

/// The operator with its origin, and a customer's cookie.
struct CouponShop {
    acme: AcmeUnderTest,
    origin: Arc<Mutex<FakeOrigin>>,
    cookie: String,
}

async fn shop() -> CouponShop {
    let acme = acme();
    let origin = Arc::new(Mutex::new(FakeOrigin::default()));
    let answering = origin.clone();
    acme.world.answer(move |request| answering.lock().expect("is whole").answer(&request));
    let cookie = log_in(&acme, POSTPAID).await;
    CouponShop { acme, origin, cookie }
}

async fn log_in(acme: &AcmeUnderTest, msisdn: &str) -> String {
    let log_in = ask(&acme.router, form("/log-in", &format!("msisdn=%2B{}", &msisdn[1..]))).await;
    let cookie = log_in.headers["set-cookie"].to_str().expect("is text");
    cookie.split(';').next().expect("has a first part").to_owned()
}

impl CouponShop {
    fn origin<T>(&self, act: impl FnOnce(&mut FakeOrigin) -> T) -> T {
        act(&mut self.origin.lock().expect("is whole"))
    }

    async fn ask(&self, mut request: Request<Bytes>) -> WholeResponse {
        request.headers_mut().insert("cookie", self.cookie.parse().expect("is a value"));
        ask(&self.acme.router, request).await
    }

    async fn page(&self) -> String {
        self.ask(get("/plans")).await.text
    }

    async fn buy(&self, id: &str) -> WholeResponse {
        self.ask(form("/plans", &format!("plan=6M&extCouponID={id}"))).await
    }

    async fn all(&self) -> Value {
        ask(&self.acme.router, get_json("/coupons")).await.json()
    }
}

#[tokio::test]
async fn coupon_form_issues_once_however_often_sent() {
    let shop = shop().await;
    let page = shop.page().await;
    assert!(page.contains("$89.94") && page.contains("$14.99 a month") && page.contains("Buy 12 months"));
    for _ in 0..3 {
        let bought = shop.buy("coupon-1").await;
        assert_eq!(
            (bought.status, bought.headers["location"].to_str().expect("is text")),
            (StatusCode::SEE_OTHER, "/plans#coupon-coupon-1")
        );
    }
    assert_eq!(shop.origin(|origin| origin.done.clone()), ["issue"]);
    for (state, says) in [
        ("ISSUED", "will be sent in a moment"),
        ("SENT", "is on its way to the phone"),
        ("DELIVERED", "Enter it by</dt><dd>17 November 2027"),
        ("REDEEMED", "is on the bill"),
    ] {
        shop.origin(|origin| origin.stands(state));
        let page = shop.page().await;
        assert!(page.contains(says), "{says}: {page}");
        assert!(page.contains(&format!(r#"data-state="{}""#, state.to_lowercase())));
        assert_eq!(page.contains("Send it again"), state != "REDEEMED");
        assert_eq!(shop.all().await[0]["state"], state);
    }
}

#[tokio::test]
async fn coupon_with_lost_response_is_queried_by_id() {
    let shop = shop().await;
    // The response to the purchase, and that to the query of its status.
    shop.origin(|origin| origin.lost = 2);
    shop.buy("coupon-1").await;
    let page = shop.page().await;
    assert!(page.contains("Not confirmed") && page.contains("Try again"), "{page}");
    shop.buy("coupon-1").await;
    assert!(shop.page().await.contains(r#"data-state="issued""#));
    assert_eq!(shop.origin(|origin| origin.done.clone()), ["issue"]);

    // Or it comes by itself, when the page is viewed.
    shop.origin(|origin| origin.lost = 1);
    shop.buy("coupon-2").await;
    assert!(!shop.page().await.contains("Not confirmed"));
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let shop = shop().await;
    for (n, (status, code, says)) in [
        (400, "suspended-non-payment", "Pay it, then buy again"),
        (404, "account-not-found", "This line has ended"),
        (400, "insufficient-balance", "Top up"),
        (400, "account-not-eligible", "Call us to have that changed"),
        (400, "parameter-not-supported", "choose the other one"),
        (422, "idempotency-violation", "Please buy again"),
        (429, "too-many-requests", "wait a while"),
        (400, "invalid-request", "quote this code"),
    ]
    .into_iter()
    .enumerate()
    {
        shop.origin(|origin| origin.refuses = Some((status, code)));
        shop.buy(&format!("coupon-{n}")).await;
        let page = shop.page().await;
        assert!(page.contains(says) && page.contains("Not sold"), "{code}: {page}");
        let desk = ask(&shop.acme.router, get("/coupons")).await.text;
        assert!(desk.contains("It was not sold: ") && !desk.contains(code), "{code}: {desk}");
        assert_eq!(shop.all().await[0]["code"], code);
    }
    shop.origin(|origin| origin.refuses = Some((503, "service-unavailable")));
    shop.buy("coupon-later").await;
    assert!(shop.page().await.contains("Not confirmed"), "no refusal has come");
    shop.origin(|origin| origin.refuses = None);
    shop.buy("coupon-later").await;
    assert!(shop.page().await.contains(r#"data-state="issued""#));
}

#[tokio::test]
async fn button_sends_again_or_voids_once() {
    let shop = shop().await;
    shop.buy("coupon-1").await;
    for _ in 0..2 {
        let sent = shop.ask(form("/plans/coupon-1/resend", "turn=0")).await;
        assert_eq!(sent.headers["location"], "/plans#coupon-coupon-1");
    }
    assert_eq!(shop.origin(|origin| origin.done.clone()), ["issue", "resend"]);

    shop.origin(|origin| origin.refuses = Some((429, "too-many-requests")));
    shop.ask(form("/plans/coupon-1/resend", "turn=1")).await;
    assert!(shop.page().await.contains("asked for too often"));
    shop.origin(|origin| origin.refuses = None);
    shop.origin(|origin| origin.lost = 2);
    shop.ask(form("/plans/coupon-1/resend", "turn=2")).await;
    // Whether it was sent is unknown. The button is pressed again: that is one message, and the
    // next is another.
    shop.ask(form("/plans/coupon-1/resend", "turn=3")).await;
    assert!(shop.all().await[0]["code"].is_null());
    assert_eq!(shop.origin(|origin| origin.done.clone()), ["issue", "resend", "resend"]);
    shop.ask(form("/plans/coupon-1/resend", "turn=4")).await;

    ask(&shop.acme.router, form("/coupons/coupon-1/void", "turn=5")).await;
    ask(&shop.acme.router, form("/coupons/coupon-1/void", "turn=5")).await;
    assert_eq!(shop.origin(|origin| origin.done.clone()), ["issue", "resend", "resend", "resend", "void"]);
    let page = shop.page().await;
    assert!(page.contains("no longer works") && !page.contains("Send it again"));

    shop.buy("coupon-2").await;
    shop.origin(|origin| (origin.stands("REDEEMED"), origin.refuses = Some((409, "token-already-used"))));
    ask(&shop.acme.router, form("/coupons/coupon-2/void", "turn=0")).await;
    let desk = ask(&shop.acme.router, get("/coupons")).await;
    assert!(desk.text.contains("It was not voided: it has been used."), "{}", desk.text);
}

#[tokio::test]
async fn undelivered_message_is_shown_at_the_desk() {
    let shop = shop().await;
    shop.buy("coupon-1").await;
    let lost = json!({"at": "2026-11-18T12:00:00Z", "reason": "undeliverable", "code": "011"});
    shop.origin(|origin| {
        origin.stands("SENT");
        origin.coupons.values_mut().for_each(|coupon| coupon["undelivered"] = lost.clone());
    });
    assert_eq!(shop.all().await[0]["undelivered"], lost);
    let desk = ask(&shop.acme.router, get("/coupons")).await;
    assert!(desk.text.contains(r#"data-state="undelivered""#), "{}", desk.text);
    for text in ["12:00\u{a0}UTC", "The network cannot deliver it to this phone.", "Its code for that is"] {
        assert!(desk.text.contains(text), "{text}: {}", desk.text);
    }
    assert!(!desk.text.contains("undeliverable"), "a word of the origin's: {}", desk.text);
    let page = shop.page().await;
    assert!(
        page.contains("did not reach the phone") && !page.contains("cannot deliver it"),
        "that is the staff's"
    );
    // The message of a redeemed coupon is not needed.
    shop.origin(|origin| origin.stands("REDEEMED"));
    assert!(shop.all().await[0]["undelivered"].is_null());
}

#[tokio::test]
async fn coupon_is_its_buyers_and_the_staffs() {
    let shop = shop().await;
    let out = ask(&shop.acme.router, get("/plans")).await;
    assert!(out.text.contains("Sign in at the top") && !out.text.contains("Buy 6 months"));
    let out = ask(&shop.acme.router, form("/plans", "plan=6M&extCouponID=coupon-1")).await;
    assert_eq!(out.code(), "forbidden");
    assert_eq!(shop.ask(form("/plans", "plan=7M&extCouponID=coupon-1")).await.code(), "invalid-request");
    shop.buy("coupon-1").await;

    let other = CouponShop { cookie: log_in(&shop.acme, "+12025550102").await, ..shop };
    assert!(!other.page().await.contains("coupon-1"));
    assert_eq!(other.buy("coupon-1").await.code(), "invalid-request");
    assert_eq!(other.ask(form("/plans/coupon-1/resend", "turn=0")).await.code(), "not-found");
    assert_eq!(ask(&other.acme.router, form("/coupons/coupon-9/void", "turn=0")).await.code(), "not-found");
    assert_eq!(ask(&other.acme.router, form("/coupons/coupon-1/keep", "turn=0")).await.code(), "not-found");
    assert_eq!(other.origin(|origin| origin.done.clone()), ["issue"]);
    let desk = ask(&other.acme.router, get(&format!("{BASE}/coupons"))).await;
    assert!(desk.text.contains("+1 (202) 555-0101") && desk.text.contains("Void it"));
}
