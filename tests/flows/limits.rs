//! What an account may be charged: each limit declines with its own reason, for good, and gives its room back.

use http::Method;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::charge;
use onbill_test_harness::{ACCOUNTS, Mishap, World};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

/// A customer of Acme's, whose accounts have all four limits; and her PAI.
async fn limited() -> (World, String) {
    let (mut world, pai) = World::signed_up(GOOD).await;
    world.limit_acme(
        json!([{"currency": "USD", "smallest": 50, "transaction": 5000, "day": 6000, "month": 10_000}]),
    );
    (world, pai)
}

/// The status of a new charge, or the reason of its decline.
async fn post(world: &World, pai: &str, id: &str, value: i64) -> String {
    let (status, answer) = world.ott(Method::POST, "/ott/v1/transaction", charge(pai, id, value)).await;
    assert_eq!(status.as_u16(), 201, "{answer}");
    let told = if answer["status"] == "DECLINED" { &answer["declineReason"] } else { &answer["status"] };
    told.as_str().expect("is text").to_owned()
}

async fn give_back(world: &World, charge: &str, refund: &str, value: i64) {
    let body = json!({"extRefundID": refund, "amount": {"value": value, "currency": "USD"}, "reason": "x"});
    let path = format!("/ott/v1/transaction/{charge}/refund");
    assert_eq!(world.ott(Method::POST, &path, body).await.0.as_u16(), 201);
}

async fn billed(world: &World) -> Vec<i64> {
    let lines = world.bill(&world.acme, GOOD).await;
    lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is whole")).collect()
}

#[tokio::test]
async fn each_limit_declines_with_its_own_reason() {
    let (world, pai) = limited().await;
    assert_eq!(post(&world, &pai, "c-1", 49).await, "charge-under-limit");
    assert_eq!(post(&world, &pai, "c-2", 5001).await, "charge-exceeds-transaction-limit");
    assert_eq!(post(&world, &pai, "c-3", 5000).await, "APPROVED");
    assert_eq!(post(&world, &pai, "c-4", 1001).await, "charge-exceeds-daily-limit");
    assert_eq!(post(&world, &pai, "c-5", 50).await, "APPROVED");
    world.pass_seconds(86_400);
    assert_eq!(post(&world, &pai, "c-6", 4950).await, "APPROVED");
    assert_eq!(post(&world, &pai, "c-7", 51).await, "charge-exceeds-monthly-limit");
    // The first of December.
    world.pass_seconds(12 * 86_400);
    assert_eq!(post(&world, &pai, "c-8", 5000).await, "APPROVED");
    assert_eq!(billed(&world).await, [5000, 50, 4950, 5000]);
    assert!(
        !world.network.crossings().iter().any(|call| call.path == "/csp/transaction" && call.has("5001"))
    );
}

#[tokio::test]
async fn a_decline_by_a_limit_is_final_and_ends_nothing_else() {
    let (world, pai) = limited().await;
    let body = charge(&pai, "c-1", 5001);
    let (_, first) = world.ott(Method::POST, "/ott/v1/transaction", body.clone()).await;
    assert_eq!(first["declineReason"], "charge-exceeds-transaction-limit");
    assert_eq!(first.get("rawResult"), None, "billing was not asked");
    let (status, again) = world.ott(Method::POST, "/ott/v1/transaction", body).await;
    assert_eq!((status.as_u16(), &again), (200, &first));
    let (_, asked) = world.ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked, first);
    assert_eq!(post(&world, &pai, "c-2", 5000).await, "APPROVED", "the PAI goes on");
    assert_eq!(
        world.acme.app().store.next_due(Queue::All).await.expect("works"),
        None,
        "and nobody is told twice"
    );
}

#[tokio::test]
async fn a_refund_gives_room_back_in_its_day_and_month() {
    let (world, pai) = limited().await;
    assert_eq!(post(&world, &pai, "c-1", 5000).await, "APPROVED");
    assert_eq!(post(&world, &pai, "c-2", 2000).await, "charge-exceeds-daily-limit");
    give_back(&world, "c-1", "r-1", 1000).await;
    assert_eq!(post(&world, &pai, "c-3", 2000).await, "APPROVED");
    assert_eq!(post(&world, &pai, "c-4", 50).await, "charge-exceeds-daily-limit");
    // Yesterday's money makes no room today, but in the month.
    world.pass_seconds(86_400);
    assert_eq!(post(&world, &pai, "c-5", 4001).await, "charge-exceeds-monthly-limit");
    give_back(&world, "c-1", "r-2", 4000).await;
    assert_eq!(post(&world, &pai, "c-6", 5000).await, "APPROVED");
    assert_eq!(post(&world, &pai, "c-7", 1001).await, "charge-exceeds-daily-limit");
}

#[tokio::test]
async fn what_is_pending_takes_its_room_and_a_decline_gives_it_back() {
    let (world, pai) = limited().await;
    world.network.disturb("127.0.0.1:8790/csp/transaction", Mishap::Lost);
    assert_eq!(post(&world, &pai, "c-1", 5000).await, "PENDING");
    world.network.mend();
    assert_eq!(post(&world, &pai, "c-2", 2000).await, "charge-exceeds-daily-limit");
    // The account is suspended when the charge is handed off again.
    world.acme.import(&ACCOUNTS.0.replace("+12025550101,active", "+12025550101,suspended")).await;
    world.pass_seconds(361);
    world.acme.deliver().await;
    let (_, asked) = world.ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(asked["declineReason"], "account-on-hold");
    world.acme.import(ACCOUNTS.0).await;
    assert_eq!(post(&world, &pai, "c-3", 2000).await, "APPROVED");
}

#[tokio::test]
async fn charges_at_once_do_not_share_the_last_room() {
    let (world, pai) = limited().await;
    let names: Vec<_> = (0..8).map(|n| format!("c-{n}")).collect();
    let posts = names.iter().map(|id| post(&world, &pai, id, 1000));
    let told = futures_util::future::join_all(posts).await;
    assert_eq!(told.iter().filter(|told| *told == "APPROVED").count(), 6, "{told:?}");
    assert_eq!(told.iter().filter(|told| *told == "charge-exceeds-daily-limit").count(), 2);
    assert_eq!(billed(&world).await.iter().sum::<i64>(), 6000);
}
