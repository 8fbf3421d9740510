//! Reads the configuration file, and the key ring that it names.

use super::file::Config;
use super::reading::{self, Mistake};
use onbill_domain::key::Keyring;
use std::path::Path;

impl Config {
    /// Reads and checks the file and the key ring that it names. The error is everything that is
    /// wrong with the file, a line for each.
    pub fn load(path: &Path) -> Result<(Self, Keyring), String> {
        let config = Self::read(path)?.map_err(|mistakes| list_mistakes(path, &mistakes))?;
        let keys = config.read_keys()?;
        Ok((config, keys))
    }

    /// Reads and checks the file alone. The outer error is that of a file that cannot be read.
    pub fn read(path: &Path) -> Result<Result<Self, Vec<Mistake>>, String> {
        Ok(reading::read_config(&read_text(path)?))
    }

    /// Reads the key ring that the configuration names.
    pub fn read_keys(&self) -> Result<Keyring, String> {
        Keyring::parse(&read_text(&self.keys)?)
            .map_err(|complaint| format!("{}: {complaint}", self.keys.display()))
    }

    /// Reads the text of the file, as far as its types can check it. A table is written as one, and
    /// not as an array of its values.
    #[cfg(test)]
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parsed = toml::Deserializer::parse(text).and_then(onbill_domain::wire::strict);
        parsed.map_err(|error| reading::explain_syntax(error.message()))
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// The mistakes of a file, a line for each, in the form that editors jump to.
fn list_mistakes(path: &Path, mistakes: &[Mistake]) -> String {
    let lines = mistakes.iter().map(|mistake| format!("{}:{mistake}", path.display()));
    lines.collect::<Vec<_>>().join("\n")
}
