//! A fake Workers KV, with the failures of the real one.

use crate::platform::KvUnavailable;
use std::collections::BTreeMap;

/// How KV fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvFault {
    /// Reads see the values of when this was set; writes succeed and are not seen.
    StaleReads,
    /// Reads see the values of so many seconds ago.
    Behind(i64),
    ReadsFail,
    /// Writes fail and change nothing.
    WritesFail,
    /// Writes fail although they succeeded.
    WritesFailAndLand,
    Down,
}

#[derive(Default)]
pub(super) struct FakeKv {
    /// The values of each key with their times in Unix seconds; `None` is a removal.
    written: BTreeMap<String, Vec<(i64, Option<String>)>>,
    stale: BTreeMap<String, String>,
    fault: Option<KvFault>,
}

impl FakeKv {
    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.value_at(key, i64::MAX)
    }

    /// The value at a time in Unix seconds.
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

    pub(super) fn fail(&mut self, fault: Option<KvFault>) {
        self.stale = self.entries().into_iter().collect();
        self.fault = fault;
    }

    pub(super) fn get(&self, key: &str, now: i64) -> Result<Option<String>, KvUnavailable> {
        match self.fault {
            Some(KvFault::ReadsFail | KvFault::Down) => Err(KvUnavailable),
            Some(KvFault::StaleReads) => Ok(self.stale.get(key).cloned()),
            Some(KvFault::Behind(seconds)) => Ok(self.value_at(key, now.saturating_sub(seconds))),
            _ => Ok(self.value(key)),
        }
    }

    pub(super) fn put(&mut self, key: &str, value: &str, now: i64) -> Result<(), KvUnavailable> {
        let is_written = !matches!(self.fault, Some(KvFault::WritesFail | KvFault::Down));
        if is_written {
            self.set(key, Some(value), now);
        }
        let fails = !is_written || self.fault == Some(KvFault::WritesFailAndLand);
        if fails { Err(KvUnavailable) } else { Ok(()) }
    }
}
