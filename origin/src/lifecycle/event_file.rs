//! `account-events`: imports the operator's file of account events. A bad line is reported by line
//! and column and not applied, and so are lines that give one event id to different events; all
//! others are applied in the order of the file.

use crate::account::import::ImportError;
use crate::ambient::Random;
use crate::config::NumberPlan;
use crate::contradictory_lines::{CheckedLines, Contradiction, separate_contradictions};
use crate::csv_file;
use crate::instruments::Instruments;
use crate::keys::Vault;
use crate::lifecycle::event::{EventResult, follow};
use crate::line_problem::{LineProblem, ProblemKind};
use crate::store::Store;
use onbill_domain::account_event::AccountEvent;
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::{AccountEventOutcome, AccountEventRequest};
use std::io::Read;

/// The columns, in the order of the header.
pub const HEADER: [&str; 5] = ["event_id", "type", "msisdn", "new_msisdn", "occurred_at"];

/// Counts of the lines by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EventFileReport {
    /// Applied, now or before.
    pub applied: u64,
    /// Recorded only: a later event was already here.
    pub superseded: u64,
    /// Recorded only: no subscriber with this number has ever signed up.
    pub no_subscriber: u64,
    /// Recorded only: it contradicts what the database holds.
    pub contradictory: u64,
    /// Not understood, and not recorded.
    pub refused: u64,
}

#[derive(Clone, Copy)]
pub struct EventImport<'a> {
    pub store: &'a Store,
    /// Seals numbers.
    pub vault: &'a Vault,
    /// Parses numbers.
    pub numbers: NumberPlan,
    /// The source of unpredictable bytes.
    pub random: &'a dyn Random,
    pub instruments: &'a Instruments,
}

/// Applies the events in `file`. `complain` gets each line that is refused or contradictory, `progress` the position in bytes; `now` returns the time. When the database
/// fails, the earlier events are applied: the file can be imported again.
pub async fn apply_event_file(
    import: EventImport<'_>,
    file: impl Read,
    now: impl Fn() -> Timestamp,
    mut complain: impl FnMut(LineProblem),
    mut progress: impl FnMut(u64),
) -> Result<EventFileReport, ImportError> {
    let mut reader = csv_file::open_reader(file);
    let found = csv_file::read_header(&mut reader).map_err(ImportError::Header)?;
    if found != HEADER {
        return Err(ImportError::Header(format!("the first line must be {}", HEADER.join(","))));
    }
    let mut report = EventFileReport::default();
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    while let Some(line) = csv_file::read_line(&mut reader, &mut record) {
        match line.map(|line| (line, parse_line(import.numbers, now(), &record))) {
            Ok((line, Ok(event))) => lines.push((line, event)),
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
        progress(reader.position().byte());
    }
    let CheckedLines { mut sound, contradictory } =
        separate_contradictions(lines, |event, other| event.event_id.as_str().cmp(other.event_id.as_str()));
    sound.sort_unstable_by_key(|(line, _)| *line);
    for Contradiction { line, other } in contradictory {
        report.refused += 1;
        let why = format!("line {other} is another event of this id");
        complain(problem_at(line, 0, ProblemKind::AnotherLine, &why));
    }
    for (line, event) in sound {
        let followed = apply_line(import, now(), &event).await?;
        count_outcome(&mut report, line, followed, &mut complain);
    }
    Ok(report)
}

fn count_outcome(
    report: &mut EventFileReport,
    line: u64,
    followed: EventResult,
    complain: &mut impl FnMut(LineProblem),
) {
    match followed {
        EventResult::Recorded(AccountEventOutcome::Applied) => report.applied += 1,
        EventResult::Recorded(AccountEventOutcome::Superseded) => report.superseded += 1,
        EventResult::Recorded(AccountEventOutcome::NoSubscriber) => report.no_subscriber += 1,
        EventResult::Recorded(AccountEventOutcome::Contradictory) => {
            report.contradictory += 1;
            let why = "is another subscriber's number: recorded, and not applied";
            complain(problem_at(line, 3, ProblemKind::AnotherSubscriber, why));
        }
        EventResult::Conflict => {
            report.refused += 1;
            complain(problem_at(line, 0, ProblemKind::IdTaken, "was used for another event"));
        }
    }
}

fn problem_at(line: u64, column: usize, kind: ProblemKind, why: &str) -> LineProblem {
    LineProblem::of_column(line, HEADER[column], kind, why)
}

async fn apply_line(
    EventImport { store, vault, random, instruments, .. }: EventImport<'_>,
    now: Timestamp,
    event: &AccountEventRequest,
) -> Result<EventResult, ImportError> {
    // An operator who may import a file may write the database: there is no signature, and no
    // nonce.
    follow(instruments, vault, random, store, now, None, event).await.map_err(ImportError::Store)
}

/// Parses one line. The error is the index of the wrong column, and the reason; it does not repeat
/// the value, which may be a number.
fn parse_line(
    numbers: NumberPlan,
    now: Timestamp,
    record: &csv::StringRecord,
) -> Result<AccountEventRequest, (usize, &'static str)> {
    let field = |column: usize| record.get(column).ok_or((column, "is missing"));
    let number =
        |column: usize, text: &str| numbers.parse(text).map_err(|_| (column, "is not a telephone number"));
    let event_id = ExtId::parse(field(0)?).ok_or((0, "must be 1 to 255 printable characters"))?;
    let event = AccountEvent::parse(field(1)?).ok_or((1, "is not an event"))?;
    let msisdn = number(2, field(2)?)?;
    let new_msisdn = match (field(3)?, event) {
        ("", AccountEvent::NumberChanged) => return Err((3, "must not be empty for number-changed")),
        ("", _) => None,
        (text, AccountEvent::NumberChanged) => Some(number(3, text)?),
        _ => return Err((3, "must be empty but for number-changed")),
    };
    if new_msisdn.as_ref() == Some(&msisdn) {
        return Err((3, "must be another number than msisdn"));
    }
    let form = "must be a time of the form 2026-11-18T09:30:00Z";
    let occurred_at = Timestamp::parse(field(4)?).ok_or((4, form))?;
    let request = AccountEventRequest { event_id, event, msisdn, new_msisdn, occurred_at };
    request.check(now).map_err(|_| (4, "must not lie in the future"))?;
    Ok(request)
}
