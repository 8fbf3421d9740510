//! Subscribers, PAIs, tokens and subscriptions.

use crate::test_store::{
    TestStore, new_charge, new_coupon, new_flow, new_pai, new_redemption, new_signup, new_subscription,
    subscription_terms,
};
use crate::test_values::{
    CHECK_LIMITS, NOW, fresh_hash, fresh_nonce, fresh_pai, parse_ext_id, partner_id, sealed_number, usd,
};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::day::Day;
use onbill_domain::ids::OfferId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::spending::SpendingLimits;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::ott::SubscriptionSource;
use onbill_domain::wire::subscription::SubscriptionStatus;
use onbill_origin::store::{
    DevicePin, ImportedAccount, IssueSignupResult, NewCharge, NewRedemption, PostChargeResult,
    RecordSubscriptionResult, RedeemResult, SpendTokenResult, StoreError, SubscriptionStart,
};

on_each_database!(
    a_subscriber_has_one_pai_for_each_partner,
    an_account_is_what_the_last_import_says,
    a_token_is_spent_once_and_by_its_partner,
    token_of_a_closed_pai_is_unknown,
    visit_ends_as_the_ledger_has_it,
    visit_fails_once_its_subscriber_has_left,
    a_visit_has_no_part_in_the_subscription_of_a_later_one,
    earlier_subscription_is_not_what_visit_led_to,
    a_subscription_says_how_it_began_and_when_it_was_charged_first,
    a_charge_of_another_subscription_is_not_its_first,
    a_subscription_begins_after_its_coupons_days,
    a_subscription_is_recorded_once_and_alone,
    every_call_that_changes_something_spends_its_nonce,
);

async fn a_subscriber_has_one_pai_for_each_partner(db: TestStore) {
    let first = db.sign_up_subscriber(1).await;
    assert_eq!(db.sign_up_subscriber(1).await, first, "the same again");
    assert_eq!((first.state, first.version), (PaiState::Active, 1));
    let other =
        db.store.issue_signup(fresh_nonce(), NOW, new_signup("other", 1, "2024-01-01")).await.expect("works");
    let IssueSignupResult::Issued(other) = other else { panic!("no PAI") };
    assert_ne!(other.pai, first.pai);
    assert_ne!(db.sign_up_subscriber(2).await.pai, first.pai);
    assert_eq!(
        db.store.find_pai(partner_id("other"), first.pai).await.expect("works"),
        None,
        "nobody else's"
    );
}

async fn an_account_is_what_the_last_import_says(db: TestStore) {
    let row = |n: u8, status, activated_on: &str| ImportedAccount {
        number: sealed_number(n).index,
        account: Account { status, account_type: AccountType::Postpaid, balance: None },
        activated_on: Day::parse(activated_on).expect("is a day"),
    };
    let find = async |n| db.store.find_account(sealed_number(n).index).await.expect("works");
    assert_eq!(find(1).await, None);
    let first =
        vec![row(1, AccountStatus::Active, "2024-01-01"), row(2, AccountStatus::Ceased, "2020-02-29")];
    db.store.import_accounts(first).await.expect("works");
    let known = find(1).await.expect("is there");
    assert_eq!((known.account.status, known.subscriber_ref.as_str()), (AccountStatus::Active, "2024-01-01"));
    // The last line wins, also within one import; accounts that are not in it stay.
    let second =
        vec![row(1, AccountStatus::Active, "2025-01-01"), row(1, AccountStatus::Suspended, "2026-11-01")];
    db.store.import_accounts(second).await.expect("works");
    let known = find(1).await.expect("is there");
    assert_eq!(
        (known.account.status, known.subscriber_ref.as_str()),
        (AccountStatus::Suspended, "2026-11-01")
    );
    assert_eq!(find(2).await.expect("is there").account.status, AccountStatus::Ceased);
}

async fn a_token_is_spent_once_and_by_its_partner(db: TestStore) {
    let new = new_signup("netflix", 1, "2024-01-01");
    let jti = new.jti.clone();
    db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    let spend = |partner_name: &str, jti: &str, reference: &str| {
        db.store.spend_token(
            fresh_nonce(),
            NOW,
            partner_id(partner_name),
            jti.to_owned(),
            parse_ext_id(reference),
        )
    };
    assert_eq!(spend("other", &jti, "r-1").await.expect("works"), SpendTokenResult::Unknown);
    assert_eq!(spend("netflix", "made-up", "r-1").await.expect("works"), SpendTokenResult::Unknown);
    let first = spend("netflix", &jti, "r-1").await.expect("works");
    assert!(matches!(first, SpendTokenResult::Spent(_)));
    assert_eq!(spend("netflix", &jti, "r-1").await.expect("works"), first);
    assert_eq!(spend("netflix", &jti, "r-2").await.expect("works"), SpendTokenResult::UsedElsewhere);
}

async fn token_of_a_closed_pai_is_unknown(db: TestStore) {
    let new = new_signup("netflix", 1, "2024-01-01");
    let jti = new.jti.clone();
    db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    // The number has another subscriber by now.
    db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01")).await.expect("works");
    let (netflix, reference) = (partner_id("netflix"), parse_ext_id("r-1"));
    let spent = db.store.spend_token(fresh_nonce(), NOW, netflix, jti, reference).await;
    assert_eq!(spent, Ok(SpendTokenResult::Unknown));
}

async fn visit_ends_as_the_ledger_has_it(db: TestStore) {
    let new = new_signup("netflix", 1, "2024-01-01");
    let (jti, ticket) = (new.jti.clone(), new.ticket);
    let IssueSignupResult::Issued(row) = db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works")
    else {
        panic!("no PAI")
    };
    let outcome =
        async || db.store.find_signup_result(ticket).await.expect("works").expect("is there").outcome;
    assert_eq!(outcome().await, SignupOutcome::Cancelled);
    db.store
        .spend_token(fresh_nonce(), NOW, partner_id("netflix"), jti, parse_ext_id("r-1"))
        .await
        .expect("works");
    assert_eq!(outcome().await, SignupOutcome::Pending);
    let request = new_subscription(row.pai, "s-1");
    db.store
        .record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            "ps-1".into(),
            request,
            subscription_terms(),
        )
        .await
        .expect("works");
    let end = db.store.find_signup_result(ticket).await.expect("works").expect("is there");
    assert_eq!((end.outcome, end.partner_subscription_id.as_deref()), (SignupOutcome::Success, Some("ps-1")));
    assert_eq!(db.store.find_signup_result([0; 32]).await.expect("works"), None);
}

async fn visit_fails_once_its_subscriber_has_left(db: TestStore) {
    // One visit ends in a subscription; of the other, the partner has never opened the page.
    let (spent, unspent) = (open_visit(&db, NOW, true).await, open_visit(&db, NOW, false).await);
    record_subscription(&db, spent.pai, "ps-1").await;
    assert_eq!(find_outcome(&db, spent.ticket).await, Some(SignupOutcome::Success));
    assert!(find_start(&db, "ps-1").await.is_some());
    db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01")).await.expect("works");
    assert_eq!(find_outcome(&db, spent.ticket).await, None, "nothing is pending");
    assert_eq!(find_outcome(&db, unspent.ticket).await, Some(SignupOutcome::Cancelled));
    assert_eq!(find_start(&db, "ps-1").await, None, "no charge is promised");
}

async fn a_visit_has_no_part_in_the_subscription_of_a_later_one(db: TestStore) {
    let early = open_visit(&db, NOW.plus_seconds(-60), true).await;
    let late = open_visit(&db, NOW, true).await;
    record_subscription(&db, late.pai, "ps-1").await;
    assert_eq!(find_outcome(&db, late.ticket).await, Some(SignupOutcome::Success));
    assert_eq!(find_outcome(&db, early.ticket).await, Some(SignupOutcome::Pending));
}

/// The partner's own journey has led to that one, so that it names no visit.
async fn earlier_subscription_is_not_what_visit_led_to(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    let visit = open_visit(&db, NOW.plus_seconds(60), true).await;
    assert_eq!(visit.pai, pai);
    assert_eq!(find_outcome(&db, visit.ticket).await, Some(SignupOutcome::Pending));
}

struct Visit {
    pai: Pai,
    ticket: [u8; 32],
}

/// A visit of the first subscriber's to the partner, which has spent its token or has not.
async fn open_visit(db: &TestStore, at: Timestamp, is_spent: bool) -> Visit {
    let new = new_signup("netflix", 1, "2024-01-01");
    let (jti, ticket) = (new.jti.clone(), new.ticket);
    let issued = db.store.issue_signup(fresh_nonce(), at, new).await.expect("works");
    let IssueSignupResult::Issued(row) = issued else { panic!("no PAI") };
    if is_spent {
        let reference = parse_ext_id(&format!("of-{jti}"));
        let spent = db.store.spend_token(fresh_nonce(), at, partner_id("netflix"), jti, reference).await;
        assert!(matches!(spent, Ok(SpendTokenResult::Spent(_))));
    }
    Visit { pai: row.pai, ticket }
}

async fn find_outcome(db: &TestStore, ticket: [u8; 32]) -> Option<SignupOutcome> {
    db.store.find_signup_result(ticket).await.expect("works").map(|end| end.outcome)
}

/// How a subscription began, as it is read on the day of the tests.
async fn find_start(db: &TestStore, id: &str) -> Option<SubscriptionStart> {
    db.store.find_subscription_start(id.to_owned(), Day::of_timestamp(NOW)).await.expect("works")
}

async fn record_subscription(db: &TestStore, pai: Pai, id: &str) {
    let request = new_subscription(pai, &format!("ext-{id}"));
    let recorded = db
        .store
        .record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            id.to_owned(),
            request,
            subscription_terms(),
        )
        .await;
    assert!(matches!(recorded, Ok(RecordSubscriptionResult::Created(_))));
}

async fn a_subscription_says_how_it_began_and_when_it_was_charged_first(db: TestStore) {
    assert_eq!(find_start(&db, "ps-1").await, None);
    let new = new_signup("netflix", 1, "2024-01-01");
    let jti = new.jti.clone();
    let issued = db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    let IssueSignupResult::Issued(row) = issued else { panic!("no PAI") };
    let spent =
        db.store.spend_token(fresh_nonce(), NOW, partner_id("netflix"), jti, parse_ext_id("r-1")).await;
    assert!(matches!(spent, Ok(SpendTokenResult::Spent(_))));
    record_subscription(&db, row.pai, "ps-1").await;
    let begun = SubscriptionStart {
        source: SubscriptionSource::NewAccount,
        account_type: Some(AccountType::Postpaid),
        offer: OfferId::parse("netflix-standard"),
        price: Some(usd(1599)),
        charged_at: None,
        paid_until: None,
    };
    assert_eq!(find_start(&db, "ps-1").await, Some(begun.clone()));

    // A decline is no charge, and the earliest of the others is the first one.
    let limits = SpendingLimits { charge_minor_max: Some(1000), ..SpendingLimits::default() };
    let declined = NewCharge { limits: Some(limits), ..new_charge(row.pai, "n-0", 1599) };
    let posted = db.store.post_charge(fresh_nonce(), NOW, declined).await.expect("works");
    assert!(matches!(posted, PostChargeResult::Declined(_)), "{posted:?}");
    assert_eq!(find_start(&db, "ps-1").await, Some(begun.clone()));
    for (days, ext_id) in [(1, "n-1"), (2, "n-2")] {
        let at = NOW.plus_seconds(days * 86_400);
        db.store.post_charge(fresh_nonce(), at, new_charge(row.pai, ext_id, 1599)).await.expect("works");
    }
    let charged = SubscriptionStart { charged_at: Some(NOW.plus_seconds(86_400)), ..begun };
    assert_eq!(find_start(&db, "ps-1").await, Some(charged));
}

/// The last month of one subscription is charged after the next one was reported.
async fn a_charge_of_another_subscription_is_not_its_first(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    record_subscription(&db, row.pai, "ps-1").await;
    db.change_subscription("netflix", "ps-1", SubscriptionStatus::Cancelled).await;
    record_subscription(&db, row.pai, "ps-2").await;
    for (days, ext_id, subscription) in [(1, "n-1", "ps-1"), (2, "n-2", "ps-2")] {
        let mut late = new_charge(row.pai, ext_id, 1599);
        late.request.partner_subscription_id = Some(parse_ext_id(subscription));
        let at = NOW.plus_seconds(days * 86_400);
        db.store.post_charge(fresh_nonce(), at, late).await.expect("works");
        let begun = find_start(&db, "ps-2").await.expect("is there");
        assert_eq!(begun.charged_at, (subscription == "ps-2").then_some(at), "{subscription}");
    }
}

/// A coupon's charge is in the same table, and is its buyer's.
async fn a_subscription_begins_after_its_coupons_days(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let coupon = new_coupon(1, "c-1");
    let redemption = NewRedemption { pai: Some(row.pai), ..new_redemption("r-1", coupon.text.code) };
    db.issue_new_coupon(coupon).await;
    record_subscription(&db, row.pai, "ps-1").await;
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, redemption).await.expect("works");
    assert!(matches!(redeemed, RedeemResult::Created(_)), "{redeemed:?}");
    let begun = find_start(&db, "ps-1").await.expect("is there");
    assert_eq!((begun.charged_at, begun.paid_until), (None, Day::parse("2027-05-17")));
    // No visit of the widget has led to it: its token was not spent.
    assert_eq!(begun.account_type, None);
}

async fn a_subscription_is_recorded_once_and_alone(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let other = db.sign_up_subscriber(2).await;
    let record = |id: &str, request| {
        db.store.record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            id.to_owned(),
            request,
            subscription_terms(),
        )
    };
    let first = record("ps-1", new_subscription(row.pai, "s-1")).await.expect("works");
    let RecordSubscriptionResult::Created(answer) = first else { panic!("not created: {first:?}") };
    let again = record("ps-2", new_subscription(row.pai, "s-1")).await.expect("works");
    assert_eq!(again, RecordSubscriptionResult::Replayed(answer));
    let conflict = record("ps-3", new_subscription(other.pai, "s-1")).await.expect("works");
    assert_eq!(conflict, RecordSubscriptionResult::Conflict);
    let mut moved = new_subscription(row.pai, "s-1");
    moved.source = SubscriptionSource::ExistingAccount;
    let mut dearer = new_subscription(row.pai, "s-1");
    dearer.plan = parse_ext_id("premium");
    for different in [moved, dearer] {
        assert_eq!(record("ps-3", different).await.expect("works"), RecordSubscriptionResult::Conflict);
    }
    let second = record("ps-4", new_subscription(row.pai, "s-2")).await.expect("works");
    assert_eq!(second, RecordSubscriptionResult::AlreadyOnBill);
    assert_eq!(
        record("ps-5", new_subscription(fresh_pai(), "s-3")).await.expect("works"),
        RecordSubscriptionResult::PaiNotFound
    );

    let pays = async |n, subscriber_ref: &str| {
        db.store
            .pays_on_bill(partner_id("netflix"), sealed_number(n).index, subscriber_ref.into())
            .await
            .expect("works")
    };
    assert!(pays(1, "2024-01-01").await);
    assert!(!pays(2, "2024-01-01").await);
    assert!(!pays(1, "2026-11-01").await, "the next subscriber does not pay for it");
    let repeated = db.store.issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2024-01-01")).await;
    assert_eq!(repeated.expect("works"), IssueSignupResult::AlreadyOnBill);
    // The number's next subscriber starts without history.
    let next = db
        .store
        .issue_signup(fresh_nonce(), NOW, new_signup("netflix", 1, "2026-11-01"))
        .await
        .expect("works");
    assert!(matches!(next, IssueSignupResult::Issued(_)));
    assert!(!pays(1, "2024-01-01").await && !pays(1, "2026-11-01").await);
    let closed = record("ps-6", new_subscription(row.pai, "s-4")).await.expect("works");
    assert_eq!(closed, RecordSubscriptionResult::PaiNotFound, "a closed PAI gets no subscription");
    // What was recorded before still gets the same response.
    let again = record("ps-7", new_subscription(row.pai, "s-1")).await.expect("works");
    assert!(matches!(again, RecordSubscriptionResult::Replayed(_)));
}

async fn every_call_that_changes_something_spends_its_nonce(db: TestStore) {
    let row = db.sign_up_subscriber(1).await;
    let spent = fresh_nonce();
    db.store.start_flow(spent.clone(), NOW, new_flow(1, None)).await.expect("works");
    let (new, proven) = (new_signup("netflix", 2, "2024-01-01"), new_flow(2, None));
    let (jti, flow_hash) = (new.jti.clone(), proven.flow);
    let (netflix, mac) = (partner_id("netflix"), fresh_hash());
    let device_pin = DevicePin {
        partner: netflix,
        number: sealed_number(2).index,
        flow: flow_hash,
        mac,
        limits: CHECK_LIMITS,
    };
    let by = || spent.clone();
    let refused = [
        db.store.start_flow(by(), NOW, proven).await.err(),
        db.store.try_pin(by(), NOW, flow_hash, fresh_hash()).await.err(),
        db.store.issue_signup(by(), NOW, new).await.err(),
        db.store.issue_pai(Some(by()), NOW, new_pai("netflix", 3, "2024-01-01")).await.err(),
        db.store.try_device_pin(by(), NOW, device_pin).await.err(),
        db.store.spend_token(by(), NOW, partner_id("netflix"), jti, parse_ext_id("r-1")).await.err(),
        db.store
            .record_subscription(
                by(),
                NOW,
                partner_id("netflix"),
                "ps-1".into(),
                new_subscription(row.pai, "s-1"),
                subscription_terms(),
            )
            .await
            .err(),
        db.store.post_charge(by(), NOW, new_charge(row.pai, "n-1", 1599)).await.err(),
    ];
    for (n, refusal) in refused.into_iter().enumerate() {
        assert!(matches!(refusal, Some(StoreError::NonceReplayed)), "use case {n}");
    }
    assert!(db.store.find_proven_flow(NOW, flow_hash).await.expect("works").is_none());
}
