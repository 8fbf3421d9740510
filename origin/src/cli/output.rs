//! What the verbs print. When it is no longer read, as after `| head -1`, a verb that only
//! lists ends, any other does the rest of its work, and neither complains. Rust's own `println!`
//! panics there.

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Why standard output takes nothing any more.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// Standard output, which drops everything after its first failure.
pub(super) struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::attempt(bytes.len(), |stdout| stdout.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::attempt((), io::Stdout::flush)
    }
}

impl Output {
    fn attempt<T>(dropped: T, write: impl FnOnce(&mut io::Stdout) -> io::Result<T>) -> io::Result<T> {
        if FAILURE.get().is_some() {
            return Ok(dropped);
        }
        match write(&mut io::stdout()) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                let _ = FAILURE.set(error);
                Ok(dropped)
            }
            written => written,
        }
    }
}

/// Whether nothing more of the output is read.
pub(super) fn is_closed() -> bool {
    FAILURE.get().is_some()
}

/// Flushes the output. A reader that has seen enough is no error; a full disk is one.
pub(super) fn finish() -> Result<(), &'static io::Error> {
    let _ = Output.flush();
    match FAILURE.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn write_line(line: fmt::Arguments<'_>) {
    let _ = Output.write_all(format!("{line}\n").as_bytes());
}

/// Complaints are for a person; where they are not read, the exit code says that there were some.
pub(super) fn write_error_line(line: fmt::Arguments<'_>) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// As `println!`.
macro_rules! print_line {
    () => { $crate::cli::output::write_line(format_args!("")) };
    ($($argument:tt)*) => { $crate::cli::output::write_line(format_args!($($argument)*)) };
}

/// As `eprintln!`.
macro_rules! print_error_line {
    ($($argument:tt)*) => { $crate::cli::output::write_error_line(format_args!($($argument)*)) };
}

pub(super) use {print_error_line, print_line};
