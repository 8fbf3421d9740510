//! What the sample rows of every version mean after all later migrations.

use super::{CLOSED, OPEN, parse_pai};
use crate::audit::stamp;
use crate::outcome::done;
use crate::test_store::{job_name, new_charge, new_redemption, new_refund, within};
use crate::test_values::{
    CHECK_LIMITS, NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, sealed_number, usd,
};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::OfferId;
use onbill_domain::pai::PaiState;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::token::SignupOutcome;
use onbill_domain::wire::coupon::CouponState;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::{SubscriptionChange, SubscriptionStatus};
use onbill_origin::config::OperatorTimeZone;
use onbill_origin::instruments::Alarm;
use onbill_origin::store::{
    AlarmFilter, ChangeSubscriptionResult, CouponFilter, DevicePin, ErasureState, Job, LeasedJob,
    NewAccountEvent, NewNotification, PinAttempt, PostChargeResult, PostNotificationResult, PostRefundResult,
    RecordEventResult, RedeemResult, RedemptionOutcome, SettleResult, SmsJob, Store, WebhookJob,
};

pub(super) async fn alarms_are_there(store: &Store) {
    let listed = async |filter| {
        let alarms = store.list_alarms(filter).await.expect("works");
        alarms.into_iter().map(|alarm| alarm.alarm).collect::<Vec<_>>()
    };
    assert_eq!(listed(AlarmFilter::All).await, [Alarm::CouponUnpaid, Alarm::DiskLow, Alarm::NumberChecks]);
    assert_eq!(listed(AlarmFilter::Active).await, [Alarm::CouponUnpaid, Alarm::DiskLow]);
    assert_eq!(listed(AlarmFilter::OfOrigin("other".to_owned())).await, [Alarm::CouponUnpaid]);
}

pub(super) async fn the_ledger_is_there(store: &Store, due: &[LeasedJob]) {
    let (netflix, open, closed) = (partner_id("netflix"), parse_pai(OPEN), parse_pai(CLOSED));
    let account = store.find_account(sealed_number(1).index).await.expect("works").expect("is there");
    assert_eq!(
        (account.subscriber_ref.as_str(), account.account.balance.map(|b| b.amount_minor)),
        ("2024-01-01", Some(5000))
    );
    let flow = store.find_proven_flow(NOW, [0x0a; 32]).await.expect("works").expect("is proven");
    assert_eq!((flow.number, flow.offer), (sealed_number(1), OfferId::parse("netflix-standard")));
    for (pai, state, version) in [(open, PaiState::Active, 1), (closed, PaiState::Closed, 2)] {
        let row = store.find_pai(netflix.clone(), pai).await.expect("works").expect("is there");
        assert_eq!((row.state, row.version), (state, version));
    }
    assert!(
        store
            .pays_on_bill(netflix.clone(), sealed_number(1).index, "2024-01-01".into())
            .await
            .expect("works")
    );
    let end = store.find_signup_result([0x0c; 32]).await.expect("works").expect("is there");
    assert_eq!((end.outcome, end.partner_subscription_id.as_deref()), (SignupOutcome::Success, Some("ps-1")));
    for (id, status, reason) in [
        ("n-approved", TransactionStatus::Approved, None),
        ("n-declined", TransactionStatus::Declined, Some(DeclineReason::AccountClosedTakenOver)),
        ("n-pending", TransactionStatus::Pending, None),
    ] {
        let answer = store
            .find_charge_response(netflix.clone(), parse_ext_id(id))
            .await
            .expect("works")
            .expect("is there");
        assert_eq!((answer.status, answer.decline_reason), (status, reason));
    }
    let charge = store.find_pending_charge("tx-pending".into()).await.expect("works").expect("is pending");
    let holder = charge.subscriber.expect("is known");
    assert_eq!(
        (holder.number, holder.subscriber_ref.as_str(), charge.amount.amount_minor),
        (sealed_number(1), "2024-01-01", 1599)
    );
    assert!(
        due.iter().any(|entry| matches!(&entry.job, Job::Sms(SmsJob::Pin { message }) if message == b"hi"))
    );
    assert!(
        due.iter().any(
            |entry| matches!(&entry.job, Job::Charge { transaction_id } if transaction_id == "tx-pending")
        )
    );
}

pub(super) async fn refunds_and_spending_are_there(store: &Store, due: &[LeasedJob]) {
    let netflix = partner_id("netflix");
    let pending = store.find_pending_refund("rf-pending".into()).await.expect("works");
    let answer = store
        .find_refund_response(netflix, parse_ext_id("n-approved"), parse_ext_id("r-pending"))
        .await
        .expect("works");
    assert_eq!(pending.map(|refund| refund.amount), Some(usd(600)));
    assert_eq!(
        answer.map(|answer| (answer.status, answer.remaining)),
        Some((TransactionStatus::Pending, usd(999)))
    );
    let posting = store.post_refund(fresh_nonce(), NOW, new_refund("n-approved", "r-rest", None)).await;
    let Ok(PostRefundResult::Created(rest)) = posting else { panic!("not created: {posting:?}") };
    assert_eq!((rest.transaction_id.as_str(), rest.amount), ("tx-approved", usd(999)));

    let mut over = new_charge(parse_pai(OPEN), "n-over", 2);
    over.limits = Some(SpendingLimits { month_minor: Some(3199), ..SpendingLimits::default() });
    let posting = store.post_charge(fresh_nonce(), NOW, over).await.expect("works");
    assert!(matches!(posting, PostChargeResult::Declined(_)), "{posting:?}");

    let refunds =
        |entry: &&LeasedJob| matches!(&entry.job, Job::Refund { refund_id } if refund_id == "rf-pending");
    let notices = |entry: &&LeasedJob| matches!(&entry.job, Job::Webhook(WebhookJob::Charge { transaction_id }) if transaction_id == "tx-declined");
    let reports = |entry: &&LeasedJob| job_name(entry) == ("dispute-notice", "dp-open");
    assert_eq!(due.iter().filter(reports).count(), 1);
    let disputed = store.list_disputes_of_charges(vec!["tx-approved".to_owned()], 10).await.expect("works");
    assert_eq!(disputed.len(), 2, "{disputed:?}");
    assert_eq!(due.iter().filter(refunds).count(), 1);
    assert_eq!(due.iter().filter(notices).count(), 1);
    assert_eq!(
        due.iter()
            .filter(|entry| !is_pai_notice(entry) && !["coupon", "notification"].contains(&job_name(entry).0))
            .count(),
        5
    );
}

fn is_pai_notice(entry: &LeasedJob) -> bool {
    matches!(&entry.job, Job::Webhook(WebhookJob::Pai { pai: of }) if *of == parse_pai(CLOSED))
}

pub(super) async fn account_events_are_there(store: &Store, due: &[LeasedJob]) {
    assert_eq!(due.iter().filter(|entry| is_pai_notice(entry)).count(), 1);
    let swapped_at = store.find_sim_swap_time(sealed_number(1).index).await.expect("works");
    assert_eq!(swapped_at, Some(NOW));
    let known = NewAccountEvent {
        event_id: parse_ext_id("e-1"),
        fingerprint: [0x11; 32],
        event: AccountEvent::SimSwapped,
        number: sealed_number(1).index,
        new_number: None,
        occurred_at: NOW,
    };
    let older = NewAccountEvent {
        event_id: parse_ext_id("e-2"),
        event: AccountEvent::Suspended,
        occurred_at: NOW.plus_seconds(5),
        ..known.clone()
    };
    let record = async |new| store.record_account_event(Some(fresh_nonce()), NOW, new).await.expect("works");
    assert_eq!(record(known).await, RecordEventResult::Replayed(AccountEventOutcome::Applied));
    assert_eq!(record(older).await, RecordEventResult::Recorded(AccountEventOutcome::Superseded));
}

pub(super) async fn files_are_there(store: &Store) {
    let files = store.list_unwritten_files().await.expect("works");
    assert_eq!(files.len(), 1);
    for file in files {
        let lines = store.list_file_lines(file.file_id.clone()).await.expect("works");
        assert_eq!(lines.iter().map(|line| line.bill.id()).collect::<Vec<_>>(), ["tx-filed"]);
        let settling = store.settle_line(NOW, file.file_id, 1, done()).await;
        assert_eq!(settling.expect("works"), SettleResult::Written);
    }
}

pub(super) async fn flows_of_devices_are_there(store: &Store) {
    let (partner, number, flow) = (partner_id("netflix"), sealed_number(1).index, [0x12; 32]);
    let newest = store.find_newest_device_flow(partner.clone(), number).await.expect("works");
    assert_eq!(newest, Some(flow));
    let pin = DevicePin { partner, number, flow, mac: [0x13; 32], limits: CHECK_LIMITS };
    let tried = store.try_device_pin(fresh_nonce(), NOW, pin).await.expect("works");
    assert!(matches!(within(tried), PinAttempt::Proven(_)));
}

pub(super) async fn own_pages_are_there(store: &Store) {
    let flow = store.find_proven_flow(NOW, [0x14; 32]).await.expect("works");
    assert_eq!(flow.map(|flow| flow.offer), Some(None));
    let links =
        store.list_partner_links(sealed_number(1).index, "2024-01-01".to_owned()).await.expect("works");
    let [link] = &links[..] else { panic!("not one: {links:?}") };
    assert_eq!((link.pai, link.since), (parse_pai(OPEN), NOW.plus_seconds(120)));
    let charges = store.list_own_charges(vec![link.pai], None, 20).await.expect("works");
    assert!(charges.lines.iter().any(|charge| charge.transaction_id == "tx-approved"));
    // The closed one's subscriber has left; a person reads the ledger.
    let closed = store.list_own_charges(vec![parse_pai(CLOSED)], None, 20).await.expect("works");
    assert!(!closed.lines.is_empty());
}

pub(super) async fn messages_are_there(store: &Store, due: &[LeasedJob]) {
    let waits = due.iter().filter(|entry| job_name(entry) == ("notification", "message-new")).count();
    assert_eq!(waits, 1);
    for (named, contents, taken) in [
        ("m-sent", 0x1a, PostNotificationResult::Replayed),
        ("m-new", 0x1c, PostNotificationResult::Conflict),
    ] {
        let new = NewNotification {
            notification_id: format!("again-{named}"),
            partner: partner_id("netflix"),
            pai: parse_pai(OPEN),
            named: Some((parse_ext_id(named), [contents; 32])),
            message: b"sealed".to_vec(),
        };
        assert_eq!(store.post_notification(fresh_nonce(), NOW, new).await.expect("works"), taken, "{named}");
    }
}

pub(super) async fn subscriptions_change(store: &Store) {
    for (status, update) in [
        (SubscriptionStatus::Active, ChangeSubscriptionResult::Current),
        (SubscriptionStatus::Cancelled, ChangeSubscriptionResult::Current),
        (SubscriptionStatus::Active, ChangeSubscriptionResult::Cancelled),
    ] {
        let (netflix, change) = (partner_id("netflix"), SubscriptionChange { status, reason: None });
        let changed =
            store.change_subscription(fresh_nonce(), NOW, netflix, parse_ext_id("ps-1"), change).await;
        assert_eq!(changed.expect("works"), update);
    }
}

pub(super) async fn erasures_are_there(store: &Store) {
    let erased = parse_pai("03030303-0303-4303-8303-030303030303");
    let posting =
        store.post_charge(fresh_nonce(), NOW, new_charge(erased, "n-late", 100)).await.expect("works");
    assert!(matches!(posting, PostChargeResult::Declined(_)), "{posting:?}");
    let erase = async |id, number| {
        store.erase_number(None, NOW, stamp("E-1"), Some(parse_ext_id(id)), number).await.expect("works")
    };
    assert_eq!(erase("er-1", sealed_number(4).index).await, ErasureState::Erasing);
    store.sweep(NOW, OperatorTimeZone::default()).await.expect("works");
    assert_eq!(erase("er-1", sealed_number(4).index).await, ErasureState::Erased);
    // The sample's file is not written yet, and has a line of this subscriber's.
    assert_eq!(erase("er-2", sealed_number(1).index).await, ErasureState::Erasing);
}

pub(super) async fn coupons_are_there(store: &Store, due: &[LeasedJob]) {
    let sent = due.iter().filter(|entry| job_name(entry) == ("coupon", "coupon-new")).count();
    assert_eq!(sent, 1);
    let all = store.list_coupons(None, CouponFilter::All, 10).await.expect("works");
    let states: Vec<_> = all.iter().map(|row| (row.ext_coupon_id.as_str(), row.state(NOW))).collect();
    let expected = [
        ("c-given", CouponState::Redeemed),
        ("c-lost", CouponState::Sent),
        ("c-new", CouponState::Issued),
        ("c-spent", CouponState::Redeemed),
    ];
    assert_eq!(states, expected);
    assert!(all.iter().all(|row| row.is_gift == (row.ext_coupon_id.as_str() == "c-given")));
    let lost = store.list_coupons(None, CouponFilter::Undelivered(NOW), 10).await.expect("works");
    let codes: Vec<_> = lost.iter().filter_map(|row| row.undelivered.clone()?.code).collect();
    assert_eq!(codes, ["011"]);
    let paid = store.find_paid_until(parse_pai(CLOSED), parse_day("2027-06-30")).await.expect("works");
    assert_eq!(paid, Some(parse_day("2027-06-30")));
    let redeem =
        |reference, code| store.redeem_coupon(fresh_nonce(), NOW, new_redemption(reference, [code; 32]));
    let again = redeem("r-coupon", 0x17).await.expect("works");
    assert!(matches!(again, RedeemResult::Decided(RedemptionOutcome::Redeemed(_))), "{again:?}");
    assert_eq!(redeem("r-2", 0x19).await.expect("works"), RedeemResult::Unknown { wrong: 8 });
}
