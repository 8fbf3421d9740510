//! Reports of a month that were kept, and the pages of the audit and of the origins.

use crate::audit::stamp;
use crate::test_store::TestStore;
use crate::test_values::{NOW, fresh_nonce, parse_day, parse_ext_id, partner_id, sealed_number};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::AuditAct;
use onbill_origin::build_info::version_line;
use onbill_origin::instruments::Alarm;
use onbill_origin::store::{AuditFilter, AuditStamp, KeptFinding, KeptReport, OriginStatus, ReportKind};

on_each_database!(
    newer_report_takes_the_place_of_the_older_one,
    reports_of_the_days_are_listed,
    findings_are_read_by_cause_and_page,
    audit_is_listed_from_its_end_by_one_thing,
    origins_say_what_they_are_and_since_when,
);

fn report(kind: ReportKind, from: &str, to: &str, made_at: Timestamp) -> KeptReport {
    KeptReport {
        kind,
        partner: partner_id("netflix"),
        from: parse_day(from),
        to: parse_day(to),
        made_at,
        report: format!("{{\"madeAt\":{}}}", made_at.unix_seconds()),
    }
}

fn finding(place: i64, cause: &str) -> KeptFinding {
    KeptFinding { place, cause: cause.to_owned(), finding: format!("[\"{place}\"]") }
}

async fn newer_report_takes_the_place_of_the_older_one(db: TestStore) {
    let november = |at| report(ReportKind::Reconciliation, "2026-11-01", "2026-11-30", at);
    let keep =
        async |report: KeptReport, findings| db.store.keep_report(report, findings).await.expect("works");
    keep(november(NOW), vec![finding(0, "missing-on-bill"), finding(1, "missing-on-bill")]).await;
    let settlement = report(ReportKind::Settlement, "2026-11-01", "2026-11-30", NOW);
    keep(settlement.clone(), Vec::new()).await;
    let later = november(NOW.plus_seconds(60));
    keep(later.clone(), vec![finding(0, "only-on-bill")]).await;

    let day = parse_day("2026-11-18");
    assert_eq!(db.store.list_kept_reports(day, day).await, Ok(vec![later, settlement]));
    let period = [parse_day("2026-11-01"), parse_day("2026-11-30")];
    let of =
        |cause: &str| db.store.list_kept_findings(partner_id("netflix"), period, cause.to_owned(), None, 9);
    assert_eq!(of("missing-on-bill").await, Ok(Vec::new()));
    assert_eq!(of("only-on-bill").await, Ok(vec![finding(0, "only-on-bill")]));
}

async fn reports_of_the_days_are_listed(db: TestStore) {
    for (from, to) in
        [("2026-10-01", "2026-10-31"), ("2026-10-25", "2026-11-01"), ("2026-12-01", "2026-12-01")]
    {
        db.store.keep_report(report(ReportKind::Settlement, from, to, NOW), Vec::new()).await.expect("works");
    }
    let listed = async |from, to| {
        let reports = db.store.list_kept_reports(parse_day(from), parse_day(to)).await.expect("works");
        reports.iter().map(|report| report.from.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed("2026-11-01", "2026-11-30").await, ["2026-10-25"]);
    assert_eq!(listed("2026-10-01", "2026-12-31").await.len(), 3);
    assert!(listed("2026-11-02", "2026-11-30").await.is_empty());
}

async fn findings_are_read_by_cause_and_page(db: TestStore) {
    let findings = (0..10).map(|n| finding(n, if n % 2 == 0 { "missing-on-bill" } else { "only-on-bill" }));
    let report = report(ReportKind::Reconciliation, "2026-11-01", "2026-11-30", NOW);
    db.store.keep_report(report, findings.collect()).await.expect("works");
    let period = [parse_day("2026-11-01"), parse_day("2026-11-30")];
    let mut places = Vec::new();
    let mut after = None;
    loop {
        let cause = "missing-on-bill".to_owned();
        let page =
            db.store.list_kept_findings(partner_id("netflix"), period, cause, after, 2).await.expect("works");
        let Some(last) = page.last() else { break };
        after = Some(last.place);
        assert!(page.len() <= 2);
        places.extend(page.iter().map(|finding| finding.place));
    }
    assert_eq!(places, [0, 2, 4, 6, 8]);
}

async fn audit_is_listed_from_its_end_by_one_thing(db: TestStore) {
    let handle = db.sign_up_subscriber(1).await.handle;
    for n in [1, 2, 1] {
        let number = sealed_number(n).index;
        let subscriber_ref = Some("2024-01-01".to_owned());
        db.store
            .look_up_for_desk(fresh_nonce(), NOW, stamp("T-1"), number, subscriber_ref)
            .await
            .expect("works");
    }
    let other = AuditStamp { actor: parse_ext_id("admin-1"), ..stamp("T-2") };
    db.store.close_seen_alarms(NOW, other, Alarm::DiskLow, None).await.expect("works");
    let list = async |filter, before, limit| {
        let lines = db.store.list_newest_audit_lines(filter, before, limit).await.expect("works");
        lines.iter().map(|line| line.sequence).collect::<Vec<_>>()
    };
    assert_eq!(list(AuditFilter::All, None, 9).await, [4, 3, 2, 1]);
    assert_eq!(list(AuditFilter::All, None, 2).await, [4, 3]);
    assert_eq!(list(AuditFilter::All, Some(3), 2).await, [2, 1]);
    assert_eq!(list(AuditFilter::Actor(parse_ext_id("admin-1")), None, 9).await, [4]);
    assert_eq!(list(AuditFilter::Act(AuditAct::SubscriberLookedUp), Some(3), 9).await, [2, 1]);
    assert_eq!(list(AuditFilter::Subscriber(handle), None, 9).await, [3, 1]);
    assert!(list(AuditFilter::Subscriber("' OR ''='".to_owned()), None, 9).await.is_empty());
}

async fn origins_say_what_they_are_and_since_when(db: TestStore) {
    let since = NOW.plus_seconds(-60);
    for (at, started_at) in [(NOW, NOW), (NOW.plus_seconds(2), since)] {
        db.store.check_writable(at, "a".to_owned(), started_at).await.expect("works");
    }
    db.store.check_writable(NOW, "b".to_owned(), NOW).await.expect("works");
    let origin = |instance: &str, started_at, seen_at| OriginStatus {
        instance: instance.to_owned(),
        version: version_line().to_owned(),
        started_at,
        seen_at,
    };
    let expected = vec![origin("a", since, NOW.plus_seconds(2)), origin("b", NOW, NOW)];
    assert_eq!(db.store.list_origins().await, Ok(expected));
}
