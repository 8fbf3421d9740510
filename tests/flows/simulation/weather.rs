//! What a run met, counted: a simulation of fine weather proves nothing.

use std::fmt;

/// What a run can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Charge,
    Replay,
    Conflict,
    Pending,
    Decline,
    Death,
    Mishap,
    HandOver,
}

const ALL: [(Met, &str); 8] = [
    (Met::Charge, "charges"),
    (Met::Replay, "replays"),
    (Met::Conflict, "conflicts"),
    (Met::Pending, "pending"),
    (Met::Decline, "declined"),
    (Met::Death, "deaths"),
    (Met::Mishap, "mishaps"),
    (Met::HandOver, "numbers handed over"),
];

/// How often which weather was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Weather([u64; ALL.len()]);

impl Weather {
    pub(super) fn meet(&mut self, met: Met) {
        self.0[met as usize] += 1;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// What was never met.
    pub(super) fn missing(&self) -> Vec<Met> {
        ALL.iter().map(|(met, _)| *met).filter(|met| self.0[*met as usize] == 0).collect()
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (met, name)) in ALL.iter().enumerate() {
            write!(f, "{}{} {name}", if at == 0 { "" } else { ", " }, self.0[*met as usize])?;
        }
        Ok(())
    }
}
