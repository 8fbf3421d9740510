//! What the operator knows of its accounts.

pub mod import;
