//! `cargo xtask edge`.

use super::remaining::RemainingArguments;
use crate::edge::Profile;
use crate::failure::Outcome;
use std::path::PathBuf;

/// What to make of the edge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EdgeArguments {
    /// The build; which one follows from who asks if it is not said.
    Build(Option<Profile>),
    /// The release build, as a bundle in this folder.
    Bundle(PathBuf),
}

impl RemainingArguments<'_> {
    pub(super) fn take_edge(&mut self) -> Outcome<EdgeArguments> {
        if let Some(dir) = self.take_value("--bundle")? {
            return Ok(EdgeArguments::Bundle(dir.into()));
        }
        let (dev, release) = (self.take_flag("--dev"), self.take_flag("--release"));
        Ok(EdgeArguments::Build(release.then_some(Profile::Release).or(dev.then_some(Profile::Dev))))
    }
}
