//! What is wrong with a configuration, as its checks find it: all of it, with the setting that each
//! complaint is about.

use super::setting_path::SettingPath;

/// What is wrong with a setting, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) at: SettingPath,
    /// Other settings with which this one does not go together.
    pub(super) beside: Vec<SettingPath>,
    pub(super) message: String,
}

/// What the checks have found so far.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<Complaint>);

impl Complaints {
    pub(super) fn add(&mut self, at: SettingPath, message: impl Into<String>) {
        self.0.push(Complaint { at, beside: Vec::new(), message: message.into() });
    }

    /// Of settings that do not go together.
    pub(super) fn add_beside(
        &mut self,
        at: SettingPath,
        beside: Vec<SettingPath>,
        message: impl Into<String>,
    ) {
        self.0.push(Complaint { at, beside, message: message.into() });
    }

    /// The result of a check of one setting.
    pub(super) fn take<E: Into<String>>(&mut self, at: SettingPath, checked: Result<(), E>) {
        if let Err(message) = checked {
            self.add(at, message);
        }
    }

    pub(super) fn into_list(self) -> Vec<Complaint> {
        self.0
    }

    /// The first of them.
    pub(super) fn into_result(self) -> Result<(), String> {
        self.0.into_iter().next().map_or(Ok(()), |complaint| Err(complaint.message))
    }
}
