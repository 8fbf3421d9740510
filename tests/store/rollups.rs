//! Counts of days: each charge, refund and visit is counted once, on its day, however often a day is
//! counted and by whom.

use crate::outcome::{declined, done, refused};
use crate::test_store::{
    TestStore, device_flow, new_charge, new_flow, new_refund, new_signup, new_subscription,
    subscription_terms,
};
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::locale::Locale;
use onbill_domain::mandate::MandateProof;
use onbill_domain::wire::summary::{ChargeCount, CountedOutcome, VisitChannel, VisitCount, VisitStep};
use onbill_origin::config::OperatorTimeZone;
use onbill_origin::store::{
    DaySpan, IssueSignupResult, Journey, NewFlow, PinAttempt, RefusedVisits, StartFlowResult,
};

on_each_database!(
    day_counts_what_was_settled_on_it,
    day_that_is_counted_again_says_what_is_there_now,
    count_of_an_earlier_time_replaces_none_of_a_later_one,
    days_end_in_the_operators_time_zone,
    visit_is_counted_once_before_and_after_its_flow_is_gone,
    sign_up_is_counted_to_its_subscription,
    refused_calls_add_up,
    empty_ledger_has_days_without_counts,
);

/// The day of [`NOW`], in UTC.
fn today() -> DaySpan {
    DaySpan::of(parse_day("2026-11-18"), &OperatorTimeZone::default())
}

/// Counts a day as of so many seconds from now.
async fn count(db: &TestStore, span: DaySpan, at_seconds: i64) {
    db.store.count_day(NOW.plus_seconds(at_seconds), span).await.expect("works");
}

/// Outcome, reason, number and sum of what was counted of a day.
async fn counted(db: &TestStore, span: DaySpan) -> Vec<(CountedOutcome, Option<DeclineReason>, i64, i64)> {
    let counts = db.store.list_charge_counts(span.day, span.day).await.expect("works");
    let of = |count: ChargeCount| {
        assert_eq!((count.day, &count.partner, count.charge_code), (span.day, &partner_id("netflix"), None));
        assert_eq!(count.amount.currency.as_str(), "USD");
        (count.outcome, count.reason, count.count, count.amount.amount_minor)
    };
    counts.into_iter().map(of).collect()
}

async fn day_counts_what_was_settled_on_it(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    for n in 1..=3 {
        db.post_approved_charge(pai, &format!("n-{n}"), 1599).await;
    }
    let hold = DeclineReason::AccountOnHold;
    let id = db.post_new_charge(new_charge(pai, "n-4", 900)).await;
    db.store.answer_transaction(NOW, id, declined(hold)).await.expect("works");
    db.post_new_charge(new_charge(pai, "n-pending", 700)).await;
    let late = db.post_new_charge(new_charge(pai, "n-tomorrow", 500)).await;
    db.store.answer_transaction(NOW.plus_seconds(86_400), late, done()).await.expect("works");
    let refund = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    db.store.answer_refund(NOW, refund, done()).await.expect("works");
    let no_refund = db.post_new_refund(new_refund("n-2", "r-2", Some(600))).await;
    db.store.answer_refund(NOW, no_refund, refused()).await.expect("works");

    count(&db, today(), 90_000).await;
    let expected = [
        (CountedOutcome::Approved, None, 3, 4_797),
        (CountedOutcome::Declined, Some(hold), 1, 900),
        (CountedOutcome::Refunded, None, 1, 600),
    ];
    assert_eq!(counted(&db, today()).await, expected);
    let tomorrow = DaySpan::of(parse_day("2026-11-19"), &OperatorTimeZone::default());
    count(&db, tomorrow, 90_000).await;
    assert_eq!(counted(&db, tomorrow).await, [(CountedOutcome::Approved, None, 1, 500)]);
}

async fn day_that_is_counted_again_says_what_is_there_now(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_approved_charge(pai, "n-1", 1599).await;
    for at in [1, 2, 2] {
        count(&db, today(), at).await;
        assert_eq!(counted(&db, today()).await, [(CountedOutcome::Approved, None, 1, 1_599)], "{at}");
    }
    // One that was settled at the end of the day, and committed after it was counted.
    let late = db.post_new_charge(new_charge(pai, "n-late", 1)).await;
    db.store.answer_transaction(NOW.plus_seconds(3), late, done()).await.expect("works");
    count(&db, today(), 4).await;
    assert_eq!(counted(&db, today()).await, [(CountedOutcome::Approved, None, 2, 1_600)]);
    let days = db.store.list_counted_days(today().day, today().day).await.expect("works");
    assert_eq!(
        days.iter().map(|day| (day.span, day.counted_at)).collect::<Vec<_>>(),
        [(today(), NOW.plus_seconds(4))]
    );
}

async fn count_of_an_earlier_time_replaces_none_of_a_later_one(db: TestStore) {
    let other = db.second_origin().await;
    let pai = db.sign_up_subscriber(1).await.pai;
    db.post_approved_charge(pai, "n-1", 1599).await;
    count(&db, today(), 100).await;
    // An origin that has looked before the charge, and writes after it.
    other.count_day(NOW.plus_seconds(-1), today()).await.expect("works");
    assert_eq!(counted(&db, today()).await.len(), 1);
    // A clock that was a year ahead has counted the day: it does not stand for a year.
    count(&db, today(), 365 * 86_400).await;
    db.post_approved_charge(pai, "n-2", 1599).await;
    count(&db, today(), 200).await;
    assert_eq!(counted(&db, today()).await, [(CountedOutcome::Approved, None, 2, 3_198)]);
}

async fn days_end_in_the_operators_time_zone(db: TestStore) {
    let zone = OperatorTimeZone::try_from("Asia/Kolkata".to_owned()).expect("is a zone");
    let pai = db.sign_up_subscriber(1).await.pai;
    // 18:29:59 and 18:30:00 in UTC.
    for (n, seconds) in [26_599, 26_600].into_iter().enumerate() {
        let id = db.post_new_charge(new_charge(pai, &format!("n-{n}"), 100)).await;
        db.store.answer_transaction(NOW.plus_seconds(seconds), id, done()).await.expect("works");
    }
    for day in ["2026-11-18", "2026-11-19"] {
        let span = DaySpan::of(parse_day(day), &zone);
        count(&db, span, 2 * 86_400).await;
        assert_eq!(counted(&db, span).await, [(CountedOutcome::Approved, None, 1, 100)], "{day}");
    }
    // The operator moves: the bounds of the day are others, and it is counted again.
    count(&db, today(), 2 * 86_400 + 1).await;
    assert_eq!(counted(&db, today()).await, [(CountedOutcome::Approved, None, 2, 200)]);
}

/// Channel, proof, step and number of what was counted, with the flows that are there.
async fn visits(db: &TestStore) -> Vec<(VisitChannel, Option<MandateProof>, VisitStep, i64)> {
    let day = today().day;
    let mut counts = db.store.list_visit_counts(day, day, vec![today()]).await.expect("works");
    counts.sort_by_key(|count| (count.channel as u8, count.proof.map(|proof| proof as u8), count.step as u8));
    counts
        .into_iter()
        .map(|count: VisitCount| (count.channel, count.proof, count.step, count.count))
        .collect()
}

async fn visit_is_counted_once_before_and_after_its_flow_is_gone(db: TestStore) {
    let start = async |flow: NewFlow| {
        let id = flow.flow;
        let started = db.store.start_flow(fresh_nonce(), NOW, flow).await.expect("works");
        assert_eq!(started, StartFlowResult::Started);
        id
    };
    let right = start(new_flow(1, Some([1; 32]))).await;
    assert!(matches!(db.store.try_pin(fresh_nonce(), NOW, right, [1; 32]).await, Ok(PinAttempt::Proven(_))));
    start(new_flow(2, Some([2; 32]))).await;
    start(new_flow(3, None)).await;
    start(device_flow("netflix", 4, [4; 32])).await;
    let own_page = Journey::Widget { offer: None, return_url: "https://my.acme.example/done".to_owned() };
    start(NewFlow { journey: own_page, ..new_flow(5, Some([5; 32])) }).await;

    let (pin, session) = (Some(MandateProof::Pin), Some(MandateProof::Session));
    let expected = [
        (VisitChannel::Widget, pin, VisitStep::Validated, 2),
        (VisitChannel::Widget, pin, VisitStep::PinIssued, 2),
        (VisitChannel::Widget, pin, VisitStep::PinRight, 1),
        (VisitChannel::Widget, session, VisitStep::Validated, 1),
        (VisitChannel::App, pin, VisitStep::PinIssued, 1),
    ];
    assert_eq!(visits(&db).await, expected);
    db.sweep(NOW.plus_seconds(86_399)).await;
    assert_eq!(visits(&db).await, expected, "they are there yet");
    for _ in 0..2 {
        db.sweep(NOW.plus_seconds(86_400)).await;
        assert_eq!(db.place.count_rows("flows").await, 0);
        assert_eq!(visits(&db).await, expected);
    }
    // The counts of the day itself leave them alone.
    count(&db, today(), 90_000).await;
    assert_eq!(visits(&db).await, expected);
    // A part of the day is there as flows, the rest as counts.
    start(new_flow(6, None)).await;
    assert!(visits(&db).await.contains(&(VisitChannel::Widget, session, VisitStep::Validated, 2)));
}

async fn sign_up_is_counted_to_its_subscription(db: TestStore) {
    let new = new_signup("netflix", 1, "2024-01-01");
    let jti = new.jti.clone();
    let issued = db.store.issue_signup(fresh_nonce(), NOW, new).await.expect("works");
    let IssueSignupResult::Issued(row) = issued else { panic!("not issued") };
    db.sign_up_subscriber(2).await;
    db.store
        .spend_token(fresh_nonce(), NOW, partner_id("netflix"), jti, parse_ext_id("visit-1"))
        .await
        .expect("works");
    let subscription = new_subscription(row.pai, "s-1");
    db.store
        .record_subscription(
            fresh_nonce(),
            NOW,
            partner_id("netflix"),
            "sub-1".to_owned(),
            subscription,
            subscription_terms(),
        )
        .await
        .expect("works");
    for at in [1, 2] {
        count(&db, today(), at).await;
        let pin = Some(MandateProof::Pin);
        let expected = [
            (VisitChannel::Widget, pin, VisitStep::SignupBegun, 2),
            (VisitChannel::Widget, pin, VisitStep::TokenSpent, 1),
            (VisitChannel::Widget, pin, VisitStep::Subscribed, 1),
        ];
        assert_eq!(visits(&db).await, expected);
    }
    let counts = db.store.list_visit_counts(today().day, today().day, Vec::new()).await.expect("works");
    assert!(counts.iter().all(|count| count.locale == Some(Locale::En)), "{counts:?}");
}

async fn refused_calls_add_up(db: TestStore) {
    let refused =
        |count| RefusedVisits { channel: VisitChannel::App, refusal: "account-not-eligible", count };
    for more in [2, 3] {
        db.store.add_refused_visits(today().day, vec![refused(more)]).await.expect("works");
    }
    count(&db, today(), 1).await;
    assert_eq!(visits(&db).await, [(VisitChannel::App, None, VisitStep::Refused, 5)]);
    let counts = db.store.list_visit_counts(today().day, today().day, Vec::new()).await.expect("works");
    assert_eq!(counts[0].refusal.as_deref(), Some("account-not-eligible"));
}

async fn empty_ledger_has_days_without_counts(db: TestStore) {
    count(&db, today(), 0).await;
    assert!(counted(&db, today()).await.is_empty() && visits(&db).await.is_empty());
    assert_eq!(db.store.list_counted_days(today().day, today().day).await.expect("works").len(), 1);
}
