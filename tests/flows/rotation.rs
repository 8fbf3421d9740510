//! Key rotation beside a running origin: all sealed values are sealed again, charges continue
//! wherever it stops, and afterwards the old key is needed for nothing but the index.

use http::Method;
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::Keyring;
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::keys::rotation::{RotationError, RotationReport, rotate};
use onbill_origin::store::{SealedAt, SealedColumn};
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{KeyHolder, TestSystem, keys};
use serde_json::{Value, json};
use std::sync::Arc;

const GOOD: &str = "+12025550101";
const OTHER: &str = "+12025550102";
const THIRD: &str = "+12025550107";

/// Acme's ring with these keys for numbers after its own.
pub(crate) fn origin_keyring(more: &[&str]) -> Keyring {
    let mut ring: Vec<Value> =
        serde_json::from_str(&keys::keyring_json(&KeyHolder::Origin("acme"))).expect("is a ring");
    ring.extend(more.iter().map(|id| {
        json!({"id": id, "party": "operator:acme", "use": "numbers", "alg": "hmac-sha256",
               "secret": encode_base64url(&sha256(id.as_bytes()))})
    }));
    Keyring::parse(&json!(ring).to_string()).expect("is well formed")
}

/// Acme's origin, restarted with another ring.
pub(crate) async fn restart_with_keys(system: &TestSystem, keys: Keyring) -> Arc<App> {
    let app = system.acme.app();
    let (store, peer) = (Arc::clone(&app.store), Arc::clone(&app.peer));
    let (clock, random) = (Arc::clone(&app.clock), Arc::clone(&app.random));
    let app = App::new(Config::clone(&app.config), keys, store, peer, clock, random).expect("is sound");
    app.store.note_sealing_key(app.vault.newest_key_id().to_owned()).await.expect("works");
    let app = Arc::new(app);
    system.network.attach_service(system.acme.origin_address, app.router());
    app
}

async fn rotate_keys(app: &App) -> Result<RotationReport, RotationError> {
    let mut report = RotationReport::default();
    rotate(&app.store, &app.vault, &*app.random, &mut report, |_, _| ()).await.map(|()| report)
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await;
    answer["status"].clone()
}

/// Two subscribers on the bill, and a customer whose PIN has not been sent yet.
async fn sign_up_people() -> (TestSystem, [String; 2]) {
    let (system, ann) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("bob@example.com")).await;
    let bob = system.pai_of("bob@example.com").await;
    system.enter_number(&system.acme, THIRD).await;
    (system, [ann, bob])
}

#[tokio::test]
async fn intermediate_key_is_not_needed_after_rotation() {
    let (system, [ann, bob]) = sign_up_people().await;
    let app = restart_with_keys(&system, origin_keyring(&["k-2"])).await;
    let (report, ()) = tokio::join!(rotate_keys(&app), async {
        for n in 0..4 {
            assert_eq!(post_charge(&system, &ann, &format!("c-{n}")).await, "APPROVED");
        }
    });
    let report = report.expect("comes to its end");
    assert!(report.resealed >= 4 && report.is_complete(), "{report:?}");
    let again = rotate_keys(&app).await.expect("comes to its end");
    assert_eq!((again.resealed, again.current), (0, report.resealed), "nothing is left to do");

    let app = restart_with_keys(&system, origin_keyring(&["k-2", "k-3"])).await;
    assert!(rotate_keys(&app).await.expect("comes to its end").is_complete());
    // The PIN in the outbox was sealed again as well, and is valid.
    let app = restart_with_keys(&system, origin_keyring(&["k-3"])).await;
    app.wake_queue();
    assert!(app.worker.deliver_due().await.expect("works") > 0);
    assert_eq!(system.sms_received(&system.acme, THIRD).await.len(), 1);
    for (pai, id) in [(&ann, "d-11"), (&bob, "d-12")] {
        assert_eq!(post_charge(&system, pai, id).await, "APPROVED", "found by the index of the oldest key");
    }
    let sealed = app.store.list_sealed_values(SealedColumn::Subscribers, None, 10).await.expect("works");
    assert!(sealed.iter().all(|value| app.vault.open_number(&value.sealed).is_ok()));
}

#[tokio::test]
async fn interrupted_rotation_resumes() {
    let mut completed = false;
    for calls in 1..40 {
        for moment in [CrashMoment::Before, CrashMoment::After] {
            let (mut system, [ann, _]) = sign_up_people().await;
            restart_with_keys(&system, origin_keyring(&["k-2"])).await;
            let app = system.acme.app();
            let vault = onbill_origin::keys::Vault::new(&origin_keyring(&["k-2"])).expect("has keys");
            system.acme.origins[0].crash_point.crash_at(calls, moment);
            let first =
                rotate(&app.store, &vault, &*app.random, &mut RotationReport::default(), |_, _| ()).await;
            if system.acme.origins[0].crash_point.disarm() {
                completed = true;
            } else {
                assert!(matches!(first, Err(RotationError::Store(_))), "call {calls}, {moment:?}");
            }
            system.restart_acme(|_| true).await;
            let app = restart_with_keys(&system, origin_keyring(&["k-2"])).await;
            let report = rotate_keys(&app).await.expect("comes to its end");
            assert!(report.is_complete(), "call {calls}, {moment:?}: {report:?}");
            assert_eq!(post_charge(&system, &ann, "c-1").await, "APPROVED", "call {calls}, {moment:?}");
        }
        if completed {
            assert!(calls > 8, "it died at each of its calls");
            return;
        }
    }
    panic!("it never came to its end");
}

#[tokio::test]
async fn data_is_not_sealed_with_an_unknown_key() {
    let (system, [ann, _]) = sign_up_people().await;
    let started = restart_with_keys(&system, origin_keyring(&[])).await.vault.newest_key_id().to_owned();
    let app = system.acme.app();
    let vault = onbill_origin::keys::Vault::new(&origin_keyring(&["k-2"])).expect("has keys");
    let outcome = rotate(&app.store, &vault, &*app.random, &mut RotationReport::default(), |_, _| ()).await;
    assert!(matches!(outcome, Err(RotationError::NotServedYet(Some(key))) if key == started));
    assert_eq!(post_charge(&system, &ann, "c-1").await, "APPROVED");
}

#[tokio::test]
async fn outdated_origin_that_still_seals_is_detected() {
    let (system, _) = sign_up_people().await;
    let old = Arc::clone(system.acme.app());
    let app = restart_with_keys(&system, origin_keyring(&["k-2"])).await;
    // The origin was not stopped, and signs up a customer while the last page is sealed.
    let (mut report, mut took) = (RotationReport::default(), false);
    rotate(&app.store, &app.vault, &*app.random, &mut report, |_, _| took = true).await.expect("ends");
    assert!(took && report.is_complete());
    system.network.attach_service(system.acme.origin_address, old.router());
    system.enter_number(&system.acme, "+12025550103").await;
    let stale = rotate_keys(&app).await.expect("comes to its end");
    assert_eq!(stale.resealed, 2, "its flow and its message");
}

#[tokio::test]
async fn what_does_not_open_is_named_and_stays() {
    let (system, _) = sign_up_people().await;
    let app = restart_with_keys(&system, origin_keyring(&["k-2"])).await;
    system.acme.db.run_sql("UPDATE flows SET number_sealed = x'0102' WHERE pin_mac IS NOT NULL").await;
    let damaged = |value: &&onbill_origin::store::SealedValue| value.sealed == [1, 2];
    let report = rotate_keys(&app).await.expect("comes to its end");
    assert!(!report.is_complete());
    assert!(report.unopened.iter().all(|at| matches!(at, SealedAt::Flow(_))) && !report.unopened.is_empty());
    let flows = app.store.list_sealed_values(SealedColumn::Flows, None, 10).await.expect("works");
    assert_eq!(flows.iter().filter(damaged).count(), report.unopened.len(), "is not written over");
    assert_eq!(report.left.keys().collect::<Vec<_>>(), ["not legible"]);
}
