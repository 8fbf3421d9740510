//! The operator's systems → origin: the operator API, under `/operator/v1`. Its numbers are
//! [`Msisdn`]s, whose `Debug` masks them.

use crate::account_event::AccountEvent;
use crate::ids::ExtId;
use crate::limits::SIGNATURE_SKEW_SECONDS;
use crate::msisdn::Msisdn;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use crate::wire::audit::ActorRole;
use serde::{Deserialize, Serialize};

/// `POST /account-events`: an account has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEventRequest {
    /// The operator's id of the event, never reused.
    #[serde(rename = "eventID")]
    pub event_id: ExtId,
    /// What happened to the account.
    #[serde(rename = "type")]
    pub event: AccountEvent,
    /// The number of the account before the event.
    pub msisdn: Msisdn,
    /// The number after a `number-changed`.
    #[serde(rename = "newMSISDN", default, skip_serializing_if = "Option::is_none")]
    pub new_msisdn: Option<Msisdn>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

impl AccountEventRequest {
    /// Checks what the types do not. An event of the future would supersede the events before it,
    /// so its time may be ahead by the skew of clocks only.
    pub fn check(&self, now: Timestamp) -> Result<(), Reject> {
        if (self.event == AccountEvent::NumberChanged) != self.new_msisdn.is_some() {
            return Err(Reject::invalid_request(
                "newMSISDN must be there for number-changed, and only then.",
            ));
        }
        if self.new_msisdn.as_ref() == Some(&self.msisdn) {
            return Err(Reject::invalid_request("newMSISDN must be another number than msisdn."));
        }
        if self.occurred_at.seconds_since(now) > SIGNATURE_SKEW_SECONDS {
            return Err(Reject::invalid_request("occurredAt must not lie in the future."));
        }
        Ok(())
    }
}

crate::wire_enum! {
    /// What onbill did with an account event.
    pub enum AccountEventOutcome {
        /// It was applied to the subscriber's PAIs.
        Applied = "APPLIED",
        /// A later event of the subscriber was applied before: it was recorded only.
        Superseded = "SUPERSEDED",
        /// No subscriber of this number has ever signed up: it was recorded only.
        NoSubscriber = "NO_SUBSCRIBER",
        /// It contradicts what the database knows of the subscriber: it was recorded only.
        Contradictory = "CONTRADICTORY",
    }
}

/// The response to an event; a replay gets the stored one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEventResponse {
    /// The operator's id of the event.
    #[serde(rename = "eventID")]
    pub event_id: ExtId,
    /// What onbill did with it.
    pub outcome: AccountEventOutcome,
}

/// `POST /erasures`: erase the personal data of a number's subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequest {
    /// The operator's id of the erasure, never reused. It is kept, so it must not identify the
    /// person.
    #[serde(rename = "erasureID")]
    pub erasure_id: ExtId,
    /// The number to erase.
    pub msisdn: Msisdn,
    /// Who asks for it, by the operator's id of them; the id of the signing key when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ExtId>,
    /// At which desk; `admin` when absent, for a system that erases by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ActorRole>,
    /// The operator's reference for the audit, such as a ticket. It must not identify the customer.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ExtId>,
}

/// The progress of an erasure, at the time of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureResponse {
    /// The operator's id of the erasure.
    #[serde(rename = "erasureID")]
    pub erasure_id: ExtId,
    /// The progress of the erasure.
    pub outcome: ErasureOutcome,
}

crate::wire_enum! {
    /// The progress of an erasure. The PAIs are closed in any case.
    pub enum ErasureOutcome {
        /// No record from before the request leads to the number.
        Erased = "ERASED",
        /// A billing file that is being written still has the number, which goes minutes after it.
        Erasing = "ERASING",
        /// There was nothing to erase: no subscriber, sign-up or event of the number is on record.
        NotFound = "NOT_FOUND",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);

    fn event(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut body = json!({"eventID": "e-1", "type": "suspended", "msisdn": "+12025550101",
                              "occurredAt": NOW.to_string()});
        change(&mut body);
        let request: AccountEventRequest =
            crate::wire::parse(body.to_string().as_bytes()).map_err(|reject| reject.code.as_str())?;
        request.check(NOW).map_err(|reject| reject.code.as_str())
    }

    #[test]
    fn account_event_is_checked_member_by_member() {
        assert_eq!(event(|_| {}), Ok(()));
        assert_eq!(
            event(|e| {
                e["type"] = json!("number-changed");
                e["newMSISDN"] = json!("+12025550102");
            }),
            Ok(())
        );
        assert_eq!(event(|e| e["occurredAt"] = json!(NOW.plus_seconds(300).to_string())), Ok(()));
        let bad: [fn(&mut Value); 8] = [
            |e| e["newMSISDN"] = json!("+12025550102"),
            |e| e["type"] = json!("number-changed"),
            |e| {
                e["type"] = json!("number-changed");
                e["newMSISDN"] = json!("+12025550101");
            },
            |e| e["type"] = json!("stolen"),
            |e| e["msisdn"] = json!("2025550101"),
            |e| e["occurredAt"] = json!(NOW.plus_seconds(301).to_string()),
            |e| e["occurredAt"] = json!("yesterday"),
            |e| e["eventID"] = json!("x".repeat(300)),
        ];
        for (n, change) in bad.into_iter().enumerate() {
            assert_eq!(event(change), Err("invalid-request"), "case {n}");
        }
    }

    #[test]
    fn account_event_outcomes_have_contract_words() {
        for word in ["APPLIED", "SUPERSEDED", "NO_SUBSCRIBER", "CONTRADICTORY"] {
            let outcome = AccountEventOutcome::parse(word).expect("is one");
            assert_eq!(serde_json::to_value(outcome).expect("is JSON"), word);
        }
    }
}
