//! `coupons issue`: the operator's file of coupons. A bad line is named by line and column and nothing is made of it;
//! everything else is. A file that was read in part is read in again: what there is already stays as it is.

use super::desk::Coupons;
use super::issue::{CONFLICT, CouponField, Examined, NotIssued};
use crate::config::{Database, NumberPlan};
use crate::csv_file;
use crate::fault::{Failure, Fault};
use crate::store::IssueCouponResult;
use futures_util::{StreamExt as _, stream};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::wire::coupon::CouponRequest;
use std::io::Read;
use std::time::Duration;

/// The columns, in the order of the header.
pub const HEADER: [&str; 7] = ["ext_coupon_id", "msisdn", "plan", "amount", "currency", "offer", "locale"];

/// Coupons made without leaving the books to others. In a SQLite file that is one commit of a tenth of a second or two, for
/// which the origin that serves waits at most; smaller ones write each page of an index more often.
const BATCH: usize = 256;
/// Questions at once to a server, be it the operator's or the books': enough to keep it busy, few enough not to flood it.
const ASKED_AT_ONCE: usize = 64;
/// How long a SQLite file is left to others after each batch. Who has begun to wait for it looks again every 50 ms at the
/// latest (SQLite's busy handler): without the pause it would find the next batch, and the one after that.
const OTHERS_TURN: Duration = Duration::from_millis(50);

/// What became of the lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CouponFileReport {
    /// Coupons made.
    pub issued: u64,
    /// Coupons that were there before.
    pub repeated: u64,
    /// Lines of which nothing was made.
    pub refused: u64,
}

/// Why reading stopped. What came before is made.
#[derive(Debug)]
pub enum CouponFileError {
    /// The header is not the expected one, or the file is not CSV at all.
    Header(String),
    /// The books or the operator's systems failed.
    Failed(String),
}

/// Makes the coupons in `file`. `complain` gets a sentence for each line that is refused, `progress` the position in bytes.
pub async fn issue_file(
    coupons: &Coupons,
    file: impl Read,
    mut complain: impl FnMut(String),
    mut progress: impl FnMut(u64),
) -> Result<CouponFileReport, CouponFileError> {
    let mut reader = csv_file::open_reader(file);
    let found = csv_file::read_header(&mut reader).map_err(CouponFileError::Header)?;
    if found != HEADER {
        return Err(CouponFileError::Header(format!("the first line must be {}", HEADER.join(","))));
    }
    let mut report = CouponFileReport::default();
    let mut record = csv::StringRecord::new();
    let mut batch: Vec<(u64, CouponRequest)> = Vec::with_capacity(BATCH);
    let mut is_end = false;
    while !is_end {
        let mut next = None;
        match csv_file::read_line(&mut reader, &mut record) {
            None => is_end = true,
            Some(Ok(line)) => match parse_line(coupons.numbers, &record) {
                Ok(request) => next = Some((line, request)),
                Err((column, why)) => {
                    report.refused += 1;
                    complain(complaint_at(line, column, why));
                }
            },
            Some(Err(unreadable)) => {
                report.refused += 1;
                complain(unreadable.complaint);
                is_end = unreadable.is_end;
            }
        }
        // Of two lines of one name the first counts. It is made before the other is looked at.
        let is_named_again =
            next.as_ref().is_some_and(|(_, new)| batch.iter().any(|(_, made)| have_same_id(made, new)));
        if batch.len() == BATCH || is_end || is_named_again {
            let issued_before = report.issued;
            issue_batch(coupons, &batch, &mut report, &mut complain).await?;
            batch.clear();
            progress(reader.position().byte());
            if report.issued > issued_before && is_sqlite(coupons) {
                tokio::time::sleep(OTHERS_TURN).await;
            }
        }
        batch.extend(next);
    }
    Ok(report)
}

fn have_same_id(one: &CouponRequest, other: &CouponRequest) -> bool {
    one.ext_coupon_id == other.ext_coupon_id
}

/// Makes the coupons of some lines. What can be made is, also when looking at one of them fails.
async fn issue_batch(
    coupons: &Coupons,
    batch: &[(u64, CouponRequest)],
    report: &mut CouponFileReport,
    complain: &mut impl FnMut(String),
) -> Result<(), CouponFileError> {
    let mut failed = Ok(());
    let (mut lines, mut new) = (Vec::new(), Vec::new());
    let mut examined = stream::iter(batch)
        .map(async |(line, request)| (*line, coupons.examine_request(request).await))
        .buffered(ASKED_AT_ONCE);
    while let Some((line, asked)) = examined.next().await {
        match asked {
            Ok(Examined::Existing(_)) => report.repeated += 1,
            Ok(Examined::New(coupon)) => {
                lines.push(line);
                new.push(*coupon);
            }
            Err(NotIssued::Refused(member, reject)) => {
                report.refused += 1;
                complain(complaint_at(line, column_of(member), reject.message.trim_end_matches('.')));
            }
            Err(NotIssued::Failed(failure)) => {
                failed = Err(CouponFileError::Failed(describe_failure(failure)));
            }
        }
    }
    let (at_once, now) = (if is_sqlite(coupons) { BATCH } else { ASKED_AT_ONCE }, coupons.clock.now());
    let issues = stream::iter(new).map(|new| coupons.store.issue_coupon(None, now, new));
    let mut made = issues.buffered(at_once).zip(stream::iter(lines));
    while let Some((made, line)) = made.next().await {
        match made {
            Ok(IssueCouponResult::Created(_)) => report.issued += 1,
            Ok(IssueCouponResult::Replayed(_)) => report.repeated += 1,
            // Somebody else has made one of this name meanwhile.
            Ok(IssueCouponResult::Conflict) => {
                report.refused += 1;
                complain(complaint_at(
                    line,
                    column_of(CouponField::ExtCouponId),
                    CONFLICT.trim_end_matches('.'),
                ));
            }
            Err(error) => failed = Err(CouponFileError::Failed(describe_failure(error.into()))),
        }
    }
    failed
}

/// Whether there is one writer at a time, whose commits are worth sharing.
fn is_sqlite(coupons: &Coupons) -> bool {
    matches!(coupons.config.database, Database::Sqlite(_))
}

fn describe_failure(failure: Failure) -> String {
    match failure {
        Failure::Fault(Fault::Store(why)) => format!("the books fail: {why}"),
        Failure::Fault(Fault::CspApi(_)) => "the operator's systems do not answer".to_owned(),
        Failure::Fault(Fault::Spool(why)) => why,
        Failure::Fault(Fault::Broken(what)) => what.to_owned(),
        Failure::Reject(reject) => reject.message,
    }
}

fn complaint_at(line: u64, column: usize, why: &str) -> String {
    format!("line {line}, column {}: {why}", HEADER[column])
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

/// One line; or the column (by its index) that is wrong, and why. The value itself is not repeated: it may be a number.
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
