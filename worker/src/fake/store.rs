//! The stand-in for Workers KV, with the ways in which the real one disappoints.

use crate::platform::KvUnavailable;
use std::collections::BTreeMap;

/// How the store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// Reads see what was there when this began; writes land, unseen.
    StaleReads,
    /// Reads see what was there so many seconds ago.
    Behind(i64),
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
    /// What was written at each key, and when: absent is a value too.
    written: BTreeMap<String, Vec<(i64, Option<String>)>>,
    seen: BTreeMap<String, String>,
    fault: Option<StoreFault>,
}

impl Store {
    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.value_at(key, i64::MAX)
    }

    /// What was there at that moment, in Unix seconds.
    fn value_at(&self, key: &str, at: i64) -> Option<String> {
        let written = self.written.get(key)?;
        written.iter().rev().find(|(since, _)| *since <= at)?.1.clone()
    }

    pub(super) fn entries(&self) -> Vec<(String, String)> {
        self.written.keys().filter_map(|key| Some((key.clone(), self.value(key)?))).collect()
    }

    pub(super) fn set(&mut self, key: &str, value: Option<&str>, now: i64) {
        self.written.entry(key.to_owned()).or_default().push((now, value.map(str::to_owned)));
    }

    pub(super) fn fail(&mut self, fault: Option<StoreFault>) {
        self.seen = self.entries().into_iter().collect();
        self.fault = fault;
    }

    pub(super) fn get(&self, key: &str, now: i64) -> Result<Option<String>, KvUnavailable> {
        match self.fault {
            Some(StoreFault::ReadsFail | StoreFault::Down) => Err(KvUnavailable),
            Some(StoreFault::StaleReads) => Ok(self.seen.get(key).cloned()),
            Some(StoreFault::Behind(seconds)) => Ok(self.value_at(key, now.saturating_sub(seconds))),
            _ => Ok(self.value(key)),
        }
    }

    pub(super) fn put(&mut self, key: &str, value: &str, now: i64) -> Result<(), KvUnavailable> {
        let lands = !matches!(self.fault, Some(StoreFault::WritesFail | StoreFault::Down));
        if lands {
            self.set(key, Some(value), now);
        }
        let fails = !lands || self.fault == Some(StoreFault::WritesFailAndLand);
        if fails { Err(KvUnavailable) } else { Ok(()) }
    }
}
