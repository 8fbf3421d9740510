//! Following what happens to accounts, whether the operator's systems call or a person reads in a file.

use crate::ambient::Random;
use crate::keys::Vault;
use crate::store::{NewAccountEvent, RecordEventResult, SealedNumber, Store, StoreError};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::{AccountEventOutcome, AccountEventRequest};

/// How following an event went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// It is on record, since now or before.
    Recorded(AccountEventOutcome),
    /// Its name is on record for another event.
    Conflict,
}

/// Records an event and applies it. The request has been checked.
pub async fn follow(
    vault: &Vault,
    random: &dyn Random,
    store: &Store,
    now: Timestamp,
    nonce: Option<Nonce>,
    request: &AccountEventRequest,
) -> Result<Followed, StoreError> {
    let AccountEventRequest { event_id, event, msisdn, new_msisdn, occurred_at } = request;
    let number = vault.index_number(msisdn);
    let new_number: Option<SealedNumber> = match new_msisdn {
        None => None,
        Some(msisdn) => Some(vault.seal_number(random, msisdn).map_err(|_| StoreError::NotSealed)?),
    };
    let mut contents = Vec::from(event.as_str());
    contents.extend(number.0);
    contents.extend(new_number.iter().flat_map(|number| number.index.0));
    contents.extend(occurred_at.unix_seconds().to_be_bytes());
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
        // Not its name: what an operator names its events by is its own affair, and may be a number.
        tracing::error!(
            alarm = "account-event-contradicts",
            event = event.as_str(),
            "an account event cannot be"
        );
    }
    Ok(match record {
        RecordEventResult::Recorded(outcome) | RecordEventResult::Replayed(outcome) => {
            Followed::Recorded(outcome)
        }
        RecordEventResult::Conflict => Followed::Conflict,
    })
}
