//! `cargo xtask edge`.

use super::remaining::RemainingArguments;
use crate::edge::Profile;

impl RemainingArguments<'_> {
    pub(super) fn take_profile(&mut self) -> Option<Profile> {
        let (dev, release) = (self.take_flag("--dev"), self.take_flag("--release"));
        release.then_some(Profile::Release).or(dev.then_some(Profile::Dev))
    }
}
