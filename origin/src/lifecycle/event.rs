//! Records and applies account events, both from a call of the operator's systems and from an
//! imported file.

use crate::ambient::Random;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::keys::Vault;
use crate::store::{NewAccountEvent, RecordEventResult, SealedNumber, Store, StoreError};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::{AccountEventOutcome, AccountEventRequest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventResult {
    /// The event is on record, since now or before.
    Recorded(AccountEventOutcome),
    /// The event id is on record for another event.
    Conflict,
}

/// Records an event and applies it. The caller has checked the request.
pub async fn follow(
    instruments: &Instruments,
    vault: &Vault,
    random: &dyn Random,
    store: &Store,
    now: Timestamp,
    nonce: Option<Nonce>,
    request: &AccountEventRequest,
) -> Result<EventResult, StoreError> {
    let AccountEventRequest { event_id, event, msisdn, new_msisdn, occurred_at } = request;
    let number = vault.index_number(msisdn);
    let new_number: Option<SealedNumber> = match new_msisdn {
        None => None,
        Some(msisdn) => Some(vault.seal_number(random, msisdn).map_err(|_| StoreError::NotSealed)?),
    };
    let mut contents = Vec::from(event.as_str());
    contents.extend(number.0);
    contents.extend(new_number.iter().flat_map(|number| number.index.0));
    contents.extend(occurred_at.unix_nanoseconds().to_be_bytes());
    let new = NewAccountEvent {
        event_id: event_id.clone(),
        fingerprint: onbill_domain::digest::sha256(&contents),
        event: *event,
        number,
        new_number,
        occurred_at: *occurred_at,
    };
    let record = store.record_account_event(nonce, now, new).await?;
    if record == RecordEventResult::Recorded(AccountEventOutcome::Contradictory) {
        // Not the event id: an operator chooses its ids freely, and one may be a number.
        let (alarms, alarm, event) = (&instruments.alarms, Alarm::AccountEventContradicts, event.as_str());
        raise_alarm!(alarms, alarm, "", event, "an account event contradicts what is known");
    }
    Ok(match record {
        RecordEventResult::Recorded(outcome) | RecordEventResult::Replayed(outcome) => {
            EventResult::Recorded(outcome)
        }
        RecordEventResult::Conflict => EventResult::Conflict,
    })
}
