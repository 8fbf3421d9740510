//! Reads the CSV files that other systems and spreadsheets write.

use crate::line_problem::{LineProblem, ProblemKind};
use std::io::Read;

/// Opens a reader of lines of any width. Lines end with a line feed; a carriage return before it is
/// trimmed with the blanks. The reader's own detection of line ends would number each line of such
/// a file one too low. The last line gets a line feed too, so that a record's line is always the
/// one before the reader's.
pub(crate) fn open_reader<R: Read>(file: R) -> csv::Reader<impl Read> {
    csv::ReaderBuilder::new()
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .from_reader(file.chain(&b"\n"[..]))
}

/// Reads the names in the first line. Spreadsheets begin a file with a byte order mark.
pub(crate) fn read_header<R: Read>(reader: &mut csv::Reader<R>) -> Result<Vec<String>, String> {
    let header = reader.headers().map_err(|error| error.to_string())?;
    Ok(header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect())
}

/// Reads the next line into `record`, without the blanks around its values. Returns its number,
/// counted from 1, or the complaint about a malformed line; `None` at the end of the file, or where
/// reading cannot continue.
///
/// A value that continues in the next line is refused: no value in these files does, and a
/// quotation mark that is never closed would hide all lines up to the next one.
pub(crate) fn read_line<R: Read>(
    reader: &mut csv::Reader<R>,
    record: &mut csv::StringRecord,
) -> Option<Result<u64, UnreadableLine>> {
    let columns = reader.headers().map_or(0, csv::StringRecord::len);
    loop {
        let begins_at = reader.position().line();
        let read = reader.read_record(record);
        let line = reader.position().line().saturating_sub(1);
        let unreadable = |line, why, is_end| {
            let problem = LineProblem::of_line(line, ProblemKind::Unreadable, why);
            Some(Err(UnreadableLine { problem, is_end }))
        };
        match read {
            Ok(false) => return None,
            Ok(true) if record.iter().any(|value| value.contains('\n')) => {
                return unreadable(begins_at, "a quotation mark is not closed in the same line", false);
            }
            Ok(true) => record.trim(),
            Err(error) if error.is_io_error() => {
                return unreadable(begins_at, "cannot be read", true);
            }
            Err(_) => return unreadable(line, "is not UTF-8 text", false),
        }
        if record.iter().eq([""]) {
            continue;
        }
        if record.iter().skip(columns).any(|value| !value.is_empty()) {
            return unreadable(line, "has more values than the first line has columns", false);
        }
        return Some(Ok(line));
    }
}

/// A line that is malformed.
pub(crate) struct UnreadableLine {
    pub(crate) problem: LineProblem,
    /// Whether reading cannot continue after it.
    pub(crate) is_end: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the outcome of each line after the first.
    fn lines(text: &str) -> Vec<Result<u64, String>> {
        let mut reader = open_reader(text.as_bytes());
        assert_eq!(read_header(&mut reader).expect("is text"), ["a", "b"]);
        let mut record = csv::StringRecord::new();
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut reader, &mut record) {
            lines.push(line.map_err(|unreadable| unreadable.problem.text));
        }
        lines
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n"] {
            for text in ["\u{feff}a, b||1,2||||3,4||5,6", " \"a\" ,b||1,2|| | |3,4||\"5\",6|"] {
                let text = text.replace(" \"a\" ", "\"a\"").replace('|', end);
                assert_eq!(lines(&text), [Ok(3), Ok(7), Ok(9)], "{text:?}");
            }
        }
        assert!(lines("a,b").is_empty());
    }

    #[test]
    fn open_quotation_mark_hides_no_line() {
        let open = || Err("line 3: a quotation mark is not closed in the same line".to_owned());
        assert_eq!(lines("a,b\n1,2\n3,\"4\n5,6\n7,\"8\n9,0\n"), [Ok(2), open(), Ok(6)]);
        for text in ["a,b\n1,2\n3,\"4\n5,6", "a,b\n1,2\n3,\"\n5,6\n", "a,b\n1,2\n3,\"4"] {
            assert_eq!(lines(text), [Ok(2), open()], "{text:?}");
        }
    }

    #[test]
    fn value_beyond_the_last_column_is_kept() {
        let wide = Err("line 3: has more values than the first line has columns".to_owned());
        assert_eq!(lines("a,b\nx,15,\nx,15,99\nx\n"), [Ok(2), wide, Ok(4)]);
    }
}
