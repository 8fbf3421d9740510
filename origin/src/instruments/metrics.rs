//! The series that `/metrics` shows.

/// The series of one origin.
#[derive(Debug, Default)]
pub struct Metrics {}

impl Metrics {
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}
