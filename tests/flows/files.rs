//! Billing by files: whatever happens to a file, a response or the program, each charge is in one file, on the bill once,
//! and settled as billing says.

mod crashes;
mod responses;

use http::{Method, StatusCode};
use onbill_origin::config::Billing;
use onbill_sandbox::operator::Refused;
use onbill_test_harness::billing_files::EVERY_MINUTES;
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, Mishap, NETFLIX, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const GOOD: &str = "+12025550101";
const INTERVAL: i64 = 60 * EVERY_MINUTES as i64;

/// A world in which Ann has signed up with Acme, which bills by files; and her PAI.
async fn world() -> (World, String) {
    let world = World::with_files().await;
    world.acme.import(ACCOUNTS.0).await;
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
    let pai = world.pai_of("ann@example.com").await;
    (world, pai)
}

/// Charges Ann, whose charge then waits for a file.
async fn post(world: &World, pai: &str, id: &str) {
    let (code, answer) = world.ott(Method::POST, "/ott/v1/transaction", charge(pai, id, 1599)).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("PENDING")), "{answer}");
}

async fn status(world: &World, id: &str) -> Value {
    world.ott(Method::GET, &format!("/ott/v1/transaction/{id}"), Value::Null).await.1
}

/// The status that the partner was told at this path, once.
async fn told(world: &World, path: &str) -> Value {
    let crossings = world.network.crossings();
    let notices: Vec<_> =
        crossings.iter().filter(|crossing| crossing.authority == NETFLIX && crossing.path == path).collect();
    assert_eq!(notices.len(), 1, "{path}");
    let (_, body) = notices[0].asked.split_once(" {\"").expect("has a body");
    let told: Value = serde_json::from_str(&format!("{{\"{body}")).expect("is JSON");
    assert_eq!(world.partner_charges().await["contradictions"], json!([]));
    told["status"].clone()
}

/// How many lines Ann's bill has, and their sum.
async fn bill(world: &World) -> (usize, i64) {
    let lines = world.bill(&world.acme, GOOD).await;
    let sum = lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is a number")).sum();
    (lines.len(), sum)
}

#[tokio::test]
async fn a_charge_and_its_refund_are_billed_by_files_and_the_partner_is_told() {
    let (world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    assert_eq!(world.acme.deliver().await, 0, "the delivery loop does not touch it");
    world.acme.file().await;
    assert_eq!(bill(&world).await, (0, 0), "nothing is on the bill before billing has the file");
    let names = world.acme.bill_files();
    assert_eq!((names.len(), bill(&world).await), (1, (1, 1599)));
    assert_eq!(status(&world, "c-1").await["status"], "PENDING", "billing's word is not here yet");
    world.acme.file().await;
    assert_eq!(status(&world, "c-1").await["status"], "APPROVED");
    assert_eq!(world.acme.deliver().await, 1, "the notice");
    assert_eq!(told(&world, "/transaction-state").await, "APPROVED");

    let path = "/ott/v1/transaction/c-1/refund";
    let request = json!({"extRefundID": "r-1", "reason": "Not wanted"});
    let (code, answer) = world.ott(Method::POST, path, request).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("PENDING")), "{answer}");
    world.acme.file().await;
    assert!(world.acme.files().named("out").is_empty(), "one file in an interval");
    world.pass_seconds(INTERVAL);
    world.acme.file().await;
    world.acme.bill_files();
    world.acme.file().await;
    let refund = world.ott(Method::GET, &format!("{path}/r-1"), Value::Null).await.1;
    assert_eq!((&refund["status"], &refund["remaining"]["value"]), (&json!("APPROVED"), &json!(0)));
    assert_eq!((world.acme.deliver().await, bill(&world).await), (1, (2, 0)));
    assert_eq!(told(&world, "/refund-state").await, "APPROVED");

    // What had the number in it is gone; manifests and responses are kept.
    let files = world.acme.files();
    assert!(files.named("out").is_empty() && files.named("in").is_empty());
    let kept = files.named("done");
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(kept.iter().all(|(name, text)| !(name.contains("2025550101") || text.contains("2025550101"))));
    let calls = world.network.crossings();
    assert!(
        !calls.iter().any(|call| call.path.contains("/csp/transaction") || call.path.contains("/csp/refund"))
    );
}

#[tokio::test]
async fn files_have_names_that_sort_and_are_for_owner_and_group_only() {
    let (world, pai) = world().await;
    let mut made = Vec::new();
    for run in 0..3 {
        // More than three lines are more than one file.
        for n in 0..4 {
            post(&world, &pai, &format!("c-{run}-{n}")).await;
        }
        world.acme.file().await;
        let names: BTreeSet<String> = world.acme.files().named("out").into_keys().collect();
        let new: BTreeSet<String> = names.into_iter().filter(|name| !made.contains(name)).collect();
        assert_eq!(new.len(), 4, "two files and their manifests: {new:?}");
        assert!(made.iter().all(|before| new.iter().all(|name| before < name)), "{made:?} {new:?}");
        made.extend(new);
        world.pass_seconds(INTERVAL);
    }
    for name in made {
        assert!(name.starts_with("acme-20261118T") && !name.contains("2025550101"), "{name}");
        let found = fs::metadata(world.acme.files().path("out", &name)).expect("is there");
        assert_eq!(found.permissions().mode() & 0o777, 0o640, "{name}");
    }
    assert_eq!((world.acme.bill_files().len(), bill(&world).await.0), (6, 12));
}

#[tokio::test]
async fn a_file_that_billing_picks_up_twice_is_billed_once() {
    let (world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    world.acme.file().await;
    let out = world.acme.files().named("out");
    world.acme.bill_files();
    world.acme.bill_files();
    world.acme.file().await;
    // As after a crash that came before the books knew that the file was out.
    for (name, text) in out {
        fs::write(world.acme.files().path("out", &name), text).expect("writes");
    }
    world.acme.bill_files();
    world.acme.file().await;
    assert_eq!(
        (bill(&world).await, status(&world, "c-1").await["status"].clone()),
        ((1, 1599), json!("APPROVED"))
    );
    assert!(world.acme.files().named("refused").is_empty());
}

#[tokio::test]
async fn a_damaged_file_or_manifest_is_not_billed() {
    let (world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    post(&world, &pai, "c-2").await;
    world.acme.file().await;
    let files = world.acme.files();
    for (name, text) in files.named("out") {
        let path = files.path("out", &name);
        for damaged in [
            text.replacen("1599", "9599", 1),
            text.replacen("3198", "3199", 1),
            text.replacen("\"lines\": 2", "\"lines\": 3", 1),
            text[..text.len() / 2].to_owned(),
            String::new(),
        ] {
            if damaged == text {
                continue;
            }
            fs::write(&path, &damaged).expect("writes");
            let refused = world.acme.operator.bill_files(&files.directory);
            assert!(matches!(refused, Err(Refused { .. })), "{damaged}");
        }
        fs::write(&path, text).expect("writes");
    }
    assert!(files.named("in").is_empty());
    assert_eq!(bill(&world).await, (0, 0));
    world.acme.bill_files();
    assert_eq!(bill(&world).await, (2, 3198));
}

#[tokio::test]
async fn the_account_is_asked_again_when_a_file_is_made() {
    for (from, to, reason) in [
        ("+12025550101,active", "+12025550101,suspended", "account-on-hold"),
        ("+12025550101,active", "+12025550101,ceased", "account-closed"),
        ("2021-03-14", "2026-11-17", "account-closed-taken-over"),
    ] {
        let (world, pai) = world().await;
        post(&world, &pai, "c-1").await;
        world.acme.import(&ACCOUNTS.0.replace(from, to)).await;
        world.acme.file().await;
        assert!(world.acme.files().named("out").is_empty(), "{reason}");
        assert_eq!(status(&world, "c-1").await["declineReason"], reason);
        // The notice; and partner and edge hear of a PAI that is closed.
        let told = if reason == "account-on-hold" { 1 } else { 3 };
        assert_eq!(world.acme.deliver().await, told, "{reason}");
        // And one that stands so already is declined at once.
        let (_, answer) = world.ott(Method::POST, "/ott/v1/transaction", charge(&pai, "c-2", 1599)).await;
        assert_eq!(answer["declineReason"], reason);
    }
}

#[tokio::test]
async fn a_charge_whose_account_cannot_be_asked_about_waits_for_the_next_file() {
    let world = World::with_files().await;
    let number = "+34612345601";
    world.sign_up(&world.nova, number, Choice::New("bea@example.com")).await;
    let pai = world.pai_of("bea@example.com").await;
    world.network.disturb("127.0.0.1:9790/csp/account", Mishap::Lost);
    let mut request = charge(&pai, "c-1", 1399);
    request["amount"]["currency"] = json!("EUR");
    let (_, answer) = world.ott(Method::POST, "/ott/v1/transaction", request).await;
    assert_eq!(answer["status"], "PENDING", "{answer}");
    world.nova.file().await;
    assert!(world.nova.files().named("out").is_empty());
    world.network.mend();
    world.nova.file().await;
    assert!(world.nova.files().named("out").is_empty(), "not before the next interval");
    world.pass_seconds(INTERVAL);
    world.nova.file().await;
    world.nova.bill_files();
    world.nova.file().await;
    assert_eq!(status(&world, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn a_silent_billing_is_noticed_and_its_file_stays_the_only_one() {
    let (world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    world.acme.file().await;
    let out = world.acme.files().named("out");
    world.pass_seconds(26 * 3_600 - 1);
    world.acme.file().await;
    assert_eq!(world.acme.app().files.overdue_files().await.expect("works"), [""; 0]);
    world.pass_seconds(1);
    world.acme.file().await;
    let silent = world.acme.app().files.overdue_files().await.expect("works");
    assert_eq!(silent.len(), 1);
    assert_eq!(world.acme.files().named("out"), out, "nothing new is out");
    world.acme.bill_files();
    world.acme.file().await;
    assert_eq!(world.acme.app().files.overdue_files().await.expect("works"), [""; 0]);
    assert_eq!(status(&world, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn an_operator_that_goes_back_to_calls_still_takes_the_last_response() {
    let (mut world, pai) = world().await;
    post(&world, &pai, "c-1").await;
    world.acme.file().await;
    post(&world, &pai, "c-2").await;
    world.acme.config.billing = Billing::Csp;
    world.revive_acme(|_| true).await;
    // What waited for a file is charged by a call now, and not filed any more.
    assert_eq!(world.acme.deliver().await, 2, "the charge and its notice");
    assert_eq!(status(&world, "c-2").await["status"], "APPROVED");
    world.pass_seconds(INTERVAL);
    world.acme.bill_files();
    world.acme.file().await;
    assert_eq!(status(&world, "c-1").await["status"], "APPROVED");
    assert_eq!(bill(&world).await, (2, 3198));
}
