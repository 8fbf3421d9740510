//! Repair: what a query or a webhook can repair is scheduled once; everything else is left alone.

use crate::ledger_file::{
    FROM, LedgerCharge, LedgerFile, LedgerRefund, NOW, UNTIL, clock_at_now, hulu, netflix, november, pai_of,
};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::Clock;
use onbill_origin::reconciliation::Side;
use onbill_origin::reconciliation::file::ReportedLedger;
use onbill_origin::reconciliation::{
    Cause, Finding, Reconciliation, RefundedBy, Repair, RepairOutcome, Summary,
};
use onbill_origin::store::Store;
use rusqlite::params;
use std::sync::atomic::{AtomicI64, Ordering};

const STATEMENT: &str = "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status\n";
const EXTRACT: &str = "kind,transactionID,refundID,amount_minor,currency\n";

fn charge_row(id: &str, status: &'static str) -> LedgerCharge {
    let settled = (status != "PENDING").then_some(FROM + 20);
    LedgerCharge {
        partner: "netflix",
        id: format!("t-{id}"),
        ext_id: id.to_owned(),
        pai: pai_of(1),
        amount: 1599,
        tax: None,
        charge_code: None,
        currency: "USD",
        status,
        created: FROM + 10,
        settled,
    }
}

/// All of the outbox.
fn read_outbox(ledger: &LedgerFile) -> Vec<(i64, String, String, i64, i64, bool)> {
    let connection = ledger.open_connection();
    let mut select = connection
        .prepare(
            "SELECT job_id, kind, coalesce(transaction_id, refund_id), due_at, attempts, dead_lettered_at IS NOT NULL
             FROM outbox ORDER BY job_id",
        )
        .expect("is SQL");
    let rows = select.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
    });
    rows.expect("reads").collect::<Result<_, _>>().expect("reads")
}

async fn run_repair(
    store: &Store,
    clock: &dyn Clock,
    statement: &str,
    informs_partner: bool,
) -> (Summary, Vec<Finding>) {
    let read = |side, text: &str| {
        ReportedLedger::read(side, text.as_bytes(), |why| panic!("{why}"), |_| {}).expect("is a book")
    };
    let job = Reconciliation {
        store,
        partner: netflix(),
        others: vec![hulu()],
        period: november(),
        clock,
        pending_seconds_max: 86_400,
        repair: Some(Repair { informs_partner }),
    };
    let (statement, extract) = (read(Side::Partner, statement), read(Side::Bill, EXTRACT));
    let mut findings = Vec::new();
    let summary = job.run(statement, extract, |finding| findings.push(finding), |_| {}).await.expect("works");
    (summary, findings)
}

#[tokio::test]
async fn stuck_charge_is_redriven_once_without_moving_money() {
    let ledger = LedgerFile::new();
    let charges = [
        charge_row("parked", "PENDING"),
        charge_row("put-off", "PENDING"),
        charge_row("lost", "PENDING"),
        charge_row("leased", "PENDING"),
        charge_row("untold", "APPROVED"),
        charge_row("contradicted", "APPROVED"),
        charge_row("declined", "DECLINED"),
    ];
    let refund = LedgerRefund {
        id: "f-1".to_owned(),
        ext_id: "r-1".to_owned(),
        charge: 5,
        amount: 600,
        status: "PENDING",
        created: FROM + 30,
        settled: None,
    };
    ledger.insert_rows(&charges, &[refund]);
    let store = ledger.open_store();
    let now = NOW.unix_seconds();
    for (id, due_at, attempts, dead_lettered_at) in [
        ("t-parked", 0, 7, Some(UNTIL)),
        ("t-put-off", now + 80_000, 4, None),
        ("t-leased", now + 60, 3, None),
    ] {
        ledger
            .open_connection()
            .execute(
                "INSERT INTO outbox (kind, transaction_id, queued_at, due_at, attempts, dead_lettered_at)
                 VALUES ('charge', ?1, 0, ?2, ?3, ?4)",
                params![id, due_at, attempts, dead_lettered_at],
            )
            .expect("is an entry");
    }
    let statement = format!(
        "{STATEMENT}charge,untold,,{0},1599,USD,PENDING\ncharge,contradicted,,{0},1599,USD,DECLINED\n\
         charge,declined,,{0},1599,USD,PENDING\n",
        pai_of(1)
    );

    let (summary, findings) = run_repair(&store, &clock_at_now(), &statement, true).await;
    let mended = |id: &str, cause: Cause| {
        let of = |finding: &&Finding| {
            finding.cause == cause
                && [&finding.ext_refund_id, &finding.ext_transaction_id].into_iter().flatten().next()
                    == Some(&id.to_owned())
        };
        findings.iter().find(of).expect("is found").mended.expect("is said")
    };
    for (id, cause, expected) in [
        ("parked", Cause::PendingTooLong, RepairOutcome::Redriven),
        ("put-off", Cause::PendingTooLong, RepairOutcome::Hurried),
        ("lost", Cause::PendingTooLong, RepairOutcome::PutBack),
        ("leased", Cause::PendingTooLong, RepairOutcome::UnderWay),
        ("r-1", Cause::PendingTooLong, RepairOutcome::PutBack),
        ("untold", Cause::StatusDiffersAtPartner, RepairOutcome::WebhookQueued),
        ("untold", Cause::MissingOnBill, RepairOutcome::ByHand),
        ("contradicted", Cause::StatusDiffersAtPartner, RepairOutcome::ByHand),
        ("declined", Cause::StatusDiffersAtPartner, RepairOutcome::WebhookQueued),
    ] {
        assert_eq!(mended(id, cause), expected, "{id}");
    }
    assert_eq!(summary.mended.iter().filter(|(how, _)| how.is_change()).map(|(_, n)| n).sum::<u64>(), 6);
    let first = read_outbox(&ledger);
    assert_eq!(first.len(), 7);
    for (_, kind, id, due_at, attempts, is_parked) in &first {
        // Everything is due, and has been tried, so that billing is queried before anything is
        // posted.
        let due = if id == "t-leased" { now + 60 } else { now };
        assert_eq!((*due_at, *is_parked), (due, false), "{kind} {id}");
        assert!(*attempts >= 1, "{kind} {id}");
    }

    let (summary, findings) = run_repair(&store, &clock_at_now(), &statement, true).await;
    assert_eq!(read_outbox(&ledger), first, "the second time changes nothing");
    assert!(summary.mended.keys().all(|how| !how.is_change()), "{:?}", summary.mended);
    assert!(findings.iter().all(|finding| finding.mended.is_some()));
}

#[tokio::test]
async fn charge_of_another_system_is_left_out_and_alone() {
    let ledger = LedgerFile::new();
    ledger.insert_rows(&[charge_row("waiting", "PENDING"), charge_row("done", "APPROVED")], &[]);
    let connection = ledger.open_connection();
    let load =
        "INSERT INTO migration_files (file_id, sha256, kind, name, lines, refused, state, loaded_through,
             begun_at, loaded_at)
         VALUES (1, x'01', 'charges', 'charges.csv', 2, 0, 'LOADED', 3, 0, 0);
         UPDATE transactions SET migration_file = 1, migration_line = 2, migration_fingerprint = x'01',
             billing_ref = iif(status = 'APPROVED', 'line-1', NULL)";
    connection.execute_batch(load).expect("is SQL");
    let pai = pai_of(1);
    let statement =
        format!("{STATEMENT}charge,waiting,,{pai},1599,USD,APPROVED\ncharge,done,,{pai},1599,USD,PENDING\n");
    let (summary, findings) = run_repair(&ledger.open_store(), &clock_at_now(), &statement, true).await;
    let causes: Vec<_> = findings.iter().map(|finding| (finding.cause, finding.mended)).collect();
    assert_eq!(causes, [(Cause::OtherSystem, None), (Cause::OtherSystem, None)]);
    assert_eq!(summary.lines, 0, "none is one of ours");
    assert!(read_outbox(&ledger).is_empty());
}

#[tokio::test]
async fn partner_without_an_address_gets_no_webhook() {
    let ledger = LedgerFile::new();
    ledger.insert_rows(&[charge_row("untold", "APPROVED")], &[]);
    let store = ledger.open_store();
    let (_, findings) = run_repair(&store, &clock_at_now(), STATEMENT, false).await;
    let causes: Vec<_> = findings.iter().map(|finding| (finding.cause, finding.mended)).collect();
    assert_eq!(
        causes,
        [
            (Cause::MissingAtPartner, Some(RepairOutcome::ByHand)),
            (Cause::MissingOnBill, Some(RepairOutcome::ByHand))
        ]
    );
    assert!(read_outbox(&ledger).is_empty());
}

#[tokio::test]
async fn operators_refund_that_the_partner_does_not_list_is_reported_again() {
    let ledger = LedgerFile::new();
    let refund = |id: &str, ext_id: &str| LedgerRefund {
        id: id.to_owned(),
        ext_id: ext_id.to_owned(),
        charge: 0,
        amount: 600,
        status: "APPROVED",
        created: FROM + 30,
        settled: Some(FROM + 40),
    };
    ledger.insert_rows(&[charge_row("reported", "APPROVED")], &[refund("f-1", "r-1"), refund("f-2", "f-2")]);
    let store = ledger.open_store();
    let head = format!("{STATEMENT}charge,reported,,{0},1599,USD,APPROVED\n", pai_of(1));
    let missing = |findings: &[Finding]| {
        let missing = findings.iter().filter(|finding| finding.cause == Cause::MissingAtPartner);
        missing
            .map(|finding| (finding.refund_id.clone().expect("is one"), finding.refunded_by, finding.mended))
            .collect::<Vec<_>>()
    };
    let (_, findings) = run_repair(&store, &clock_at_now(), &head, true).await;
    let queued = Some(RepairOutcome::WebhookQueued);
    assert_eq!(
        missing(&findings),
        [
            ("f-1".to_owned(), Some(RefundedBy::Partner), queued),
            ("f-2".to_owned(), Some(RefundedBy::Operator), queued)
        ]
    );
    let row = findings.iter().find(|finding| finding.refund_id.as_deref() == Some("f-2")).expect("is there");
    assert_eq!(row.to_csv_record().last().map(String::as_str), Some("operator"));
    // The partner has it by our id.
    let listed =
        format!("{head}refund,reported,r-1,,600,USD,APPROVED\nrefund,reported,f-2,,600,USD,APPROVED\n");
    let (_, findings) = run_repair(&store, &clock_at_now(), &listed, true).await;
    assert!(missing(&findings).is_empty(), "{findings:?}");
}

/// Ten minutes pass between any two reads of it: a run over a large ledger.
struct SlowClock(AtomicI64);

impl Clock for SlowClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0.fetch_add(600, Ordering::Relaxed))
    }
}

#[tokio::test]
async fn entry_handled_since_the_run_began_is_skipped() {
    let ledger = LedgerFile::new();
    ledger.insert_rows(&[charge_row("leased-later", "PENDING")], &[]);
    let due_at = NOW.unix_seconds() + 600 + 110;
    ledger
        .open_connection()
        .execute(
            "INSERT INTO outbox (kind, transaction_id, queued_at, due_at, attempts)
             VALUES ('charge', 't-leased-later', 0, ?1, 3)",
            [due_at],
        )
        .expect("is an entry");
    let before = read_outbox(&ledger);
    let clock = SlowClock(AtomicI64::new(NOW.unix_seconds()));
    let (_, findings) = run_repair(&ledger.open_store(), &clock, STATEMENT, true).await;
    assert_eq!(
        findings.iter().map(|finding| finding.mended).collect::<Vec<_>>(),
        [Some(RepairOutcome::UnderWay)]
    );
    assert_eq!(read_outbox(&ledger), before);
}
