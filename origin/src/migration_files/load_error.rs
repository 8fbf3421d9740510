//! Why files cannot be checked or loaded.

use crate::fault::Fault;
use crate::store::StoreError;

/// Why files cannot be checked or loaded. What is loaded until then stays, dark.
#[derive(Debug)]
pub enum LoadError {
    /// A file is none of its kind, or cannot be read to its end.
    WrongFile { name: String, why: String },
    /// More lines are bad than the operator allows.
    AboveCeiling(String),
    /// The file has other bytes than when it was checked.
    FileChanged(String),
    /// The database failed.
    Store(StoreError),
    /// A number could not be sealed.
    Fault(Fault),
}
