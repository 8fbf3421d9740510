//! Reading the CSV files that other people's systems and spreadsheets write.

use std::io::Read;

/// A reader that takes blanks around values and lines of any width. Lines end with a line feed; a carriage return before
/// it is trimmed away with the blanks. Left to end lines by itself, it would make the reader count each line of such a
/// file one too low.
pub(crate) fn reader<R: Read>(file: R) -> csv::Reader<R> {
    csv::ReaderBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(file)
}

/// The names in the first line. A byte order mark is how spreadsheets begin a file.
pub(crate) fn header<R: Read>(reader: &mut csv::Reader<R>) -> Result<Vec<String>, String> {
    let header = reader.headers().map_err(|error| error.to_string())?;
    Ok(header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect())
}

/// The next line into `record`: its number, counted from 1, or the complaint about one that is not text. `None` at the
/// end of the file, or where it cannot be read on.
pub(crate) fn next<R: Read>(
    reader: &mut csv::Reader<R>,
    record: &mut csv::StringRecord,
) -> Option<Result<u64, Unreadable>> {
    loop {
        let line = reader.position().line();
        match reader.read_record(record) {
            Ok(false) => return None,
            Ok(true) if record.iter().eq([""]) => {}
            Ok(true) => return Some(Ok(record.position().map_or(line, csv::Position::line))),
            Err(error) => {
                let is_end = error.is_io_error();
                let why = if is_end { "cannot be read" } else { "is not UTF-8 text" };
                return Some(Err(Unreadable { complaint: format!("line {line}: {why}"), is_end }));
            }
        }
    }
}

/// A line that is not text.
pub(crate) struct Unreadable {
    /// Which, and why.
    pub(crate) complaint: String,
    /// Whether the file cannot be read on after it.
    pub(crate) is_end: bool,
}
