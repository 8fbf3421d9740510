//! What is noted of a call while it is handled: whom it concerned, and how long the origins took. It
//! ends up in the call's log line and in its data point.
//!
//! Not here: anything that a caller has chosen. Operators and partners are those of the
//! configuration.

use onbill_domain::ids::{OperatorId, PartnerId};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The notes of one call. Its steps may run at once, so each note takes `&self`.
#[derive(Default)]
pub(crate) struct CallNotes(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    partner: Option<PartnerId>,
    /// The operator that was asked first, and whether another was asked too.
    asked: Option<OperatorId>,
    asked_several: bool,
    /// The operator that answered last with a success: of several that are asked whose something
    /// is, only its owner does.
    answered: Option<OperatorId>,
    /// Calls to origins under way, and since when there has been one, in milliseconds.
    under_way: u32,
    since: i64,
    origin_ms: u32,
}

impl CallNotes {
    /// Notes the partner that has signed the call, or that is called.
    pub(crate) fn note_partner(&self, partner: &PartnerId) {
        self.lock().partner = Some(partner.clone());
    }

    /// Notes a call to an operator's origin that begins now, in Unix milliseconds.
    pub(crate) fn begin_origin_call(&self, operator: &OperatorId, now: i64) {
        let mut notes = self.lock();
        match &notes.asked {
            None => notes.asked = Some(operator.clone()),
            Some(other) if other != operator => notes.asked_several = true,
            Some(_) => {}
        }
        if notes.under_way == 0 {
            notes.since = now;
        }
        notes.under_way = notes.under_way.saturating_add(1);
    }

    /// Notes its end, and whether it was a success.
    pub(crate) fn end_origin_call(&self, operator: &OperatorId, now: i64, is_success: bool) {
        let mut notes = self.lock();
        if is_success {
            notes.answered = Some(operator.clone());
        }
        notes.under_way = notes.under_way.saturating_sub(1);
        if notes.under_way == 0 {
            notes.origin_ms = notes.origin_ms.saturating_add(elapsed_ms(notes.since, now));
        }
    }

    pub(crate) fn partner(&self) -> Option<PartnerId> {
        self.lock().partner.clone()
    }

    /// The operator of the call; `None` when none was asked, or when several were and none has
    /// answered with a success.
    pub(crate) fn operator(&self) -> Option<OperatorId> {
        let notes = self.lock();
        let only = notes.asked.as_ref().filter(|_| !notes.asked_several);
        notes.answered.as_ref().or(only).cloned()
    }

    /// Milliseconds in which at least one call to an origin was under way.
    pub(crate) fn origin_ms(&self) -> u32 {
        self.lock().origin_ms
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds between two times; zero when the clock was set back.
pub(crate) fn elapsed_ms(since: i64, now: i64) -> u32 {
    u32::try_from(now.saturating_sub(since).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(id: &str) -> OperatorId {
        OperatorId::parse(id).expect("is a slug")
    }

    #[test]
    fn operator_is_the_one_that_answered_or_the_only_one() {
        let notes = CallNotes::default();
        assert_eq!(notes.operator(), None);
        notes.begin_origin_call(&operator("acme"), 0);
        notes.end_origin_call(&operator("acme"), 0, false);
        assert_eq!(notes.operator(), Some(operator("acme")), "a refusal is its own too");
        notes.begin_origin_call(&operator("nova"), 0);
        notes.end_origin_call(&operator("nova"), 0, false);
        assert_eq!(notes.operator(), None, "two were asked, and neither has it");
        notes.begin_origin_call(&operator("nova"), 0);
        notes.end_origin_call(&operator("nova"), 0, true);
        assert_eq!(notes.operator(), Some(operator("nova")));
    }

    #[test]
    fn calls_at_once_are_timed_once() {
        let (notes, acme, nova) = (CallNotes::default(), operator("acme"), operator("nova"));
        notes.begin_origin_call(&acme, 1_000);
        notes.begin_origin_call(&nova, 1_010);
        notes.end_origin_call(&acme, 1_030, true);
        notes.end_origin_call(&nova, 1_050, false);
        notes.begin_origin_call(&acme, 2_000);
        notes.end_origin_call(&acme, 2_007, true);
        assert_eq!(notes.origin_ms(), 57);
        assert_eq!([elapsed_ms(5, 3), elapsed_ms(0, i64::MAX)], [0, u32::MAX]);
    }
}
