//! The arguments of `cargo xtask keys`.

use std::path::PathBuf;

use onbill_domain::root_key::KeyEpoch;

use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// Whose keys are made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeysArguments {
    /// Those of all parties of a new edge.
    Sets { operators: Vec<String>, partners: Vec<String>, out: PathBuf },
    /// Those of further operators, from the edge's secrets.
    Operators { edge: PathBuf, operators: Vec<String>, out: PathBuf },
    /// What the origins of these operators share with the edge in another epoch.
    Epoch { edge: PathBuf, operators: Vec<String>, epoch: KeyEpoch, out: PathBuf },
    /// The edge's next root key.
    NextRoot { edge: PathBuf, out: PathBuf },
}

impl RemainingArguments<'_> {
    pub(super) fn take_keys(&mut self) -> Outcome<KeysArguments> {
        let out = self.take_required_value("--out")?.into();
        let Some(edge) = self.take_value("--edge")?.map(PathBuf::from) else {
            let (operators, partners) = (self.take_ids("--operator")?, self.take_ids("--partner")?);
            return Ok(KeysArguments::Sets { operators, partners, out });
        };
        if self.take_flag("--next-root") {
            return Ok(KeysArguments::NextRoot { edge, out });
        }
        let operators = self.take_ids("--operator")?;
        let Some(epoch) = self.take_value("--epoch")? else {
            return Ok(KeysArguments::Operators { edge, operators, out });
        };
        let epoch = KeyEpoch::parse(&epoch);
        let epoch = epoch.ok_or_else(|| self.usage_error("wants an epoch such as r1.2 after --epoch"))?;
        Ok(KeysArguments::Epoch { edge, operators, epoch, out })
    }
}
