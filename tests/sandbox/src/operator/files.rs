//! Billing by files, for an operator whose billing takes no calls: whole files are picked up from
//! `out`, their lines go on the bill, and a response goes to `in`.
//!
//! Strict about what a manifest promises, and idempotent for a file that is picked up again, as any
//! billing has to be: the origin may write a file again after a crash, and a file name that was
//! answered gets the same response.

use super::Operator;
use super::ledger::{OperatorLedger, PostOutcome, RefundRefusal};
use onbill_domain::currency::Currency;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::csp::{BillChargeRequest, BillChargeResponse, BillRefundRequest, BillingDecision};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::PoisonError;

const HEADER: &str =
    "line,kind,transaction_id,refund_id,msisdn,holder,amount,currency,description,period_from,period_to";
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
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ManifestTotal {
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
    fn kind_and_amount(&self) -> (&'static str, Money) {
        match self {
            Self::Charge(charge) => ("charge", charge.amount),
            Self::Refund(refund) => ("refund", refund.amount),
        }
    }
}

impl Operator {
    /// Picks up every complete file in `directory` and responds to it; returns the names of those
    /// that are answered now, in their order. A file that differs from its manifest is left alone,
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
        let response = book(&mut self.ledger(), lines, self.now())?;
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
        let mut totals: BTreeMap<(String, String), (usize, i64)> = BTreeMap::new();
        for line in &lines {
            let (kind, amount) = line.kind_and_amount();
            let total = totals.entry((kind.to_owned(), amount.currency.to_string())).or_default();
            *total = (total.0 + 1, total.1 + amount.amount_minor);
        }
        let mut promised = manifest.totals;
        promised.sort();
        let found = totals.into_iter().map(|((kind, currency), (lines, amount))| ManifestTotal {
            kind,
            currency,
            lines,
            amount,
        });
        if lines.len() != manifest.lines || !found.eq(promised) {
            return Err("the control totals do not agree".to_owned());
        }
        Ok(lines)
    }
}

fn read_csv(csv: &[u8]) -> Result<Vec<FileLine>, String> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().map_err(|error| error.to_string())?;
    if !header.iter().eq(HEADER.split(',')) {
        return Err("the header is another".to_owned());
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let number = lines.len() + 1;
        let fields: [&str; 11] =
            record.iter().collect::<Vec<_>>().try_into().map_err(|_| format!("line {number} is short"))?;
        lines.push(read_line(number, fields).ok_or_else(|| format!("line {number} is not well formed"))?);
    }
    Ok(lines)
}

fn read_line(number: usize, fields: [&str; 11]) -> Option<FileLine> {
    let [line, kind, transaction, refund, msisdn, holder, amount, currency, description, from, to] = fields;
    if line != number.to_string() || transaction.is_empty() {
        return None;
    }
    let amount = Money { amount_minor: amount.parse().ok()?, currency: Currency::parse(currency)? };
    match kind {
        "charge" if refund.is_empty() && !holder.is_empty() => Some(FileLine::Charge(BillChargeRequest {
            transaction_id: transaction.to_owned(),
            msisdn: Msisdn::parse(msisdn)?,
            amount,
            description: description.to_owned(),
            service_period: ServicePeriod::new(Day::parse(from)?, Day::parse(to)?).ok()?,
        })),
        // A refund is on the bill of its charge: it contains no number.
        "refund" if !refund.is_empty() && [msisdn, holder, description, from, to] == [""; 5] => {
            Some(FileLine::Refund(BillRefundRequest {
                refund_id: refund.to_owned(),
                transaction_id: transaction.to_owned(),
                amount,
            }))
        }
        _ => None,
    }
}

/// Puts the lines on the bill; returns the response.
fn book(ledger: &mut OperatorLedger, lines: Vec<FileLine>, now: Timestamp) -> Result<String, String> {
    let mut response = "line,id,status,amount,raw_code\n".to_owned();
    for (line, number) in lines.into_iter().zip(1_u32..) {
        let amount_minor = line.kind_and_amount().1.amount_minor;
        let (id, answer) = match line {
            FileLine::Charge(charge) => {
                let id = charge.transaction_id.clone();
                match ledger.charge(charge, now) {
                    PostOutcome::First(answer) | PostOutcome::Again(answer) => (id, answer),
                    PostOutcome::Conflict => {
                        return Err(format!("line {number} came before as another charge"));
                    }
                }
            }
            FileLine::Refund(refund) => {
                let id = refund.refund_id.clone();
                (id, refund_answer(&ledger.refund(refund, now))?)
            }
        };
        let (status, amount_minor) = match answer.status {
            BillingDecision::Approved => ("APPROVED", amount_minor),
            BillingDecision::Declined => ("DECLINED", 0),
        };
        let raw_code = answer.raw_code.unwrap_or_default();
        // Writing into a string does not fail.
        let _ = writeln!(response, "{number},{id},{status},{amount_minor},{raw_code}");
    }
    Ok(response)
}

fn refund_answer(posted: &Result<PostOutcome<()>, RefundRefusal>) -> Result<BillChargeResponse, String> {
    let declined = |code: &str| BillChargeResponse {
        status: BillingDecision::Declined,
        raw_code: Some(code.to_owned()),
    };
    match posted {
        Ok(PostOutcome::First(()) | PostOutcome::Again(())) => {
            Ok(BillChargeResponse { status: BillingDecision::Approved, raw_code: None })
        }
        Ok(PostOutcome::Conflict) => Err("a refund came before with other contents".to_owned()),
        Err(RefundRefusal::NoSuchCharge) => Ok(declined("no-such-charge")),
        Err(RefundRefusal::NotWithinRemainder) => Ok(declined("not-within-remainder")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
