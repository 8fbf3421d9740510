//! Calls that act on something of which nothing says whose it is: a charge, a subscription. They
//! are sent to one operator: two may each have something of that name, and each would act.

use crate::call::Call;
use crate::config::{KnownOperator, Operator, Partner};
use crate::fault::HandlerError;
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Asking, Owner, Resource, find_owner};
use crate::platform::Platform;
use crate::query::{find_parameter, has_parameter};
use bytes::Bytes;
use http::Response;
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::LookupResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The operator that the call itself names, in `operator` of its query. It is asked and no other, and
/// its answer is the answer. One that does not sell the partner, or no name of an operator → 400
/// `parameter-not-supported`.
pub(crate) async fn find_named_operator<P: Platform>(
    call: &Call<'_, P>,
    partner: &Partner,
) -> Result<Option<Arc<Operator>>, HandlerError> {
    let query = call.request.uri().query().unwrap_or_default();
    if !has_parameter(query, "operator") {
        return Ok(None);
    }
    let operator = match find_parameter(query, "operator").as_deref().and_then(OperatorId::parse) {
        Some(id) => call.find_seller(partner, &id).await?,
        None => None,
    };
    Ok(Some(operator.ok_or_else(not_served)?))
}

pub(crate) fn not_served() -> Reject {
    Reject::new(ErrorCode::ParameterNotSupported, "This operator is not served here.")
}

/// Passes a call that acts on to the operator whose it is, and to no other, and relays the
/// response.
///
/// 1. The call names its operator, or the partner has one → the call goes there.
/// 2. It has several → all are asked whose it is: none has it → the resource's 404; two have it, or
///    one does not respond → 503. Also when another has it: if the silent one had one of the same
///    name and were found next time, the same call would act twice.
/// 3. The one that has it gets the call.
pub(crate) async fn route_by_owner<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    resource: &Resource,
    lookup: &impl Serialize,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let named = find_named_operator(call, partner).await?;
    let operator = match named {
        Some(named) => named,
        None => find_sole_owner(call, call.operators_of(partner).await?, resource, lookup).await?,
    };
    // 3.
    relay::<T>(&forward(call, &operator, None).await?)
}

/// The operator that a call which acts may be sent to, as [`route_by_owner`] says.
pub(crate) async fn find_sole_owner<P: Platform>(
    call: &Call<'_, P>,
    operators: Vec<KnownOperator>,
    resource: &Resource,
    lookup: &impl Serialize,
) -> Result<Arc<Operator>, HandlerError> {
    if let [Ok(only)] = &operators[..] {
        return Ok(Arc::clone(only));
    }
    let owner =
        find_owner(call, operators, Asking::UntilUnclear, resource, lookup, |own: &LookupResponse| {
            &own.operator
        });
    match owner.await? {
        Owner { operator, uncertainty: None, .. } => Ok(operator),
        Owner { uncertainty: Some(uncertainty), .. } => Err(uncertainty),
    }
}
