//! What an operator's staff read and repair in the ledger: pages in order, rows by id, dead
//! letters, PAIs that end.

use crate::outcome::{dead_letter, done, later, refused};
use crate::test_store::{TestStore, new_charge, new_refund, new_signup};
use crate::test_values::{NOW, fresh_nonce, fresh_pai, parse_ext_id, partner_id, usd};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_origin::store::{
    ClosePaiResult, Cursor, IssueSignupResult, Job, LookupIds, Period, RedriveResult, RedriveTarget,
    ReportDate, ReportFilter, ReportedCharge,
};

on_each_database!(
    pages_have_every_line_of_the_period_once_and_in_order,
    a_line_is_in_the_period_of_either_of_its_times,
    a_line_is_found_by_either_of_its_names_and_by_its_own_partner_only,
    a_refund_knows_what_was_given_back_before_it,
    dead_letter_is_listed_and_redriven,
    a_job_is_redriven_once,
    redrive_without_a_dead_letter_is_not_needed,
    a_person_ends_a_pai_once_and_for_one_reason,
);

fn at(second: i64) -> Timestamp {
    NOW.plus_seconds(second)
}

fn select_charges(
    from: i64,
    until: i64,
    dated: ReportDate,
    status: Option<TransactionStatus>,
) -> ReportFilter {
    let period = Period { from: at(from), until: at(until) };
    ReportFilter { partner: partner_id("netflix"), period, dated, status }
}

/// All pages of charges, of two lines each.
async fn read_charges(db: &TestStore, select: ReportFilter) -> Vec<ReportedCharge> {
    let mut lines = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = db.store.list_charges(select.clone(), after.take(), 2).await.expect("works");
        assert!(page.lines.len() <= 2);
        lines.extend(page.lines);
        match page.next {
            Some(next) => after = Some(next),
            None => return lines,
        }
    }
}

fn ext_ids(lines: &[ReportedCharge]) -> Vec<&str> {
    lines.iter().map(|line| line.ext_transaction_id.as_str()).collect()
}

/// A charge that was posted at one second and, perhaps, approved at another.
async fn post_charge_at(db: &TestStore, ext_id: &str, created: i64, settled: Option<i64>) -> String {
    let subscriber = db.sign_up_subscriber(1).await;
    let new = new_charge(subscriber.pai, ext_id, 1599);
    let id = new.transaction_id.clone();
    db.store.post_charge(fresh_nonce(), at(created), new).await.expect("works");
    if let Some(settled) = settled {
        db.store.answer_transaction(at(settled), id.clone(), done()).await.expect("works");
    }
    id
}

async fn pages_have_every_line_of_the_period_once_and_in_order(db: TestStore) {
    // Three of the same second: the id decides then.
    for (n, second) in [5, 0, 3, 3, 3, 9, 10, -1].into_iter().enumerate() {
        post_charge_at(&db, &format!("n-{n}"), second, None).await;
    }
    let other =
        db.store.issue_signup(fresh_nonce(), NOW, new_signup("hulu", 2, "2024-01-01")).await.expect("works");
    let IssueSignupResult::Issued(other) = other else { panic!("not issued") };
    let mut foreign = new_charge(other.pai, "n-0", 1599);
    foreign.partner = partner_id("hulu");
    db.store.post_charge(fresh_nonce(), at(4), foreign).await.expect("works");

    let lines = read_charges(&db, select_charges(0, 10, ReportDate::Created, None)).await;
    let keys: Vec<_> = lines.iter().map(|line| (line.created_at, line.transaction_id.clone())).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    assert_eq!((ext_ids(&lines)[0], ext_ids(&lines)[4], ext_ids(&lines)[5]), ("n-1", "n-0", "n-5"));
    let mut same_second = ext_ids(&lines)[1..4].to_vec();
    same_second.sort_unstable();
    assert_eq!((lines.len(), same_second), (6, vec!["n-2", "n-3", "n-4"]));
}

async fn a_line_is_in_the_period_of_either_of_its_times(db: TestStore) {
    post_charge_at(&db, "before", -5, Some(5)).await;
    post_charge_at(&db, "within", 1, Some(2)).await;
    post_charge_at(&db, "after", 9, Some(20)).await;
    post_charge_at(&db, "pending", 3, None).await;
    let of = |dated, status| read_charges(&db, select_charges(0, 10, dated, status));
    assert_eq!(ext_ids(&of(ReportDate::Created, None).await), ["within", "pending", "after"]);
    assert_eq!(ext_ids(&of(ReportDate::Settled, None).await), ["within", "before"]);
    assert_eq!(ext_ids(&of(ReportDate::Created, Some(TransactionStatus::Pending)).await), ["pending"]);
    assert_eq!(
        ext_ids(&of(ReportDate::Created, Some(TransactionStatus::Approved)).await),
        ["within", "after"]
    );
    assert!(of(ReportDate::Settled, Some(TransactionStatus::Declined)).await.is_empty());
}

async fn a_line_is_found_by_either_of_its_names_and_by_its_own_partner_only(db: TestStore) {
    let id = post_charge_at(&db, "n-1", 0, Some(1)).await;
    post_charge_at(&db, "n-2", 0, None).await;
    let refund_id = db.post_new_refund(new_refund("n-1", "r-1", Some(600))).await;
    let charges = |who, names| db.store.find_charges_by_id(partner_id(who), names);
    let refunds = |who, names| db.store.find_refunds_by_id(partner_id(who), names);
    let ours = |id: &str| LookupIds::Internal(vec![id.to_owned(), "nobody".to_owned()]);
    let theirs = |id: &str| LookupIds::External(vec![parse_ext_id("nobody"), parse_ext_id(id)]);

    let by_ours = charges("netflix", ours(&id)).await.expect("works");
    assert_eq!(by_ours, charges("netflix", theirs("n-1")).await.expect("works"));
    let [line] = &by_ours[..] else { panic!("not one: {by_ours:?}") };
    assert_eq!((line.amount, line.tax_minor, line.status), (usd(1599), 0, TransactionStatus::Approved));
    assert_eq!((line.created_at, line.settled_at), (at(0), Some(at(1))));

    let by_ours = refunds("netflix", ours(&refund_id)).await.expect("works");
    assert_eq!(by_ours, refunds("netflix", theirs("r-1")).await.expect("works"));
    let [line] = &by_ours[..] else { panic!("not one: {by_ours:?}") };
    assert_eq!((line.amount, line.charged_minor), (usd(600), 1599));
    assert_eq!((line.transaction_id.as_str(), line.ext_transaction_id.as_str()), (id.as_str(), "n-1"));

    assert!(charges("hulu", ours(&id)).await.expect("works").is_empty());
    assert!(refunds("hulu", theirs("r-1")).await.expect("works").is_empty());
}

async fn a_refund_knows_what_was_given_back_before_it(db: TestStore) {
    post_charge_at(&db, "n-1", 0, Some(0)).await;
    for (n, (amount, settled, outcome)) in
        [(500, 30, done()), (300, 10, done()), (99, 5, refused()), (700, 20, done())].into_iter().enumerate()
    {
        let id = db.post_new_refund(new_refund("n-1", &format!("r-{n}"), Some(amount))).await;
        db.store.answer_refund(at(settled), id, outcome).await.expect("works");
    }
    db.post_new_refund(new_refund("n-1", "r-pending", Some(1))).await;
    let refunds = |dated| db.store.list_refunds(select_charges(0, 60, dated, None), None, 9);
    let lines = refunds(ReportDate::Settled).await.expect("works").lines;
    let given: Vec<_> = lines
        .iter()
        .filter(|line| line.status == TransactionStatus::Approved)
        .map(|line| (line.ext_refund_id.as_str(), line.refunded_before_minor))
        .collect();
    assert_eq!(given, [("r-1", 0), ("r-3", 300), ("r-0", 1000)]);
    assert_eq!((lines.len(), refunds(ReportDate::Created).await.expect("works").lines.len()), (4, 5));
}

async fn dead_letter_is_listed_and_redriven(db: TestStore) {
    let first = post_charge_at(&db, "n-1", 0, None).await;
    db.store.answer_transaction(NOW, first.clone(), dead_letter()).await.expect("works");
    post_charge_at(&db, "n-2", 0, Some(0)).await;
    let second = db.post_new_refund(new_refund("n-2", "r-2", None)).await;
    assert_eq!(db.lease_due(1000).await.len(), 1);
    db.store.answer_refund(at(60), second.clone(), dead_letter()).await.expect("works");
    assert_eq!(db.store.dead_letters(None, 9).await.expect("works").len(), 1, "another attempt has it");
    let leased = db.lease_due(2000).await;
    assert_eq!(leased.len(), 1, "{leased:?}");
    db.settle_job(at(60), leased[0].clone(), dead_letter()).await.expect("works");

    let parked = db.store.dead_letters(None, 9).await.expect("works");
    let seen: Vec<_> = parked.iter().map(|entry| (entry.kind.as_str(), entry.id.as_str())).collect();
    assert_eq!(seen, [("charge", first.as_str()), ("refund", second.as_str())]);
    assert_eq!((parked[0].ext_id.as_str(), parked[0].attempts, parked[0].dead_lettered_at), ("n-1", 1, NOW));
    assert_eq!((parked[1].ext_id.as_str(), parked[1].dead_lettered_at), ("r-2", at(60)));
    let next = db.store.dead_letters(Some(parked[0].job_id), 9).await.expect("works");
    assert_eq!(next, parked[1..]);

    assert!(db.store.redrive_dead_letter(at(70), parked[0].job_id).await.expect("works"));
    assert!(
        !db.store.redrive_dead_letter(at(70), parked[0].job_id).await.expect("works"),
        "it is parked no more"
    );
    assert!(!db.store.redrive_dead_letter(at(70), 999_999).await.expect("works"));
    let due = db.lease_due(70).await;
    assert_eq!(due.len(), 1);
    assert!(matches!(&due[0].job, Job::Charge { transaction_id } if *transaction_id == first));
    assert_eq!(due[0].attempts, 2, "it may be at billing: it is looked up first");
}

async fn a_job_is_redriven_once(db: TestStore) {
    let redrive = |target: &RedriveTarget| db.store.redrive(at(60), target.clone());
    let twice = async |target: RedriveTarget, first: RedriveResult| {
        assert_eq!(redrive(&target).await.expect("works"), first);
        assert_eq!(redrive(&target).await.expect("works"), RedriveResult::InProgress);
    };
    let id = post_charge_at(&db, "n-1", 0, None).await;
    for seconds in [30, 60] {
        let leased = db.store.redrive(at(seconds), RedriveTarget::Charge(id.clone())).await;
        assert_eq!(leased, Ok(RedriveResult::InProgress), "it is leased, or due by now");
    }
    db.store.answer_transaction(NOW, id.clone(), later(86_400)).await.expect("works");
    twice(RedriveTarget::Charge(id), RedriveResult::MadeDue).await;

    let id = post_charge_at(&db, "n-2", 0, None).await;
    db.store.answer_transaction(NOW, id.clone(), dead_letter()).await.expect("works");
    twice(RedriveTarget::Charge(id), RedriveResult::Redriven).await;

    let id = post_charge_at(&db, "n-3", 0, None).await;
    db.place.run_sql(&format!("DELETE FROM outbox WHERE transaction_id = '{id}'")).await;
    twice(RedriveTarget::Charge(id), RedriveResult::Requeued).await;

    let id = post_charge_at(&db, "n-4", 0, Some(1)).await;
    twice(RedriveTarget::ChargeWebhook(id), RedriveResult::Requeued).await;
    let id = db.post_new_refund(new_refund("n-4", "r-4", Some(1))).await;
    db.store.answer_refund(NOW, id.clone(), later(86_400)).await.expect("works");
    twice(RedriveTarget::Refund(id), RedriveResult::MadeDue).await;
    let id = db.post_new_refund(new_refund("n-4", "r-5", None)).await;
    db.store.answer_refund(NOW, id.clone(), done()).await.expect("works");
    twice(RedriveTarget::RefundWebhook(id), RedriveResult::Requeued).await;

    // The next lease of a redriven job queries billing first.
    let due = db.lease_due(60).await;
    assert_eq!(due.len(), 6);
    assert!(due.iter().all(|entry| entry.attempts >= 2), "{due:?}");
}

async fn redrive_without_a_dead_letter_is_not_needed(db: TestStore) {
    let settled = post_charge_at(&db, "n-1", 0, Some(1)).await;
    let pending = post_charge_at(&db, "n-2", 0, None).await;
    for target in [
        RedriveTarget::Charge(settled.clone()),
        RedriveTarget::ChargeWebhook(pending),
        RedriveTarget::Charge("nobody".to_owned()),
        RedriveTarget::Refund(settled.clone()),
        RedriveTarget::RefundWebhook(settled),
    ] {
        assert_eq!(db.store.redrive(NOW, target).await.expect("works"), RedriveResult::NotNeeded);
    }
    assert!(db.lease_due(0).await.is_empty());
}

async fn a_person_ends_a_pai_once_and_for_one_reason(db: TestStore) {
    let subscriber = db.sign_up_subscriber(1).await;
    let close = |who, pai, reason| db.store.close_pai(NOW, partner_id(who), pai, reason);
    let (fraud, revoked) = (DeclineReason::AccountClosedFraud, DeclineReason::PaiRevokedByUser);
    for (who, pai, reason, end) in [
        ("netflix", subscriber.pai, DeclineReason::RiskDeclined, ClosePaiResult::NotAClosingReason),
        ("hulu", subscriber.pai, fraud, ClosePaiResult::NotFound),
        ("netflix", fresh_pai(), fraud, ClosePaiResult::NotFound),
        ("netflix", subscriber.pai, fraud, ClosePaiResult::Closed),
        ("netflix", subscriber.pai, revoked, ClosePaiResult::AlreadyClosed(fraud)),
    ] {
        assert_eq!(close(who, pai, reason).await.expect("works"), end);
    }
    let row =
        db.store.find_pai(partner_id("netflix"), subscriber.pai).await.expect("works").expect("is there");
    assert_eq!((row.state, row.version), (PaiState::Closed, 2));
}
