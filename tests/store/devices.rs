//! A partner's app on a device: its flows, and the PAIs of the subscribers whose number it sends.

use crate::test_store::{
    TestStore, device_flow, job_name, new_flow, new_pai, new_signup, new_subscription, subscription_terms,
    within,
};
use crate::test_values::{
    CHECK_LIMITS, NOW, fresh_hash, fresh_nonce, parse_ext_id, partner_id, sealed_number,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PIN_PAUSE_SECONDS, PINS_PER_DAY_MAX};
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::store::{
    DevicePin, Hash, IssueSignupResult, NewAccountEvent, NewFlow, NewPai, PaiRow, PinAsker, PinAttempt,
    PinRecipient, StartFlowResult,
};

on_each_database!(
    a_flow_of_a_device_is_one_partners_and_one_numbers,
    no_flow_is_continued_where_it_was_not_begun,
    tries_count_whichever_app_call_makes_them,
    the_newest_flow_is_the_partners_own,
    widget_session_and_partner_have_their_own_pins,
    pai_is_the_same_by_widget_and_app,
    new_pai_is_reported_to_the_edge_only,
    a_number_that_has_changed_hands_brings_another_pai,
    suspended_pai_is_active_after_a_newer_account_status,
);

const RIGHT: Hash = [1; 32];
const WRONG: Hash = [2; 32];

fn device_pin(of: &NewFlow, by: &str, n: u8, mac: Hash) -> DevicePin {
    DevicePin {
        partner: partner_id(by),
        number: sealed_number(n).index,
        flow: of.flow,
        mac,
        limits: CHECK_LIMITS,
    }
}

impl TestStore {
    async fn begin_flow(&self, flow: &NewFlow) {
        let start = self.store.start_flow(fresh_nonce(), NOW, flow.clone()).await.expect("works");
        assert_eq!(start, StartFlowResult::Started);
    }

    async fn try_pin(&self, at: Timestamp, pin: DevicePin) -> PinAttempt<PinRecipient> {
        within(self.store.try_device_pin(fresh_nonce(), at, pin).await.expect("works"))
    }

    async fn issue_pai(&self, new: NewPai) -> PaiRow {
        self.store.issue_pai(Some(fresh_nonce()), NOW, new).await.expect("works").expect("is issued")
    }
}

async fn a_flow_of_a_device_is_one_partners_and_one_numbers(db: TestStore) {
    let flow = device_flow("netflix", 1, RIGHT);
    db.begin_flow(&flow).await;
    for other in [device_pin(&flow, "tunes", 1, RIGHT), device_pin(&flow, "netflix", 2, RIGHT)] {
        assert!(matches!(db.try_pin(NOW, other).await, PinAttempt::Expired));
    }
    let unknown = DevicePin { flow: fresh_hash(), ..device_pin(&flow, "netflix", 1, RIGHT) };
    assert!(matches!(db.try_pin(NOW, unknown).await, PinAttempt::Expired));
    // None of these has used up a try.
    for _ in 1..PIN_ATTEMPTS_MAX {
        assert!(matches!(db.try_pin(NOW, device_pin(&flow, "netflix", 1, WRONG)).await, PinAttempt::Wrong));
    }
    assert!(matches!(db.try_pin(NOW, device_pin(&flow, "netflix", 1, RIGHT)).await, PinAttempt::Proven(_)));
}

async fn no_flow_is_continued_where_it_was_not_begun(db: TestStore) {
    let (device, widget) = (device_flow("netflix", 1, RIGHT), new_flow(1, Some(RIGHT)));
    db.begin_flow(&device).await;
    db.begin_flow(&widget).await;
    assert!(matches!(
        db.store.try_pin(fresh_nonce(), NOW, device.flow, RIGHT).await,
        Ok(PinAttempt::Expired)
    ));
    assert!(matches!(db.try_pin(NOW, device_pin(&widget, "netflix", 1, RIGHT)).await, PinAttempt::Expired));
    assert!(matches!(db.try_pin(NOW, device_pin(&device, "netflix", 1, RIGHT)).await, PinAttempt::Proven(_)));
    assert!(db.store.find_proven_flow(NOW, device.flow).await.expect("works").is_none(), "no sign-up by it");
}

async fn tries_count_whichever_app_call_makes_them(db: TestStore) {
    let flow = device_flow("netflix", 1, RIGHT);
    db.begin_flow(&flow).await;
    let last = NOW.plus_seconds(599);
    assert!(matches!(db.try_pin(last, device_pin(&flow, "netflix", 1, WRONG)).await, PinAttempt::Wrong));
    for _ in 0..PIN_ATTEMPTS_MAX - 1 {
        let right = db.try_pin(last, device_pin(&flow, "netflix", 1, RIGHT)).await;
        assert!(matches!(right, PinAttempt::Proven(_)), "a lost answer is asked for again");
    }
    let db = db.reopen().await;
    let expires_at = NOW.plus_seconds(600);
    let used_up = db.try_pin(last, device_pin(&flow, "netflix", 1, RIGHT)).await;
    assert!(matches!(used_up, PinAttempt::UsedUp { expires_at: at } if at == expires_at));
    assert!(matches!(
        db.try_pin(expires_at, device_pin(&flow, "netflix", 1, RIGHT)).await,
        PinAttempt::Expired
    ));
}

async fn the_newest_flow_is_the_partners_own(db: TestStore) {
    let newest = async |by: &str, n| {
        db.store.find_newest_device_flow(partner_id(by), sealed_number(n).index).await.expect("works")
    };
    assert_eq!(newest("netflix", 1).await, None);
    let (first, second) = (device_flow("netflix", 1, RIGHT), device_flow("netflix", 1, RIGHT));
    for (at, flow) in
        [(0, &first), (1, &second), (2, &device_flow("tunes", 1, RIGHT)), (3, &new_flow(1, None))]
    {
        db.store.start_flow(fresh_nonce(), NOW.plus_seconds(at), flow.clone()).await.expect("works");
    }
    assert_eq!(newest("netflix", 1).await, Some(second.flow));
    assert_eq!(newest("netflix", 2).await, None);
}

async fn widget_session_and_partner_have_their_own_pins(db: TestStore) {
    let by_session = || {
        let mut flow = new_flow(1, Some(RIGHT));
        flow.pin.as_mut().expect("has one").asked_by = PinAsker::Session;
        flow
    };
    let ways: [fn() -> NewFlow; 3] =
        [|| new_flow(1, Some(RIGHT)), || device_flow("netflix", 1, RIGHT), || device_flow("tunes", 1, RIGHT)];
    let again_at = NOW.plus_seconds(PIN_PAUSE_SECONDS);
    for way in ways.iter().map(|way| way as &dyn Fn() -> NewFlow).chain([&by_session as &dyn Fn() -> NewFlow])
    {
        for _ in 0..PINS_PER_DAY_MAX {
            db.begin_flow(&way()).await;
        }
        let start = db.store.start_flow(fresh_nonce(), NOW, way()).await.expect("works");
        assert_eq!(start, StartFlowResult::TooManyPins { again_at });
    }
}

async fn pai_is_the_same_by_widget_and_app(db: TestStore) {
    let row = db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await;
    assert_eq!((row.state, row.version), (PaiState::Active, 1));
    assert_eq!(db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await, row);
    assert_eq!(db.sign_up_subscriber(1).await, row, "by the widget too");
    assert_ne!(db.issue_pai(new_pai("tunes", 1, "2024-01-01")).await.pai, row.pai);
    // A customer who already pays on the bill keeps their PAI, where a sign-up would be refused.
    let request = new_subscription(row.pai, "s-1");
    let recorded = db.store.record_subscription(
        fresh_nonce(),
        NOW,
        partner_id("netflix"),
        "ps-1".into(),
        request,
        subscription_terms(),
    );
    recorded.await.expect("works");
    let again = db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2024-01-01")).await;
    assert_eq!(again.expect("works"), IssueSignupResult::AlreadyOnBill);
    assert_eq!(db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await, row);
    // A call that spent its nonce on a PIN has none for this.
    let without = db.store.issue_pai(None, NOW, new_pai("netflix", 1, "2024-01-01")).await;
    assert_eq!(without.expect("works"), Some(row));
}

async fn new_pai_is_reported_to_the_edge_only(db: TestStore) {
    db.sign_up_subscriber(1).await;
    assert!(db.lease_due(0).await.is_empty(), "the edge learns of a sign-up's by its answer");
    db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await;
    assert!(db.lease_due(0).await.is_empty(), "it is not new");
    db.issue_pai(new_pai("netflix", 2, "2024-01-01")).await;
    let due = db.lease_due(0).await;
    assert_eq!(due.iter().map(|entry| job_name(entry).0).collect::<Vec<_>>(), ["pai-mapping"]);
}

async fn a_number_that_has_changed_hands_brings_another_pai(db: TestStore) {
    let first = db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await;
    let next = db.issue_pai(new_pai("netflix", 1, "2026-11-01")).await;
    assert_ne!((first.pai, &first.handle), (next.pai, &next.handle));
    let first = db.store.find_pai(partner_id("netflix"), first.pai).await.expect("works").expect("is there");
    assert_eq!((first.state, first.version), (PaiState::Closed, 2));
}

async fn suspended_pai_is_active_after_a_newer_account_status(db: TestStore) {
    db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await;
    let event = NewAccountEvent {
        event_id: parse_ext_id("e-1"),
        fingerprint: fresh_hash(),
        event: AccountEvent::Suspended,
        number: sealed_number(1).index,
        new_number: None,
        occurred_at: NOW,
    };
    db.store.record_account_event(None, NOW, event).await.expect("works");
    let held = db.issue_pai(new_pai("netflix", 1, "2024-01-01")).await;
    assert_eq!(held.state, PaiState::Suspended, "the standing is no later than the event");
    let later = NOW.plus_seconds(1);
    let released = db.store.issue_pai(Some(fresh_nonce()), later, new_pai("netflix", 1, "2024-01-01")).await;
    let released = released.expect("works").expect("is issued");
    assert_eq!((released.pai, released.state, released.version), (held.pai, PaiState::Active, 3));
}
