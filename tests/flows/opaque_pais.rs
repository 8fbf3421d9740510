//! A PAI that another system issued, through edge and origin.

use crate::account_events::report_applied_event;
use http::Method;
use onbill_domain::ids::PartnerId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_origin::store::{AdoptResult, LostPai, NewPai, NewPaiIds};
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
const PAI: &str = "Ent.Qx~Zk_77-b";

/// A system in which Acme has this PAI of its customer's.
async fn with_imported_pai() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let app = system.acme.app();
    let number = Msisdn::parse(GOOD).expect("is E.164");
    let new = NewPai {
        partner: PartnerId::parse("netflix").expect("is a slug"),
        number: app.vault.seal_number(&*app.random, &number).expect("seals"),
        subscriber_ref: "2021-03-14".to_owned(),
        proved_in: None,
        fresh: NewPaiIds {
            subscriber_id: app.random.uuid(),
            handle: app.random.uuid(),
            pai: Pai::parse(PAI).expect("is a PAI"),
        },
    };
    let lost = LostPai { new, state: PaiState::Active, version: 1 };
    let result = app.store.adopt_pai(system.now(), lost).await.expect("works");
    assert_eq!(result, AdoptResult::Adopted);
    system.acme.deliver_due().await;
    system
}

/// The state in the edge's store, if it has the PAI: under a hash, and never the PAI itself.
fn stored_state(system: &TestSystem) -> Option<Value> {
    let entries = system.edge.kv_entries();
    assert!(!format!("{entries:?}").contains(PAI), "{entries:?}");
    let value = entries.iter().find(|(key, _)| key.starts_with("pai-mac/")).map(|(_, value)| value);
    let mapping: Value = serde_json::from_str(value?).expect("is JSON");
    Some(mapping["state"].clone())
}

#[tokio::test]
async fn pai_of_another_system_is_routed_charged_and_reported() {
    let system = with_imported_pai().await;
    assert_eq!(stored_state(&system), None, "Nova has not disowned it yet");
    let events = [("suspended", "SUSPENDED"), ("resumed", "ACTIVE"), ("ceased", "CLOSED")];
    for (n, (event, reported)) in (1..).zip(events) {
        // Whatever is decided, it is the origin that decides it of this PAI.
        let body = charge_body(PAI, &format!("c-{n}"), 1599);
        let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
        assert_eq!(answer["extTransactionID"], json!(format!("c-{n}")), "{answer}");
        system.advance_seconds(60);
        report_applied_event(&system, &format!("e-{n}"), event, GOOD).await;
        system.acme.deliver_due().await;
        assert_eq!(stored_state(&system), Some(json!(reported)));
    }
    let other = charge_body(&PAI.to_lowercase(), "c-9", 1599);
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", other).await;
    assert_eq!(answer["code"], "pai-not-found", "it is compared exactly");
}
