//! The account states of the customers on a phone bill, by their PAIs: whom an operator has sent or
//! reported, and its origin's last report about them. No HTTP, no clock.

use super::report::ReportError;
use onbill_domain::ids::OperatorId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::partner::AccountStateRequest;
use std::collections::HashMap;

const CLOSED: ReportError = ReportError::Contradicts("it was closed permanently before");

/// All states. A PAI is known by the operator that sent it; only that operator may report about it.
#[derive(Default)]
pub(super) struct AccountStates {
    reported: HashMap<(OperatorId, Pai), Option<ReportedAccountState>>,
}

/// The last report, and when it came.
struct ReportedAccountState {
    word: AccountStateRequest,
    at: Timestamp,
}

impl AccountStates {
    /// An operator has sent a customer, or reported an active account, when queried at that time.
    /// It cannot be one that was closed before.
    pub(super) fn meet(
        &mut self,
        operator: &OperatorId,
        pai: Pai,
        asked_at: Timestamp,
    ) -> Result<(), ReportError> {
        let reported = self.reported.entry((operator.clone(), pai)).or_default();
        match reported {
            Some(reported) if reported.word.state == PaiState::Closed && reported.at < asked_at => {
                Err(CLOSED)
            }
            _ => Ok(()),
        }
    }

    /// The last report about a PAI.
    pub(super) fn of(&self, operator: &OperatorId, pai: Pai) -> Option<&AccountStateRequest> {
        self.reported.get(&(operator.clone(), pai))?.as_ref().map(|reported| &reported.word)
    }

    /// 1. A reason belongs to a closed PAI, is one that closes, and comes with nothing else.
    /// 2. The PAI is one that this operator has sent.
    /// 3. An older report than the known one is dropped. One with the same sequence must be equal.
    /// 4. A closed PAI stays closed, for its first reason.
    pub(super) fn record(
        &mut self,
        operator: &OperatorId,
        reported: AccountStateRequest,
        now: Timestamp,
    ) -> Result<(), ReportError> {
        // 1.
        if (reported.state == PaiState::Closed) != reported.reason.is_some() {
            return Err(ReportError::Impossible("only a closed account has a reason"));
        }
        if reported.reason.is_some_and(|reason| !reason.closes_pai()) {
            return Err(ReportError::Impossible("closed for a reason that closes no account"));
        }
        // 2.
        let known = self.reported.get_mut(&(operator.clone(), reported.pai)).ok_or(ReportError::Unknown)?;
        if let Some(ReportedAccountState { word: before, .. }) = known {
            // 3.
            if reported.sequence < before.sequence {
                return Ok(());
            }
            if reported.sequence == before.sequence && reported != *before {
                return Err(ReportError::Contradicts("one sequence has two different reports"));
            }
            // 4.
            if before.state == PaiState::Closed
                && (reported.state, reported.reason) != (before.state, before.reason)
            {
                return Err(CLOSED);
            }
        }
        *known = Some(ReportedAccountState { word: reported, at: now });
        Ok(())
    }
}
