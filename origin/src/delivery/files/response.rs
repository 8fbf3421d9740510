//! Parses billing's response to a file: as a whole, or not at all.
//!
//! A response has the header `line,id,status,amount,raw_code`, to which `,billed_on` may be added,
//! and each line of the file once, in any order. `amount` is what billing has charged or refunded: the line's amount when it is
//! APPROVED, 0 when it is DECLINED. An error is therefore found on its own line, and two errors
//! that would cancel out in a sum are found as well.

use crate::store::BillingFileLine;
use onbill_domain::day::Day;
use onbill_domain::wire::csp::BillingDecision;

pub(super) const HEADER: [&str; 6] = ["line", "id", "status", "amount", "raw_code", "billed_on"];

/// A response may be without the last column.
const COLUMNS_MIN: usize = HEADER.len() - 1;

/// Maximum bytes of one line of a response: ten times a usual one, with the longest code that is
/// passed on.
pub(super) const LINE_BYTES_MAX: u64 = 512;

/// Billing's decision about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineResponse {
    pub(super) status: BillingDecision,
    pub(super) raw_code: Option<String>,
    /// The date of the bill; `None` for anything else that is in its column.
    pub(super) billed_on: Option<Day>,
}

/// Returns the response to each of a file's lines, in their order; or what is wrong. The complaint
/// does not repeat a value from the response, because it may be a number.
pub(super) fn parse_response(
    response: &[u8],
    lines: &[BillingFileLine],
) -> Result<Vec<LineResponse>, String> {
    // Otherwise the response may be cut off in the middle of a code, which no later check would
    // notice.
    if !response.ends_with(b"\n") {
        return Err("the last line does not end with a line feed: the response may not be whole".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(response);
    let header = reader.headers().map_err(|_| "line 1 is not UTF-8 text".to_owned())?;
    // Spreadsheets begin a file with a byte order mark.
    let names = || header.iter().map(|name| name.trim_start_matches('\u{feff}'));
    if !names().eq(HEADER) && !names().eq(HEADER[..COLUMNS_MIN].iter().copied()) {
        return Err(format!("line 1 must be {}, of which the last may be absent", HEADER.join(",")));
    }
    let columns = header.len();
    let mut answers: Vec<Option<LineResponse>> = vec![None; lines.len()];
    let mut record = csv::StringRecord::new();
    loop {
        let at = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) if record.iter().eq([""]) => continue,
            Ok(true) => {}
            Err(_) => return Err(format!("line {at} is not UTF-8 text")),
        }
        let at = record.position().map_or(at, csv::Position::line);
        let complain = |(column, why): (usize, &str)| format!("line {at}, column {}: {why}", HEADER[column]);
        let (index, answer) = parse_line(&record, columns, lines).map_err(complain)?;
        if answers[index].replace(answer).is_some() {
            return Err(complain((0, "was answered before")));
        }
    }
    let answered: Vec<LineResponse> = answers.iter().flatten().cloned().collect();
    match answers.iter().zip(lines).find(|(answer, _)| answer.is_none()) {
        Some((_, BillingFileLine { line, .. })) => Err(format!("line {line} of the file is not answered")),
        None => Ok(answered),
    }
}

/// Parses one line. The error is the index of the wrong column, and the reason.
fn parse_line(
    record: &csv::StringRecord,
    columns: usize,
    lines: &[BillingFileLine],
) -> Result<(usize, LineResponse), (usize, &'static str)> {
    let field = |column: usize| record.get(column).ok_or((column, "is missing"));
    let number: u32 = field(0)?.parse().map_err(|_| (0, "is not a line of the file"))?;
    // Lines are numbered consecutively from 1.
    let index = (number as usize).wrapping_sub(1);
    let BillingFileLine { bill, .. } = lines.get(index).ok_or((0, "is not a line of the file"))?;
    if field(1)? != bill.id() {
        return Err((1, "is not the id on this line of the file"));
    }
    let status = BillingDecision::parse(&field(2)?.to_ascii_uppercase());
    let status = status.ok_or((2, "must be APPROVED or DECLINED"))?;
    let amount_minor = match status {
        BillingDecision::Approved => bill.amount().amount_minor,
        BillingDecision::Declined => 0,
    };
    if field(3)?.parse() != Ok(amount_minor) {
        return Err((3, "must be the amount of the line when APPROVED, and 0 when DECLINED"));
    }
    let raw_code = field(4)?;
    if record.len() > columns {
        return Err((columns - 1, "is followed by more columns than the header has"));
    }
    let raw_code = (!raw_code.is_empty()).then(|| raw_code.to_owned());
    let billed_on = record.get(COLUMNS_MIN).and_then(Day::parse);
    Ok((index, LineResponse { status, raw_code, billed_on }))
}
