//! Disputes about fraud that operators report.

use crate::netflix::report::ReportError;
use onbill_domain::ids::OperatorId;
use onbill_domain::wire::dispute::{DisputeReason, DisputeState};
use onbill_domain::wire::partner::DisputeStateRequest;

/// The latest report about each dispute, with its operator.
#[derive(Default)]
pub(super) struct ReportedDisputes(Vec<(OperatorId, DisputeStateRequest)>);

impl ReportedDisputes {
    pub(super) fn record(
        &mut self,
        operator: &OperatorId,
        reported: DisputeStateRequest,
    ) -> Result<(), ReportError> {
        if reported.reason != DisputeReason::Fraud {
            return Err(ReportError::Impossible("a dispute about something else than fraud is reported"));
        }
        if (reported.state == DisputeState::Open) != (reported.sequence == 1) {
            return Err(ReportError::Impossible("a dispute begins open, and is open once"));
        }
        let is_same = |known: &DisputeStateRequest| known.dispute_id == reported.dispute_id;
        let known = self.0.iter_mut().find(|(of, known)| of == operator && is_same(known));
        match known {
            None => self.0.push((operator.clone(), reported)),
            Some((_, known)) if known.ext_transaction_id != reported.ext_transaction_id => {
                return Err(ReportError::Contradicts("the dispute was about another charge"));
            }
            Some((_, known)) if known.sequence == reported.sequence && known.state != reported.state => {
                return Err(ReportError::Contradicts("the dispute was decided otherwise"));
            }
            Some((_, known)) if known.sequence < reported.sequence => *known = reported,
            Some(_) => {}
        }
        Ok(())
    }
}
