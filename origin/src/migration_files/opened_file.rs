//! Reads a file line by line, as editors count them, and names what is no such file.

use super::fields::{Fields, Wrong};
use super::headers::{CHARGES_HEADER, PAIS_HEADER};
use super::problem::{Problem, ProblemKind, WrongFile};
use super::rules::Rules;
use crate::csv_file;
use std::io::Read;

/// Longest line, in bytes: ten times one with the longest ids. A longer one is another kind of file, or a
/// line feed is missing.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// A file that is being read.
pub(super) struct OpenedFile<'a> {
    pub(super) name: &'a str,
    pub(super) header: &'static [&'static str],
}

impl OpenedFile<'_> {
    /// Reads the lines one after the other. `take` gets each line that can be read, with its number,
    /// and names the column that is wrong. `progress` gets the position in bytes.
    pub(super) fn read_lines(
        &self,
        file: impl Read,
        mut take: impl FnMut(u64, &csv::StringRecord) -> Result<(), Wrong>,
        complain: &mut impl FnMut(Problem),
        mut progress: impl FnMut(u64),
    ) -> Result<(), WrongFile> {
        let mut lines = open_lines(self.header, file)?;
        while let Some(read) = lines.read_next() {
            match read {
                Ok((line, record)) => {
                    if let Err(wrong) = take(line, record) {
                        complain(self.problem_at(line, wrong));
                    }
                }
                // What comes after it was not seen, and may be anything.
                Err(bad) if bad.is_end => return Err(WrongFile(bad.complaint)),
                Err(BadLine { line, complaint, .. }) => {
                    complain(self.problem(line, ProblemKind::Unreadable, complaint));
                }
            }
            progress(lines.position());
        }
        Ok(())
    }

    fn problem_at(&self, line: u64, Wrong { column, kind, why }: Wrong) -> Problem {
        self.problem(line, kind, format!("line {line}, column {}: {why}", self.header[column]))
    }

    fn problem(&self, line: u64, kind: ProblemKind, text: String) -> Problem {
        Problem { file: self.name.to_owned(), line, kind, text }
    }
}

/// The lines of an opened file.
pub(super) struct LineReader<R> {
    reader: csv::Reader<R>,
    record: csv::StringRecord,
}

/// A line that cannot be read.
pub(super) struct BadLine {
    line: u64,
    complaint: String,
    /// Whether reading cannot continue after it.
    is_end: bool,
}

/// Opens a file whose first line must be this header.
pub(super) fn open_lines(
    header: &'static [&'static str],
    file: impl Read,
) -> Result<LineReader<impl Read>, WrongFile> {
    let mut reader = csv_file::open_reader(file);
    let found = csv_file::read_header(&mut reader);
    check_header(header, found.as_deref().ok())?;
    Ok(LineReader { reader, record: csv::StringRecord::new() })
}

impl<R: Read> LineReader<R> {
    /// The next line with its number; `None` at the end of the file.
    fn read_next(&mut self) -> Option<Result<(u64, &csv::StringRecord), BadLine>> {
        Some(match csv_file::read_line(&mut self.reader, &mut self.record)? {
            Ok(line) if self.record.as_slice().len() > LINE_BYTES_MAX => {
                let complaint = format!("line {line}: is longer than {LINE_BYTES_MAX} bytes");
                Err(BadLine { line, complaint, is_end: false })
            }
            Ok(line) => Ok((line, &self.record)),
            Err(csv_file::UnreadableLine { line, complaint, is_end }) => {
                Err(BadLine { line, complaint, is_end })
            }
        })
    }

    /// How many bytes were read.
    fn position(&self) -> u64 {
        self.reader.position().byte()
    }
}

/// The lines of a file that are sound by themselves, in batches.
pub(super) struct SoundLines<'a, R, T> {
    rules: Rules<'a>,
    lines: LineReader<R>,
    parse: fn(Fields<'_>) -> Result<T, Wrong>,
}

impl<'a, R: Read, T> SoundLines<'a, R, T> {
    pub(super) fn new(
        rules: Rules<'a>,
        lines: LineReader<R>,
        parse: fn(Fields<'_>) -> Result<T, Wrong>,
    ) -> Self {
        Self { rules, lines, parse }
    }

    /// The next lines with their numbers, `limit` at most; none at the end of the file. Lines that are not
    /// sound are left out: the check has named them.
    pub(super) fn next_batch(&mut self, limit: usize) -> Vec<(u64, T)> {
        let mut batch = Vec::new();
        while batch.len() < limit
            && let Some(read) = self.lines.read_next()
        {
            match read {
                Ok((line, record)) => {
                    let parsed = (self.parse)(Fields { record, rules: &self.rules });
                    batch.extend(parsed.ok().map(|parsed| (line, parsed)));
                }
                Err(bad) if bad.is_end => break,
                Err(_) => {}
            }
        }
        batch
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> u64 {
        self.lines.position()
    }
}

/// Checks the names of the columns, and says which mistake was made. What is no text has none.
fn check_header(expected: &'static [&'static str], found: Option<&[String]>) -> Result<(), WrongFile> {
    let expected_line = expected.join(",");
    let Some(found) = found else {
        return Err(WrongFile(format!("is not UTF-8 text; its first line must be {expected_line}")));
    };
    if found == expected {
        return Ok(());
    }
    let why = if found.iter().all(String::is_empty) {
        "is empty"
    } else if found.iter().any(|name| name.contains('\0')) {
        "is UTF-16, and must be UTF-8"
    } else if found.iter().any(|name| name.contains(';')) {
        "has semicolons between its columns, and must have commas"
    } else if found == PAIS_HEADER {
        "is a file of PAIs, and must be one of charges"
    } else if found == CHARGES_HEADER {
        "is a file of charges, and must be one of PAIs, which come first"
    } else {
        "has other columns"
    };
    Err(WrongFile(format!("{why}; its first line must be {expected_line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_named() {
        let names = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let why = |line: &str| check_header(&PAIS_HEADER, Some(&names(line)[..])).expect_err("is another").0;
        for (line, begins) in [
            ("", "is empty;"),
            ("p\0a\0r\0", "is UTF-16,"),
            (&PAIS_HEADER.join(";")[..], "has semicolons"),
            (&CHARGES_HEADER.join(",")[..], "is a file of charges,"),
            ("partner,pai", "has other columns;"),
        ] {
            assert!(why(line).starts_with(begins), "{}", why(line));
        }
        let charges = check_header(&CHARGES_HEADER, Some(&names(&PAIS_HEADER.join(","))[..]));
        assert!(charges.expect_err("is another").0.starts_with("is a file of PAIs,"));
        assert!(check_header(&PAIS_HEADER, None).expect_err("is another").0.starts_with("is not UTF-8"));
        assert_eq!(check_header(&PAIS_HEADER, Some(&names(&PAIS_HEADER.join(","))[..])), Ok(()));
    }
}
