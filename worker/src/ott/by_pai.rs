//! Calls about a PAI. KV remembers whose it is; the origins know.

use crate::call::Call;
use crate::config::Partner;
use crate::fault::HandlerError;
use crate::mapping::{OtherOperators, cache_mapping, find_mapping};
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Owner, Resource, find_owner};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::join;
use http::Response;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::PaiLookupRequest;
use onbill_domain::wire::kv::PaiMapping;
use serde::de::DeserializeOwned;

/// Passes the call on to the operator of `pai`, and relays the response.
///
/// 1. KV knows the operator → the call goes there.
/// 2. KV does not, or that operator has no such PAI → the others are asked, once, all at once:
///    none has it → 404 `pai-not-found`; some do not respond and none has it → 503.
/// 3. The one that has it gets the call. Its mapping is cached when all others have confirmed that
///    it is not theirs: while one is silent, they are asked again next time.
pub(crate) async fn route_by_pai<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    pai: Pai,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let cached = find_mapping(call, pai).await.and_then(|mapping| {
        let operator = call.config.find_operator(mapping.operator.as_str())?;
        operator.sells(&partner.id).then_some((operator, mapping))
    });
    let mut asked = None;
    if let Some((operator, mapping)) = cached {
        match relay::<T>(&forward(call, operator, Some(&mapping.subscriber)).await?) {
            Err(HandlerError::Reject(Reject { code: ErrorCode::PaiNotFound, .. })) => {
                call.warn("an operator does not have a PAI that KV maps to it");
                asked = Some(operator);
            }
            relayed => return relayed,
        }
    }
    // 2.
    let resource = Resource {
        name: "a PAI",
        path: "/edge/v1/pai",
        absent: Reject::new(ErrorCode::PaiNotFound, "There is no such PAI."),
    };
    let lookup = PaiLookupRequest { partner: partner.id.clone(), pai };
    let others = call.config.operators_of(partner).filter(|other| asked.is_none_or(|it| it.id != other.id));
    let owner =
        find_owner(call, others, &resource, &lookup, |mapping: &PaiMapping| &mapping.operator).await?;
    let Owner { operator, record: mapping, uncertainty } = owner;
    // 3.
    let cache = async {
        if uncertainty.is_none() {
            cache_mapping(call, pai, &mapping, OtherOperators::Disown).await;
        }
    };
    let ((), response) = join(cache, forward(call, operator, Some(&mapping.subscriber))).await;
    relay::<T>(&response?)
}
