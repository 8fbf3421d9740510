//! Calls about a number that a partner's app has read on a device. They go to the one operator that
//! the partner names: the origins are not asked whose the number is, as each of them would learn a
//! number that may not be its own.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::platform::Platform;
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::{ErrorCode, Reject};

/// 1. An operator is named: it sells this partner → that one; else 400 `parameter-not-supported`.
/// 2. None is named: one sells this partner → that one; several do → 400 `invalid-request`.
pub(crate) fn choose_operator<'c, P: Platform>(
    call: &'c Call<'_, P>,
    partner: &'c Partner,
    named: Option<&OperatorId>,
) -> Result<&'c Operator, Reject> {
    let not_served = || Reject::new(ErrorCode::ParameterNotSupported, "This operator is not served here.");
    let mut operators = call.config.operators_of(partner);
    // 1.
    if let Some(named) = named {
        return operators.find(|operator| operator.id == *named).ok_or_else(not_served);
    }
    // 2.
    let only = operators.next().ok_or_else(not_served)?;
    if operators.next().is_none() {
        Ok(only)
    } else {
        Err(Reject::invalid_request(
            "operator is needed, as several sell this partner: whose network the SIM is of.",
        ))
    }
}
