//! `POST /origin/v1/pai-mapping`: an origin reports the status of one of its PAIs. KV follows, so
//! that calls are routed by what is true; it stays a cache, and nothing is decided by it.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::mapping::{StoredMapping, update_mapping};
use crate::platform::{KvUnavailable, Platform};
use crate::response::json_response;
use crate::routes::origin::{authenticate_origin, reject_caller};
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::reject::Reject;
use onbill_domain::wire::origin::PaiMappingRequest;
use onbill_domain::wire::parse;

/// 1. The call is JSON → else 415, 413; signed by an operator's origin → else 401.
/// 2. It has the expected members → else 400; it is about that operator → else 403.
/// 3. KV has it, or a newer one, or the origins will be asked → 200 with what was reported; another
///    operator's PAI → 403; KV fails → 503, and the origin reports it again.
///
/// No nonce is spent: a call that is replayed reports what was true, and an older mapping changes
/// nothing.
pub(crate) async fn post_pai_mapping<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let caller = authenticate_origin(call).await?;
    // 2.
    let request: PaiMappingRequest = parse(call.request.body())?;
    caller.check_operator(&request.mapping.operator)?;
    // 3.
    match update_mapping(call, request.pai, &request.mapping).await {
        Ok(
            StoredMapping::Same | StoredMapping::Behind | StoredMapping::Ahead | StoredMapping::LeftToOrigins,
        ) => Ok(json_response(StatusCode::OK, &request.mapping)?),
        Ok(StoredMapping::Foreign) => Err(reject_caller().into()),
        Err(KvUnavailable) => Err(Reject::service_unavailable().into()),
    }
}
