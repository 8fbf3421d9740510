//! What a run met, counted: a simulation of fine weather proves nothing.

use crate::seeds::Tally;
use crate::world::Mishap;
use std::fmt;

/// What a run can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    Charge,
    Replay,
    Conflict,
    Pending,
    Decline,
    Limited,
    Refund,
    RefundReplay,
    RefundRefused,
    Notice,
    HandOver,
    Move,
    Told,
    ToldAgain,
    Superseded,
    Contradictory,
    Closed,
    Parked,
    Death,
    Lost,
    Late,
    Twice,
    Refused,
    AnswerLost,
    FailsAfter,
    Garbled,
    Stalled,
    SetBack,
    Night,
    StoreFault,
}

impl From<Mishap> for Met {
    fn from(mishap: Mishap) -> Self {
        match mishap {
            Mishap::Lost => Self::Lost,
            Mishap::Late => Self::Late,
            Mishap::Twice => Self::Twice,
            Mishap::Refused => Self::Refused,
            Mishap::AnswerLost => Self::AnswerLost,
            Mishap::FailsAfter => Self::FailsAfter,
            Mishap::Garbled => Self::Garbled,
            Mishap::Stalls => Self::Stalled,
        }
    }
}

const ALL: [(Met, &str); 30] = [
    (Met::Charge, "charges"),
    (Met::Replay, "replays"),
    (Met::Conflict, "conflicts"),
    (Met::Pending, "pending"),
    (Met::Decline, "declined"),
    (Met::Limited, "over a limit"),
    (Met::Refund, "refunds"),
    (Met::RefundReplay, "replays of refunds"),
    (Met::RefundRefused, "refunds refused"),
    (Met::Notice, "notices"),
    (Met::HandOver, "numbers handed over"),
    (Met::Move, "moves to other numbers"),
    (Met::Told, "events told"),
    (Met::ToldAgain, "told again"),
    (Met::Superseded, "superseded"),
    (Met::Contradictory, "contradictory"),
    (Met::Closed, "PAIs closed by hand"),
    (Met::Parked, "parked"),
    (Met::Death, "deaths"),
    (Met::Lost, "calls lost"),
    (Met::Late, "late"),
    (Met::Twice, "twice"),
    (Met::Refused, "refused"),
    (Met::AnswerLost, "answers lost"),
    (Met::FailsAfter, "failed after"),
    (Met::Garbled, "garbled"),
    (Met::Stalled, "stalled"),
    (Met::SetBack, "clocks set back"),
    (Met::Night, "nights without billing"),
    (Met::StoreFault, "faults of the edge's store"),
];

/// How often which weather was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Weather([u64; ALL.len()]);

impl Weather {
    pub(super) fn meet(&mut self, met: Met) {
        self.0[met as usize] += 1;
    }
}

impl Tally for Weather {
    fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    fn missing(&self) -> Vec<&'static str> {
        ALL.iter().filter(|(met, _)| self.0[*met as usize] == 0).map(|(_, name)| *name).collect()
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
