//! `[alarms]` of the configuration.

use super::secure_url::{mask_url, require_https};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Free space below which a file system is low, in percent. At the usual size of a disk that is
/// some days of a ledger.
const DISK_FREE_PERCENT_DEFAULT: u8 = 10;
/// The same in MiB, for small disks: the log of a bad day.
const DISK_FREE_MIB_DEFAULT: u32 = 1_024;
/// A file system that is to have more than this free is a mistake.
const DISK_FREE_PERCENT_MAX: u8 = 90;
/// More than a month without a charge is not a setting but a mistake.
const NO_CHARGES_HOURS_MAX: u32 = 744;
/// Longest name of an origin, in characters; host names have 63 at most.
const INSTANCE_CHARS_MAX: usize = 64;

/// How people learn of alarms, and which of them there are.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlarmSettings {
    /// Where each alarm is posted when it is raised and when it is over.
    pub webhook: Option<String>,
    /// A file with the secret that the posts are signed with.
    pub webhook_secret_file: Option<PathBuf>,
    /// Hours without a charge of a partner after which that is an alarm; there is none when absent.
    pub no_charges_hours: Option<u32>,
    /// Percent of a file system that must be free; 0 to leave that out.
    #[serde(default = "disk_free_percent_default")]
    pub disk_free_percent: u8,
    /// MiB of a file system that must be free; 0 to leave that out.
    #[serde(default = "disk_free_mib_default")]
    pub disk_free_mib: u32,
    /// The name of this origin among those of one database; host and port when absent.
    pub instance: Option<String>,
}

impl Default for AlarmSettings {
    fn default() -> Self {
        Self {
            webhook: None,
            webhook_secret_file: None,
            no_charges_hours: None,
            disk_free_percent: DISK_FREE_PERCENT_DEFAULT,
            disk_free_mib: DISK_FREE_MIB_DEFAULT,
            instance: None,
        }
    }
}

fn disk_free_percent_default() -> u8 {
    DISK_FREE_PERCENT_DEFAULT
}

fn disk_free_mib_default() -> u32 {
    DISK_FREE_MIB_DEFAULT
}

impl AlarmSettings {
    /// Checks what the types cannot. The error says what to change.
    pub fn check(&self) -> Result<(), String> {
        match &self.webhook {
            Some(url) => require_https(url, "webhook").map_err(|_| {
                let shown = mask_url(url);
                format!("webhook: {shown} must be https, or http on this machine, and nothing invisible")
            })?,
            None if self.webhook_secret_file.is_some() => {
                return Err("webhook_secret_file needs webhook".to_owned());
            }
            None => {}
        }
        if self.no_charges_hours.is_some_and(|hours| !(1..=NO_CHARGES_HOURS_MAX).contains(&hours)) {
            return Err(format!("no_charges_hours must be from 1 to {NO_CHARGES_HOURS_MAX}"));
        }
        if self.disk_free_percent > DISK_FREE_PERCENT_MAX {
            return Err(format!("disk_free_percent must be from 0 to {DISK_FREE_PERCENT_MAX}"));
        }
        if let Some(instance) = &self.instance
            && !((1..=INSTANCE_CHARS_MAX).contains(&instance.len())
                && instance.chars().all(|c| c.is_ascii_graphic()))
        {
            return Err(format!(
                "instance must be 1 to {INSTANCE_CHARS_MAX} ASCII characters without spaces"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        toml::from_str::<AlarmSettings>(text).map_err(|error| error.message().to_owned())?.check()
    }

    #[test]
    fn mistake_is_explained_in_words() {
        for good in
            ["", "webhook = \"https://ops.example/x\"", "no_charges_hours = 6", "disk_free_percent = 0"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, complaint) in [
            ("webhook = \"http://ops.example/x\"", "webhook: http://ops.example/*** must be https"),
            ("webhook_secret_file = \"/etc/secret\"", "needs webhook"),
            ("no_charges_hours = 0", "from 1 to 744"),
            ("disk_free_percent = 91", "from 0 to 90"),
            ("instance = \"a b\"", "without spaces"),
            ("instance = \"\"", "without spaces"),
            ("webhok = \"https://ops.example/x\"", "webhok"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.contains(complaint), "{bad}: {error}");
        }
    }
}
