//! What is noted of a call while it is handled: whom it concerned, and how long the origins took. It
//! ends up in the call's log line and in its data point.
//!
//! Not here: anything that a caller has chosen. Operators and partners are those of the
//! configuration.

use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::locale::Locale;
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
    /// Whose frame was shown, and in which language: no origin is asked for one.
    shown: Option<(OperatorId, Locale)>,
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

    /// Notes a call to an operator's origin that begins now, by a clock in Unix milliseconds.
    pub(crate) fn begin_origin_call<F: Fn() -> i64>(
        &self,
        operator: &OperatorId,
        clock: F,
    ) -> OriginCall<'_, F> {
        let now = clock();
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
        OriginCall { notes: self, clock }
    }

    /// Notes that an operator has answered with a success.
    pub(crate) fn note_answered(&self, operator: &OperatorId) {
        self.lock().answered = Some(operator.clone());
    }

    /// Notes that the frame of an operator is shown.
    pub(crate) fn note_shown(&self, operator: &OperatorId, locale: Locale) {
        self.lock().shown = Some((operator.clone(), locale));
    }

    /// The language of the frame that is shown.
    pub(crate) fn locale(&self) -> Option<Locale> {
        self.lock().shown.as_ref().map(|(_, locale)| *locale)
    }

    fn end_origin_call(&self, now: i64) {
        let mut notes = self.lock();
        notes.under_way = notes.under_way.saturating_sub(1);
        if notes.under_way == 0 {
            notes.origin_ms = notes.origin_ms.saturating_add(elapsed_ms(notes.since, now));
        }
    }

    pub(crate) fn partner(&self) -> Option<PartnerId> {
        self.lock().partner.clone()
    }

    /// The operator of the call; `None` when none was asked and none is shown, or when several were and none has
    /// answered with a success.
    pub(crate) fn operator(&self) -> Option<OperatorId> {
        let notes = self.lock();
        let only = notes.asked.as_ref().filter(|_| !notes.asked_several);
        let shown = notes.shown.as_ref().map(|(operator, _)| operator);
        notes.answered.as_ref().or(only).or(shown).cloned()
    }

    /// Milliseconds in which at least one call to an origin was under way.
    pub(crate) fn origin_ms(&self) -> u32 {
        self.lock().origin_ms
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call to an origin that is under way. It ends when this is dropped: also when nobody waits for its
/// response any more.
#[must_use]
pub(crate) struct OriginCall<'n, F: Fn() -> i64> {
    notes: &'n CallNotes,
    clock: F,
}

impl<F: Fn() -> i64> Drop for OriginCall<'_, F> {
    fn drop(&mut self) {
        self.notes.end_origin_call((self.clock)());
    }
}

/// Milliseconds between two times; zero when the clock was set back.
pub(crate) fn elapsed_ms(since: i64, now: i64) -> u32 {
    u32::try_from(now.saturating_sub(since).max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn operator(id: &str) -> OperatorId {
        OperatorId::parse(id).expect("is a slug")
    }

    #[test]
    fn operator_is_the_one_that_answered_or_the_only_one() {
        let notes = CallNotes::default();
        assert_eq!(notes.operator(), None);
        drop(notes.begin_origin_call(&operator("acme"), || 0));
        assert_eq!(notes.operator(), Some(operator("acme")), "a refusal is its own too");
        drop(notes.begin_origin_call(&operator("nova"), || 0));
        assert_eq!(notes.operator(), None, "two were asked, and neither has it");
        notes.note_answered(&operator("nova"));
        assert_eq!(notes.operator(), Some(operator("nova")));
    }

    #[test]
    fn calls_at_once_are_timed_once() {
        let (notes, now) = (CallNotes::default(), Cell::new(1_000));
        let begin = |id: &str| notes.begin_origin_call(&operator(id), || now.get());
        let acme = begin("acme");
        now.set(1_010);
        let nova = begin("nova");
        now.set(1_030);
        drop(acme);
        now.set(1_050);
        drop(nova);
        now.set(2_000);
        let acme = begin("acme");
        now.set(2_007);
        drop(acme);
        assert_eq!(notes.origin_ms(), 57);
        assert_eq!([elapsed_ms(5, 3), elapsed_ms(0, i64::MAX)], [0, u32::MAX]);
    }
}
