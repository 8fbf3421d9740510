//! Erasure of subscribers: everything is destroyed that leads from PAIs, charges and totals to a
//! number.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::audit::{AuditFact, AuditStamp};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use onbill_domain::ids::ExtId;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};

impl Store {
    /// Erases a number. The PAIs of its present subscriber are closed permanently, and no
    /// subscriber who has or had it keeps number or `subscriber_ref`. Its flows are deleted and its
    /// account events unlinked. Charges, refunds, PAIs and totals stay. `name` is the operator's id
    /// of the erasure; on the command line there is none.
    ///
    /// Each subscriber who is erased has an entry in the audit, by the handle; so has a number that nothing
    /// led to.
    ///
    /// A number in a file that is still being written is erased by a later [`super::Store::sweep`].
    pub async fn erase_number(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        name: Option<ExtId>,
        number: NumberIndex,
    ) -> Result<ErasureState, StoreError> {
        use_case!(self, steps, erase_number(nonce, now, stamp, name, number))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureState {
    /// Nothing from before the erasure leads to the number.
    Erased,
    /// There was nothing that led to the number.
    NotFound,
    /// A file that is being written still needs the number; nothing else has it.
    Erasing,
    /// The id was used for the erasure of another number: this one has a subscriber, a flow or an
    /// event from before it.
    Conflict,
}

/// What the audit says of an erasure: of each subscriber who had the number, or that there was none. A
/// repeated call finds no subscriber by the number any more.
fn audit_facts<'a>(
    state: ErasureState,
    is_repeated: bool,
    handles: &'a [String],
    name: Option<&'a ExtId>,
) -> Vec<AuditFact<'a>> {
    let outcome = match state {
        ErasureState::Conflict => AuditOutcome::Refused,
        ErasureState::Erased | ErasureState::Erasing if is_repeated => AuditOutcome::Unchanged,
        ErasureState::Erased | ErasureState::Erasing => AuditOutcome::Done,
        ErasureState::NotFound => AuditOutcome::NotFound,
    };
    let fact = |subscriber| AuditFact {
        act: AuditAct::SubscriberErased,
        outcome,
        subscriber,
        subject: name.map(ExtId::as_str),
        reason: None,
    };
    match handles {
        [] => vec![fact(None)],
        handles => handles.iter().map(|handle| fact(Some(handle.as_str()))).collect(),
    }
}

/// A subscriber of a number that is erased.
pub(in crate::store) struct SubscriberOfNumber {
    pub(in crate::store) created_at: Timestamp,
    pub(in crate::store) is_being_erased: bool,
}

/// The state of an erasure that was asked for at `asked_at`, and that found something or nothing.
/// The erased number is not recorded, as
/// it would lead back to itself: the state follows from who has the number now, and from traces of
/// before. Subscribers who came later are left as they are.
pub(in crate::store) fn erasure_state(
    asked_at: Timestamp,
    under: &[SubscriberOfNumber],
    has_traces: bool,
    has_found: bool,
) -> ErasureState {
    if has_traces || under.iter().any(|one| !one.is_being_erased && one.created_at <= asked_at) {
        ErasureState::Conflict
    } else if under.iter().any(|one| one.is_being_erased) {
        ErasureState::Erasing
    } else if has_found {
        ErasureState::Erased
    } else {
        ErasureState::NotFound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_later_subscribers_are_left_by_an_erasure() {
        let asked_at = Timestamp::from_unix_seconds(1_795_000_000);
        for (seconds, is_being_erased, state) in [
            (-1, false, ErasureState::Conflict),
            (0, false, ErasureState::Conflict),
            (1, false, ErasureState::Erased),
            (0, true, ErasureState::Erasing),
        ] {
            let created_at = asked_at.plus_seconds(seconds);
            let under = [SubscriberOfNumber { created_at, is_being_erased }];
            assert_eq!(erasure_state(asked_at, &under, false, true), state, "{seconds}");
        }
    }
}
