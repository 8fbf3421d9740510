//! Reads a file line by line, as editors count them, and names what is no such file.

use super::fields::{Fields, Wrong};
use super::headers::{CHARGES_HEADER, PAIS_HEADER};
use super::problem::{Problem, WrongFile};
use super::rules::Rules;
use crate::csv_file::{self, UnreadableLine};
use crate::line_problem::{LineProblem, ProblemKind};
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
                    if let Err(Wrong { column, kind, why }) = take(line, record) {
                        let problem = LineProblem::of_column(line, self.header[column], kind, &why);
                        complain(self.problem(problem));
                    }
                }
                // What comes after it was not seen, and may be anything.
                Err(bad) if bad.is_end => return Err(WrongFile(bad.problem.text)),
                Err(UnreadableLine { problem, .. }) => complain(self.problem(problem)),
            }
            progress(lines.position());
        }
        Ok(())
    }

    fn problem(&self, LineProblem { line, kind, text }: LineProblem) -> Problem {
        Problem { file: self.name.to_owned(), line, kind, text }
    }
}

/// The lines of an opened file.
pub(super) struct LineReader<R> {
    reader: csv::Reader<R>,
    record: csv::StringRecord,
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
    fn read_next(&mut self) -> Option<Result<(u64, &csv::StringRecord), UnreadableLine>> {
        Some(match csv_file::read_line(&mut self.reader, &mut self.record)? {
            Ok(line) if self.record.as_slice().len() > LINE_BYTES_MAX => {
                let why = format!("is longer than {LINE_BYTES_MAX} bytes");
                let problem = LineProblem::of_line(line, ProblemKind::Unreadable, &why);
                Err(UnreadableLine { problem, is_end: false })
            }
            Ok(line) => Ok((line, &self.record)),
            Err(unreadable) => Err(unreadable),
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
