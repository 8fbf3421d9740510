//! The stand-in for Workers KV, with the ways in which the real one disappoints.

use crate::platform::StoreDown;
use std::collections::BTreeMap;

/// How the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// Reads see what was there when this began; writes land, unseen.
    StaleReads,
    /// Reads fail.
    ReadsFail,
    /// Writes fail, and did not land.
    WritesFail,
    /// Writes fail, and landed all the same.
    WritesFailAndLand,
    /// Nothing works.
    Down,
}

#[derive(Default)]
pub(super) struct Store {
    now: BTreeMap<String, String>,
    seen: BTreeMap<String, String>,
    fault: Option<StoreFault>,
}

impl Store {
    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.now.get(key).cloned()
    }

    pub(super) fn entries(&self) -> Vec<(String, String)> {
        self.now.clone().into_iter().collect()
    }

    pub(super) fn set(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.now.insert(key.to_owned(), value.to_owned()),
            None => self.now.remove(key),
        };
    }

    pub(super) fn fail(&mut self, fault: Option<StoreFault>) {
        self.seen = self.now.clone();
        self.fault = fault;
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<String>, StoreDown> {
        match self.fault {
            Some(StoreFault::ReadsFail | StoreFault::Down) => Err(StoreDown),
            Some(StoreFault::StaleReads) => Ok(self.seen.get(key).cloned()),
            _ => Ok(self.now.get(key).cloned()),
        }
    }

    pub(super) fn put(&mut self, key: &str, value: &str) -> Result<(), StoreDown> {
        let lands = !matches!(self.fault, Some(StoreFault::WritesFail | StoreFault::Down));
        if lands {
            self.set(key, Some(value));
        }
        let fails = !lands || self.fault == Some(StoreFault::WritesFailAndLand);
        if fails { Err(StoreDown) } else { Ok(()) }
    }
}
