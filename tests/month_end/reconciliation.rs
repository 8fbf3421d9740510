//! Reconciliation of a hundred thousand lines and more: every planted difference is found, and
//! nothing else.

use crate::generated_month::{CODES, ExpectedFinding, GeneratedMonth, RecordSums};
use crate::ledger_file::{LedgerFile, clock_at_now, hulu, netflix, november};
use onbill_domain::currency::Currency;
use onbill_origin::reconciliation::Side;
use onbill_origin::reconciliation::file::ReportedLedger;
use onbill_origin::reconciliation::{
    self, Cause, Finding, Kind, LedgerTotals, Reconciliation, Summary, Totals,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// With their refunds, over a hundred thousand lines in each record.
const CHARGES: usize = 95_000;

fn parse_report(side: Side, text: &str) -> ReportedLedger {
    ReportedLedger::read(side, text.as_bytes(), |why| panic!("{why}"), |_| {}).expect("is a book")
}

async fn reconcile_month(month: &GeneratedMonth) -> (Summary, Vec<Finding>) {
    let ledger = LedgerFile::new();
    ledger.insert_rows(&month.charges, &month.refunds);
    let store = ledger.open_store();
    let job = Reconciliation {
        store: &store,
        partner: netflix(),
        others: vec![hulu()],
        period: november(),
        clock: &clock_at_now(),
        pending_seconds_max: 86_400,
        repair: None,
    };
    let mut findings = Vec::new();
    let (statement, extract) = (
        parse_report(Side::Partner, &month.write_statement()),
        parse_report(Side::Bill, &month.write_extract()),
    );
    let summary = job.run(statement, extract, |finding| findings.push(finding), |_| {}).await.expect("works");
    (summary, findings)
}

/// The id that a finding is expected under: ours, or theirs where we have none.
fn finding_id(finding: &Finding) -> String {
    let ids = match finding.kind {
        Kind::Charge => [&finding.transaction_id, &finding.ext_transaction_id],
        Kind::Refund => [&finding.refund_id, &finding.ext_refund_id],
    };
    ids.into_iter().flatten().next().expect("has an id").clone()
}

fn summary_sums(summary: &Summary) -> BTreeMap<(String, &'static str), RecordSums> {
    let mut sums = BTreeMap::new();
    for (currency, ledger) in &summary.totals.0 {
        for (name, sum) in [
            ("ours", ledger.ours),
            ("partner", ledger.partner),
            ("bill", ledger.bill),
            ("bill later", ledger.bill_later),
        ] {
            if sum != reconciliation::LedgerSum::default() {
                let sum = (sum.charges, sum.charges_minor, sum.refunds, sum.refunds_minor);
                sums.insert((currency.to_string(), name), sum);
            }
        }
    }
    sums
}

fn expected_sums(month: &GeneratedMonth) -> BTreeMap<(String, &'static str), RecordSums> {
    month.sums.iter().map(|((currency, book), sum)| (((*currency).to_owned(), *book), *sum)).collect()
}

async fn all_is_found_and_nothing_invented(seed: u64, charges: usize) {
    let mut month = GeneratedMonth::new(seed, charges, true);
    assert!(charges < CHARGES || month.charges.len() + month.refunds.len() > 100_000);
    let (summary, findings) = reconcile_month(&month).await;

    let mut found: Vec<ExpectedFinding> = findings
        .iter()
        .map(|finding| (finding.cause.as_str(), finding.kind.as_str(), finding_id(finding)))
        .collect();
    found.sort();
    month.expected.sort();
    let differing = found.iter().zip(&month.expected).find(|(found, expected)| found != expected);
    assert_eq!(differing, None, "seed {seed}");
    assert_eq!(found.len(), month.expected.len(), "seed {seed}");

    let causes: BTreeSet<_> = found.iter().map(|(cause, ..)| *cause).collect();
    // The charges of another system come by `switch load`, and repair.rs has them.
    let planted = Cause::ALL.into_iter().filter(|cause| *cause != Cause::OtherSystem);
    assert_eq!(causes, planted.map(Cause::as_str).collect(), "seed {seed} planted them all");
    let wrong = found.iter().filter(|(cause, ..)| !cause.starts_with("other-")).count();
    assert_eq!(summary.discrepancies(), wrong as u64);
    assert_eq!(summary_sums(&summary), expected_sums(&month), "seed {seed}");
    assert!(!summary.totals.agree());
    assert_eq!(add_up_codes(&summary), summary.totals, "seed {seed}: the codes add up to the sums");

    // A finding quotes the ledger as it is.
    let ours: HashMap<&str, i64> = (month.charges.iter().map(|charge| (charge.id.as_str(), charge.amount)))
        .chain(month.refunds.iter().map(|refund| (refund.id.as_str(), refund.amount)))
        .collect();
    for finding in &findings {
        let amount = finding.ours.map(|(_, amount)| amount.amount_minor);
        assert_eq!(amount, ours.get(finding_id(finding).as_str()).copied(), "{finding:?}");
    }
}

#[tokio::test]
async fn planted_faults_are_all_found_and_none_invented() {
    all_is_found_and_nothing_invented(1, CHARGES).await;
}

#[tokio::test]
async fn in_other_months_too() {
    for seed in 2..4 {
        all_is_found_and_nothing_invented(seed, 15_000).await;
    }
}

#[tokio::test]
async fn equal_ledgers_have_no_findings() {
    let month = GeneratedMonth::new(7, 30_000, false);
    let (summary, findings) = reconcile_month(&month).await;
    assert_eq!(summary.discrepancies(), 0);
    assert!(findings.iter().all(|finding| finding.cause == Cause::OtherPeriod));
    assert_eq!(findings.len(), month.expected.len());
    assert_eq!(summary_sums(&summary), expected_sums(&month));
    assert!(summary.totals.agree());
    assert_eq!(add_up_codes(&summary), summary.totals);
    let codes: BTreeSet<&str> = summary.by_charge_code.codes.keys().map(|(_, code)| &**code).collect();
    assert_eq!(codes, BTreeSet::from(CODES));
    assert!(summary.by_charge_code.codes.values().all(LedgerTotals::agree), "each code by itself");
}

/// The sums of all charge codes, by currency.
fn add_up_codes(summary: &Summary) -> Totals {
    let mut all: BTreeMap<Currency, LedgerTotals> = BTreeMap::new();
    for ((currency, _), totals) in &summary.by_charge_code.codes {
        let sums = all.entry(*currency).or_default();
        for (sum, more) in [
            (&mut sums.ours, totals.ours),
            (&mut sums.partner, totals.partner),
            (&mut sums.bill, totals.bill),
            (&mut sums.bill_later, totals.bill_later),
        ] {
            sum.charges_minor += more.charges_minor;
            sum.charges += more.charges;
            sum.refunds_minor += more.refunds_minor;
            sum.refunds += more.refunds;
        }
    }
    Totals(all)
}

#[tokio::test]
async fn ten_wrong_charge_codes_are_all_found() {
    let mut month = GeneratedMonth::new(11, 3_000, false);
    let planted = month.plant_wrong_codes(10);
    assert_eq!(planted.len(), 10);
    let (summary, findings) = reconcile_month(&month).await;
    let wrong = findings.iter().filter(|finding| finding.cause == Cause::ChargeCodeDiffersOnBill);
    let mut found: Vec<_> = wrong
        .map(|finding| {
            let [ours, bill] = finding.charge_codes.each_ref().map(|code| code.as_deref().expect("is there"));
            (finding_id(finding), ours.to_owned(), bill.to_owned())
        })
        .collect();
    found.sort();
    assert_eq!(found, planted);
    assert_eq!(summary.discrepancies(), 10, "and nothing else");
    assert!(summary.totals.agree(), "the money is right");
    assert!(!summary.by_charge_code.codes.values().all(LedgerTotals::agree), "the accounts are not");
    assert_eq!(add_up_codes(&summary), summary.totals);
}
