//! The ways in which a handler fails. A [`Fault`] is our own failure: its cause is logged once,
//! where the response leaves, and the caller sees a code and a sentence. A `Reject` is a refusal:
//! the edge worked, and the response is no.

use crate::config::ConfigFault;
use crate::platform::Unreachable;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::key;
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::reject::{ErrorCode, Reject};
use std::fmt;

/// Why a valid call cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The configuration is unusable; every call fails until it is corrected.
    Config(ConfigFault),
    /// The entry of the operator that the call needs is wrong; other operators' calls are served.
    Entry(EntryFault),
    /// The operators' entries cannot be read.
    EntriesUnavailable,
    /// There was no time to ask this operator whether something is its own.
    NotAsked(OperatorId),
    /// The host gives no randomness.
    NoRandomness,
    /// A request could not be built or signed: a key or a configured URL is not usable.
    CannotSend(Party),
    /// The other party gave no response.
    Unreachable(Party, Unreachable),
    /// The other party's response is against the contract; the text describes it and quotes nothing
    /// of it.
    Unexpected(Party, String),
    /// A solved challenge cannot be checked; the text quotes nothing of the response.
    Challenge(&'static str),
    /// A file of the edge, or a response that it makes, is not well formed.
    Asset(&'static str),
}

/// A party that the edge calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Operator(OperatorId),
    Partner(PartnerId),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator(id) => key::Party::operator(id).fmt(f),
            Self::Partner(id) => key::Party::partner(id).fmt(f),
        }
    }
}

/// The cause, for the log.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(fault) => write!(f, "configuration: {fault}"),
            Self::Entry(fault) => write!(f, "operator entry {fault}"),
            Self::EntriesUnavailable => f.write_str("the operators' entries cannot be read"),
            Self::NotAsked(operator) => write!(f, "there was no time to ask operator:{operator}"),
            Self::NoRandomness => f.write_str("the host gives no randomness"),
            Self::CannotSend(party) => write!(f, "{party}: the request could not be built or signed"),
            Self::Unreachable(party, why) => write!(f, "{party}: {why}"),
            Self::Unexpected(party, what) => write!(f, "{party}: unexpected response: {what}"),
            Self::Challenge(what) => write!(f, "challenge: {what}"),
            Self::Asset(name) => write!(f, "{name} is not well formed"),
        }
    }
}

/// The alarm of a wrong entry.
pub(crate) const ENTRY_BROKEN: &str = "operator-entry-broken";

impl Fault {
    /// The alarm that goes with the fault, if a person has to act.
    pub(crate) fn alarm(&self) -> Option<&'static str> {
        matches!(self, Self::Entry(_)).then_some(ENTRY_BROKEN)
    }

    /// What the caller sees.
    pub(crate) fn public_reject(&self) -> Reject {
        match self {
            Self::Unreachable(Party::Operator(_), _)
            | Self::Unexpected(Party::Operator(_), _)
            | Self::EntriesUnavailable
            | Self::NotAsked(_) => Reject::service_unavailable(),
            Self::Unreachable(Party::Partner(_), _) | Self::Unexpected(Party::Partner(_), _) => Reject::new(
                ErrorCode::PartnerUnavailable,
                "The partner's sign-up does not answer at the moment.",
            ),
            Self::Challenge(_) => {
                Reject::new(ErrorCode::ChallengeUnavailable, "The challenge cannot be checked at the moment.")
            }
            Self::Config(_) => Reject::new(ErrorCode::ServiceUnavailable, "The service is not set up."),
            Self::Entry(_) => Reject::new(ErrorCode::ServiceUnavailable, "The operator is not set up."),
            Self::NoRandomness | Self::CannotSend(_) | Self::Asset(_) => {
                Reject::new(ErrorCode::InternalError, "The call failed on our side.")
            }
        }
    }
}

/// Why a handler gives no successful response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandlerError {
    Reject(Reject),
    Fault(Fault),
}

impl From<Reject> for HandlerError {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Fault> for HandlerError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
