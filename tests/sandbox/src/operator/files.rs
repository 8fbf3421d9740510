//! Billing by files, for an operator whose billing takes no calls: whole files are picked up from
//! `out`, their lines go on the bill, and a response goes to `in`.
//!
//! Strict about what a manifest promises, and idempotent for a file that is picked up again, as any
//! billing has to be: the origin may write a file again after a crash, and a file name that was
//! answered gets the same response.

use super::Operator;
use super::ledger::{OperatorLedger, PostOutcome};
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::currency::Currency;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::tax::TaxRate;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::{BillChargeRequest, BillRefundRequest, BillTax, BillingDecision, ChargeKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::PoisonError;

/// The columns that this billing knows. Those that a file has are found by name, in any order.
const COLUMNS: [&str; 20] = [
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
    "partner",
    "ext_transaction_id",
    "offer",
    "plan",
    "charge_code",
    "tax_amount",
    "tax_rate",
    "tax_included",
    "charge_kind",
];
const MANIFEST: &str = ".manifest.json";

/// The responses that were given, by file name.
pub(super) type ResponseFiles = HashMap<String, String>;

/// A file that was not picked up.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusedFile {
    pub file: String,
    pub why: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FileManifest {
    file: String,
    operator: String,
    created_at: Timestamp,
    lines: usize,
    bytes: usize,
    sha256: String,
    totals: Vec<ManifestTotal>,
    totals_by_charge_code: Vec<ManifestTotal>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ManifestTotal {
    #[serde(default)]
    charge_code: Option<String>,
    kind: String,
    currency: String,
    lines: usize,
    amount: i64,
}

/// One parsed line.
enum FileLine {
    Charge(BillChargeRequest),
    Refund(BillRefundRequest),
}

impl FileLine {
    fn charge_code(&self) -> Option<String> {
        let code = match self {
            Self::Charge(charge) => &charge.charge_code,
            Self::Refund(refund) => &refund.charge_code,
        };
        code.as_ref().map(ToString::to_string)
    }

    fn kind_and_amount(&self) -> (&'static str, Money) {
        match self {
            Self::Charge(charge) => ("charge", charge.amount),
            Self::Refund(refund) => ("refund", refund.amount),
        }
    }
}

impl Operator {
    /// Picks up every complete file in `directory` and responds to it; returns the names of those
    /// that are answered now, in their order. A file that differs from its manifest is not read,
    /// and none of it is billed.
    pub fn bill_files(&self, directory: &Path) -> Result<Vec<String>, RefusedFile> {
        let out = directory.join("out");
        let mut names: Vec<String> = fs::read_dir(&out)
            .map_err(|error| RefusedFile { file: out.display().to_string(), why: error.to_string() })?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(MANIFEST).map(str::to_owned))
            .collect();
        names.sort();
        for name in &names {
            let response =
                self.answer_file(&out, name).map_err(|why| RefusedFile { file: name.clone(), why })?;
            // Under a name that is ignored until the file is complete.
            let folder = directory.join("in");
            let (part, whole) =
                (folder.join(format!("{name}.part")), folder.join(format!("{name}.response.csv")));
            fs::write(&part, response)
                .and_then(|()| fs::rename(&part, &whole))
                .map_err(|error| RefusedFile { file: name.clone(), why: error.to_string() })?;
        }
        Ok(names)
    }

    /// The response to a file: the same for the same name, even with other contents later.
    fn answer_file(&self, out: &Path, name: &str) -> Result<String, String> {
        let mut answered = self.0.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(response) = answered.get(name) {
            return Ok(response.clone());
        }
        let lines = self.read_file(out, name)?;
        let response = book_lines(&mut self.ledger(), lines, self.now())?;
        answered.insert(name.to_owned(), response.clone());
        Ok(response)
    }

    /// All lines of a file that matches its manifest.
    fn read_file(&self, out: &Path, name: &str) -> Result<Vec<FileLine>, String> {
        let manifest = fs::read(out.join(format!("{name}{MANIFEST}"))).map_err(|error| error.to_string())?;
        let manifest: FileManifest =
            serde_json::from_slice(&manifest).map_err(|error| format!("the manifest: {error}"))?;
        if manifest.operator != self.config().operator.as_str() || manifest.created_at > self.now() {
            return Err("the manifest is not one of ours of now".to_owned());
        }
        if manifest.file != format!("{name}.csv") {
            return Err("the manifest is another file's".to_owned());
        }
        let csv = fs::read(out.join(&manifest.file)).map_err(|error| error.to_string())?;
        if csv.len() != manifest.bytes || hex(&sha256(&csv)) != manifest.sha256 {
            return Err("the file is not the one of its manifest".to_owned());
        }
        let lines = read_csv(&csv)?;
        let is_coded = lines.iter().any(|line| line.charge_code().is_some());
        let by_code = add_up(&lines, FileLine::charge_code);
        if lines.len() != manifest.lines
            || add_up(&lines, |_| None) != sorted(manifest.totals)
            || (is_coded && by_code != sorted(manifest.totals_by_charge_code))
        {
            return Err("the control totals do not agree".to_owned());
        }
        Ok(lines)
    }
}

fn sorted(mut totals: Vec<ManifestTotal>) -> Vec<ManifestTotal> {
    totals.sort();
    totals
}

/// The totals of the lines, in order.
fn add_up(lines: &[FileLine], code_of: impl Fn(&FileLine) -> Option<String>) -> Vec<ManifestTotal> {
    let mut totals: BTreeMap<(Option<String>, String, String), (usize, i64)> = BTreeMap::new();
    for line in lines {
        let (kind, amount) = line.kind_and_amount();
        let total = totals.entry((code_of(line), kind.to_owned(), amount.currency.to_string())).or_default();
        *total = (total.0 + 1, total.1 + amount.amount_minor);
    }
    let total = |((charge_code, kind, currency), (lines, amount))| ManifestTotal {
        charge_code,
        kind,
        currency,
        lines,
        amount,
    };
    totals.into_iter().map(total).collect()
}

fn read_csv(csv: &[u8]) -> Result<Vec<FileLine>, String> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let names: BTreeSet<&str> = header.iter().collect();
    if names.len() != header.len() || !names.iter().all(|name| COLUMNS.contains(name)) {
        return Err("the header is another".to_owned());
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let number = lines.len() + 1;
        if record.len() != header.len() {
            return Err(format!("line {number} is short"));
        }
        let fields = Fields(header.iter().zip(&record).collect());
        lines.push(read_line(number, &fields).ok_or_else(|| format!("line {number} is not well formed"))?);
    }
    Ok(lines)
}

/// A field that is not what its column holds.
struct Malformed;

/// The fields of a line by their columns. A column that the file does not have is empty.
struct Fields<'a>(HashMap<&'a str, &'a str>);

impl Fields<'_> {
    fn get(&self, column: &str) -> &str {
        self.0.get(column).copied().unwrap_or_default()
    }

    /// A field that may be empty, and must otherwise be well formed.
    fn optional<T>(&self, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Malformed> {
        match self.get(column) {
            "" => Ok(None),
            text => parse(text).map(Some).ok_or(Malformed),
        }
    }

    fn tax(&self, currency: Currency) -> Result<Option<BillTax>, Malformed> {
        let rate = self.optional("tax_rate", TaxRate::parse)?;
        Ok(match (self.get("tax_amount"), self.get("tax_included")) {
            ("", "") if rate.is_none() => None,
            (amount, "true") => Some(BillTax {
                amount: Money { amount_minor: amount.parse().map_err(|_| Malformed)?, currency },
                rate,
                included: true,
            }),
            _ => return Err(Malformed),
        })
    }
}

fn read_line(number: usize, fields: &Fields<'_>) -> Option<FileLine> {
    let transaction_id = fields.get("transaction_id").to_owned();
    if fields.get("line") != number.to_string() || transaction_id.is_empty() {
        return None;
    }
    let currency = Currency::parse(fields.get("currency"))?;
    let amount = Money { amount_minor: fields.get("amount").parse().ok()?, currency };
    let partner = PartnerId::parse(fields.get("partner"))?;
    let charge_code = fields.optional("charge_code", ChargeCode::parse).ok()?;
    let (refund_id, tax) = (fields.get("refund_id").to_owned(), fields.tax(currency).ok()?);
    match fields.get("kind") {
        "charge" if refund_id.is_empty() && !fields.get("holder").is_empty() => {
            let (from, to) = (Day::parse(fields.get("period_from"))?, Day::parse(fields.get("period_to"))?);
            let ext_transaction_id = ExtId::parse(fields.get("ext_transaction_id"))?;
            let kind = ChargeKind::parse(fields.get("charge_kind"))?;
            Some(FileLine::Charge(BillChargeRequest {
                transaction_id,
                msisdn: Msisdn::parse(fields.get("msisdn"))?,
                amount,
                description: fields.get("description").to_owned(),
                service_period: ServicePeriod::new(from, to).ok()?,
                partner,
                ext_transaction_id,
                subscriber_id: fields.get("holder").to_owned(),
                offer: fields.optional("offer", OfferId::parse).ok()?,
                plan: fields.optional("plan", ExtId::parse).ok()?,
                charge_code,
                tax,
                kind,
            }))
        }
        // A refund is on the bill of its charge: it contains no number.
        "refund" if !refund_id.is_empty() && CHARGE_ONLY.map(|column| fields.get(column)) == [""; 9] => {
            Some(FileLine::Refund(BillRefundRequest {
                refund_id,
                transaction_id,
                amount,
                partner,
                charge_code,
                tax,
            }))
        }
        _ => None,
    }
}

/// The columns that are empty for a refund.
const CHARGE_ONLY: [&str; 9] = [
    "msisdn",
    "holder",
    "description",
    "period_from",
    "period_to",
    "ext_transaction_id",
    "offer",
    "plan",
    "charge_kind",
];

/// Puts the lines on the bill; returns the response.
fn book_lines(ledger: &mut OperatorLedger, lines: Vec<FileLine>, now: Timestamp) -> Result<String, String> {
    let mut response = "line,id,status,amount,raw_code\n".to_owned();
    for (line, number) in lines.into_iter().zip(1_u32..) {
        let amount_minor = line.kind_and_amount().1.amount_minor;
        let (id, decision, raw_code) = match line {
            FileLine::Charge(charge) => {
                let id = charge.transaction_id.clone();
                let answer = booked(ledger.charge(charge, now), number)?;
                (id, answer.status, answer.raw_code)
            }
            FileLine::Refund(refund) => {
                let id = refund.refund_id.clone();
                let answer = booked(ledger.refund(refund, now), number)?;
                (id, answer.status, answer.raw_code)
            }
        };
        let (status, amount_minor) = match decision {
            BillingDecision::Approved => ("APPROVED", amount_minor),
            BillingDecision::Declined => ("DECLINED", 0),
        };
        let raw_code = raw_code.unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(response, "{number},{id},{status},{amount_minor},{raw_code}");
    }
    Ok(response)
}

/// The response to a line, also if it was received before.
fn booked<T>(posted: PostOutcome<T>, number: u32) -> Result<T, String> {
    match posted {
        PostOutcome::First(answer) | PostOutcome::Again(answer) => Ok(answer),
        PostOutcome::Conflict => Err(format!("line {number} was received before with other contents")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
