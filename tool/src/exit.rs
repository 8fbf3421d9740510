//! The exit status, which follows the HTTP status, so that scripts can act on it.

use http::StatusCode;
use std::process::ExitCode;

pub(crate) const EXIT_CODES: &str = "Exit status:
  0  call: a response of 2xx, which the operator has signed if you are a partner
     verify: the signature is valid
     certify: every check has passed
  1  nothing was sent, there was no response, or the signature is not valid
     certify: a check has failed
  2  the command line is wrong
     certify: the checks could not be run
  3  a response of 3xx
  4  a response of 4xx
  5  a response of 5xx
  6  a response of 2xx to a partner that the operator has not signed: repeat the call";

pub(crate) const FAILED: ExitCode = ExitCode::FAILURE;

/// What a partner must take as no response.
pub(crate) fn unsigned_success() -> ExitCode {
    ExitCode::from(6)
}

/// The checks could not be run, as for a wrong command line.
pub(crate) fn not_run() -> ExitCode {
    ExitCode::from(2)
}

/// The exit status of a response.
pub(crate) fn of_status(status: StatusCode) -> ExitCode {
    match status.as_u16() / 100 {
        2 => ExitCode::SUCCESS,
        class @ 3..=5 => ExitCode::from(u8::try_from(class).unwrap_or(1)),
        _ => FAILED,
    }
}
