//! `import-accounts`: reads the operator's account file into the embedded table. A bad line is
//! reported by line and column and skipped, and so are lines that contradict each other about a
//! number; everything else is imported.
//!
//! The accounts are kept in memory, 80 bytes for a line, until the whole file is read.

use crate::config::NumberPlan;
use crate::contradictory_lines::{CheckedLines, Contradiction, separate_contradictions};
use crate::csv_file;
use crate::keys::Vault;
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::{ImportedAccount, Store, StoreError};
use onbill_domain::account::{Account, AccountStatus, AccountType};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::money::Money;
use std::io::Read;
use std::num::NonZero;
use std::panic::resume_unwind;

/// The columns, in the order of the header.
pub const HEADER: [&str; 6] = ["msisdn", "status", "type", "balance", "currency", "activated_on"];

/// Lines written in one database transaction: large enough to make the fsync cheap, small enough
/// that charges do not wait behind it for longer than some tens of milliseconds.
const BATCH: usize = 10_000;

/// Lines parsed together, a part of them on each core.
const PARSED_TOGETHER: usize = 16_384;

/// What lines are worth that name different subscribers of one number: they differ in `activated_on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoSubscribers {
    /// None is applied. An old subscriber in the place of the present one would close every PAI of a
    /// customer who pays, permanently.
    Refused,
    /// The latest one is the present one.
    LatestIsPresent,
}

/// The result of an import.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    pub imported: u64,
    pub refused: u64,
    /// Lines of a number's earlier subscribers, left out on request.
    pub earlier: u64,
}

/// Why an import stopped.
#[derive(Debug)]
pub enum ImportError {
    /// The header is not the expected one, or the file is not CSV at all.
    Header(String),
    /// The database failed.
    Store(StoreError),
}

/// Imports `file`. `complain` gets each line that is refused or left out, `progress` the position in bytes.
pub async fn import_accounts(
    store: &Store,
    vault: &Vault,
    numbers: NumberPlan,
    two_subscribers: TwoSubscribers,
    file: impl Read,
    mut complain: impl FnMut(LineProblem),
    mut progress: impl FnMut(u64),
) -> Result<ImportReport, ImportError> {
    let mut reader = csv_file::open_reader(file);
    let found = csv_file::read_header(&mut reader).map_err(ImportError::Header)?;
    if found != HEADER {
        return Err(ImportError::Header(format!("the first line must be {}", HEADER.join(","))));
    }
    let mut report = ImportReport::default();
    let mut accounts = Vec::new();
    loop {
        let (lines, is_end) = read_lines(&mut reader);
        for parsed in parse_lines(vault, numbers, &lines) {
            match parsed {
                Ok(account) => accounts.push(account),
                Err(problem) => {
                    report.refused += 1;
                    complain(problem);
                }
            }
        }
        progress(reader.position().byte());
        if is_end {
            break;
        }
    }
    if two_subscribers == TwoSubscribers::LatestIsPresent {
        for Contradiction { line, other } in remove_earlier_subscribers(&mut accounts) {
            report.earlier += 1;
            let why = format!("left out, line {other} has a later subscriber");
            complain(LineProblem::of_column(line, HEADER[5], ProblemKind::EarlierSubscriber, &why));
        }
    }
    let CheckedLines { sound: mut accounts, contradictory } =
        separate_contradictions(accounts, |account, other| account.number.cmp(&other.number));
    for Contradiction { line, other } in contradictory {
        report.refused += 1;
        let why = format!("line {other} says otherwise of this number");
        complain(LineProblem::of_column(line, HEADER[0], ProblemKind::AnotherLine, &why));
    }
    // They are in the order of the index, which spares the database.
    accounts.dedup_by(|(_, again), (_, account)| again.number == account.number);
    for batch in accounts.chunks(BATCH) {
        let batch: Vec<_> = batch.iter().map(|(_, account)| account.clone()).collect();
        report.imported += batch.len() as u64;
        store.import_accounts(batch).await.map_err(ImportError::Store)?;
        store.let_others_write().await;
    }
    Ok(report)
}

/// Removes the lines of a number's earlier subscribers. Returns each with the first line of the latest
/// one, in the order of the file.
fn remove_earlier_subscribers(accounts: &mut Vec<(u64, ImportedAccount)>) -> Vec<Contradiction> {
    accounts.sort_unstable_by(|(line, account), (other, next)| {
        let order = account.number.cmp(&next.number);
        order.then(next.activated_on.cmp(&account.activated_on)).then(line.cmp(other))
    });
    let mut removed = Vec::new();
    for group in accounts.chunk_by(|(_, account), (_, next)| account.number == next.number) {
        let (latest, present) = &group[0];
        let earlier = group.iter().filter(|(_, account)| account.activated_on != present.activated_on);
        removed.extend(earlier.map(|(line, _)| Contradiction { line: *line, other: *latest }));
    }
    removed.sort_unstable_by_key(|each| each.line);
    accounts.retain(|(line, _)| removed.binary_search_by_key(line, |each| each.line).is_err());
    removed
}

/// A line as it was read, with its number, or what is wrong with it.
type ReadLine = Result<(u64, csv::StringRecord), LineProblem>;

/// Reads the next lines. Returns also whether the file has ended, or reading cannot continue.
fn read_lines<R: Read>(reader: &mut csv::Reader<R>) -> (Vec<ReadLine>, bool) {
    let (mut lines, mut record) = (Vec::new(), csv::StringRecord::new());
    while lines.len() < PARSED_TOGETHER {
        match csv_file::read_line(reader, &mut record) {
            Some(Ok(line)) => lines.push(Ok((line, std::mem::take(&mut record)))),
            Some(Err(unreadable)) => {
                lines.push(Err(unreadable.problem));
                if unreadable.is_end {
                    return (lines, true);
                }
            }
            None => return (lines, true),
        }
    }
    (lines, false)
}

/// Parses lines, a part of them on each core: reading the numbers and hashing them takes most of
/// the time of an import.
fn parse_lines(
    vault: &Vault,
    numbers: NumberPlan,
    lines: &[ReadLine],
) -> Vec<Result<(u64, ImportedAccount), LineProblem>> {
    let parse = |line: &ReadLine| {
        let (line, record) = line.as_ref().map_err(Clone::clone)?;
        let account = parse_line(vault, numbers, record);
        let account = account.map_err(|(column, why)| {
            LineProblem::of_column(*line, HEADER[column], ProblemKind::Value, why)
        })?;
        Ok((*line, account))
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let parts = lines.chunks(lines.len().div_ceil(cores).max(1));
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            parts.map(|part| scope.spawn(move || part.iter().map(parse).collect::<Vec<_>>())).collect();
        let parsed =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        parsed.flatten().collect()
    })
}

/// Parses one line. The error is the column (by its index) that is wrong, and why. It does not
/// repeat the value, which may be a number.
fn parse_line(
    vault: &Vault,
    numbers: NumberPlan,
    record: &csv::StringRecord,
) -> Result<ImportedAccount, (usize, &'static str)> {
    let field = |column: usize| record.get(column).ok_or((column, "is missing"));
    let msisdn = numbers.parse(field(0)?).map_err(|_| (0, "is not a telephone number"))?;
    let status = AccountStatus::parse(field(1)?).ok_or((1, "must be active, suspended or ceased"))?;
    let account_type = AccountType::parse(field(2)?).ok_or((2, "must be postpaid or prepaid"))?;
    let balance = match (field(3)?, account_type) {
        ("", AccountType::Postpaid) => None,
        ("", AccountType::Prepaid) => return Err((3, "must not be empty for prepaid")),
        (digits, _) => {
            let amount_minor = digits.parse().map_err(|_| (3, "must be whole minor units, such as 1599"))?;
            let currency = Currency::parse(field(4)?).ok_or((4, "must be an ISO 4217 code, such as USD"))?;
            Some(Money { amount_minor, currency })
        }
    };
    // Never empty: this day distinguishes the number's next subscriber from the last one.
    let activated_on = Day::parse(field(5)?).ok_or((5, "must be a date of the form YYYY-MM-DD"))?;
    let account = Account { status, account_type, balance };
    Ok(ImportedAccount { number: vault.index_number(&msisdn), account, activated_on })
}
