//! Which alarm it is, and how many there may be.

use super::alarm::Alarm;

/// Alarms that are active at once. A person reads a list of this length in pages; what raises more
/// of them, such as a partner whose every charge repeats a period, is one fault and not thousands.
/// Beyond it each kind has one more, with the subject `others`, which counts.
pub const ALARMS_MAX: usize = 1_000;

/// The subject in the place of one that is no short word: it may be unchecked.
const UNNAMED: &str = "unnamed";
/// Longest subject; a file's name has some 70 characters.
const SUBJECT_CHARS_MAX: usize = 100;

/// Which alarm it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AlarmKey {
    pub(super) alarm: Alarm,
    pub(super) subject: String,
}

impl AlarmKey {
    pub(super) fn new(alarm: Alarm, subject: &str) -> Self {
        let is_word = subject.len() <= SUBJECT_CHARS_MAX && subject.chars().all(|c| c.is_ascii_graphic());
        Self { alarm, subject: (if is_word { subject } else { UNNAMED }).to_owned() }
    }
}
