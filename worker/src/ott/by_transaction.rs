//! Calls about a charge. Nothing in them says whose it is, unless they name the operator: KV
//! remembers the operator, or the origins are asked.
//!
//! What only reads is answered by the operator that has it. What moves money is sent to one operator: two may
//! each have a charge of that name, and each would act once.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::HandlerError;
use crate::ott::by_owner::{find_named_operator, find_sole_owner};
use crate::ott::forward::{forward, relay, relay_expected};
use crate::ott::owner::{Asking, Resource, sole_owner, start_lookups};
use crate::platform::Platform;
use crate::transaction_mapping::ChargeOwner;
use bytes::Bytes;
use http::Response;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::TransactionLookupRequest;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The identifier in a part of the path.
pub(crate) fn parse_ext_id(part: &str) -> Result<ExtId, Reject> {
    let decoded = percent_decode_str(part).decode_utf8().ok();
    let id = decoded.and_then(|text| ExtId::parse(&text));
    id.ok_or_else(|| Reject::invalid_request("The id of the charge or the refund in the path is malformed."))
}

/// Passes a call that only reads on to the operators of the partner, and relays the one response.
///
/// 1. The call names its operator → that one answers.
/// 2. KV remembers the operator of the charge `id`, and it has what is asked for → its response.
/// 3. The others are asked. One has it → 200. Two have it → 503: one operator must not answer for
///    another's charge. The same holds for a response that `is_about` something else.
/// 4. None has it: one does not respond → 503; one refuses the call itself → that refusal; all say
///    that they do not have it → 404 `transaction-not-found`.
pub(crate) async fn query_operators<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    id: &ExtId,
    is_about: impl Fn(&T) -> bool,
) -> Result<Response<Bytes>, HandlerError> {
    let is_about = &is_about;
    let query = |operator: Arc<Operator>| async move {
        let response = forward(call, &operator, None).await?;
        match relay_expected(&response, is_about, "a response about something else") {
            Err(HandlerError::Reject(reject)) if is_absence(&reject) => Ok(None),
            relayed => relayed.map(Some),
        }
    };
    // 1.
    if let Some(named) = find_named_operator(call, partner).await? {
        return query(named).await?.ok_or_else(|| no_such_transaction().into());
    }
    // 2.
    let mut without = None;
    let known = ChargeOwner::read(call, partner, id).await;
    if let Some(first) = known.as_ref().and_then(ChargeOwner::operator)
        && let Ok(Some(first)) = call.find_seller(partner, first).await
    {
        // One that is silent is asked again with all the others.
        match query(Arc::clone(&first)).await {
            Ok(Some(response)) => return Ok(response),
            Ok(None) => without = Some(first.id.clone()),
            Err(_) => {}
        }
    }
    // 3.
    let mapped_to = known.as_ref().and_then(ChargeOwner::operator);
    let mut operators = call.operators_to_ask(partner, mapped_to).await?;
    operators.retain(|known| known.as_ref().map_or(true, |other| without.as_ref() != Some(&other.id)));
    let lookups = start_lookups(call, operators, query);
    let owner = sole_owner("a charge or refund", Asking::UntilFound, lookups).await?;
    // 4.
    let owner = owner.ok_or_else(no_such_transaction)?;
    if let (Some(known), None) = (known, &owner.uncertainty) {
        known.remember(call, &owner.operator);
    }
    Ok(owner.record)
}

/// Passes a call that acts on a charge on to its operator, and relays the response.
///
/// 1. The call names its operator → it goes there.
/// 2. KV remembers the operator of the charge, for long enough that it is no other one elsewhere → the
///    call goes there. That operator has no such charge → step 3.
/// 3. The partner has one operator → there; else as [`find_sole_owner`] finds it.
pub(crate) async fn route_by_transaction<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    id: &ExtId,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    if let Some(named) = find_named_operator(call, partner).await? {
        return relay::<T>(&forward(call, &named, None).await?);
    }
    // 2.
    let known = ChargeOwner::read(call, partner, id).await;
    if let Some(settled) = known.as_ref().and_then(|known| known.settled_operator(call))
        && let Some(operator) = call.find_seller(partner, settled).await?
    {
        match relay::<T>(&forward(call, &operator, None).await?) {
            Err(HandlerError::Reject(reject)) if is_absence(&reject) => {
                call.warn("an operator does not have a charge that KV maps to it");
            }
            relayed => return relayed,
        }
    }
    // 3.
    let lookup = TransactionLookupRequest { partner: partner.id.clone(), ext_transaction_id: id.clone() };
    let resource = Resource { name: "a charge", path: "/edge/v1/transaction", absent: no_such_transaction() };
    let mapped_to = known.as_ref().and_then(ChargeOwner::operator);
    let operators = call.operators_to_ask(partner, mapped_to).await?;
    let operator = find_sole_owner(call, operators, &resource, &lookup).await?;
    let response = relay::<T>(&forward(call, &operator, None).await?)?;
    if let Some(known) = known {
        known.remember(call, &operator);
    }
    Ok(response)
}

fn is_absence(reject: &Reject) -> bool {
    reject.code == ErrorCode::TransactionNotFound
}

fn no_such_transaction() -> Reject {
    Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.")
}
