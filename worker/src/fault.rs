//! Our own failures. A [`Fault`] has an inside (logged once, where the answer leaves) and an outside (a code and a
//! sentence); a refusal is a `Reject` and is nobody's failure. A route stops with one or the other.

use crate::config::ConfigFault;
use crate::platform::Unreachable;
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::key;
use onbill_domain::reject::{ErrorCode, Reject};
use std::fmt;

/// Why a call cannot be answered although nothing is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The deployment is broken; every call fails until it is mended.
    Config(ConfigFault),
    /// The host gives no randomness.
    NoRandomness,
    /// A request could not be built or signed: a key or a configured URL is not usable.
    CannotSend(Party),
    /// The other side gave no answer.
    Unreachable(Party, Unreachable),
    /// The other side answered what it never should; the text says what that was, without quoting it.
    Unexpected(Party, String),
    /// A file that is part of the edge is not well formed.
    Asset(&'static str),
}

/// A party that the edge calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    /// An operator's origin.
    Operator(OperatorId),
    /// A partner.
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

/// The inside.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(fault) => write!(f, "configuration: {fault}"),
            Self::NoRandomness => f.write_str("the host gives no randomness"),
            Self::CannotSend(party) => write!(f, "{party}: the request could not be built or signed"),
            Self::Unreachable(party, why) => write!(f, "{party}: {why}"),
            Self::Unexpected(party, what) => write!(f, "{party}: unexpected answer: {what}"),
            Self::Asset(name) => write!(f, "{name} is not well formed"),
        }
    }
}

impl Fault {
    /// The outside.
    pub(crate) fn public(&self) -> Reject {
        match self {
            Self::Unreachable(Party::Operator(_), _) | Self::Unexpected(Party::Operator(_), _) => {
                Reject::service_unavailable()
            }
            Self::Unreachable(Party::Partner(_), _) | Self::Unexpected(Party::Partner(_), _) => Reject::new(
                ErrorCode::PartnerUnavailable,
                "The partner's sign-up does not answer at the moment.",
            ),
            Self::Config(_) => Reject::new(ErrorCode::ServiceUnavailable, "The service is not set up."),
            Self::NoRandomness | Self::CannotSend(_) | Self::Asset(_) => {
                Reject::new(ErrorCode::InternalError, "The call failed on our side.")
            }
        }
    }
}

/// How a route ends when it does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandlerError {
    /// The answer is no.
    Reject(Reject),
    /// We failed.
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
