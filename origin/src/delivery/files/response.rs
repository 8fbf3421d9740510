//! Reading billing's response to a file: whole, or not at all.
//!
//! A response has the header `line,id,status,amount,raw_code` and each line of the file once, in any order. `amount` is
//! what billing has put on the bill, or given back: the line's amount when it is APPROVED, 0 when it is DECLINED. So a
//! mistake is found on the line that it is on, and two that would cancel out in a sum are found as well.

use crate::store::BillingFileLine;
use onbill_domain::wire::csp::BillingDecision;

/// The columns.
pub(super) const HEADER: [&str; 5] = ["line", "id", "status", "amount", "raw_code"];

/// Bytes of one line of a response, at most: ten times a usual one, with a code as long as any that is passed on.
pub(super) const LINE_BYTES_MAX: u64 = 512;

/// Billing's word on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineResponse {
    pub(super) status: BillingDecision,
    pub(super) raw_code: Option<String>,
}

/// The answer to each of a file's lines, in their order; or what is wrong with the response. A value from it is not
/// repeated in the complaint: it may be a number.
pub(super) fn parse_response(
    response: &[u8],
    lines: &[BillingFileLine],
) -> Result<Vec<LineResponse>, String> {
    // Else it may be cut off in the middle of a code, which nothing below would notice.
    if !response.ends_with(b"\n") {
        return Err("the last line does not end with a line feed: the response may not be whole".to_owned());
    }
    let mut reader = csv::ReaderBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(response);
    let header = reader.headers().map_err(|_| "line 1 is not UTF-8 text".to_owned())?;
    // A byte order mark is how spreadsheets begin a file.
    if !header.iter().map(|name| name.trim_start_matches('\u{feff}')).eq(HEADER) {
        return Err(format!("line 1 must be {}", HEADER.join(",")));
    }
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
        let (index, answer) = parse_line(&record, lines).map_err(complain)?;
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

/// One line; or the column (by its index) that is wrong, and why.
fn parse_line(
    record: &csv::StringRecord,
    lines: &[BillingFileLine],
) -> Result<(usize, LineResponse), (usize, &'static str)> {
    let field = |column: usize| record.get(column).ok_or((column, "is missing"));
    let number: u32 = field(0)?.parse().map_err(|_| (0, "is not a line of the file"))?;
    // Lines are numbered from 1, one after the other.
    let index = (number as usize).wrapping_sub(1);
    let BillingFileLine { bill, .. } = lines.get(index).ok_or((0, "is not a line of the file"))?;
    if field(1)? != bill.id() {
        return Err((1, "is not the id on this line of the file"));
    }
    let status = BillingDecision::parse(field(2)?).ok_or((2, "must be APPROVED or DECLINED"))?;
    let amount_minor = match status {
        BillingDecision::Approved => bill.amount().amount_minor,
        BillingDecision::Declined => 0,
    };
    if field(3)?.parse() != Ok(amount_minor) {
        return Err((3, "must be the amount of the line when APPROVED, and 0 when DECLINED"));
    }
    let raw_code = field(4)?;
    if record.len() > HEADER.len() {
        return Err((HEADER.len() - 1, "is followed by more columns than the header has"));
    }
    let raw_code = (!raw_code.is_empty()).then(|| raw_code.to_owned());
    Ok((index, LineResponse { status, raw_code }))
}
