//! Settings of a test run, from the environment.

/// A variable of the environment, unless it is empty.
#[expect(
    clippy::disallowed_methods,
    reason = "how far a test goes, and where, is for whoever runs it to say"
)]
pub fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A numeric variable of the environment.
///
/// # Panics
///
/// When it is not a number.
pub fn read_number(name: &str) -> Option<u64> {
    read_variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
