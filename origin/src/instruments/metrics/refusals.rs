//! Calls that were refused before they had an effect, and the clocks of their callers.

use super::labels::Counters;
use super::page::Page;
use super::series::{CLOCK_DIFFERENCE, RATE_LIMITED, SIGNATURES_REFUSED};
use crate::store::Ceiling;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::SignatureError;
use prometheus_client::metrics::gauge::Gauge;
use std::fmt;

onbill_domain::word_enum! {
    /// Who signs calls to the origin.
    pub enum Caller {
        Edge = "edge",
        Operator = "operator",
        Partner = "partner",
    }
}

impl Caller {
    /// The caller whose calls are signed with keys of this use.
    pub(crate) fn of(key_use: KeyUse) -> Self {
        match key_use {
            KeyUse::OperatorToOrigin => Self::Operator,
            KeyUse::PartnerCall => Self::Partner,
            _ => Self::Edge,
        }
    }
}

onbill_domain::word_enum! {
    /// Why a signature was refused.
    pub enum SignatureRefusal {
        /// There is none.
        Missing = "missing",
        Malformed = "malformed",
        Stale = "stale",
        UnknownKey = "unknown-key",
        DigestMismatch = "digest-mismatch",
        BadSignature = "bad-signature",
    }
}

impl From<SignatureError> for SignatureRefusal {
    fn from(error: SignatureError) -> Self {
        match error {
            SignatureError::Malformed => Self::Malformed,
            SignatureError::Stale { .. } => Self::Stale,
            SignatureError::UnknownKey => Self::UnknownKey,
            SignatureError::DigestMismatch => Self::DigestMismatch,
            SignatureError::BadSignature => Self::BadSignature,
        }
    }
}

onbill_domain::word_enum! {
    /// The ceiling that a call was beyond.
    pub enum RateLimit {
        Pins = "pins",
        PinsOfOneWay = "pins-of-one-way",
        PinsOfNumber = "pins-of-number",
        PinTries = "pin-tries",
        NumberChecks = "number-checks",
        UnknownNumbers = "unknown-numbers",
        ChecksOfNumber = "checks-of-number",
        CouponCodes = "coupon-codes",
        Notifications = "notifications",
        LookUps = "look-ups",
    }
}

impl From<Ceiling> for RateLimit {
    fn from(ceiling: Ceiling) -> Self {
        match ceiling {
            Ceiling::Pins => Self::Pins,
            Ceiling::PinsOfOneWay => Self::PinsOfOneWay,
            Ceiling::NumberChecks => Self::NumberChecks,
            Ceiling::UnknownNumbers => Self::UnknownNumbers,
            Ceiling::ChecksOfNumber => Self::ChecksOfNumber,
            Ceiling::LookUps => Self::LookUps,
        }
    }
}

/// Refused calls, and clocks.
#[derive(Debug)]
pub(crate) struct RefusalMetrics {
    signatures: [Counters<{ SignatureRefusal::ALL.len() }>; Caller::ALL.len()],
    limited: Counters<{ RateLimit::ALL.len() }>,
    clocks: [Gauge; Caller::ALL.len()],
}

impl RefusalMetrics {
    pub(super) fn new() -> Self {
        Self {
            signatures: std::array::from_fn(|_| Counters::default()),
            limited: Counters::default(),
            clocks: std::array::from_fn(|_| Gauge::default()),
        }
    }

    pub(crate) fn note_signature(&self, caller: Caller, refusal: SignatureRefusal) {
        self.signatures[caller as usize].count(refusal as usize);
    }

    pub(crate) fn note_limited(&self, limit: RateLimit) {
        self.limited.count(limit as usize);
    }

    /// Notes by how many seconds the clock of a genuine caller is ahead.
    pub(crate) fn note_clock(&self, caller: Caller, seconds_ahead: i64) {
        self.clocks[caller as usize].set(seconds_ahead);
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let signatures = Caller::ALL.into_iter().zip(&self.signatures);
        page.counters(
            SIGNATURES_REFUSED,
            signatures.flat_map(|(caller, reasons)| {
                let reasons = SignatureRefusal::ALL.into_iter().zip(reasons.read());
                reasons.map(move |(reason, count)| ([caller.as_str(), reason.as_str()], count))
            }),
        )?;
        let limited = RateLimit::ALL.into_iter().zip(self.limited.read());
        page.counters(RATE_LIMITED, limited.map(|(limit, count)| ([limit.as_str()], count)))?;
        let clocks = Caller::ALL.into_iter().zip(&self.clocks);
        page.gauges(CLOCK_DIFFERENCE, clocks.map(|(caller, clock)| ([caller.as_str()], clock.get())))
    }
}
