//! The schemas against the wire types that they describe: names, what may be absent, words, bounds.

use super::document::{Document, document, documents, object};
use super::members::members_of;
use onbill_domain::day::Day;
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorBody, Reject};
use onbill_domain::tax::Tax;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::trace_context::{self, TraceParent};
use onbill_domain::wire::read_object;
use onbill_domain::wire::{
    care, coupon, csp, device, dispute, ledger, mandate, notification, operator, ott, partner, queue,
    subscription, summary,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;

/// The time of the examples.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

/// A wire type, as the tests use it.
struct WireType {
    members: fn() -> Option<&'static [&'static str]>,
    /// The value as it is read, written again.
    read: fn(&Value) -> Result<Value, String>,
    /// What the type does not say and its `check` does.
    check: fn(&Value) -> Result<(), String>,
    /// Members that only the widget gets.
    only_for_widget: &'static [&'static str],
}

macro_rules! wire_type {
    ($type:ty) => {
        wire_type!($type, |_| Ok(()))
    };
    ($type:ty; without $($member:literal)+) => {
        WireType { only_for_widget: &[$($member),+], ..wire_type!($type) }
    };
    ($type:ty, $check:expr) => {
        WireType {
            members: members_of::<$type>,
            read: |value| {
                let read: $type = read(value)?;
                serde_json::to_value(&read).map_err(|error| error.to_string())
            },
            check: |value| {
                let check: fn($type) -> Result<(), Reject> = $check;
                check(read(value)?).map_err(|reject| reject.message)
            },
            only_for_widget: &[],
        }
    };
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    read_object(value.to_string().as_bytes()).map_err(|error| error.to_string())
}

fn check_charge_amount(amount: Money) -> Result<(), Reject> {
    let is_within = (1..=CHARGE_MINOR_MAX).contains(&amount.amount_minor);
    is_within.then_some(()).ok_or_else(|| Reject::invalid_request("is out of bounds"))
}

/// The wire type of an object in a document.
fn wire_type(schema: &str) -> WireType {
    use onbill_domain::day::ServicePeriod;
    use onbill_domain::refusal_detail::WayOn;
    match schema {
        "AccountErrorBody" => wire_type!(ErrorBody; without "words"),
        "AccountEventRequest" => wire_type!(operator::AccountEventRequest, |event| event.check(NOW)),
        "AccountEventResponse" => wire_type!(operator::AccountEventResponse),
        "AccountStateRequest" => wire_type!(partner::AccountStateRequest),
        "AccountValidateRequest" => wire_type!(csp::AccountValidateRequest),
        "AccountValidateResponse" => wire_type!(csp::AccountValidateResponse),
        "AlarmView" => wire_type!(queue::AlarmView),
        "AlarmsResponse" => wire_type!(queue::AlarmsResponse),
        "BillChargeRequest" => wire_type!(csp::BillChargeRequest),
        "BillChargeResponse" => wire_type!(csp::BillChargeResponse),
        "BillRefundRequest" => wire_type!(csp::BillRefundRequest),
        "BillRefundResponse" => wire_type!(csp::BillRefundResponse),
        "BillTax" => wire_type!(csp::BillTax),
        "CareCharge" => wire_type!(care::CareCharge),
        "CareDispute" => wire_type!(dispute::CareDispute),
        "CareEvent" => wire_type!(care::CareEvent),
        "CareLink" => wire_type!(care::CareLink),
        "CareMandate" => wire_type!(care::CareMandate),
        "CareRefund" => wire_type!(care::CareRefund),
        "CareSms" => wire_type!(care::CareSms),
        "ChainEnd" => wire_type!(mandate::ChainEnd),
        "ChargeAmount" => wire_type!(Money, check_charge_amount),
        "ChargeCount" => wire_type!(summary::ChargeCount),
        "CountedDay" => wire_type!(summary::CountedDay),
        "CouponDetails" => wire_type!(coupon::CouponDetails),
        "CouponRedeemRequest" => wire_type!(coupon::CouponRedeemRequest),
        "CouponRedeemResponse" => wire_type!(coupon::CouponRedeemResponse),
        "CouponRequest" => wire_type!(coupon::CouponRequest),
        "CouponResendRequest" => wire_type!(coupon::CouponResendRequest),
        "CouponResponse" => wire_type!(coupon::CouponResponse),
        "CouponVoidRequest" => wire_type!(coupon::CouponVoidRequest),
        "DeadLetterView" => wire_type!(queue::DeadLetterView),
        "DeskRefundRequest" => wire_type!(care::DeskRefundRequest, |desk| {
            let care::DeskRefundRequest { reference, amount, reason, .. } = desk;
            ott::RefundRequest { ext_refund_id: reference, amount, reason }.check()
        }),
        "DevicePinRequest" => wire_type!(device::DevicePinRequest),
        "DevicePinResponse" => wire_type!(device::DevicePinResponse),
        "DeviceValidateRequest" => wire_type!(device::DeviceValidateRequest),
        "DeviceValidateResponse" => wire_type!(device::DeviceValidateResponse),
        "Dispute" => wire_type!(dispute::Dispute),
        "DisputeRequest" => wire_type!(dispute::DisputeRequest),
        "DisputeStateRequest" => wire_type!(partner::DisputeStateRequest),
        "DisputesResponse" => wire_type!(dispute::DisputesResponse),
        "EchoResponse" => wire_type!(ott::EchoResponse),
        "ErasureRequest" => wire_type!(operator::ErasureRequest),
        "ErasureResponse" => wire_type!(operator::ErasureResponse),
        "ErrorBody" => wire_type!(ErrorBody; without "reason" "wayOn" "words"),
        "JobRetryRequest" => wire_type!(queue::JobRetryRequest),
        "JobRetryResponse" => wire_type!(queue::JobRetryResponse),
        "LedgerEntry" => wire_type!(ledger::LedgerEntry),
        "LastAnswerView" => wire_type!(queue::LastAnswerView),
        "LinkCloseRequest" => wire_type!(care::LinkCloseRequest),
        "LinkCloseResponse" => wire_type!(care::LinkCloseResponse),
        "MandateLine" => wire_type!(mandate::MandateLine),
        "MandatesResponse" => wire_type!(mandate::MandatesResponse),
        "Money" => wire_type!(Money),
        "NotificationRequest" => wire_type!(notification::NotificationRequest, |message| message.check()),
        "NotificationResponse" => wire_type!(notification::NotificationResponse),
        "PartnerSubscriptionRequest" => wire_type!(ott::PartnerSubscriptionRequest, |begun| begun.check(NOW)),
        "PartnerSubscriptionResponse" => wire_type!(ott::PartnerSubscriptionResponse),
        "QueueResponse" => wire_type!(queue::QueueResponse),
        "QueueView" => wire_type!(queue::QueueView),
        "RawResult" => wire_type!(ott::RawResult),
        "RefundRequest" => wire_type!(ott::RefundRequest, |refund| refund.check()),
        "RefundResponse" => wire_type!(ott::RefundResponse),
        "ServicePeriod" => wire_type!(ServicePeriod),
        "SignupSessionRequest" => wire_type!(partner::SignupSessionRequest),
        "SignupSessionResponse" => wire_type!(partner::SignupSessionResponse),
        "SmsRequest" => wire_type!(csp::SmsRequest),
        "SmsResendRequest" => wire_type!(care::SmsResendRequest),
        "SubscriberSearchRequest" => wire_type!(care::SubscriberSearchRequest),
        "SubscriberSearchResponse" => wire_type!(care::SubscriberSearchResponse),
        "SubscriptionChange" => wire_type!(subscription::SubscriptionChange, |change| change.check()),
        "SummaryResponse" => wire_type!(summary::SummaryResponse),
        "Tax" => wire_type!(Tax, |tax| {
            let largest = Money { amount_minor: CHARGE_MINOR_MAX, currency: tax.currency };
            tax.check(largest)
        }),
        "TermsChange" => wire_type!(subscription::TermsChange, |change| change.check()),
        "TokenValidateRequest" => wire_type!(ott::TokenValidateRequest),
        "TokenValidateResponse" => wire_type!(ott::TokenValidateResponse),
        "TransactionRequest" => wire_type!(ott::TransactionRequest, |charge| charge.check()),
        "TransactionResponse" => wire_type!(ott::TransactionResponse),
        "TransactionsResponse" => wire_type!(ledger::TransactionsResponse),
        "Undelivered" => wire_type!(coupon::Undelivered),
        "VisitCount" => wire_type!(summary::VisitCount),
        "WayOn" => wire_type!(WayOn; without "label"),
        other => panic!("{other} has no wire type here"),
    }
}

/// Calls `test` with each object of each document: its name, its schema, its type, and a value that
/// has every member.
fn for_each_object(test: impl Fn(&Document, &str, &Value, &WireType, &Value)) {
    for document in documents() {
        for (name, schema) in document.schemas() {
            if schema["type"] == "object" {
                test(&document, name, schema, &wire_type(name), &document.sample(schema));
            }
        }
    }
}

fn names(value: &Value) -> BTreeSet<&str> {
    object(value).keys().map(String::as_str).collect()
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn schema_has_the_members_of_its_wire_type() {
    for_each_object(|_, name, schema, wire_type, full| {
        let documented = names(&schema["properties"]);
        if let Some(members) = (wire_type.members)() {
            let members = members.iter().copied();
            let shown: BTreeSet<&str> =
                members.filter(|member| !wire_type.only_for_widget.contains(member)).collect();
            assert_eq!(documented, shown, "{name}");
        }
        let read = (wire_type.read)(full).unwrap_or_else(|error| panic!("{name} {full}: {error}"));
        assert_eq!(names(&read), documented, "{name}: a member was not read");
        assert_eq!((wire_type.check)(full), Ok(()), "{name} {full}");
        assert!(schema["description"].is_string(), "{name}");
    });
}

#[test]
fn member_is_required_if_its_type_cannot_do_without() {
    for_each_object(|_, name, schema, wire_type, full| {
        let required = required(schema);
        for member in object(full).keys() {
            let mut without = full.clone();
            without.as_object_mut().expect("is one").remove(member);
            let is_needed = (wire_type.read)(&without).is_err();
            assert_eq!(required.contains(member.as_str()), is_needed, "{name}.{member}");
        }
    });
}

/// The types of what onbill reads. The others it writes.
fn is_read(name: &str) -> bool {
    name.ends_with("Request") || ["SubscriptionChange", "TermsChange", "Tax"].contains(&name)
}

/// The documents say so in their introductions.
#[test]
fn optional_member_that_is_null_counts_as_absent() {
    for_each_object(|document, name, schema, wire_type, full| {
        if document.is_of_others() || !is_read(name) {
            return;
        }
        let required = required(schema);
        for member in object(full).keys().filter(|member| !required.contains(member.as_str())) {
            let mut null = full.clone();
            null[member] = Value::Null;
            let mut absent = full.clone();
            absent.as_object_mut().expect("is one").remove(member);
            assert_eq!((wire_type.read)(&null), (wire_type.read)(&absent), "{name}.{member}");
        }
    });
}

/// Programs that are made from a document would refuse the PAIs of another system.
#[test]
fn pai_has_no_format() {
    for document in documents() {
        if let Some(pai) = document.schemas().get("PAI") {
            assert!(pai.get("format").is_none(), "{}", document.name);
        }
    }
}

/// `.` and `..` are refused by `Pai::parse` and `ExtId::parse`: in a path they are steps.
#[test]
fn id_is_no_step_of_a_path() {
    let ids = [("PAI", r"^(?!\.{1,2}$)[A-Za-z0-9._~-]+$", 3), ("ExtID", r"^(?!\.{1,2}$)[!-~]+$", 4)];
    let documents = documents();
    for (name, pattern, count) in ids {
        let schemas: Vec<_> = documents.iter().filter_map(|document| document.schemas().get(name)).collect();
        assert_eq!(schemas.len(), count, "{name}");
        for schema in schemas {
            assert_eq!(schema["pattern"], pattern, "{name}");
        }
    }
}

#[test]
fn day_has_the_years_of_its_type() {
    assert!(["1999-12-31", "10000-01-01"].iter().all(|day| Day::parse(day).is_none()));
    assert!(["2000-01-01", "9999-12-31"].iter().all(|day| Day::parse(day).is_some()));
    for document in documents() {
        if let Some(day) = document.schemas().get("Day") {
            assert_eq!(day["pattern"], "^[2-9][0-9]{3}-[0-9]{2}-[0-9]{2}$", "{}", document.name);
        }
    }
}

/// All zeros are no trace, and no call in one (W3C Trace Context §3.2.2). A program that makes its
/// examples from the document would begin with them.
#[test]
fn traceparent_is_not_all_zeros() {
    let (trace, call) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let (no_trace, no_call) = ("0".repeat(32), "0".repeat(16));
    assert!(TraceParent::parse(&format!("00-{trace}-{call}-01")).is_some());
    assert!(TraceParent::parse(&format!("00-{no_trace}-{call}-01")).is_none());
    assert!(TraceParent::parse(&format!("00-{trace}-{no_call}-01")).is_none());
    // What onbill sends. What it receives may be anything, and is ignored then.
    for name in ["csp", "partner"] {
        let document = document(name);
        let sent = document.shared_parameters().find(|parameter| parameter["name"] == trace_context::HEADER);
        let pattern = "^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$";
        assert_eq!(sent.expect("is there")["schema"]["pattern"], pattern, "{name}");
    }
}

/// What has words here and is a text in its type: it is written by onbill, and read by nobody.
const TEXTS: [(&str, &str); 1] = [("PartnerSubscriptionResponse", "status")];

#[test]
fn words_are_those_of_the_enum() {
    for_each_object(|document, name, schema, wire_type, full| {
        for (member, property) in object(&schema["properties"]) {
            let described = document.resolve(property);
            let Some(words) = described["enum"].as_array() else { continue };
            if TEXTS.contains(&(name, member.as_str())) {
                continue;
            }
            let mut other = full.clone();
            other[member] = "no-such-word".into();
            let error = (wire_type.read)(&other).expect_err(member);
            // serde quotes the word that it has read, and then those that there are.
            let expected: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
            let words: BTreeSet<&str> = words.iter().filter_map(Value::as_str).collect();
            assert_eq!(words, expected, "{name}.{member}: {error}");
        }
    });
}

/// Values just within and just beyond the bounds of a schema.
fn values_at_bounds(schema: &Value) -> Vec<(Value, bool)> {
    let mut values = Vec::new();
    let text = |length: u64| Value::from("x".repeat(usize::try_from(length).expect("is small")));
    if let Some(length) = schema["minLength"].as_u64() {
        values.extend([(text(length), true), (text(length - 1), false)]);
    }
    if let Some(length) = schema["maxLength"].as_u64() {
        values.extend([(text(length), true), (text(length + 1), false)]);
    }
    if let Some(least) = schema["minimum"].as_i64() {
        values.extend([(least.into(), true), ((least - 1).into(), false)]);
    }
    if let Some(most) = schema["maximum"].as_i64() {
        values.extend([(most.into(), true), ((most + 1).into(), false)]);
    }
    values
}

/// The value with these members only.
fn with_only(full: &Value, members: &BTreeSet<&str>) -> Value {
    let kept = object(full).iter().filter(|(name, _)| members.contains(name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

#[test]
fn bounds_are_those_of_the_wire_type() {
    for_each_object(|document, name, schema, wire_type, full| {
        for (member, property) in object(&schema["properties"]) {
            // Other members have rules of their own about this one, so they stay away if they may.
            let mut members = required(schema);
            members.insert(member);
            let few = with_only(full, &members);
            let base = if (wire_type.check)(&few).is_ok() { &few } else { full };
            let described = document.resolve(property);
            let mut probes: Vec<(Option<&str>, Value, bool)> = Vec::new();
            probes.extend(values_at_bounds(described).into_iter().map(|(value, fits)| (None, value, fits)));
            for (inner, property) in described["properties"].as_object().into_iter().flatten() {
                let values = values_at_bounds(document.resolve(property));
                probes.extend(values.into_iter().map(|(value, fits)| (Some(inner.as_str()), value, fits)));
            }
            for (inner, value, fits) in probes {
                let mut probe = base.clone();
                match inner {
                    Some(inner) => probe[member][inner] = value,
                    None => probe[member] = value,
                }
                let checked = (wire_type.check)(&probe);
                assert_eq!(checked.is_ok(), fits, "{name}.{member} {probe}: {checked:?}");
            }
        }
    });
}
