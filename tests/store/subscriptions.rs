//! The later states of a subscription: it changes as its partner reports, until it is over.

use crate::races::at_once;
use crate::test_store::{
    TestStore, declined_by, device_flow, new_charge, new_pai, new_signup, new_subscription,
    subscription_terms, within,
};
use crate::test_values::{
    CHECK_LIMITS, NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, sealed_number, service_period, usd,
};
use ChangeSubscriptionResult::{Current, NotFound};
use SubscriptionStatus::{Active, Cancelled, Suspended};
use onbill_domain::encoding::encode_base64url;
use onbill_domain::mandate::MandateProof;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::PartnerSubscriptionRequest;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::config::{ChargeNeeds, OperatorTimeZone, RepeatedPeriod};
use onbill_origin::store::{
    AgreedTerms, ChangeSubscriptionResult, ChargeRules, DevicePin, IssueSignupResult, PinAttempt,
    PostChargeResult, RecordSubscriptionResult, SpendTokenResult, StoreError, SubscriptionTerms,
};

on_each_database!(
    a_subscription_changes_until_it_is_over,
    a_subscription_is_its_partners_alone,
    one_that_is_over_makes_room_for_another,
    a_subscription_ends_with_its_pai,
    a_spent_nonce_changes_nothing,
    of_many_changes_at_once_the_end_is_the_end,
    a_late_report_is_in_force_from_the_agreement,
    words_are_evidence_of_what_they_were_shown_with,
    visit_is_continued_by_one_subscription,
    visit_is_continued_within_a_day,
    pin_of_another_partners_app_proves_nothing,
);

fn new_change(status: SubscriptionStatus) -> SubscriptionChange {
    SubscriptionChange { status, reason: Some("Moved away".to_owned()) }
}

impl TestStore {
    /// A subscriber's active subscription, with our id `id`.
    pub(crate) async fn sign_up_and_subscribe(&self, n: u8, id: &str, ext_id: &str) -> Pai {
        let row = self.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", n, "2024-01-01")).await;
        let pai = row.expect("works").expect("is issued").pai;
        let recorded = self.record_subscription(pai, id, ext_id).await;
        assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{recorded:?}");
        pai
    }

    pub(crate) async fn record_subscription(
        &self,
        pai: Pai,
        id: &str,
        ext_id: &str,
    ) -> RecordSubscriptionResult {
        let request = new_subscription(pai, ext_id);
        let recorded = self.store.record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            id.to_owned(),
            request,
            subscription_terms(),
        );
        recorded.await.expect("works")
    }

    pub(crate) async fn change_subscription(
        &self,
        by: &str,
        id: &str,
        status: SubscriptionStatus,
    ) -> ChangeSubscriptionResult {
        let changed = self.store.change_subscription(
            fresh_nonce(),
            NOW,
            partner_id(by),
            parse_ext_id(id),
            new_change(status),
        );
        changed.await.expect("works")
    }

    /// Whether the number counts as one that pays on the bill.
    async fn is_charged(&self, n: u8) -> bool {
        let pays =
            self.store.pays_on_bill(partner_id("netflix"), sealed_number(n).index, "2024-01-01".to_owned());
        pays.await.expect("works")
    }
}

async fn a_subscription_changes_until_it_is_over(db: TestStore) {
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    for status in [Active, Suspended, Suspended, Active, Suspended] {
        assert_eq!(db.change_subscription("netflix", "ps-1", status).await, Current);
        assert!(db.is_charged(1).await, "{status:?}");
    }
    let db = db.reopen().await;
    for _ in 0..2 {
        assert_eq!(db.change_subscription("netflix", "ps-1", Cancelled).await, Current);
        assert!(!db.is_charged(1).await);
        for status in [Active, Suspended] {
            assert_eq!(
                db.change_subscription("netflix", "ps-1", status).await,
                ChangeSubscriptionResult::Cancelled
            );
        }
    }
}

async fn a_subscription_is_its_partners_alone(db: TestStore) {
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let has = async |by: &str, id: &str| {
        db.store.has_subscription(partner_id(by), parse_ext_id(id)).await.expect("works")
    };
    assert!(has("netflix", "ps-1").await);
    assert!(!has("tunes", "ps-1").await && !has("netflix", "s-1").await, "by our name, and by no other");
    assert_eq!(db.change_subscription("tunes", "ps-1", Cancelled).await, NotFound);
    assert_eq!(db.change_subscription("netflix", "s-1", Cancelled).await, NotFound);
    assert!(db.is_charged(1).await);
}

async fn one_that_is_over_makes_room_for_another(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    assert_eq!(db.change_subscription("netflix", "ps-1", Suspended).await, Current);
    assert_eq!(db.record_subscription(pai, "ps-2", "s-2").await, RecordSubscriptionResult::AlreadyOnBill);
    assert_eq!(db.change_subscription("netflix", "ps-1", Cancelled).await, Current);
    assert_eq!(db.sign_up_and_subscribe(1, "ps-2", "s-2").await, pai, "whoever comes back is known");
    assert_eq!(db.change_subscription("netflix", "ps-1", Active).await, ChangeSubscriptionResult::Cancelled);
    assert_eq!(db.change_subscription("netflix", "ps-2", Suspended).await, Current);
    // The call that started it gets its stored response, and starts nothing.
    assert!(matches!(
        db.record_subscription(pai, "ps-3", "s-1").await,
        RecordSubscriptionResult::Replayed(_)
    ));
    assert_eq!(db.change_subscription("netflix", "ps-1", Active).await, ChangeSubscriptionResult::Cancelled);
}

async fn a_subscription_ends_with_its_pai(db: TestStore) {
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    // The number's next subscriber.
    let next = new_pai("netflix", 1, "2026-11-01");
    db.store.issue_pai(Some(fresh_nonce()), NOW, next).await.expect("works");
    assert_eq!(db.change_subscription("netflix", "ps-1", Active).await, ChangeSubscriptionResult::Cancelled);
    assert_eq!(db.change_subscription("netflix", "ps-1", Cancelled).await, Current, "the partner agrees");
}

async fn a_spent_nonce_changes_nothing(db: TestStore) {
    db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let once = fresh_nonce();
    for (status, is_first) in [(Suspended, true), (Cancelled, false)] {
        let (netflix, id) = (partner_id("netflix"), parse_ext_id("ps-1"));
        let changed = db.store.change_subscription(once.clone(), NOW, netflix, id, new_change(status)).await;
        assert_eq!(matches!(changed, Err(StoreError::NonceReplayed)), !is_first);
    }
    assert!(db.is_charged(1).await);
}

async fn of_many_changes_at_once_the_end_is_the_end(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let changes = at_once(&db, 24, |store, n| async move {
        let status = [Active, Suspended, Suspended, Active, Cancelled, Active][n % 6];
        let changed = store.change_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            parse_ext_id("ps-1"),
            new_change(status),
        );
        (status, changed.await.expect("works"))
    });
    for (status, changed) in changes.await {
        assert!(
            changed == Current || (changed == ChangeSubscriptionResult::Cancelled && status != Cancelled),
            "{status:?}: {changed:?}"
        );
    }
    assert_eq!(db.change_subscription("netflix", "ps-1", Active).await, ChangeSubscriptionResult::Cancelled);
    assert!(matches!(db.record_subscription(pai, "ps-2", "s-2").await, RecordSubscriptionResult::Created(_)));
}

/// A new subscriber's subscription, agreed to at this time and reported now. Returns the PAI.
async fn subscribe_late(db: &TestStore, n: u8, agreed_at: &str, zone: &str) -> Pai {
    let row = db.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", n, "2024-01-01")).await;
    let pai = row.expect("works").expect("is issued").pai;
    let request = PartnerSubscriptionRequest {
        consent_at: Some(Timestamp::parse(agreed_at).expect("is a time")),
        ..new_subscription(pai, &format!("s-{n}"))
    };
    let time_zone = OperatorTimeZone::try_from(zone.to_owned()).expect("is a zone");
    let terms = SubscriptionTerms { time_zone, ..subscription_terms() };
    let id = format!("ps-{n}");
    let recorded =
        db.store.record_subscription(fresh_nonce(), NOW, partner_id("netflix"), id, request, terms).await;
    assert!(matches!(recorded, Ok(RecordSubscriptionResult::Created(_))), "{recorded:?}");
    pai
}

async fn a_late_report_is_in_force_from_the_agreement(db: TestStore) {
    for (n, agreed_at, zone, first_day) in [
        (1, "2026-11-17T23:59:59Z", "UTC", "2026-11-17"),
        (2, "2026-11-17T23:59:59Z", "Asia/Kolkata", "2026-11-18"),
        (3, "2026-11-18T05:59:59Z", "America/Chicago", "2026-11-17"),
        // No further back, and never after the report.
        (4, "2026-10-01T00:00:00Z", "UTC", "2026-10-18"),
        (5, "2026-11-19T00:00:00Z", "UTC", "2026-11-18"),
    ] {
        subscribe_late(&db, n, agreed_at, zone).await;
        let recorded = format!("mandates WHERE mandate_id = 'ps-{n}' AND in_force_from = '{first_day}'");
        assert_eq!(db.place.count_rows(&recorded).await, 1, "{agreed_at} {zone}");
    }
    // The month in which the customer has agreed is charged, though it was reported in the next one.
    let pai = subscribe_late(&db, 6, "2026-10-31T23:00:00Z", "UTC").await;
    for (id, from, to, is_covered) in
        [("n-1", "2026-10-01", "2026-10-30", false), ("n-2", "2026-10-01", "2026-10-31", true)]
    {
        let mut new = new_charge(pai, id, 1599);
        new.request.service_period = service_period(from, to);
        new.rules = ChargeRules {
            needs: ChargeNeeds::Mandate,
            repeated_period: RepeatedPeriod::Decline,
            begins_at: parse_day(from).starts_at(),
        };
        let posted = db.store.post_charge(fresh_nonce(), NOW, new).await.expect("works");
        let is_charged = matches!(posted, PostChargeResult::Created(_));
        assert_eq!(is_charged, is_covered, "{from} {to}: {posted:?}");
        assert!(is_charged || declined_by(&posted) == Some(("mandate".to_owned(), "none".to_owned())));
    }
}

/// The PAI of a new subscriber who has seen the plan `standard` for 15.99 in the widget.
async fn finish_visit(db: &TestStore, n: u8, at: Timestamp) -> Pai {
    let signup = new_signup("netflix", n, "2024-01-01");
    let jti = signup.jti.clone();
    let issued = db.store.issue_signup(fresh_nonce(), at, signup).await;
    let Ok(IssueSignupResult::Issued(row)) = issued else { panic!("not issued: {issued:?}") };
    let reference = parse_ext_id(&format!("visit-{n}"));
    let spent = db.store.spend_token(fresh_nonce(), at, partner_id("netflix"), jti, reference).await;
    assert!(matches!(spent, Ok(SpendTokenResult::Spent(_))), "{spent:?}");
    row.pai
}

async fn words_are_evidence_of_what_they_were_shown_with(db: TestStore) {
    for (n, plan, price, has_seen_it) in [
        (1, "standard", None, true),
        (2, "standard", Some(1599), true),
        (3, "standard", Some(1899), false),
        (4, "standard", Some(1499), false),
        (5, "premium", Some(1599), false),
        (6, "premium", None, false),
    ] {
        let pai = finish_visit(&db, n, NOW).await;
        let request = PartnerSubscriptionRequest {
            plan: parse_ext_id(plan),
            price: price.map(usd),
            consent_at: price.map(|_| NOW),
            ..new_subscription(pai, &format!("s-{n}"))
        };
        // What the operator has in its configuration by now.
        let terms = Some(AgreedTerms { id: "2026-12".to_owned(), sha256: [9; 32] });
        let terms = SubscriptionTerms { terms, ..subscription_terms() };
        let id = format!("ps-{n}");
        let recorded =
            db.store.record_subscription(fresh_nonce(), NOW, partner_id("netflix"), id, request, terms).await;
        assert!(matches!(recorded, Ok(RecordSubscriptionResult::Created(_))), "{n}: {recorded:?}");
        // How the number was proved is of the customer, and not of what they buy.
        let (words, terms) = if has_seen_it { ("NOT NULL", "2026-11") } else { ("NULL", "2026-12") };
        let expected = format!(
            "mandates WHERE mandate_id = 'ps-{n}' AND words_sha256 IS {words} AND terms_id = '{terms}'
                 AND proof = 'pin' AND proof_reference = 'flow' AND locale = 'en' AND supersedes IS NOT NULL"
        );
        assert_eq!(db.place.count_rows(&expected).await, 1, "{n}: {plan} {price:?}");
    }
}

/// Records a subscription; returns whether it is what a visit has led to.
async fn continues_visit(db: &TestStore, pai: Pai, n: u8) -> bool {
    let recorded = db.record_subscription(pai, &format!("ps-{n}"), &format!("s-{n}")).await;
    assert!(matches!(recorded, RecordSubscriptionResult::Created(_)), "{n}: {recorded:?}");
    let mandate = format!("mandates WHERE mandate_id = 'ps-{n}' AND supersedes IS NOT NULL");
    db.place.count_rows(&mandate).await == 1
}

async fn visit_is_continued_by_one_subscription(db: TestStore) {
    let pai = finish_visit(&db, 1, NOW).await;
    assert!(continues_visit(&db, pai, 1).await);
    assert_eq!(db.change_subscription("netflix", "ps-1", Cancelled).await, Current);
    assert!(!continues_visit(&db, pai, 2).await);
}

async fn visit_is_continued_within_a_day(db: TestStore) {
    for (n, seconds_ago, is_continued) in [(1, 86_399, true), (2, 86_400, false)] {
        let pai = finish_visit(&db, n, NOW.plus_seconds(-seconds_ago)).await;
        assert_eq!(continues_visit(&db, pai, n).await, is_continued, "{seconds_ago}");
    }
}

async fn pin_of_another_partners_app_proves_nothing(db: TestStore) {
    let mac = [1; 32];
    let [own, others] = ["netflix", "tunes"].map(|by| (by, device_flow(by, 1, mac)));
    for (seconds, (by, flow)) in [(0, &own), (1, &others)] {
        db.store.start_flow(fresh_nonce(), NOW, flow.clone()).await.expect("works");
        let number = sealed_number(1).index;
        let pin = DevicePin { partner: partner_id(by), number, flow: flow.flow, mac, limits: CHECK_LIMITS };
        let tried = db.store.try_device_pin(fresh_nonce(), NOW.plus_seconds(seconds), pin).await;
        assert!(matches!(within(tried.expect("works")), PinAttempt::Proven(_)), "{by}");
    }
    let row = db.store.issue_pai(Some(fresh_nonce()), NOW, new_pai("netflix", 1, "2024-01-01")).await;
    let pai = row.expect("works").expect("is issued").pai;
    let terms = SubscriptionTerms { proof: MandateProof::Pin, ..subscription_terms() };
    let (netflix, id) = (partner_id("netflix"), "ps-1".to_owned());
    let request = new_subscription(pai, "s-1");
    let recorded = db.store.record_subscription(fresh_nonce(), NOW, netflix, id, request, terms).await;
    assert!(matches!(recorded, Ok(RecordSubscriptionResult::Created(_))), "{recorded:?}");
    let flow = encode_base64url(&own.1.flow);
    let proved = format!("mandates WHERE proof = 'pin' AND proof_reference = '{flow}'");
    assert_eq!(db.place.count_rows(&proved).await, 1);
}
