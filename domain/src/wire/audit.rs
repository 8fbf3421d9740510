//! The audit: what people did at the desks and on the command line, and at whom they looked. An
//! entry has no number: the subscriber is named by the handle that the edge knows them by.

use crate::ids::ExtId;
use crate::timestamp::Timestamp;
use crate::wire::mandate::hash_of_text;
use serde::{Deserialize, Serialize};

crate::wire_enum! {
    /// The desk that a person works at.
    pub enum ActorRole {
        /// Answers customers.
        Care = "care",
        /// Answers customers, and decides what care may not.
        Supervisor = "supervisor",
        /// Runs billing.
        Billing = "billing",
        /// Compares and settles.
        Finance = "finance",
        /// Looks for fraud.
        Fraud = "fraud",
        /// Sells the partners' plans, and sees no customer.
        Product = "product",
        /// Reads the audit.
        Auditor = "auditor",
        /// Runs the origin.
        Admin = "admin",
    }
}

crate::wire_enum! {
    /// What was done.
    pub enum AuditAct {
        /// Looked up the subscriber of a number.
        SubscriberLookedUp = "subscriber-looked-up",
        /// Ended a PAI.
        LinkClosed = "link-closed",
        /// Asked for a refund.
        RefundPosted = "refund-posted",
        /// Asked a second person to agree to a refund.
        RefundAsked = "refund-asked",
        /// Agreed to another person's refund.
        RefundApproved = "refund-approved",
        /// Did not agree to it.
        RefundRejected = "refund-rejected",
        /// Opened a dispute about a charge.
        DisputeOpened = "dispute-opened",
        /// Accepted, rejected or withdrew a dispute.
        DisputeDecided = "dispute-decided",
        /// Sent a coupon's SMS again, with another code.
        SmsResent = "sms-resent",
        /// Took a coupon back.
        CouponVoided = "coupon-voided",
        /// Erased a subscriber.
        SubscriberErased = "subscriber-erased",
        /// Took out all that is kept on a subscriber.
        SubscriberExported = "subscriber-exported",
        /// Ran a command that is about many people.
        CommandRun = "command-run",
        /// Put a dead letter back into its queue.
        JobRetried = "job-retried",
        /// Closed an alarm.
        AlarmClosed = "alarm-closed",
        /// Tried what the role may not do.
        AccessRefused = "access-refused",
        /// Began to turn on PAIs that were loaded.
        CutOver = "cut-over",
        /// Began to turn PAIs off again, for another system to charge them.
        TurnedOff = "turned-off",
        /// Sent the state of a PAI to its partner and to the edge once more.
        StateSentAgain = "state-sent-again",
    }
}

crate::wire_enum! {
    /// What came of it.
    pub enum AuditOutcome {
        /// It was done.
        Done = "done",
        /// It was done before, or there was nothing to do.
        Unchanged = "unchanged",
        /// No such person or thing was found.
        NotFound = "not-found",
        /// It was not allowed.
        Refused = "refused",
    }
}

/// An entry. Each has the hash of the one before, so that none can be left out or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// The place in the audit, from 1 and without gaps.
    pub sequence: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
    /// The id of the key that signed the call, which distinguishes the operator's systems; `cli` for a
    /// command.
    pub key: String,
    /// What was done.
    pub act: AuditAct,
    /// What came of it.
    pub outcome: AuditOutcome,
    /// The handle of the subscriber, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<String>,
    /// What it was done to: a PAI, a job, an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The operator's reference, such as a ticket.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ExtId>,
    /// The correlator of the call or the command, as in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlator: Option<String>,
    /// The hash of the entry before, or of nothing for the first.
    pub previous: String,
    /// The SHA-256, in hex, of this entry's JSON text before `,"hash"`.
    pub hash: String,
}

impl AuditLine {
    /// The hash that the entry should have.
    pub fn compute_hash(&self) -> Result<String, serde_json::Error> {
        let text = serde_json::to_string(&Self { hash: String::new(), ..self.clone() })?;
        Ok(hash_of_text(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use crate::wire::mandate::{first_previous, to_hex};

    #[test]
    fn entry_is_pinned_with_its_hash() {
        let line = AuditLine {
            sequence: 1,
            at: Timestamp::from_unix_seconds(1_795_000_000),
            actor: ExtId::parse("care-17").expect("is an id"),
            role: ActorRole::Care,
            key: "bss-1".to_owned(),
            act: AuditAct::LinkClosed,
            outcome: AuditOutcome::Done,
            subscriber: Some("handle-1".to_owned()),
            subject: Some("01010101-0101-4101-8101-010101010101".to_owned()),
            reason: Some("pai-revoked-by-user".to_owned()),
            reference: ExtId::parse("T-1"),
            correlator: Some("call-1".to_owned()),
            previous: first_previous(),
            hash: String::new(),
        };
        let hashed = r#"{"sequence":1,"at":"2026-11-18T11:06:40Z","actor":"care-17","role":"care","key":"bss-1","act":"link-closed","outcome":"done","subscriber":"handle-1","subject":"01010101-0101-4101-8101-010101010101","reason":"pai-revoked-by-user","ref":"T-1","correlator":"call-1","previous":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#;
        let hash = line.compute_hash().expect("is JSON");
        assert_eq!(hash, to_hex(&sha256(hashed.as_bytes())));
        let text = serde_json::to_string(&AuditLine { hash: hash.clone(), ..line }).expect("is JSON");
        assert_eq!(text, format!("{hashed},\"hash\":\"{hash}\"}}"));
    }
}
