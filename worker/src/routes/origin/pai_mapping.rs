//! `POST /origin/v1/pai-mapping`: an origin says how one of its PAIs stands. The store follows, so that calls are routed
//! by what is true; it stays a memory, and nothing is decided by it.

use crate::admission::json_body;
use crate::answer::json;
use crate::call::Call;
use crate::fault::Stop;
use crate::mapping::{Kept, follow};
use crate::ott::authenticate::signer;
use crate::platform::Platform;
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::reject::{Code, Reject};
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
    json_body(call.request)?;
    let key = signer(call, KeyUse::OriginToEdge).map_err(|why| {
        call.warn(why);
        Reject::unauthorized()
    })?;
    // 2.
    let said: PaiMappingRequest = parse(call.request.body())?;
    let forbidden = || Reject::new(Code::Forbidden, "An origin speaks for its own operator.");
    if key.party != format!("operator:{}", said.mapping.operator) {
        return Err(forbidden().into());
    }
    // 3.
    match follow(call, said.pai, &said.mapping).await {
        Some(Kept::Fresh | Kept::Later) => Ok(json(StatusCode::OK, &said.mapping)?),
        Some(Kept::Foreign) => Err(forbidden().into()),
        None => Err(Reject::unavailable().into()),
    }
}
