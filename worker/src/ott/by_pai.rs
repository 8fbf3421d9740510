//! Calls about a PAI. KV remembers whose it is; the origins know.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::HandlerError;
use crate::mapping::{OtherOperators, cache_mapping, find_mapping};
use crate::ott::by_owner::find_named_operator;
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Asking, Owner, Resource, find_owner};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::join;
use http::Response;
use onbill_domain::ids::OperatorId;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::PaiLookupRequest;
use onbill_domain::wire::kv::PaiMapping;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A relayed response, and the operator that gave it.
pub(crate) struct Routed {
    pub(crate) operator: Arc<Operator>,
    pub(crate) response: Response<Bytes>,
}

/// Passes the call on to the operator of `pai`, and relays the response.
///
/// 1. The call names its operator, or KV knows it → the call goes there. What a named one says is the
///    answer.
/// 2. KV does not, or that operator has no such PAI → the others are asked: none has it → 404
///    `pai-not-found`; some do not respond and none has it → 503.
/// 3. The one that has it gets the call. Its mapping is cached when all others have confirmed that
///    it is not theirs: while one is silent, they are asked again next time.
pub(crate) async fn route_by_pai<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    pai: Pai,
) -> Result<Routed, HandlerError> {
    // 1.
    let named = find_named_operator(call, partner).await?;
    let mapping = find_mapping(call, pai).await;
    let known = match (&named, &mapping) {
        (Some(_), _) => named.clone(),
        (None, Some(mapping)) => call.find_seller(partner, &mapping.operator).await?,
        (None, None) => None,
    };
    let mapped_to = mapping.as_ref().map(|mapping| mapping.operator.clone());
    let mut without: Option<OperatorId> = None;
    if let Some(operator) = known {
        let mapping = mapping.filter(|mapping| mapping.operator == operator.id);
        let handle = mapping.as_ref().map(|mapping| mapping.subscriber.as_str());
        match relay::<T>(&forward(call, &operator, handle).await?) {
            Err(HandlerError::Reject(Reject { code: ErrorCode::PaiNotFound, .. })) if named.is_none() => {
                call.warn("an operator does not have a PAI that KV maps to it");
                without = Some(operator.id.clone());
            }
            relayed => return relayed.map(|response| Routed { operator, response }),
        }
    }
    // 2.
    let resource = Resource {
        name: "a PAI",
        path: "/edge/v1/pai",
        absent: Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
    };
    let lookup = PaiLookupRequest { partner: partner.id.clone(), pai };
    let mut others = call.operators_to_ask(partner, mapped_to.as_ref()).await?;
    others.retain(|known| known.as_ref().map_or(true, |other| without.as_ref() != Some(&other.id)));
    let owner = find_owner(call, others, Asking::UntilFound, &resource, &lookup, |mapping: &PaiMapping| {
        &mapping.operator
    });
    let Owner { operator, record: mapping, uncertainty } = owner.await?;
    // 3.
    let cache = async {
        if uncertainty.is_none() {
            cache_mapping(call, pai, &mapping, OtherOperators::Disown).await;
        }
    };
    let ((), response) = join(cache, forward(call, &operator, Some(&mapping.subscriber))).await;
    let response = relay::<T>(&response?)?;
    Ok(Routed { operator, response })
}
