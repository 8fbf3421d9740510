//! Renders a file and its manifest as bytes. The same lines always give the same bytes, so that a
//! file that was lost before it had its name is written again unchanged.
//!
//! This and the CSP API are the only places where numbers leave the origin. A refund carries none:
//! billing finds the bill by the charge, whichever subscriber has the number today.

use super::names::csv_name;
use crate::config::{FileColumn, FileColumns};
use crate::delivery::billing::charge_subscriber;
use crate::fault::Fault;
use crate::store::{BilledSubscriber, BillingFile, BillingFileLine, BillingItem, Charge, Refund};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::digest::sha256;
use onbill_domain::ids::OperatorId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::{BillTax, ChargeKind};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The two words of the column `kind`.
const CHARGE: &str = "charge";
const REFUND: &str = "refund";

/// The manifest, which shows that a file is complete.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    file: String,
    operator: &'a str,
    created_at: Timestamp,
    lines: u32,
    bytes: usize,
    sha256: String,
    totals: Vec<ControlTotal>,
    totals_by_charge_code: Vec<ChargeCodeTotal>,
}

/// The control total of one kind and currency.
#[derive(Serialize)]
struct ControlTotal {
    kind: &'static str,
    currency: String,
    lines: u32,
    amount: i64,
}

/// The part of a control total that has one charge code, or none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChargeCodeTotal {
    #[serde(skip_serializing_if = "Option::is_none")]
    charge_code: Option<ChargeCode>,
    #[serde(flatten)]
    total: ControlTotal,
}

/// Renders the lines as CSV. `open` unseals a number. Text is quoted where necessary (RFC 4180) and
/// otherwise as the partner wrote it, one line of printable characters. A description is printed on the
/// bill verbatim, so it gets no apostrophe against formulas in spreadsheets; a spreadsheet would
/// turn `+1202…` into a number in any case.
pub(super) fn render_csv(
    columns: &FileColumns,
    lines: &[BillingFileLine],
    open: impl Fn(&BilledSubscriber) -> Result<Msisdn, Fault>,
) -> Result<Vec<u8>, Fault> {
    let failed = |_| Fault::Broken("a file does not serialize");
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(columns.iter().map(FileColumn::as_str)).map_err(failed)?;
    for BillingFileLine { line, bill, .. } in lines {
        let fields = match bill {
            BillingItem::Charge(charge) => {
                let subscriber = charge_subscriber(charge)?;
                let msisdn = open(subscriber)?;
                columns
                    .iter()
                    .map(|column| charge_field(column, *line, charge, subscriber, &msisdn))
                    .collect()
            }
            BillingItem::Refund(refund) => {
                columns.iter().map(|column| refund_field(column, *line, refund)).collect::<Vec<String>>()
            }
        };
        csv.write_record(fields).map_err(failed)?;
    }
    csv.into_inner().map_err(|_| Fault::Broken("a file does not serialize"))
}

fn charge_field(
    column: FileColumn,
    line: u32,
    charge: &Charge,
    subscriber: &BilledSubscriber,
    msisdn: &Msisdn,
) -> String {
    let Charge { booking, service_period, .. } = charge;
    match column {
        FileColumn::Line => line.to_string(),
        FileColumn::Kind => CHARGE.to_owned(),
        FileColumn::TransactionId => charge.transaction_id.clone(),
        FileColumn::RefundId => String::new(),
        FileColumn::Msisdn => msisdn.expose().to_owned(),
        FileColumn::SubscriberRef => subscriber.subscriber_ref.clone(),
        FileColumn::Amount => charge.amount.amount_minor.to_string(),
        FileColumn::Currency => charge.amount.currency.to_string(),
        FileColumn::Description => charge.description.clone(),
        FileColumn::PeriodFrom => service_period.from().to_string(),
        FileColumn::PeriodTo => service_period.to().to_string(),
        FileColumn::Partner => charge.partner.to_string(),
        FileColumn::ExtTransactionId => charge.ext_transaction_id.to_string(),
        FileColumn::Offer => text_of(booking.offer.as_ref()),
        FileColumn::Plan => text_of(booking.plan.as_ref()),
        FileColumn::ChargeCode => text_of(booking.charge_code.as_ref()),
        FileColumn::TaxAmount | FileColumn::TaxRate | FileColumn::TaxIncluded => {
            tax_field(column, charge.tax.as_ref())
        }
        FileColumn::ChargeKind => ChargeKind::of(&charge.ext_transaction_id).as_str().to_owned(),
    }
}

/// A refund is on the bill of its charge: it has no number, and what is empty is the charge's.
fn refund_field(column: FileColumn, line: u32, refund: &Refund) -> String {
    match column {
        FileColumn::Line => line.to_string(),
        FileColumn::Kind => REFUND.to_owned(),
        FileColumn::TransactionId => refund.transaction_id.clone(),
        FileColumn::RefundId => refund.refund_id.clone(),
        FileColumn::Amount => refund.amount.amount_minor.to_string(),
        FileColumn::Currency => refund.amount.currency.to_string(),
        FileColumn::Partner => refund.partner.to_string(),
        FileColumn::ChargeCode => text_of(refund.charge_code.as_ref()),
        FileColumn::TaxAmount | FileColumn::TaxRate | FileColumn::TaxIncluded => {
            tax_field(column, refund.tax.as_ref())
        }
        FileColumn::Msisdn
        | FileColumn::SubscriberRef
        | FileColumn::Description
        | FileColumn::PeriodFrom
        | FileColumn::PeriodTo
        | FileColumn::ExtTransactionId
        | FileColumn::Offer
        | FileColumn::Plan
        | FileColumn::ChargeKind => String::new(),
    }
}

/// One of the three columns about tax; empty where the partner states none.
fn tax_field(column: FileColumn, tax: Option<&BillTax>) -> String {
    let Some(tax) = tax else { return String::new() };
    match column {
        FileColumn::TaxAmount => tax.amount.amount_minor.to_string(),
        FileColumn::TaxRate => text_of(tax.rate.as_ref()),
        _ => tax.included.to_string(),
    }
}

fn text_of(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Renders the manifest of a file with these lines and this CSV.
pub(super) fn render_manifest(
    operator: &OperatorId,
    file: &BillingFile,
    lines: &[BillingFileLine],
    csv: &[u8],
) -> Result<Vec<u8>, Fault> {
    let mut totals: BTreeMap<_, (u32, i64)> = BTreeMap::new();
    let mut by_code: BTreeMap<_, (u32, i64)> = BTreeMap::new();
    for BillingFileLine { bill, .. } in lines {
        let (kind, code) = match bill {
            BillingItem::Charge(charge) => (CHARGE, charge.booking.charge_code.clone()),
            BillingItem::Refund(refund) => (REFUND, refund.charge_code.clone()),
        };
        let amount = bill.amount();
        let currency = amount.currency.to_string();
        for (count, sum) in [
            totals.entry((kind, currency.clone())).or_default(),
            by_code.entry((code, kind, currency)).or_default(),
        ] {
            *count += 1;
            // The sum of ten thousand of the largest possible charges is far from the end of the
            // range.
            *sum += amount.amount_minor;
        }
    }
    let total = |kind, currency, (lines, amount)| ControlTotal { kind, currency, lines, amount };
    let manifest = Manifest {
        file: csv_name(&file.file_id),
        operator: operator.as_str(),
        created_at: file.created_at,
        lines: file.lines,
        bytes: csv.len(),
        sha256: to_hex(&sha256(csv)),
        totals: totals.into_iter().map(|((kind, currency), sum)| total(kind, currency, sum)).collect(),
        totals_by_charge_code: by_code
            .into_iter()
            .map(|((charge_code, kind, currency), sum)| ChargeCodeTotal {
                charge_code,
                total: total(kind, currency, sum),
            })
            .collect(),
    };
    let mut bytes =
        serde_json::to_vec_pretty(&manifest).map_err(|_| Fault::Broken("a manifest does not serialize"))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Lower-case hexadecimal.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Booking;
    use crate::store::{NumberIndex, SealedNumber};
    use onbill_domain::currency::Currency;
    use onbill_domain::day::{Day, ServicePeriod};
    use onbill_domain::ids::{ExtId, OfferId, PartnerId};
    use onbill_domain::money::Money;
    use onbill_domain::tax::TaxRate;

    fn lines() -> Vec<BillingFileLine> {
        let day = |text| Day::parse(text).expect("is a day");
        let money = |amount_minor, currency| Money {
            amount_minor,
            currency: Currency::parse(currency).expect("is listed"),
        };
        let netflix = || PartnerId::parse("netflix").expect("is a slug");
        let code = |code| ChargeCode::parse(code).expect("is a code");
        let charge = |id: &str, ext_id: &str, description: &str, booking: Booking| {
            BillingItem::Charge(Charge {
                transaction_id: id.to_owned(),
                partner: netflix(),
                ext_transaction_id: ExtId::parse(ext_id).expect("is an id"),
                handle: "handle".to_owned(),
                subscriber: Some(BilledSubscriber {
                    number: SealedNumber { index: NumberIndex([1; 32]), sealed: vec![1; 40] },
                    subscriber_ref: "2021-03-14".to_owned(),
                }),
                closed: None,
                amount: money(1599, "USD"),
                description: description.to_owned(),
                service_period: ServicePeriod::new(day("2026-12-01"), day("2026-12-31"))
                    .expect("is a period"),
                repeats_period: false,
                tax: booking
                    .offer
                    .is_some()
                    .then(|| BillTax::within(money(1599, "USD"), 120, TaxRate::parse("8.25"))),
                booking,
            })
        };
        let booking = Booking {
            offer: OfferId::parse("netflix-standard"),
            plan: ExtId::parse("standard,hd"),
            charge_code: Some(code("OTT:1")),
        };
        let refund = BillingItem::Refund(Refund {
            refund_id: "rf-1".to_owned(),
            transaction_id: "tx-0".to_owned(),
            amount: money(500, "EUR"),
            partner: netflix(),
            charge_code: Some(code("OTT:1")),
            tax: Some(BillTax::within(money(500, "EUR"), 37, None)),
        });
        [
            charge("tx-1", "n-1", "Netflix Standard", booking),
            refund,
            charge("tx-2", "onbill-coupon-2", "=1+1, \"two\"", Booking::default()),
        ]
        .into_iter()
        .zip(1..)
        .map(|(bill, line)| BillingFileLine { line, trace: None, bill })
        .collect()
    }

    #[test]
    fn file_is_these_bytes() {
        let number = |_: &BilledSubscriber| Ok(Msisdn::parse("+12025550101").expect("is E.164"));
        let csv = render_csv(&FileColumns::default(), &lines(), number).expect("renders");
        assert_eq!(
            std::str::from_utf8(&csv).expect("is text"),
            "line,kind,transaction_id,refund_id,msisdn,holder,amount,currency,description,period_from,period_to,\
             partner,ext_transaction_id,offer,plan,charge_code,tax_amount,tax_rate,tax_included,charge_kind\n\
             1,charge,tx-1,,+12025550101,2021-03-14,1599,USD,Netflix Standard,2026-12-01,2026-12-31,\
             netflix,n-1,netflix-standard,\"standard,hd\",OTT:1,120,8.25,true,subscription\n\
             2,refund,tx-0,rf-1,,,500,EUR,,,,netflix,,,,OTT:1,37,,true,\n\
             3,charge,tx-2,,+12025550101,2021-03-14,1599,USD,\"=1+1, \"\"two\"\"\",2026-12-01,2026-12-31,\
             netflix,onbill-coupon-2,,,,,,,coupon\n"
        );
        let columns = "charge_code,plan,line,kind,transaction_id,refund_id,msisdn,currency,amount";
        let chosen = FileColumns::parse(columns).expect("are columns");
        let chosen = render_csv(&chosen, &lines(), number).expect("renders");
        assert_eq!(
            String::from_utf8(chosen).expect("is text"),
            format!(
                "{columns}\nOTT:1,\"standard,hd\",1,charge,tx-1,,+12025550101,USD,1599\n\
                 OTT:1,,2,refund,tx-0,rf-1,,EUR,500\n,,3,charge,tx-2,,+12025550101,USD,1599\n"
            )
        );
        let file = BillingFile {
            file_id: "acme-20261118T110640Z-00000001".to_owned(),
            created_at: Timestamp::from_unix_seconds(1_795_000_000),
            lines: 3,
            columns: FileColumns::default(),
            written_at: None,
            acknowledged_at: None,
        };
        let operator = OperatorId::parse("acme").expect("is a slug");
        let manifest = render_manifest(&operator, &file, &lines(), &csv).expect("renders");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("is JSON");
        assert_eq!(
            manifest,
            serde_json::json!({
                "file": "acme-20261118T110640Z-00000001.csv", "operator": "acme",
                "createdAt": "2026-11-18T11:06:40Z", "lines": 3, "bytes": csv.len(), "sha256": to_hex(&sha256(&csv)),
                "totals": [
                    {"kind": "charge", "currency": "USD", "lines": 2, "amount": 3198},
                    {"kind": "refund", "currency": "EUR", "lines": 1, "amount": 500},
                ],
                "totalsByChargeCode": [
                    {"kind": "charge", "currency": "USD", "lines": 1, "amount": 1599},
                    {"chargeCode": "OTT:1", "kind": "charge", "currency": "USD", "lines": 1, "amount": 1599},
                    {"chargeCode": "OTT:1", "kind": "refund", "currency": "EUR", "lines": 1, "amount": 500},
                ],
            })
        );
    }

    #[test]
    fn number_that_cannot_be_unsealed_makes_no_file() {
        let sealed = |_: &BilledSubscriber| {
            Err(Fault::Broken("a sealed number cannot be opened with the keys of the ring"))
        };
        assert!(render_csv(&FileColumns::default(), &lines(), sealed).is_err());
    }
}
