//! What was loaded beside the operator's accounts.

use axum::Router;
use http::StatusCode;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_origin::app::App;
use onbill_origin::correlation::Class;
use onbill_origin::cut_over::{AccountComparison, AccountDifference, AccountError, AccountSummary};
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::other_system::{OtherSystem, pais_csv};
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Number and day of activation, as in the file of accounts.
const PEOPLE: [(&str, &str); 4] = [
    ("+12025550101", "2021-03-14"),
    ("+12025550107", "2023-02-27"),
    ("+12025550110", "2020-07-08"),
    ("+12025550112", "2024-03-05"),
];

async fn with_dark_pais() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let line = |(n, (number, subscriber_ref)): (usize, &(&str, &str))| {
        format!(
            "netflix,INC-{n},{number},{subscriber_ref},ACTIVE,2022-09-28T12:01:05Z,sub-{n},NEW_ACCOUNT,standard,1599,USD,,,"
        )
    };
    let mut lines: Vec<String> = PEOPLE.iter().enumerate().map(line).collect();
    lines.push("netflix,INC-9,,,CLOSED,2022-09-28T12:01:05Z,,,,,,,,".to_owned());
    let other = OtherSystem::of_acme(system.now());
    other.load_sound(&system.acme.app().store, &pais_csv(&lines), None).await;
    system
}

async fn try_to_compare(
    origin: &App,
    summary: &mut AccountSummary,
) -> (Result<(), AccountError>, Vec<AccountDifference>) {
    let comparison = AccountComparison {
        store: &origin.store,
        vault: &origin.vault,
        accounts: &origin.accounts,
        partner: PartnerId::parse("netflix").expect("is a slug"),
        today: origin.config.time_zone.day_of(origin.now()),
        at_once: 2,
        pauses: [Duration::from_millis(1); 2],
    };
    let mut found = Vec::new();
    let outcome = comparison.run(summary, |difference| found.push(difference), |_| {}).await;
    found.sort_unstable_by_key(|difference| difference.pai);
    (outcome, found)
}

async fn compare(system: &TestSystem, after: Option<Pai>) -> (AccountSummary, Vec<AccountDifference>) {
    let mut summary = AccountSummary { through: after, ..AccountSummary::default() };
    let (outcome, found) = try_to_compare(system.acme.app(), &mut summary).await;
    assert!(outcome.is_ok(), "the accounts are there");
    (summary, found)
}

#[tokio::test]
async fn open_pais_are_compared_with_the_accounts_of_their_numbers() {
    let system = with_dark_pais().await;
    let (summary, found) = compare(&system, None).await;
    assert_eq!((summary.compared, summary.differences, &found[..]), (4, 0, &[][..]));
    assert_eq!(summary.through, Pai::parse("INC-9"));
    let changed = ACME_ACCOUNTS
        .replace("+12025550101,active", "+12025550101,suspended")
        .replace(
            "+12025550107,active,postpaid,,USD,2023-02-27",
            "+12025550107,active,postpaid,,USD,2026-11-01",
        )
        .replace("+12025550110,active", "+12025550110,ceased");
    system.acme.import_accounts(&changed).await;
    let (summary, found) = compare(&system, None).await;
    let found: Vec<_> = found
        .iter()
        .map(|difference| (difference.pai.to_string(), difference.class, difference.theirs.as_str()))
        .collect();
    let expected = [
        ("INC-0".to_owned(), Class::State, "suspended"),
        ("INC-1".to_owned(), Class::Subscriber, "active"),
        ("INC-2".to_owned(), Class::State, "ceased"),
    ];
    assert_eq!((summary.differences, &found[..]), (3, &expected[..]));
    system.acme.db.run_sql("DELETE FROM accounts").await;
    let (_, found) = compare(&system, None).await;
    assert_eq!(found.iter().filter(|difference| difference.class == Class::Missing).count(), 4);
    assert!(found.iter().all(|difference| difference.ours == PaiState::Active), "nothing was changed");
}

#[tokio::test]
async fn interrupted_comparison_continues_where_it_was() {
    let system = with_dark_pais().await;
    let (summary, _) = compare(&system, Pai::parse("INC-1")).await;
    assert_eq!(summary.compared, 2, "those after it");
    system.acme.db.run_sql("DELETE FROM accounts").await;
    let (summary, found) = compare(&system, Pai::parse("INC-2")).await;
    assert_eq!((summary.compared, found.len()), (1, 1));
}

/// Nova's CSP API fails so often, and answers then that each account is dormant, which is no word of the
/// contract. Returns how often it is asked.
fn fail_first(system: &TestSystem, failures: u32) -> Arc<AtomicU32> {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let odd = Router::new().fallback(async move || {
        if count.fetch_add(1, Ordering::Relaxed) < failures {
            return (StatusCode::SERVICE_UNAVAILABLE, "");
        }
        (StatusCode::OK, r#"{"status":"DORMANT","type":"postpaid","subscriberID":"s"}"#)
    });
    system.network.attach_service(system.nova.dashboard_address, odd);
    asked
}

#[tokio::test]
async fn one_account_does_not_stop_the_comparison() {
    let system = TestSystem::start();
    system.sign_up(&system.nova, "+34612345601", AccountChoice::New("bea@example.com")).await;
    fail_first(&system, 2);
    let mut summary = AccountSummary::default();
    let (outcome, found) = try_to_compare(system.nova.app(), &mut summary).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let [difference] = &found[..] else { panic!("{found:?}") };
    assert_eq!((difference.class, difference.theirs.as_str()), (Class::State, "DORMANT"));

    fail_first(&system, 3);
    let (outcome, _) = try_to_compare(system.nova.app(), &mut AccountSummary::default()).await;
    let Err(AccountError::LookUp { pai: named, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(named, difference.pai);
}

/// Two accounts are looked up at once, three times each. The third is not.
#[tokio::test]
async fn outage_stops_the_comparison() {
    let system = TestSystem::start();
    for (number, email) in [
        ("+34612345601", "ana@example.com"),
        ("+34612345602", "bea@example.com"),
        ("+34612345603", "gil@example.com"),
    ] {
        system.sign_up(&system.nova, number, AccountChoice::New(email)).await;
    }
    let asked = fail_first(&system, u32::MAX);
    let (outcome, _) = try_to_compare(system.nova.app(), &mut AccountSummary::default()).await;
    assert!(matches!(outcome, Err(AccountError::LookUp { .. })), "{outcome:?}");
    assert!(asked.load(Ordering::Relaxed) <= 6, "{asked:?}");
}
