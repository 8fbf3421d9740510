//! Where a setting is in the configuration file, such as `offers[0].price.value`.

use std::fmt;

/// The place of a setting, from the root of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SettingPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl SettingPath {
    /// A setting of the whole origin, or a section.
    pub(super) fn of(key: &str) -> Self {
        Self::default().key(key)
    }

    /// A setting of this section.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// An entry of this list, counted from 0.
    pub(super) fn entry(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The section or list that this is in; `None` for the root.
    pub(super) fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.to_vec()))
    }

    /// Its name in its section; `None` for an entry of a list.
    pub(super) fn last_key(&self) -> Option<&str> {
        match self.0.last()? {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The same place in the first entry of each list.
    pub(super) fn in_first_entries(&self) -> Self {
        let first = |step: &Step| match step {
            Step::Index(_) => Step::Index(0),
            Step::Key(_) => step.clone(),
        };
        Self(self.0.iter().map(first).collect())
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if n == 0 { "" } else { "." };
                    let is_bare = !key.is_empty()
                        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
                    if is_bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_reads_like_the_file() {
        let offers = SettingPath::of("offers");
        let price = offers.entry(2).key("price").key("value");
        assert_eq!(price.to_string(), "offers[2].price.value");
        assert_eq!(SettingPath::of("billing").key("4.2").to_string(), "billing.\"4.2\"");
        assert!(price.is_within(&offers.entry(2)) && !price.is_within(&offers.entry(1)));
        assert_eq!(price.in_first_entries().to_string(), "offers[0].price.value");
    }
}
