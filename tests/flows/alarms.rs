//! Alarms: each is raised by its real cause, is in the snapshot, in the table and at the webhook,
//! and ends. The list below has one test for each; a new alarm without one fails.

mod callers;
mod files;
mod ledger;
mod limits;
mod machine;
pub(crate) mod shown;
mod sms;
mod subscriptions;
mod webhook;
mod write_ahead_log;

use onbill_origin::instruments::Alarm;
use shown::Shown;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Makes a test of each case, and the list of their alarms. A case returns what it has shown.
macro_rules! alarm_cases {
    ($($case:ident::$name:ident => $alarm:ident,)+) => {
        const CASES: &[Alarm] = &[$(Alarm::$alarm),+];

        $(#[tokio::test]
        async fn $name() {
            let shown: Shown = $case::$name().await;
            shown.assert_complete(Alarm::$alarm);
        })+
    };
}

alarm_cases! {
    ledger::contradictory_event => AccountEventContradicts,
    ledger::unknown_word_of_account => AccountWordUnknown,
    callers::billing_out_of_reach => BillingUnreachable,
    ledger::second_decision_of_billing => BillingDecisionsDiffer,
    ledger::coupon_that_does_not_arrive => CouponUndelivered,
    ledger::coupon_that_billing_refuses => CouponUnpaid,
    ledger::sms_that_is_never_accepted => MessageDropped,
    ledger::partner_without_charges => NoCharges,
    ledger::job_without_attempts_left => OutboxParked,
    machine::panicking_call => Panicked,
    ledger::days_charged_twice => PeriodChargedAgain,
    subscriptions::charge_after_the_end => ChargeUnsubscribed,
    subscriptions::charges_of_a_closed_pai => ClosedPaiCharged,
    subscriptions::forgotten_subscription => SubscriptionUncharged,
    callers::call_for_another => CallForAnotherOperator,
    callers::clock_an_hour_off => ClockSkew,
    callers::edge_out_of_reach => EdgeUnreachable,
    callers::mapping_to_somebody_else => PaiMappingDiffers,
    callers::deaf_partner => PartnerUnreachable,
    callers::storm_of_bad_signatures => SignaturesRefused,
    callers::storm_of_unsigned_calls => UnknownCallers,
    limits::guessed_coupons => CouponGuesses,
    limits::look_ups_of_one_person => LookUpCeilingReached,
    limits::checks_of_numbers => NumberChecks,
    limits::flood_of_pins => PinCeilingReached,
    limits::checks_of_unknown_numbers => UnknownNumbers,
    files::file_in_the_way => FileNotWritten,
    files::silent_billing => FileUnacknowledged,
    files::hanging_spool => SpoolUnreachable,
    files::wrong_response => ResponseRefused,
    files::accounts_out_of_reach => AccountsUnknown,
    machine::taken_port => AdminPortTaken,
    machine::failing_database => DatabaseFailing,
    machine::lost_database => DatabaseNotWritable,
    machine::little_space => DiskLow,
    machine::expiring_key => KeyExpiring,
    write_ahead_log::reader_without_end => WriteAheadLogLong,
    machine::recovery => Recovering,
    machine::ended_task => ServiceEnded,
    sms::refused_login => SmsNotLetIn,
    sms::wrong_sender => SmsSettings,
    sms::gateway_out_of_reach => SmsUnreachable,
}

/// Those that need a real socket, with the file and the name of their test.
const ELSEWHERE: [(Alarm, &str, &str); 2] = [
    (Alarm::ConnectionsFull, "origin/src/server/capacity.rs", "alarm_is_over_when_none_waits_any_more"),
    (
        Alarm::SmsReceiptsUnmatched,
        "origin/src/sms/smpp/message_ids.rs",
        "alarm_is_raised_when_no_receipt_ever_matches",
    ),
];

#[test]
fn every_alarm_is_shown_by_a_test() {
    let listed: Vec<Alarm> = CASES.iter().copied().chain(ELSEWHERE.map(|(alarm, ..)| alarm)).collect();
    let missing: Vec<Alarm> = Alarm::ALL.into_iter().filter(|alarm| !listed.contains(alarm)).collect();
    assert_eq!(missing, [], "has no test");
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "is there twice");
    for (alarm, file, test) in ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository").join(file);
        let source = fs::read_to_string(path).expect("can be read");
        let (_, body) = source.split_once(&format!("fn {test}(")).expect("has the test");
        assert!(body.contains(&format!("Alarm::{alarm:?}")), "{file} does not show {alarm:?}");
    }
}
