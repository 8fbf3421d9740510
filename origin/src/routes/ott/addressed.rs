//! Checks the operator that a call about a number names. The edge has chosen this origin by it.

use crate::config::Config;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use onbill_domain::ids::{OperatorId, PartnerId};
use onbill_domain::reject::{ErrorCode, Reject};

/// 1. The call must be for this operator, if it names one: 400 `parameter-not-supported` otherwise,
///    and an alarm, because the partner signed the name and the edge still routed a number of
///    another operator here. A call without a name may be for any operator: there, the edge's
///    routing is trusted.
/// 2. The partner must have an offer here: 400 `parameter-not-supported` otherwise.
pub(super) fn check_addressee(
    instruments: &Instruments,
    config: &Config,
    partner: &PartnerId,
    operator: Option<&OperatorId>,
) -> Result<(), Reject> {
    // 1.
    if operator.is_some_and(|named| *named != config.operator) {
        let (alarms, alarm) = (&instruments.alarms, Alarm::CallForAnotherOperator);
        let message = "the edge brought a call that is not for this operator";
        raise_alarm!(alarms, alarm, partner.as_str(), "{message}");
        return Err(Reject::new(ErrorCode::ParameterNotSupported, "operator is not served here."));
    }
    // 2.
    if config.offers.iter().any(|offer| offer.partner == *partner) {
        Ok(())
    } else {
        Err(Reject::new(ErrorCode::ParameterNotSupported, "Nothing of this partner is on sale here."))
    }
}
