//! Sealing everything anew with the ring's newest key, while charges go on. It begins anew each time and skips what is done,
//! so it may break off anywhere. What does not open is never written over.
//!
//! The index stays with the oldest key: accounts and events have nothing of a number but that, and nothing to make
//! another one of.

use crate::ambient::Random;
use crate::keys::{Resealed, Vault};
use crate::store::{SealedAt, SealedColumn, SealedValueUpdate, Store, StoreError};
use std::collections::BTreeMap;

/// Values sealed in one transaction: a few milliseconds, and charges get their turn in between.
const PAGE: u32 = 100;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationReport {
    /// Sealed with the newest key already.
    pub current: u64,
    /// Sealed with it now.
    pub resealed: u64,
    /// What does not open: damaged, or sealed with a key that the ring does not have.
    pub unopened: Vec<SealedAt>,
    /// How many were still sealed with each other key at a last look.
    pub left: BTreeMap<String, u64>,
}

impl RotationReport {
    /// How many values were looked at so far.
    pub fn seen(&self) -> u64 {
        self.current + self.resealed + self.unopened.len() as u64
    }

    /// Whether everything that is sealed is so with the newest key.
    pub fn is_complete(&self) -> bool {
        self.unopened.is_empty() && self.left.is_empty()
    }
}

/// Why it was not begun, or not ended. What was sealed anew stays so.
#[derive(Debug)]
pub enum RotationError {
    /// The origin that started last does not know the newest key: it could not open what is sealed with it. The key that
    /// it seals with, if it has said.
    NotServedYet(Option<String>),
    /// The books failed, or there is no randomness to seal with.
    Store(StoreError),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Seals everything anew that is not sealed with the newest key, and looks once more at the end: an origin that has not
/// been started anew goes on sealing with an older one. `progress` sees the report, with the last place looked at.
pub async fn rotate(
    store: &Store,
    vault: &Vault,
    random: &dyn Random,
    report: &mut RotationReport,
    mut progress: impl FnMut(&RotationReport, &SealedAt),
) -> Result<(), RotationError> {
    let serves_with = store.find_sealing_key().await?;
    if serves_with.as_deref() != Some(vault.newest_key_id()) {
        return Err(RotationError::NotServedYet(serves_with));
    }
    for column in SealedColumn::ALL {
        let mut after = None;
        loop {
            let page = store.list_sealed_values(column, after, PAGE).await?;
            let Some(last) = page.last().map(|value| value.at.clone()) else { break };
            let mut values = Vec::new();
            for old in page {
                match vault.reseal(random, column.has_messages(), &old.sealed) {
                    Resealed::Current => report.current += 1,
                    Resealed::New(new) => values.push(SealedValueUpdate { old, new }),
                    Resealed::Unopened => report.unopened.push(old.at),
                }
            }
            if !values.is_empty() {
                // What has changed meanwhile was sealed by whoever changed it: the last look tells with which key.
                report.resealed += store.replace_sealed_values(values).await?;
            }
            progress(report, &last);
            after = Some(last);
        }
    }
    report.left = count_other_keys(store, vault).await?;
    Ok(())
}

/// How many values are sealed with each key but the newest.
async fn count_other_keys(store: &Store, vault: &Vault) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut left = BTreeMap::new();
    for column in SealedColumn::ALL {
        let mut after = None;
        loop {
            let page = store.list_sealed_values(column, after, PAGE).await?;
            let Some(last) = page.last().map(|value| value.at.clone()) else { break };
            for value in page {
                let key = Vault::key_id(&value.sealed).unwrap_or("not legible");
                if key != vault.newest_key_id() {
                    *left.entry(key.to_owned()).or_default() += 1;
                }
            }
            after = Some(last);
        }
    }
    Ok(left)
}
