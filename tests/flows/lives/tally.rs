//! What lives met, counted.

use std::collections::BTreeMap;
use std::fmt;

/// Everything that lives have to meet, or they prove nothing.
const ALL: [&str; 41] = [
    "sign-ups",
    "known subscribers signing up",
    "devices",
    "on the bill already",
    "subscriptions",
    "charges",
    "charges on hold",
    "charges of closed PAIs",
    "lines",
    "declined by billing",
    "declined for another holder",
    "refunds",
    "closed by hand",
    "erased",
    "suspended",
    "resumed",
    "ceased",
    "ported out",
    "taken over",
    "given out",
    "moved",
    "SIMs swapped",
    "applied",
    "superseded",
    "no subscriber",
    "contradictory",
    "repeated",
    "conflicts",
    "told falsely",
    "imports",
    "lost",
    "answers lost",
    "late",
    "arrived late",
    "deaths",
    "stale reads",
    "old words kept out",
    "other operators kept out",
    "PAIs asked for",
    "partner told",
    "edge told",
];

/// How often what was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub(super) fn meet(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

impl crate::seeds::Tally for Tally {
    fn add(&mut self, other: &Self) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    fn missing(&self) -> Vec<&'static str> {
        ALL.into_iter().filter(|what| !self.0.contains_key(what)).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (what, count)) in self.0.iter().enumerate() {
            write!(f, "{}{count} {what}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
