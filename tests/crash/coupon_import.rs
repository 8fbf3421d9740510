//! Imports thousands of coupons from a file, beside a running origin: the import is killed
//! repeatedly, and the same file is imported again. Each line gives one coupon and one SMS; no
//! charge is refused meanwhile; and the output of the command line has no number and no code in it.

use crate::audit::audit_ledger;
use crate::coupon_commands::{CouponImport, run_coupons};
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::LoadingPartner;
use crate::turn::TURN;
use onbill_test_harness::wait::wait_until_none;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Some batches more than runs that are killed, and a part of a batch.
const COUPONS: u64 = 1_500;
/// The number of coupons at which a run is killed.
const KILLED_AT: [u64; 2] = [1, 700];
/// Lines behind the coupons in the file of a run that is killed, each for a number without a
/// subscriber. They take longer than the kill, so that the run cannot finish earlier.
const REFUSED_LINES: u64 = 50_000;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_has_each_line_of_a_file_once() {
    has_each_line_once(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_has_each_line_of_a_file_once() {
    has_each_line_once(DbKind::Postgres).await;
}

async fn has_each_line_once(kind: DbKind) {
    let _turn = TURN.lock().await;
    let (system, partner) = (Arc::new(CrashSystem::new(kind).await), LoadingPartner::default());
    let origin = system.start_origin().await;
    let file = system.write_file("coupons.csv", &coupon_lines(&system));
    let long_file = system.write_file("long.csv", &(coupon_lines(&system) + &refused_lines()));
    let mut callers = partner.begin_light_load(&system, &origin, 7);
    for killed_at in KILLED_AT {
        let mut bulk = CouponImport::begin(&system, &long_file);
        wait_until_none(async || {
            assert!(bulk.is_running(), "it ended before it was killed");
            let made = system.db.read_coupon_ids().await.len() as u64;
            (made < killed_at).then(|| format!("{made} of {killed_at} coupons are made"))
        })
        .await;
        bulk.kill();
        assert!((system.db.read_coupon_ids().await.len() as u64) < COUPONS, "there is something left to do");
    }
    let mut said = run_coupons(&system, &["issue".as_ref(), file.as_os_str()]);
    let before = system.db.read_coupon_ids().await;
    assert_eq!(before.len() as u64, COUPONS, "{said}");
    let again = run_coupons(&system, &["issue".as_ref(), file.as_os_str()]);
    assert!(again.contains("0 coupons made, 1500 were there before, 1 lines refused."), "{again}");
    callers.end_load().await;
    let tally = partner.lock_record().tally.clone();
    tally.assert_served();

    system.until_delivered().await;
    let texts = system.billing.read_sms(system.people.iter().map(|person| person.msisdn.as_str())).await;
    let codes: HashSet<&str> = texts.iter().filter_map(|text| code_in(text)).collect();
    assert_eq!((texts.len() as u64, codes.len() as u64), (COUPONS, COUPONS), "one text and one code each");

    said.push_str(&again);
    for words in [
        &["list"][..],
        &["list", "--json"],
        &["show", "c-7"],
        &["resend", "c-7"],
        &["void", "c-7"],
        &["resend", "c-7"],
    ] {
        said.push_str(&run_coupons(&system, words));
    }
    assert!(said.contains("c-1499") && said.contains("VOIDED"), "{said}");
    let numbers: HashSet<&str> = system.people.iter().map(|person| &person.msisdn[2..]).collect();
    let log = system.read_log();
    for secret in codes.iter().chain(&numbers) {
        assert!(!said.contains(secret) && !log.contains(secret), "a code or a number is said");
    }
    origin.kill();
    audit_ledger(&system, &partner).await;
}

/// A coupon for each subscriber in turn, and one for a number without a subscriber.
fn coupon_lines(system: &CrashSystem) -> String {
    let mut file = "ext_coupon_id,msisdn,plan,amount,currency,offer,locale\n".to_owned();
    for (n, person) in (0..COUPONS).zip(system.people.iter().cycle()) {
        writeln!(file, "c-{n},{},6M,8999,USD,,", person.msisdn).expect("a string takes it");
    }
    file + "c-nobody,+12025559999,6M,8999,USD,,\n"
}

fn refused_lines() -> String {
    let mut lines = String::new();
    for n in 0..REFUSED_LINES {
        writeln!(lines, "c-nobody-{n},+12025559999,6M,8999,USD,,").expect("a string takes it");
    }
    lines
}

fn code_in(text: &str) -> Option<&str> {
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches(['.', ',', ':', ';']));
    words.find(|word| word.len() == 24 && word.starts_with("AC"))
}
