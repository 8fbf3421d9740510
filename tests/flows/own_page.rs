//! The customer's own page: what the holder of a number reads once it is proven.

mod strangers;
mod unlinking;

use crate::account_events::{charged, happens};
use crate::coupons::{redeem, sold};
use http::{Method, StatusCode};
use onbill_domain::msisdn::Msisdn;
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, Seat, World};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const UNKNOWN: &str = "+12025550199";

/// The customer enters a number to see their own page, without a session.
async fn enter(world: &World, seat: &Seat, number: &str) -> (StatusCode, Value) {
    let body = json!({"operator": seat.id(), "view": "account", "msisdn": number, "locale": "en"});
    world.widget("/account/validate", body).await
}

/// The same with a session that lists the number.
async fn enter_listed(world: &World, seat: &Seat, number: &str) -> (StatusCode, Value) {
    let msisdn = Msisdn::parse(number).expect("is E.164");
    let session = seat.operator.assertion(vec![msisdn]).expect("signs");
    let body = json!({"operator": seat.id(), "view": "account", "msisdn": number, "locale": "en", "session": session});
    world.widget("/account/validate", body).await
}

/// Tries to prove a number by PIN; gives the step or the refusal.
async fn enter_pin(world: &World, seat: &Seat, number: &str) -> (StatusCode, Value) {
    // The newest text message is that of the latest second.
    world.pass_seconds(1);
    let (_, step) = enter(world, seat, number).await;
    let pin = world.pin(seat, number).await;
    world.widget("/pin", json!({"operator": seat.id(), "flow": step["flow"], "pin": pin})).await
}

/// The page of a number's holder, by session.
async fn page(world: &World, number: &str) -> Value {
    let (status, page) = enter_listed(world, &world.acme, number).await;
    assert_eq!((status, &page["step"]), (StatusCode::OK, &json!("account")), "{page}");
    page
}

/// The page once more, in the flow that it has come with.
async fn read(world: &World, flow: &Value, cursor: &Value) -> (StatusCode, Value) {
    let body = json!({"operator": "acme", "flow": flow, "cursor": cursor});
    world.widget("/account", body).await
}

async fn unlink(world: &World, flow: &Value, subscription: &Value) -> (StatusCode, Value) {
    let body = json!({"operator": "acme", "flow": flow, "subscription": subscription});
    world.widget("/account/unlink", body).await
}

/// What a page says, without what differs from flow to flow by its nature.
fn said(page: &Value) -> Value {
    let mut said = json!({"subscriptions": page["subscriptions"], "charges": page["charges"]});
    for subscription in said["subscriptions"].as_array_mut().expect("is a list") {
        subscription["subscription"] = Value::Null;
    }
    said
}

fn code((status, answer): &(StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), answer["code"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn the_holder_reads_what_is_linked_and_what_was_charged() {
    let (world, pai) = World::signed_up(GOOD).await;
    let since = world.now().to_string();
    world.pass_seconds(60);
    charged(&world, &pai, "c-1").await;
    let first = world.now().to_string();
    let refund = json!({"extRefundID": "r-1", "amount": {"value": 600, "currency": "USD"}, "reason": "x"});
    world.ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    world.pass_seconds(60);
    happens(&world, "e-1", "suspended", GOOD).await;
    charged(&world, &pai, "c-2").await;
    let second = world.now().to_string();

    let own = page(&world, GOOD).await;
    let period = json!({"from": "2026-12-01", "to": "2026-12-31"});
    let charge = |at: &str| {
        json!({"partner": "netflix", "at": at, "description": "Netflix Standard", "servicePeriod": period,
               "amount": {"value": 1599, "currency": "USD"}})
    };
    let (mut declined, mut approved) = (charge(&second), charge(&first));
    (declined["status"], declined["declineReason"]) = (json!("DECLINED"), json!("account-on-hold"));
    approved["status"] = json!("APPROVED");
    approved["refunded"] = json!({"value": 600, "currency": "USD"});
    assert_eq!(
        said(&own),
        json!({"subscriptions": [{"subscription": null, "partner": "netflix", "title": "Netflix Standard",
                                  "since": since, "state": "SUSPENDED", "status": "ACTIVE"}],
               "charges": [declined, approved]})
    );
    assert_eq!(own["cursor"], Value::Null);

    // By PIN it is the same, and so it is when it is asked for again.
    world.pass_seconds(60);
    happens(&world, "e-2", "resumed", GOOD).await;
    let (_, by_pin) = enter_pin(&world, &world.acme, GOOD).await;
    assert_eq!(by_pin["step"], "account", "{by_pin}");
    assert_eq!(by_pin["subscriptions"][0]["state"], "ACTIVE");
    assert_eq!(by_pin["charges"], own["charges"]);
    let (status, again) = read(&world, &by_pin["flow"], &Value::Null).await;
    assert_eq!((status, said(&again)), (StatusCode::OK, said(&by_pin)));
    assert_eq!(again["subscriptions"], by_pin["subscriptions"], "a name is the same throughout its flow");
    assert_ne!(again["subscriptions"], own["subscriptions"], "and another one in another");
}

#[tokio::test]
async fn a_browser_gets_no_number_and_no_pai() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.billing_run("2026-12").await;
    let charges = world.partner_charges().await;
    let transaction = charges["charges"][0]["told"]["transactionID"].as_str().expect("has one").to_owned();
    let own = page(&world, GOOD).await;
    read(&world, &own["flow"], &Value::Null).await;
    unlink(&world, &own["flow"], &own["subscriptions"][0]["subscription"]).await;
    let crossings = world.network.crossings();
    let to_browser: Vec<_> =
        crossings.iter().filter(|crossing| crossing.path.starts_with("/widget/v1/account")).collect();
    assert!(to_browser.len() >= 4, "{}", to_browser.len());
    for crossing in to_browser {
        for secret in [pai.as_str(), "2025550101", &transaction, "ann@example.com"] {
            assert!(!crossing.answered.contains(secret), "{}: {secret}", crossing.path);
        }
    }
}

#[tokio::test]
async fn older_charges_are_on_further_pages() {
    let (world, pai) = World::signed_up(GOOD).await;
    for n in 0..30 {
        // Two in each second: a page may end between them.
        world.pass_seconds(n % 2);
        let mut charge = charge(&pai, &format!("c-{n}"), 100);
        charge["description"] = json!(format!("No. {n}"));
        world.ott(Method::POST, "/ott/v1/transaction", charge).await;
    }
    let mut page = page(&world, GOOD).await;
    let (flow, subscriptions) = (page["flow"].clone(), page["subscriptions"].clone());
    let mut seen = Vec::new();
    for expected in [12, 12, 6] {
        let charges = page["charges"].as_array().expect("is a list").clone();
        assert_eq!((charges.len(), &page["subscriptions"]), (expected, &subscriptions));
        seen.extend(charges);
        let cursor = page["cursor"].clone();
        assert_eq!(cursor.is_null(), expected == 6);
        if !cursor.is_null() {
            page = read(&world, &flow, &cursor).await.1;
        }
    }
    let mut names: Vec<_> = seen.iter().map(|charge| charge["description"].clone()).collect();
    let at: Vec<_> = seen.iter().map(|charge| charge["at"].as_str().expect("is text")).collect();
    assert!(at.is_sorted_by(|one, next| one >= next), "{at:?}");
    names.sort_by_key(Value::to_string);
    names.dedup();
    assert_eq!(names.len(), 30, "each once");
    for bad in [json!("x"), json!(""), json!(7)] {
        assert_eq!(code(&read(&world, &flow, &bad).await), (400, "invalid-request"), "{bad}");
    }
}

#[tokio::test]
async fn whoever_has_nothing_sees_that() {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    for number in [GOOD, SUSPENDED] {
        assert_eq!(
            said(&page(&world, number).await),
            json!({"subscriptions": [], "charges": []}),
            "{number}"
        );
        let (_, by_pin) = enter_pin(&world, &world.acme, number).await;
        assert_eq!(by_pin["step"], "account", "a text message reaches a suspended line");
    }
    for number in [CEASED, UNKNOWN] {
        assert_eq!(code(&enter_listed(&world, &world.acme, number).await), (404, "account-not-found"));
    }
    // A visit to the partner that was not finished is nothing.
    let flow = world.prove(&world.acme, GOOD).await;
    world.leave(&world.acme, &flow).await;
    assert_eq!(page(&world, GOOD).await["subscriptions"], json!([]));
}

#[tokio::test]
async fn whoever_comes_to_buy_what_they_have_sees_their_page_in_the_same_flow() {
    let (world, _) = World::signed_up(GOOD).await;
    world.billing_run("2026-12").await;
    let (_, by_session) = world.enter_listed(&world.acme, GOOD).await;
    let (_, entered) = world.enter(&world.acme, GOOD).await;
    let pin = world.pin(&world.acme, GOOD).await;
    let (_, by_pin) =
        world.widget("/pin", json!({"operator": "acme", "flow": entered["flow"], "pin": pin})).await;
    for step in [by_session, by_pin] {
        assert_eq!(step["step"], "already-on-bill");
        let (status, page) = read(&world, &step["flow"], &Value::Null).await;
        assert_eq!((status, page["charges"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{page}");
        // Nothing can be bought in it.
        let refused = world.widget("/signup", json!({"operator": "acme", "flow": step["flow"]})).await;
        assert_eq!(code(&refused), (409, "already-on-bill"));
    }
}

#[tokio::test]
async fn a_flow_that_was_begun_to_see_buys_nothing() {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    for (_, step) in
        [enter_listed(&world, &world.acme, GOOD).await, enter_pin(&world, &world.acme, GOOD).await]
    {
        let refused = world.widget("/signup", json!({"operator": "acme", "flow": step["flow"]})).await;
        assert_eq!(code(&refused), (400, "token-expired"));
    }
    assert!(world.edge.kv_entries().is_empty(), "nobody got a PAI");
    // The other way round it opens the page: less is at stake, and the number is proven alike.
    let flow = world.prove(&world.acme, GOOD).await;
    assert_eq!(read(&world, &json!(flow), &Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_coupon_is_a_charge_of_whoever_has_bought_it() {
    let (world, pai) = World::signed_up(OTHER).await;
    let code = sold(&world, "c-1", GOOD).await;
    assert_eq!(
        page(&world, GOOD).await["subscriptions"],
        json!([]),
        "nothing is charged before it is redeemed"
    );
    // It is a gift: its months are another subscriber's.
    let gift = json!({"code": code, "extReference": "r-1", "pai": pai});
    assert_eq!(world.ott(Method::POST, "/ott/v1/coupon/redeem", gift).await.0, StatusCode::OK);
    let own = page(&world, GOOD).await;
    let charge = &own["charges"][0];
    assert_eq!(
        (&charge["description"], &charge["amount"]["value"], &charge["status"]),
        (&json!("Netflix Standard, 6 months"), &json!(8999), &json!("APPROVED"))
    );
    assert_eq!(page(&world, OTHER).await["charges"], json!([]), "whoever was given it does not pay for it");
    // The buyer may see to it that nothing more comes, also from a coupon that is still somewhere.
    let second = sold(&world, "c-2", GOOD).await;
    let (status, _) = unlink(&world, &own["flow"], &own["subscriptions"][0]["subscription"]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(redeem(&world, &second, "r-2").await.0.is_client_error());
    let own = page(&world, GOOD).await;
    let reasons: Vec<_> =
        own["charges"].as_array().expect("is a list").iter().map(|c| &c["declineReason"]).collect();
    assert_eq!(reasons, [&json!("pai-revoked-by-user"), &Value::Null]);
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn an_operator_that_is_asked_for_its_accounts_has_such_pages_too() {
    const NUMBER: &str = "+34612345601";
    let world = World::start();
    world.sign_up(&world.nova, NUMBER, Choice::New("eva@example.com")).await;
    world.billing_run("2026-12").await;
    let (_, page) = enter_listed(&world, &world.nova, NUMBER).await;
    assert_eq!(page["charges"][0]["amount"], json!({"value": 1399, "currency": "EUR"}), "{page}");
    let body = json!({"operator": "nova", "flow": page["flow"],
                      "subscription": page["subscriptions"][0]["subscription"]});
    let (status, answer) = world.widget("/account/unlink", body).await;
    assert_eq!((status, &answer["subscription"]["state"]), (StatusCode::OK, &json!("CLOSED")));
    assert_eq!(world.billing_run("2027-01").await["totals"]["declined"], 1);
}
