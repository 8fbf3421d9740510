//! `POST /origin/v1/pai-mapping`: an origin says how one of its PAIs stands. The store follows, so that calls are routed
//! by what is true; it stays a memory, and nothing is decided by it.

use crate::answer::json;
use crate::call::Call;
use crate::fault::Stop;
use crate::mapping::{Had, follow};
use crate::platform::Platform;
use crate::routes::origin::{forbidden, speaker};
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::reject::Reject;
use onbill_domain::wire::origin::PaiMappingRequest;
use onbill_domain::wire::parse;

/// 1. The call is JSON → else 415, 413; signed by an operator's origin → else 401.
/// 2. It has the expected members → else 400; it speaks for that operator → else 403.
/// 3. The store has it, or a later word → 200 with what was said; another operator's PAI → 403; the store fails → 503, and
///    the origin says it again.
///
/// No nonce is spent: a call that is replayed says what was true, and an older word changes nothing.
pub(crate) async fn post<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, Stop> {
    // 1.
    let speaker = speaker(call)?;
    // 2.
    let said: PaiMappingRequest = parse(call.request.body())?;
    speaker.speaks_for(&said.mapping.operator)?;
    // 3.
    match follow(call, said.pai, &said.mapping).await {
        Some(Had::Same | Had::Behind | Had::Ahead) => Ok(json(StatusCode::OK, &said.mapping)?),
        Some(Had::Foreign) => Err(forbidden().into()),
        None => Err(Reject::service_unavailable().into()),
    }
}
