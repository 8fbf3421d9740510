//! What is wrong with a file or a line of it.

use crate::line_problem::ProblemKind;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the file.
    pub file: String,
    /// The number of the line.
    pub line: u64,
    pub kind: ProblemKind,
    /// Line and column, and what is wrong there.
    pub text: String,
}

/// The file cannot be one of its kind: nothing of it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFile(pub String);
