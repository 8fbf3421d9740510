//! `[files]` of the configuration.

use super::complaints::Complaints;
use super::file_columns::FileColumns;
use super::setting_path::SettingPath;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Most lines of one file. A file is held in memory (some 4 MB), its jobs are leased while their
/// accounts are queried, and making it is one database transaction of a fraction of a second, in
/// which SQLite accepts no charge. When more jobs wait, there are more files.
const LINES_MAX: u32 = 10_000;
/// Lines of a file when the configuration gives no number.
const LINES_DEFAULT: u32 = 5_000;
/// A file is made at least once a day: charges must not stay undecided for longer.
const EVERY_MINUTES_MAX: u32 = 1_440;
/// Fine enough for billing by day, by hour and by quarter of an hour.
const EVERY_MINUTES_DEFAULT: u32 = 15;
/// A day's billing run, with two hours for it to be late.
const ALARM_HOURS_DEFAULT: u32 = 26;
/// More than a month without a response is not a setting but a mistake.
const ALARM_HOURS_MAX: u32 = 744;

/// Submission to billing by files, as the operator wants it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The directory, which contains `out`, `in`, `done` and `refused`. All origins of one database
    /// need the same directory.
    pub directory: PathBuf,
    /// Interval at which a file is made, in minutes, counted from midnight UTC.
    #[serde(default = "every_minutes_default")]
    pub every_minutes: u32,
    /// Most lines of one file.
    #[serde(default = "lines_default")]
    pub lines: u32,
    /// Hours without a response from billing after which an alarm is raised.
    #[serde(default = "alarm_hours_default")]
    pub alarm_hours: u32,
    /// The columns of a file, in their order; all of them when absent.
    #[serde(default)]
    pub columns: FileColumns,
}

fn every_minutes_default() -> u32 {
    EVERY_MINUTES_DEFAULT
}

fn lines_default() -> u32 {
    LINES_DEFAULT
}

fn alarm_hours_default() -> u32 {
    ALARM_HOURS_DEFAULT
}

impl FileSettings {
    /// Checks what the types cannot.
    pub(super) fn check(&self, complaints: &mut Complaints) {
        let files = SettingPath::of("files");
        if !self.directory.is_absolute() {
            complaints.add(files.key("directory"), "files: directory must be an absolute path");
        }
        for (member, value, most) in [
            ("every_minutes", self.every_minutes, EVERY_MINUTES_MAX),
            ("lines", self.lines, LINES_MAX),
            ("alarm_hours", self.alarm_hours, ALARM_HOURS_MAX),
        ] {
            if !(1..=most).contains(&value) {
                complaints.add(files.key(member), format!("files: {member} must be from 1 to {most}"));
            }
        }
    }
}
