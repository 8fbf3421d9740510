//! `coupons issue`: imports the operator's file of coupons. A bad line is reported by line and
//! column and issues nothing, and so are lines that give one id to different coupons; every other
//! line issues its coupon. A file that was imported in part
//! can be imported again: existing coupons stay as they are.

use super::desk::Coupons;
use super::issue::{CONFLICT, CouponField, Examined, NotIssued};
use crate::config::NumberPlan;
use crate::contradictory_lines::{CheckedLines, Contradiction, separate_contradictions};
use crate::csv_file;
use crate::fault::{Failure, Fault};
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::IssueCouponResult;
use futures_util::{StreamExt as _, stream};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::wire::coupon::CouponRequest;
use std::io::Read;

/// The columns, in the order of the header.
pub const HEADER: [&str; 7] = ["ext_coupon_id", "msisdn", "plan", "amount", "currency", "offer", "locale"];

/// Coupons issued before other writers get a turn at the database. In a SQLite file a batch is one
/// commit of 0.1 to 0.2 s, which is the longest that the running origin waits; smaller batches
/// would write each page of an index more often.
const BATCH: usize = 256;
/// Concurrent requests to the operator's server: enough to keep it busy, few enough not to flood it.
const ASKED_AT_ONCE: usize = 64;

/// Counts of the lines by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CouponFileReport {
    /// Coupons issued.
    pub issued: u64,
    /// Coupons that existed before.
    pub repeated: u64,
    /// Lines that issued nothing.
    pub refused: u64,
}

/// Why the import stopped. The coupons of earlier lines are issued.
#[derive(Debug)]
pub enum CouponFileError {
    /// The header is not the expected one, or the file is not CSV at all.
    Header(String),
    /// The database or the operator's systems failed.
    Failed(String),
}

/// Issues the coupons in `file`. `complain` gets each refused line, `progress` the position in bytes.
pub async fn issue_file(
    coupons: &Coupons,
    file: impl Read,
    mut complain: impl FnMut(LineProblem),
    mut progress: impl FnMut(u64),
) -> Result<CouponFileReport, CouponFileError> {
    let mut reader = csv_file::open_reader(file);
    let found = csv_file::read_header(&mut reader).map_err(CouponFileError::Header)?;
    if found != HEADER {
        return Err(CouponFileError::Header(format!("the first line must be {}", HEADER.join(","))));
    }
    let mut report = CouponFileReport::default();
    let mut record = csv::StringRecord::new();
    let mut lines: Vec<(u64, CouponRequest)> = Vec::new();
    while let Some(line) = csv_file::read_line(&mut reader, &mut record) {
        match line.map(|line| (line, parse_line(coupons.numbers, &record))) {
            Ok((line, Ok(request))) => lines.push((line, request)),
            Ok((line, Err((column, why)))) => {
                report.refused += 1;
                complain(problem_at(line, column, ProblemKind::Value, why));
            }
            Err(unreadable) => {
                report.refused += 1;
                complain(unreadable.problem);
                if unreadable.is_end {
                    break;
                }
            }
        }
    }
    let CheckedLines { mut sound, contradictory } = separate_contradictions(lines, |request, other| {
        request.ext_coupon_id.as_str().cmp(other.ext_coupon_id.as_str())
    });
    for Contradiction { line, other } in contradictory {
        report.refused += 1;
        let why = format!("line {other} is another coupon of this id");
        complain(problem_at(line, 0, ProblemKind::AnotherLine, &why));
    }
    let readable = sound.len();
    sound.dedup_by(|(_, again), (_, request)| again.ext_coupon_id == request.ext_coupon_id);
    sound.sort_unstable_by_key(|(line, _)| *line);
    report.repeated += (readable - sound.len()) as u64;
    let (bytes, all) = (reader.position().byte(), sound.len() as u64);
    let mut done = 0;
    for batch in sound.chunks(BATCH) {
        let issued_before = report.issued;
        issue_batch(coupons, batch, &mut report, &mut complain).await?;
        done += batch.len() as u64;
        progress(bytes * done / all);
        if report.issued > issued_before {
            coupons.store.let_others_write().await;
        }
    }
    Ok(report)
}

/// Issues the coupons of a batch of lines. A failure to check one of them does not stop the others.
async fn issue_batch(
    coupons: &Coupons,
    batch: &[(u64, CouponRequest)],
    report: &mut CouponFileReport,
    complain: &mut impl FnMut(LineProblem),
) -> Result<(), CouponFileError> {
    let mut failed = Ok(());
    // More than the database serves at once would only wait, and on a slow server for too long.
    let at_once = coupons.store.calls_at_once(BATCH);
    let (mut lines, mut new) = (Vec::new(), Vec::new());
    let mut examined = stream::iter(batch)
        .map(async |(line, request)| (*line, coupons.examine_request(request).await))
        .buffered(ASKED_AT_ONCE.min(at_once));
    while let Some((line, asked)) = examined.next().await {
        match asked {
            Ok(Examined::Existing(_)) => report.repeated += 1,
            Ok(Examined::New(coupon)) => {
                lines.push(line);
                new.push(*coupon);
            }
            Err(NotIssued::Refused(member, reject)) => {
                report.refused += 1;
                let why = reject.message.trim_end_matches('.');
                complain(problem_at(line, column_of(member), ProblemKind::Refused, why));
            }
            Err(NotIssued::Failed(failure)) => {
                failed = Err(CouponFileError::Failed(describe_failure(failure)));
            }
        }
    }
    let now = coupons.clock.now();
    let issues = stream::iter(new).map(|new| coupons.store.issue_coupon(None, now, new));
    let mut made = issues.buffered(at_once).zip(stream::iter(lines));
    while let Some((made, line)) = made.next().await {
        match made {
            Ok(IssueCouponResult::Created(_)) => report.issued += 1,
            Ok(IssueCouponResult::Replayed(_)) => report.repeated += 1,
            // Another writer has issued a coupon with this id in the meantime.
            Ok(IssueCouponResult::Conflict) => {
                report.refused += 1;
                let column = column_of(CouponField::ExtCouponId);
                complain(problem_at(line, column, ProblemKind::IdTaken, CONFLICT.trim_end_matches('.')));
            }
            Err(error) => failed = Err(CouponFileError::Failed(describe_failure(error.into()))),
        }
    }
    failed
}

fn describe_failure(failure: Failure) -> String {
    match failure {
        Failure::Fault(Fault::Store(why)) => format!("the database failed: {why}"),
        Failure::Fault(Fault::CspApi(_)) => "the operator's systems do not answer".to_owned(),
        Failure::Fault(Fault::UnknownWord(word)) => {
            format!("the operator's systems use an unknown {}: {word}", word.member)
        }
        Failure::Fault(Fault::Spool(why)) => why,
        Failure::Fault(Fault::Broken(what)) => what.to_owned(),
        Failure::Reject(reject) => reject.message,
    }
}

fn problem_at(line: u64, column: usize, kind: ProblemKind, why: &str) -> LineProblem {
    LineProblem::of_column(line, HEADER[column], kind, why)
}

fn column_of(member: CouponField) -> usize {
    match member {
        CouponField::ExtCouponId => 0,
        CouponField::Msisdn => 1,
        CouponField::Plan => 2,
        CouponField::Amount => 3,
        CouponField::Currency => 4,
        CouponField::Offer => 5,
    }
}

/// Parses one line. The error is the index of the wrong column, and the reason; it does not repeat
/// the value, which may be a number.
fn parse_line(
    numbers: NumberPlan,
    record: &csv::StringRecord,
) -> Result<CouponRequest, (usize, &'static str)> {
    let field = |column: usize| record.get(column).ok_or((column, "is missing"));
    let id = "must be 1 to 128 printable characters";
    let amount_minor = field(3)?
        .parse()
        .map_err(|_| (3, "must be a whole number of minor units, such as 8999 for 89.99"))?;
    Ok(CouponRequest {
        ext_coupon_id: ExtId::parse(field(0)?).ok_or((0, id))?,
        msisdn: numbers.parse(field(1)?).map_err(|_| (1, "is not a telephone number"))?,
        plan: ExtId::parse(field(2)?).ok_or((2, id))?,
        amount: Money {
            amount_minor,
            currency: Currency::parse(field(4)?).ok_or((4, "is not a currency code such as USD"))?,
        },
        offer: match record.get(5).unwrap_or_default() {
            "" => None,
            offer => Some(OfferId::parse(offer).ok_or((5, "is not an offer's name"))?),
        },
        locale: match record.get(6).unwrap_or_default() {
            "" => Locale::default(),
            locale => Locale::from_tag(locale).ok_or((6, "is not a language that there are texts in"))?,
        },
    })
}
