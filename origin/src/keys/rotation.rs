//! Seals everything again with the ring's newest key, while charges continue. Each run starts from
//! the beginning and skips what is done, so it may stop at any point. A value that does not open is
//! never overwritten.
//!
//! The index stays with the oldest key: accounts and events store nothing of a number but the
//! index, so another one cannot be computed.

use crate::ambient::Random;
use crate::keys::{Resealed, Vault};
use crate::store::{SealedAt, SealedColumn, SealedValueUpdate, Store, StoreError};
use std::collections::BTreeMap;

/// Values sealed in one transaction: it takes a few milliseconds, and charges run in between.
const PAGE: u32 = 100;

/// The result of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RotationReport {
    /// Values that were sealed with the newest key already.
    pub current: u64,
    /// Values that were sealed with it in this run.
    pub resealed: u64,
    /// Values that do not open: damaged, or sealed with a key that the ring does not have.
    pub unopened: Vec<SealedAt>,
    /// How many values were still sealed with each other key at the final check.
    pub left: BTreeMap<String, u64>,
}

impl RotationReport {
    /// How many values were read so far.
    pub fn seen(&self) -> u64 {
        self.current + self.resealed + self.unopened.len() as u64
    }

    /// Whether every sealed value is sealed with the newest key.
    pub fn is_complete(&self) -> bool {
        self.unopened.is_empty() && self.left.is_empty()
    }
}

/// Why a rotation did not start, or did not finish. What was sealed again stays so.
#[derive(Debug)]
pub enum RotationError {
    /// The origin that started last does not have the newest key, so it could not open what is
    /// sealed with it. The value is the key that it seals with, if it has recorded one.
    NotServedYet(Option<String>),
    /// The database failed, or there is no randomness to seal with.
    Store(StoreError),
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Seals again everything that is not sealed with the newest key, and checks once more at the end:
/// an origin that has not been restarted continues to seal with an older one. `progress` gets the
/// report, with the row that was read last.
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
                // A value that has changed meanwhile was sealed by its writer: the final check
                // shows with which key.
                report.resealed += store.replace_sealed_values(values).await?;
            }
            progress(report, &last);
            after = Some(last);
        }
    }
    report.left = count_other_keys(store, vault).await?;
    Ok(())
}

/// Counts the values that are sealed with each key but the newest.
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
