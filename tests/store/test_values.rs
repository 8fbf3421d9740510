//! Values that the tests use: the time, ids, numbers, money and days.

use onbill_domain::currency::Currency;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::config::NumberCheckLimits;
use onbill_origin::store::{NumberIndex, SealedNumber};
use onbill_test_harness::verified_nonce;
use std::sync::atomic::{AtomicU64, Ordering};

/// Half past eleven on some day in November.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that no other call gets: for ids that must be fresh.
pub(crate) fn next_number() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn fresh_nonce() -> Nonce {
    verified_nonce(&format!("nonce-{:020}", next_number()), NOW)
}

pub(crate) fn partner_id(name: &str) -> PartnerId {
    PartnerId::parse(name).expect("is a slug")
}

pub(crate) fn parse_ext_id(id: &str) -> ExtId {
    ExtId::parse(id).expect("is an identifier")
}

pub(crate) fn sealed_number(n: u8) -> SealedNumber {
    SealedNumber { index: NumberIndex([n; 32]), sealed: vec![n; 40] }
}

/// A 32-byte value that no other call gets.
pub(crate) fn fresh_hash() -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&next_number().to_le_bytes());
    hash
}

pub(crate) fn fresh_pai() -> Pai {
    Pai::from_random(fresh_hash()[..16].try_into().expect("is 16 bytes"))
}

/// What a partner may ask about numbers in an hour: more than any test asks.
pub(crate) const CHECK_LIMITS: NumberCheckLimits =
    NumberCheckLimits { checks_per_hour: 1_000, unknown_per_hour: 1_000 };

pub(crate) fn usd(amount_minor: i64) -> Money {
    Money { amount_minor, currency: Currency::parse("USD").expect("is listed") }
}

pub(crate) fn euro(amount_minor: i64) -> Money {
    Money { amount_minor, currency: Currency::parse("EUR").expect("is listed") }
}

pub(crate) fn parse_day(day: &str) -> Day {
    Day::parse(day).expect("is a day")
}

pub(crate) fn service_period(from: &str, to: &str) -> ServicePeriod {
    ServicePeriod::new(parse_day(from), parse_day(to)).expect("is a period")
}
