//! The audit: what people did and looked at. Rows are only added, each with the hash of the one
//! before. The acts themselves are in [`super::desk`]: an act and its entry are one transaction.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::call_trace::CallTrace;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditLine, AuditOutcome};
use onbill_domain::wire::mandate::ChainEnd;

impl Store {
    /// A page of the audit after the entry `after`, 0 for the beginning, in order.
    pub async fn list_audit_lines(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, StoreError> {
        use_case!(self, read, list_audit_lines(after, limit))
    }

    /// The place of the next entry after `after`, also of one that cannot be read.
    pub async fn find_audit_place_after(&self, after: i64) -> Result<Option<i64>, StoreError> {
        use_case!(self, look_up, find_audit_place_after(after))
    }

    /// A page of the entries before the entry `before`, the newest first.
    pub async fn list_newest_audit_lines(
        &self,
        filter: AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditLine>, StoreError> {
        use_case!(self, read, list_newest_audit_lines(&filter, before.unwrap_or(i64::MAX), limit))
    }

    /// Where the audit ends.
    pub async fn find_audit_end(&self) -> Result<AuditEnd, StoreError> {
        use_case!(self, look_up, find_audit_end())
    }
}

/// Which entries to list: by one thing at a time, so that each page is a stretch of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFilter {
    All,
    /// What this person did.
    Actor(ExtId),
    /// What was done.
    Act(AuditAct),
    /// What was done with this subscriber, by their handle.
    Subscriber(String),
}

impl AuditFilter {
    /// A condition on `value`, which is the first value of the statement.
    fn to_sql(&self, value: &str) -> String {
        match self {
            Self::All => format!("{value} = ''"),
            Self::Actor(_) => format!("actor = {value}"),
            Self::Act(_) => format!("act = {value}"),
            Self::Subscriber(_) => format!("handle = {value}"),
        }
    }

    fn value(&self) -> &str {
        match self {
            Self::All => "",
            Self::Actor(actor) => actor.as_str(),
            Self::Act(act) => act.as_str(),
            Self::Subscriber(handle) => handle,
        }
    }
}

/// Where the audit ends, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEnd {
    /// How many entries there are, and the hash of the last one, as was written beside them. `None` if
    /// that row is missing, as it is before the first entry.
    pub stated: Option<ChainEnd>,
    /// The place of the last entry that is there, 0 if none is.
    pub newest: u64,
}

/// The end and the last entry in one query. There is one row also if either is missing.
const AUDIT_END: &str = "SELECT e.lines, e.hash, a.newest
    FROM (SELECT coalesce(max(sequence), 0) AS newest FROM audit) a
    LEFT JOIN audit_end e ON e.chain = 'audit'";

/// Who acts, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditStamp {
    /// The id of the key that signed the call, or `cli`.
    pub key: String,
    /// The operator's id of the person.
    pub actor: ExtId,
    pub role: ActorRole,
    /// The operator's reference, such as a ticket.
    pub reference: Option<ExtId>,
}

/// What was done.
#[derive(Clone, Debug)]
pub(in crate::store) struct AuditFact<'a> {
    pub(in crate::store) act: AuditAct,
    pub(in crate::store) outcome: AuditOutcome,
    /// The handle of the subscriber.
    pub(in crate::store) subscriber: Option<&'a str>,
    /// What it was done to.
    pub(in crate::store) subject: Option<&'a str>,
    pub(in crate::store) reason: Option<&'a str>,
}

/// The entry after the end. Its time has whole seconds, as the row has.
fn next_line(
    end: &ChainEnd,
    now: Timestamp,
    stamp: &AuditStamp,
    fact: &AuditFact<'_>,
) -> Result<AuditLine, StoreError> {
    let mut line = AuditLine {
        sequence: i64::try_from(end.lines + 1).unwrap_or(i64::MAX),
        at: Timestamp::from_unix_seconds(now.unix_seconds()),
        actor: stamp.actor.clone(),
        role: stamp.role,
        key: stamp.key.clone(),
        act: fact.act,
        outcome: fact.outcome,
        subscriber: fact.subscriber.map(str::to_owned),
        subject: fact.subject.map(str::to_owned),
        reason: fact.reason.map(str::to_owned),
        reference: stamp.reference.clone(),
        correlator: CallTrace::current().map(|trace| trace.correlator.to_string()),
        previous: end.hash.clone(),
        hash: String::new(),
    };
    line.hash = line.compute_hash().map_err(|_| StoreError::Interrupted)?;
    Ok(line)
}
