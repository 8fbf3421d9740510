//! Calls that act on something of which nothing says whose it is: a charge, a subscription. They
//! are sent to one operator: two may each have something of that name, and each would act.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::HandlerError;
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Owner, Resource, find_owner};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::edge::LookupResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Passes a call that acts on to the operator whose it is, and to no other, and relays the
/// response.
///
/// 1. The partner has one operator → the call goes there.
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
    let operators: Vec<&Operator> = call.config.operators_of(partner).collect();
    let operator = if let [only] = operators[..] {
        // 1.
        only
    } else {
        // 2.
        let operators = operators.into_iter();
        match find_owner(call, operators, resource, lookup, |own: &LookupResponse| &own.operator).await? {
            Owner { operator, uncertainty: None, .. } => operator,
            Owner { uncertainty: Some(uncertainty), .. } => return Err(uncertainty),
        }
    };
    // 3.
    relay::<T>(&forward(call, operator, None).await?)
}
