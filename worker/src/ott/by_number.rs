//! Calls about a number that a partner's app has read on a device, and the echo. They go to the one
//! operator that the partner names: the origins are not asked whose the number is, as each of them would learn a
//! number that may not be its own.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, HandlerError};
use crate::ott::by_owner::not_served;
use crate::platform::Platform;
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::Reject;
use std::sync::Arc;

/// 1. An operator is named: it sells this partner → that one; else 400 `parameter-not-supported`.
/// 2. None is named: one sells this partner → that one; several do → 400 `invalid-request`.
pub(crate) async fn choose_operator<P: Platform>(
    call: &Call<'_, P>,
    partner: &Partner,
    named: Option<&OperatorId>,
) -> Result<Arc<Operator>, HandlerError> {
    // 1.
    if let Some(named) = named {
        return Ok(call.find_seller(partner, named).await?.ok_or_else(not_served)?);
    }
    // 2.
    let mut operators = call.operators_of(partner).await?;
    match (operators.pop(), operators.is_empty()) {
        (None, _) => Err(not_served().into()),
        (Some(only), true) => Ok(only.map_err(Fault::Entry)?),
        (Some(_), false) => {
            Err(Reject::invalid_request("operator is needed, as several sell this partner.").into())
        }
    }
}
