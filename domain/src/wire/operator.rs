//! Operator's systems → origin: the operator API, under `/operator/v1`. It carries numbers, and so its types have no
//! `Debug` but the number's own.

use crate::account_event::AccountEvent;
use crate::ids::ExtId;
use crate::limits::SIGNATURE_SKEW_SECONDS;
use crate::msisdn::Msisdn;
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// `POST /account-events`: something happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEventRequest {
    /// The operator's name for the event, unique for ever.
    #[serde(rename = "eventID")]
    pub event_id: ExtId,
    /// What happened.
    #[serde(rename = "type")]
    pub event: AccountEvent,
    /// Which number the account had until then.
    pub msisdn: Msisdn,
    /// Which it has from then on, when it has changed.
    #[serde(rename = "newMSISDN", default, skip_serializing_if = "Option::is_none")]
    pub new_msisdn: Option<Msisdn>,
    /// When it happened.
    pub occurred_at: Timestamp,
}

impl AccountEventRequest {
    /// Checks what the types do not. An event of the future would make all that come before it old news, so no more of
    /// it is taken than clocks may differ.
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

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountEventOutcome {
    /// The books follow it.
    Applied,
    /// A later event of the subscriber was here before: recorded, and not applied.
    Superseded,
    /// Nobody with this number has ever signed up: recorded, there is nothing to apply.
    NoSubscriber,
    /// It cannot be, by what the books know: recorded, and not applied.
    Contradictory,
}

impl AccountEventOutcome {
    /// The word in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "APPLIED",
            Self::Superseded => "SUPERSEDED",
            Self::NoSubscriber => "NO_SUBSCRIBER",
            Self::Contradictory => "CONTRADICTORY",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Applied, Self::Superseded, Self::NoSubscriber, Self::Contradictory]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// The answer, now and to every repetition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEventResponse {
    /// The operator's name for the event.
    #[serde(rename = "eventID")]
    pub event_id: ExtId,
    /// What became of it.
    pub outcome: AccountEventOutcome,
}

/// `POST /erasures`: somebody wants to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequest {
    /// The operator's name for it, unique for ever. It is kept, so it must not tell who asks.
    #[serde(rename = "erasureID")]
    pub erasure_id: ExtId,
    /// Whose.
    pub msisdn: Msisdn,
}

/// How far it is, each time it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureResponse {
    /// The operator's name for it.
    #[serde(rename = "erasureID")]
    pub erasure_id: ExtId,
    /// How far it is.
    pub outcome: ErasureOutcome,
}

/// How far an erasure is. The PAIs are closed either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErasureOutcome {
    /// Nothing in the books of before it leads to the number.
    Erased,
    /// A file for billing that is being written has the number in it still: it goes within minutes of that.
    Erasing,
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
    fn an_event_is_checked_member_by_member() {
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
    fn outcomes_round_trip() {
        for word in ["APPLIED", "SUPERSEDED", "NO_SUBSCRIBER", "CONTRADICTORY"] {
            let outcome = AccountEventOutcome::parse(word).expect("is one");
            assert_eq!(serde_json::to_value(outcome).expect("is JSON"), word);
        }
    }
}
