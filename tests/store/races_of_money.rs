//! Several origins that charge, refund and settle concurrently: no id twice, no limit exceeded, no
//! refund of more than is left, and correct sums afterwards.

use crate::outcome::{AttemptOutcome, dead_letter, declined, done, later, refused, retry_at, settle_attempt};
use crate::races::{at_once, how_many};
use crate::test_store::{TestStore, job_name, new_charge, new_refund, new_signup};
use crate::test_values::{NOW, fresh_nonce, parse_ext_id, partner_id, usd};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::spending::SpendingLimits;
use onbill_domain::wire::ott::{RefundResponse, TransactionStatus};
use onbill_origin::store::{
    IssueSignupResult, NewCharge, PostChargeResult, PostRefundResult, Queue, SettleResult,
};

on_each_database!(
    one_charge_posted_to_two_origins_is_created_once,
    the_first_answer_is_the_only_one,
    charges_at_once_never_pass_a_limit_together,
    refunds_at_once_never_give_back_more_than_there_was,
    one_refund_posted_to_two_origins_is_created_once,
    the_first_answer_of_a_refund_is_the_only_one,
    one_name_of_a_refund_is_one_refund_of_one_charge,
    one_of_many_who_learn_an_outcome_writes_it,
    what_comes_and_goes_at_once_adds_up,
);

fn per_day(new: NewCharge, day_minor: i64) -> NewCharge {
    NewCharge {
        limits: Some(SpendingLimits { day_minor: Some(day_minor), ..SpendingLimits::default() }),
        ..new
    }
}

async fn one_charge_posted_to_two_origins_is_created_once(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let calls = at_once(&db, 64, |store, _| async move {
        store.post_charge(fresh_nonce(), NOW, new_charge(subscriber.pai, "n-1", 1599)).await.expect("works")
    });
    let postings = calls.await;
    assert_eq!(how_many(&postings, |posting| matches!(posting, PostChargeResult::Created(_))), 1);
    assert_eq!(how_many(&postings, |posting| *posting == PostChargeResult::InProgress), 63);
    let later = NOW.plus_seconds(60);
    let entries = db.store.lease_due(Queue::All, later, later.plus_seconds(120), 64).await.expect("works");
    assert_eq!(entries.len(), 1, "one hand-off");
    // It counts once.
    let limit = 2 * 1599;
    db.post_new_charge(per_day(new_charge(subscriber.pai, "n-2", 1599), limit)).await;
    let over =
        db.store.post_charge(fresh_nonce(), NOW, per_day(new_charge(subscriber.pai, "n-3", 1), limit)).await;
    assert!(matches!(over, Ok(PostChargeResult::Declined(_))), "{over:?}");
}

/// The response to a charge is fixed by its own attempt, by a late one, or by a replay of a post
/// that was never answered.
async fn the_first_answer_is_the_only_one(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let id = db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    let after = NOW.plus_seconds(60);
    let calls = at_once(&db, 24, |store, n| {
        let id = id.clone();
        async move {
            let outcome = match n % 4 {
                0 => done(),
                1 => retry_at(after.plus_seconds(300)),
                2 => dead_letter(),
                _ => {
                    let again = new_charge(subscriber.pai, "n-1", 1599);
                    return match store.post_charge(fresh_nonce(), after, again).await.expect("works") {
                        PostChargeResult::Replayed(answer) => answer,
                        other => panic!("not replayed: {other:?}"),
                    };
                }
            };
            store.answer_transaction(after, id, outcome).await.expect("works").0
        }
    });
    let answers = calls.await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let now = db.store.find_charge_response(partner_id("netflix"), parse_ext_id("n-1")).await.expect("works");
    assert_eq!(now.map(|now| now.status), Some(TransactionStatus::Approved));
}

/// First while the account has never been charged, then while it has; at two partners, for that is
/// one account.
async fn charges_at_once_never_pass_a_limit_together(db: TestStore) {
    for n in 1..=4 {
        let netflix = db.sign_up_subscriber(n).await.pai;
        let issue = db.store.issue_signup(fresh_nonce(), NOW, new_signup("other", n, "2024-01-01")).await;
        let Ok(IssueSignupResult::Issued(other)) = issue else { panic!("no PAI: {issue:?}") };
        for (round, limit) in [(0, 500), (1, 800)] {
            let calls = at_once(&db, 16, |store, call| async move {
                let (who, pai) = if call % 4 < 2 { ("netflix", netflix) } else { ("other", other.pai) };
                let new = new_charge(pai, &format!("n-{n}-{round}-{call}"), 100);
                let new = NewCharge { partner: partner_id(who), ..per_day(new, limit) };
                store.post_charge(fresh_nonce(), NOW, new).await.expect("works")
            });
            let postings = calls.await;
            let created = how_many(&postings, |posting| matches!(posting, PostChargeResult::Created(_)));
            let declined = how_many(&postings, |posting| matches!(posting, PostChargeResult::Declined(_)));
            assert_eq!((created, declined), if round == 0 { (5, 11) } else { (3, 13) });
        }
    }
}

async fn refunds_at_once_never_give_back_more_than_there_was(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1000).await;
    let calls = at_once(&db, 64, |store, n| async move {
        let new = new_refund("n-1", &format!("r-{n}"), Some(150));
        store.post_refund(fresh_nonce(), NOW, new).await.expect("works")
    });
    let postings = calls.await;
    assert_eq!(how_many(&postings, |posting| matches!(posting, PostRefundResult::Created(_))), 6);
    let over = PostRefundResult::NotWithinRemainder { remaining: usd(100) };
    assert_eq!(how_many(&postings, |posting| *posting == over), 58);
    let rest = db.post_new_refund(new_refund("n-1", "r-rest", None)).await;
    let (answer, _) = db.store.answer_refund(NOW, rest, done()).await.expect("works");
    let answer: RefundResponse = serde_json::from_slice(&answer).expect("is an answer");
    assert_eq!((answer.amount, answer.remaining), (usd(100), usd(0)));
}

/// All of the charge: the second call must not be refused because nothing is left, for the refund is its
/// own.
async fn one_refund_posted_to_two_origins_is_created_once(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1599).await;
    let calls = at_once(&db, 64, |store, _| async move {
        store.post_refund(fresh_nonce(), NOW, new_refund("n-1", "r-1", None)).await.expect("works")
    });
    let postings = calls.await;
    assert_eq!(how_many(&postings, |posting| matches!(posting, PostRefundResult::Created(_))), 1);
    assert_eq!(how_many(&postings, |posting| *posting == PostRefundResult::InProgress), 63);
    assert_eq!(db.lease_due(60).await.len(), 1, "one hand-off");
}

/// As for a charge, but several refunds of one charge: what each response reports of the others
/// must be fixed as well.
async fn the_first_answer_of_a_refund_is_the_only_one(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-1", 1600).await;
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(db.post_new_refund(new_refund("n-1", &format!("r-{n}"), Some(200))).await);
    }
    let after = NOW.plus_seconds(60);
    let calls = at_once(&db, 64, |store, n| {
        let id = ids[n / 8].clone();
        async move {
            let outcome = match n % 8 {
                0 | 1 if n / 8 % 2 == 0 => done(),
                0 | 1 => refused(),
                2 | 3 => later(400),
                _ => {
                    let again = new_refund("n-1", &format!("r-{}", n / 8), Some(200));
                    return match store.post_refund(fresh_nonce(), after, again).await.expect("works") {
                        PostRefundResult::Replayed(answer) => answer,
                        other => panic!("not replayed: {other:?}"),
                    };
                }
            };
            store.answer_refund(after, id, outcome).await.expect("works").0
        }
    });
    for answers in calls.await.chunks(8) {
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    let last = new_refund("n-1", "r-last", None);
    let posting = db.store.post_refund(fresh_nonce(), NOW, last).await.expect("works");
    assert!(matches!(posting, PostRefundResult::Created(back) if back.amount == usd(800)), "half came back");
}

async fn one_name_of_a_refund_is_one_refund_of_one_charge(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    for n in 0..4 {
        db.post_approved_charge(subscriber.pai, &format!("n-{n}"), 1599).await;
    }
    let calls = at_once(&db, 32, |store, n| async move {
        let new = new_refund(&format!("n-{}", n % 4), "r-1", None);
        store.post_refund(fresh_nonce(), NOW, new).await.expect("works")
    });
    let postings = calls.await;
    assert_eq!(how_many(&postings, |posting| matches!(posting, PostRefundResult::Created(_))), 1);
    assert_eq!(how_many(&postings, |posting| *posting == PostRefundResult::InProgress), 7);
    assert_eq!(how_many(&postings, |posting| *posting == PostRefundResult::Conflict), 24);
    // The other charges have all of it left.
    let left = async |n: usize| {
        let posting = db.store.post_refund(
            fresh_nonce(),
            NOW,
            new_refund(&format!("n-{n}"), &format!("r-2-{n}"), None),
        );
        matches!(posting.await, Ok(PostRefundResult::Created(new)) if new.amount == usd(1599))
    };
    let whole = [left(0).await, left(1).await, left(2).await, left(3).await];
    assert_eq!(how_many(&whole, |whole| *whole), 3);
}

/// The post's own response and the leases of several origins, some of which got a different
/// outcome.
async fn one_of_many_who_learn_an_outcome_writes_it(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    db.post_approved_charge(subscriber.pai, "n-0", 1599).await;
    db.post_new_charge(new_charge(subscriber.pai, "n-1", 1599)).await;
    db.post_new_refund(new_refund("n-0", "r-1", None)).await;
    let leased = [db.lease_due(60).await, db.lease_due(180).await].concat();
    let calls = at_once(&db, 32, |store, n| {
        let entry = leased[n % 4].clone();
        let is_charge = n % 2 == 0;
        let outcome: AttemptOutcome = match (n / 4 % 4, is_charge) {
            (0 | 1, _) => done(),
            (2, true) => declined(DeclineReason::InsufficientBalance),
            (2, false) => refused(),
            _ => later(400),
        };
        async move {
            let is_decision = outcome.is_decision();
            (is_charge, is_decision, settle_attempt(&store, NOW, entry, outcome).await.expect("works"))
        }
    });
    let settled = calls.await;
    for kind in [true, false] {
        let written = (kind, true, SettleResult::Written);
        assert_eq!(how_many(&settled, |one| *one == written), 1, "{settled:?}");
    }
    let left: Vec<_> = db.lease_due(1_000_000).await.iter().map(|entry| job_name(entry).0).collect();
    assert_eq!(left, ["charge-notice", "refund-notice"], "each is reported once, and the rest is gone");
}

/// Charges are posted, declined and refunded concurrently, all of one account. There is no
/// deadlock, which would fail the call, and what is left of the limit is exactly what is not
/// charged.
async fn what_comes_and_goes_at_once_adds_up(db: TestStore) {
    let pai = db.sign_up_subscriber(1).await.pai;
    let (mut charged, mut refunds) = (Vec::new(), Vec::new());
    for n in 0..16 {
        if n % 2 == 0 {
            charged.push(db.post_new_charge(new_charge(pai, &format!("n-{n}"), 100)).await);
        } else {
            db.post_approved_charge(pai, &format!("n-{n}"), 100).await;
            refunds
                .push(db.post_new_refund(new_refund(&format!("n-{n}"), &format!("r-{n}"), Some(40))).await);
        }
    }
    at_once(&db, 48, |store, n| {
        let (charged, refunded) = (charged[n / 2 % 8].clone(), refunds[n / 2 % 8].clone());
        async move {
            match n % 6 {
                0 | 1 => {
                    let reason = DeclineReason::InsufficientBalance;
                    store.answer_transaction(NOW, charged, declined(reason)).await.expect("works");
                }
                2 | 3 => {
                    store.answer_refund(NOW, refunded, done()).await.expect("works");
                }
                4 => {
                    let new = new_charge(pai, &format!("n-new-{n}"), 100);
                    store.post_charge(fresh_nonce(), NOW, new).await.expect("works");
                }
                _ => {
                    let new = new_refund(&format!("n-{}", n / 6 * 2 + 1), &format!("r-new-{n}"), Some(10));
                    store.post_refund(fresh_nonce(), NOW, new).await.expect("works");
                }
            }
        }
    })
    .await;
    // The open ones are settled now: eight charges and eight new ones stay, less eight refunds.
    for id in charged {
        let declined = declined(DeclineReason::InsufficientBalance);
        db.store.answer_transaction(NOW, id, declined).await.expect("works");
    }
    for id in refunds {
        db.store.answer_refund(NOW, id, done()).await.expect("works");
    }
    let spent = 8 * 100 + 8 * 100 - 8 * 40;
    let over =
        db.store.post_charge(fresh_nonce(), NOW, per_day(new_charge(pai, "n-over", 2), spent + 1)).await;
    assert!(matches!(over, Ok(PostChargeResult::Declined(_))), "{over:?}");
    db.post_new_charge(per_day(new_charge(pai, "n-fits", 1), spent + 1)).await;
}
