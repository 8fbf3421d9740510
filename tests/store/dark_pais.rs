//! A PAI that was loaded from another system's file: it follows account events, no one is informed of it,
//! and nothing is charged.

use crate::audit::{stamp, unnamed_stamp};
use crate::outcome::done;
use crate::test_store::{
    TestStore, code_sms, declined_by, new_charge, new_coupon, new_redemption, new_signup,
};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::store::{
    ChangeCouponResult, ChangeSubscriptionResult, ChangeTermsResult, ClosePaiResult, IssueSignupResult,
    JobKind, NewAccountEvent, NewNotification, NewRedemption, NumberIndex, PostChargeResult,
    PostNotificationResult, RecordEventResult, RecordSubscriptionResult, RedeemResult,
};
use onbill_test_harness::other_system::{OtherSystem, pais_csv};

on_each_database!(
    account_event_reaches_a_dark_pai_and_is_reported_to_no_one,
    charge_of_a_dark_pai_is_neither_declined_nor_recorded,
    line_of_a_dark_pai_is_on_the_bill_already,
    closed_pai_without_its_number_is_loaded_as_of_an_erased_subscriber,
    signup_beside_a_load_leaves_one_open_pai,
    desk_does_not_end_a_dark_pai,
    partner_changes_nothing_of_a_dark_pai,
    sms_of_a_coupon_is_known_to_be_for_a_dark_pai,
    coupon_of_a_dark_buyer_keeps_its_code,
    coupon_is_not_redeemed_for_a_dark_pai,
    line_is_not_put_to_another_subscriber,
);

const NUMBER: &str = "+12025550101";
pub(crate) const PAI: &str = "ENT1664367665579";
pub(crate) const LINE: &str = "netflix,ENT1664367665579,+12025550101,2021-03-14,ACTIVE,2022-09-28T12:01:05Z,sub-1,\
                    EXISTING_ACCOUNT,standard,1599,USD,2026-12-17,,";

pub(crate) fn pai_of(text: &str) -> Pai {
    Pai::parse(text).expect("is a PAI")
}

/// A ledger with one dark PAI.
pub(crate) async fn with_dark_pai(db: &TestStore) -> OtherSystem {
    let other = OtherSystem::of_acme(NOW);
    other.import_accounts(&db.store, &["+12025550101,active,postpaid,,USD,2021-03-14"]).await;
    other.load_sound(&db.store, &pais_csv(&[LINE]), None).await;
    other
}

fn index_of(other: &OtherSystem, number: &str) -> NumberIndex {
    other.vault.index_number(&Msisdn::parse(number).expect("is E.164"))
}

async fn account_event_reaches_a_dark_pai_and_is_reported_to_no_one(db: TestStore) {
    let other = with_dark_pai(&db).await;
    let events = [
        (AccountEvent::Suspended, PaiState::Suspended),
        (AccountEvent::Resumed, PaiState::Active),
        (AccountEvent::Ceased, PaiState::Closed),
    ];
    for (n, (event, state)) in (1..).zip(events) {
        let now = NOW.plus_seconds(60 * n);
        let new = NewAccountEvent {
            event_id: parse_ext_id(&format!("e-{n}")),
            fingerprint: [7; 32],
            event,
            number: index_of(&other, NUMBER),
            new_number: None,
            occurred_at: now,
        };
        let recorded = db.store.record_account_event(Some(fresh_nonce()), now, new).await;
        assert_eq!(recorded, Ok(RecordEventResult::Recorded(AccountEventOutcome::Applied)));
        let row = db.store.find_pai(partner_id("netflix"), pai_of(PAI)).await.expect("works");
        let row = row.expect("is there");
        assert_eq!((row.state, row.is_dark), (state, true));
    }
    assert!(db.lease_due(600).await.is_empty(), "neither the partner nor the edge is informed");
    assert_eq!(db.store.list_pai_statuses(None, 10).await, Ok(Vec::new()), "nor by kv-sync");
}

async fn charge_of_a_dark_pai_is_neither_declined_nor_recorded(db: TestStore) {
    with_dark_pai(&db).await;
    for sql in [
        "UPDATE pais SET state = 'ACTIVE'",
        "UPDATE pais SET state = 'SUSPENDED'",
        "UPDATE pais SET state = 'CLOSED', closed_reason = 'account-closed'",
    ] {
        db.place.run_sql(sql).await;
        let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai_of(PAI), "n-1", 1599)).await;
        assert_eq!(posted, Ok(PostChargeResult::NotCutOver), "{sql}");
    }
    assert_eq!(db.place.count_rows("transactions").await, 0);
    // After the cut-over it is charged as any other.
    db.place
        .run_sql("UPDATE pais SET state = 'ACTIVE', closed_reason = NULL, dark_since = NULL, cut_over_at = 1795000000")
        .await;
    let posted = db.store.post_charge(fresh_nonce(), NOW, new_charge(pai_of(PAI), "n-1", 1599)).await;
    let posted = posted.expect("works");
    assert!(matches!(posted, PostChargeResult::Created(_)), "{:?}", declined_by(&posted));
}

async fn line_of_a_dark_pai_is_on_the_bill_already(db: TestStore) {
    let other = with_dark_pai(&db).await;
    let number = index_of(&other, NUMBER);
    let (netflix, subscriber_ref) = (partner_id("netflix"), "2021-03-14".to_owned());
    // Whatever the file says of a subscription.
    for _ in 0..2 {
        let pays = db.store.pays_on_bill(netflix.clone(), number, subscriber_ref.clone()).await;
        assert_eq!(pays, Ok(true));
        db.place.run_sql("UPDATE partner_subscriptions SET status = 'CANCELLED', ended_at = 1").await;
    }
    let links = db.store.list_partner_links(number, subscriber_ref.clone()).await.expect("works");
    assert_eq!(links, [], "the customer ends it at the other system");
    let mut new = new_signup("netflix", 1, &subscriber_ref);
    new.pai.number.index = number;
    let issued = db.store.issue_signup(fresh_nonce(), NOW.plus_seconds(1), new).await;
    assert_eq!(issued, Ok(IssueSignupResult::AlreadyOnBill));
    assert_eq!(db.place.count_rows("pais").await, 1);
    // At another partner the subscriber signs up as anyone.
    let mut new = new_signup("tunes", 1, &subscriber_ref);
    new.pai.number.index = number;
    let issued = db.store.issue_signup(fresh_nonce(), NOW.plus_seconds(1), new).await.expect("works");
    assert!(matches!(issued, IssueSignupResult::Issued(_)), "{issued:?}");
    assert_eq!(db.place.count_rows("subscribers").await, 1);
}

async fn closed_pai_without_its_number_is_loaded_as_of_an_erased_subscriber(db: TestStore) {
    let other = OtherSystem::of_acme(NOW);
    let closed = "netflix,pci-closed,,,CLOSED,2022-09-28T12:01:05Z,sub-9,NEW_ACCOUNT,standard,,,,,";
    other.load_sound(&db.store, &pais_csv(&[closed]), None).await;
    let row = db.store.find_pai(partner_id("netflix"), pai_of("pci-closed")).await.expect("works");
    assert_eq!(row.map(|row| row.state), Some(PaiState::Closed));
    assert_eq!(
        db.place.count_rows("subscribers WHERE number_index IS NULL AND ended_at IS NOT NULL").await,
        1
    );
    assert_eq!(db.place.count_rows("partner_subscriptions WHERE status = 'CANCELLED'").await, 1);
}

async fn signup_beside_a_load_leaves_one_open_pai(db: TestStore) {
    let other = OtherSystem::of_acme(NOW);
    for n in 101..=108_u8 {
        let number = format!("+12025550{n}");
        let account = format!("{number},active,postpaid,,USD,2021-03-14");
        other.import_accounts(&db.store, &[&account]).await;
        let line = format!(
            "netflix,pci{n},{number},2021-03-14,ACTIVE,2022-09-28T12:01:05Z,s-{n},NEW_ACCOUNT,standard,1599,USD,,,"
        );
        let mut new = new_signup("netflix", n, "2021-03-14");
        new.pai.number.index = index_of(&other, &number);
        let file = pais_csv(&[line]);
        let files = [file.as_str()];
        let (loaded, issued) = tokio::join!(
            other.load(&db.store, &files, None),
            db.store.issue_signup(fresh_nonce(), NOW.plus_seconds(1), new)
        );
        let (loaded, _) = loaded;
        let loaded = loaded.expect("loads");
        let counts = (loaded[0].loaded, loaded[0].refused);
        match issued.expect("works") {
            IssueSignupResult::Issued(_) => assert_eq!(counts, (0, 1)),
            IssueSignupResult::AlreadyOnBill => assert_eq!(counts, (1, 0)),
            IssueSignupResult::FlowOver => panic!("no flow was there"),
        }
    }
    assert_eq!(db.place.count_rows("pais").await, 8);
    assert_eq!(db.place.count_rows("subscribers").await, 8);
}

async fn desk_does_not_end_a_dark_pai(db: TestStore) {
    with_dark_pai(&db).await;
    let close = async || {
        let reason = DeclineReason::PaiRevokedByUser;
        db.store.close_link(Some(fresh_nonce()), NOW, stamp("T-1"), None, pai_of(PAI), reason).await
    };
    assert_eq!(close().await, Ok(ClosePaiResult::NotCutOver));
    assert_eq!(db.place.count_rows("pais WHERE state = 'ACTIVE'").await, 1);
    assert_eq!(db.place.count_rows("audit WHERE act = 'link-closed' AND outcome = 'refused'").await, 1);
    db.place.run_sql("UPDATE pais SET dark_since = NULL, cut_over_at = 1795000000").await;
    assert_eq!(close().await, Ok(ClosePaiResult::Closed));
}

/// The routes ask only here, in the transaction that would record it.
async fn partner_changes_nothing_of_a_dark_pai(db: TestStore) {
    let pai = db.sign_up_and_subscribe(1, "ps-1", "s-1").await;
    let found = db.find_terms("ch-1").await;
    db.place.run_sql("UPDATE pais SET dark_since = 1795000000, dark_version = version").await;
    assert_eq!(db.record_subscription(pai, "ps-1", "s-1").await, RecordSubscriptionResult::NotCutOver);
    assert_eq!(db.record_subscription(pai, "ps-2", "s-2").await, RecordSubscriptionResult::NotCutOver);
    let cancel = SubscriptionChange { status: SubscriptionStatus::Cancelled, reason: None };
    let (netflix, id) = (partner_id("netflix"), parse_ext_id("ps-1"));
    let changed = db.store.change_subscription(fresh_nonce(), NOW, netflix, id, cancel).await;
    assert_eq!(changed, Ok(ChangeSubscriptionResult::NotCutOver));
    assert_eq!(db.change(pai, &found, "ch-1").await, ChangeTermsResult::NotCutOver);
    let message = NewNotification {
        notification_id: "message-1".to_owned(),
        partner: partner_id("netflix"),
        pai,
        named: None,
        message: b"sealed".to_vec(),
    };
    let posted = db.store.post_notification(fresh_nonce(), NOW, message).await;
    assert_eq!(posted, Ok(PostNotificationResult::NotCutOver));
    assert_eq!(db.place.count_rows("mandates WHERE change_id IS NOT NULL").await, 0);
    assert_eq!(db.place.count_rows("notifications").await, 0);
    assert_eq!(db.place.count_rows("partner_subscriptions WHERE status = 'ACTIVE'").await, 1);
}

/// A code is for the buyer, and the reminder for the user, who may be another.
async fn sms_of_a_coupon_is_known_to_be_for_a_dark_pai(db: TestStore) {
    let user = db.sign_up_subscriber(2).await.pai;
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    let coupon = db.issue_new_coupon(new).await;
    let gift = NewRedemption { pai: Some(user), ..new_redemption("r-1", code) };
    let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, gift).await.expect("works");
    let RedeemResult::Created(charge) = redeemed else { panic!("{redeemed:?}") };
    db.store.answer_redemption(NOW, charge.transaction_id, done()).await.expect("works");
    for (dark, expected) in [(coupon.pai, [true, false]), (user, [false, true])] {
        db.place.run_sql("UPDATE pais SET dark_since = NULL").await;
        db.place
            .run_sql(&format!(
                "UPDATE pais SET dark_since = 1795000000, dark_version = version WHERE pai = '{dark}'"
            ))
            .await;
        for (kind, expected) in [JobKind::CouponSms, JobKind::CouponReminderSms].into_iter().zip(expected) {
            let found = db.store.is_coupon_sms_for_dark(kind, coupon.coupon_id.clone()).await;
            assert_eq!(found, Ok(expected), "{kind:?}");
        }
    }
}

/// Another SMS would wait for the cut-over, and the code that the buyer has would be void until then.
async fn coupon_of_a_dark_buyer_keeps_its_code(db: TestStore) {
    let coupon = db.issue_new_coupon(new_coupon(1, "c-1")).await;
    let buyer = format!("WHERE pai = '{}'", coupon.pai);
    let resend = || db.store.resend_sms(None, NOW, unnamed_stamp(), parse_ext_id("c-1"), code_sms(2));
    let turn_off = format!("UPDATE pais SET dark_since = 1795000000, dark_version = version {buyer}");
    db.place.run_sql(&turn_off).await;
    assert_eq!(resend().await, Ok(ChangeCouponResult::NotCutOver(coupon.pai)));
    let entries = db.store.list_audit_lines(0, 10).await.expect("works");
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.act, entry.outcome), (AuditAct::SmsResent, AuditOutcome::Refused));
    let status = db.store.find_pai_status(coupon.pai).await.expect("works").expect("is there");
    assert_eq!(entry.subscriber.as_deref(), Some(status.handle.as_str()), "whose SMS it was");
    assert_eq!(db.place.count_rows("coupons WHERE sms_count = 1").await, 1, "nothing was sent");
    db.place.run_sql(&format!("UPDATE pais SET dark_since = NULL {buyer}")).await;
    assert!(matches!(resend().await, Ok(ChangeCouponResult::Done(_))));
}

/// Whether it is the buyer's or the user's.
async fn coupon_is_not_redeemed_for_a_dark_pai(db: TestStore) {
    let user = db.sign_up_subscriber(2).await.pai;
    let new = new_coupon(1, "c-1");
    let code = new.text.code;
    let buyer = db.issue_new_coupon(new).await.pai;
    for dark in [buyer, user] {
        db.place.run_sql("UPDATE pais SET dark_since = NULL").await;
        db.place
            .run_sql(&format!(
                "UPDATE pais SET dark_since = 1795000000, dark_version = version WHERE pai = '{dark}'"
            ))
            .await;
        let gift = NewRedemption { pai: Some(user), ..new_redemption("r-1", code) };
        let redeemed = db.store.redeem_coupon(fresh_nonce(), NOW, gift).await;
        assert_eq!(redeemed, Ok(RedeemResult::NotCutOver), "{dark}");
    }
    assert_eq!(db.place.count_rows("coupon_redemptions").await, 0);
}

/// The table of accounts knows the next one already, and no event has ended the one before.
async fn line_is_not_put_to_another_subscriber(db: TestStore) {
    let other = OtherSystem::of_acme(NOW);
    other.import_accounts(&db.store, &["+12025550101,active,postpaid,,USD,2021-03-14"]).await;
    let mut before = new_signup("tunes", 1, "2020-01-01");
    before.pai.number.index = index_of(&other, NUMBER);
    let issued = db.store.issue_signup(fresh_nonce(), NOW, before).await.expect("works");
    assert!(matches!(issued, IssueSignupResult::Issued(_)), "{issued:?}");
    let (_, complaints) = other.load(&db.store, &[&pais_csv(&[LINE])], None).await;
    let [complaint] = &complaints[..] else { panic!("one is refused: {complaints:?}") };
    assert!(complaint.contains("another-subscriber: line 2, column subscriber_ref"), "{complaint}");
    assert_eq!(db.place.count_rows("pais").await, 1);
}
