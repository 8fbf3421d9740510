//! The subscriber lifecycle: account events, one by one or from a file, and erasures.

pub mod erasure_file;
pub mod event;
pub mod event_file;
