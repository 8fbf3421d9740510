//! Renders a file and its manifest as bytes. The same lines always give the same bytes, so that a
//! file that was lost before it had its name is written again unchanged.
//!
//! This and the CSP API are the only places where numbers leave the origin. A refund carries none:
//! billing finds the bill by the charge, whichever subscriber has the number today.

use super::names::csv_name;
use crate::delivery::billing::charge_subscriber;
use crate::fault::Fault;
use crate::store::{BilledSubscriber, BillingFile, BillingFileLine, BillingItem};
use onbill_domain::digest::sha256;
use onbill_domain::ids::OperatorId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The columns. Text is quoted where necessary (RFC 4180) and otherwise as the partner wrote it,
/// one line of printable characters. A description goes on the bill verbatim, so it gets no
/// apostrophe against formulas in spreadsheets; a spreadsheet would turn `+1202…` into a number in
/// any case.
pub(super) const HEADER: [&str; 11] = [
    "line",
    "kind",
    "transaction_id",
    "refund_id",
    "msisdn",
    "holder",
    "amount",
    "currency",
    "description",
    "period_from",
    "period_to",
];

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
}

/// The control total of one kind and currency.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlTotal {
    kind: &'static str,
    currency: String,
    lines: u32,
    amount: i64,
}

/// Renders the lines as CSV. `open` unseals a number.
pub(super) fn render_csv(
    lines: &[BillingFileLine],
    open: impl Fn(&BilledSubscriber) -> Result<Msisdn, Fault>,
) -> Result<Vec<u8>, Fault> {
    let failed = |_| Fault::Broken("a file does not serialize");
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER).map_err(failed)?;
    for BillingFileLine { line, bill } in lines {
        let line = line.to_string();
        let amount = bill.amount();
        let (value, currency) = (amount.amount_minor.to_string(), amount.currency.as_str());
        match bill {
            BillingItem::Charge(charge) => {
                let subscriber = charge_subscriber(charge)?;
                let msisdn = open(subscriber)?;
                let period = charge.service_period;
                csv.write_record([
                    &line,
                    "charge",
                    &charge.transaction_id,
                    "",
                    msisdn.expose(),
                    &subscriber.subscriber_ref,
                    &value,
                    currency,
                    &charge.description,
                    &period.from().to_string(),
                    &period.to().to_string(),
                ])
            }
            BillingItem::Refund(refund) => csv.write_record([
                &line,
                "refund",
                &refund.transaction_id,
                &refund.refund_id,
                "",
                "",
                &value,
                currency,
                "",
                "",
                "",
            ]),
        }
        .map_err(failed)?;
    }
    csv.into_inner().map_err(|_| Fault::Broken("a file does not serialize"))
}

/// Renders the manifest of a file with these lines and this CSV.
pub(super) fn render_manifest(
    operator: &OperatorId,
    file: &BillingFile,
    lines: &[BillingFileLine],
    csv: &[u8],
) -> Result<Vec<u8>, Fault> {
    let mut totals: BTreeMap<(&str, String), (u32, i64)> = BTreeMap::new();
    for BillingFileLine { bill, .. } in lines {
        let kind = match bill {
            BillingItem::Charge(_) => "charge",
            BillingItem::Refund(_) => "refund",
        };
        let amount = bill.amount();
        let (count, sum) = totals.entry((kind, amount.currency.to_string())).or_default();
        *count += 1;
        // The sum of ten thousand of the largest possible charges is far from the end of the range.
        *sum += amount.amount_minor;
    }
    let total = |((kind, currency), (lines, amount))| ControlTotal { kind, currency, lines, amount };
    let manifest = Manifest {
        file: csv_name(&file.file_id),
        operator: operator.as_str(),
        created_at: file.created_at,
        lines: file.lines,
        bytes: csv.len(),
        sha256: to_hex(&sha256(csv)),
        totals: totals.into_iter().map(total).collect(),
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
    use crate::store::{Charge, NumberIndex, Refund, SealedNumber};
    use onbill_domain::currency::Currency;
    use onbill_domain::day::{Day, ServicePeriod};
    use onbill_domain::money::Money;

    fn lines() -> Vec<BillingFileLine> {
        let day = |text| Day::parse(text).expect("is a day");
        let money = |amount_minor, currency| Money {
            amount_minor,
            currency: Currency::parse(currency).expect("is listed"),
        };
        let charge = |id: &str, description: &str| {
            BillingItem::Charge(Charge {
                transaction_id: id.to_owned(),
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
            })
        };
        let refund = BillingItem::Refund(Refund {
            refund_id: "rf-1".to_owned(),
            transaction_id: "tx-0".to_owned(),
            amount: money(500, "EUR"),
        });
        [charge("tx-1", "Netflix Standard"), refund, charge("tx-2", "=1+1, \"two\"")]
            .into_iter()
            .zip(1..)
            .map(|(bill, line)| BillingFileLine { line, bill })
            .collect()
    }

    #[test]
    fn file_is_these_bytes() {
        let number = |_: &BilledSubscriber| Ok(Msisdn::parse("+12025550101").expect("is E.164"));
        let csv = render_csv(&lines(), number).expect("renders");
        assert_eq!(
            std::str::from_utf8(&csv).expect("is text"),
            "line,kind,transaction_id,refund_id,msisdn,holder,amount,currency,description,period_from,period_to\n\
             1,charge,tx-1,,+12025550101,2021-03-14,1599,USD,Netflix Standard,2026-12-01,2026-12-31\n\
             2,refund,tx-0,rf-1,,,500,EUR,,,\n\
             3,charge,tx-2,,+12025550101,2021-03-14,1599,USD,\"=1+1, \"\"two\"\"\",2026-12-01,2026-12-31\n"
        );
        let file = BillingFile {
            file_id: "acme-20261118T110640Z-00000001".to_owned(),
            created_at: Timestamp::from_unix_seconds(1_795_000_000),
            lines: 3,
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
            })
        );
    }

    #[test]
    fn number_that_cannot_be_unsealed_makes_no_file() {
        assert!(render_csv(&lines(), |_| Err(Fault::Broken("a sealed number does not open"))).is_err());
    }
}
