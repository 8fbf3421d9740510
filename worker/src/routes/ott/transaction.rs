//! `POST /ott/v1/transaction`: one charge. A PAI that KV knows as closed is charged too: a charge,
//! and a decline with its reason, is recorded where money is decided, and that is the origin.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_pai::{Routed, route_by_pai};
use crate::platform::Platform;
use crate::transaction_mapping::ChargeOwner;
use bytes::Bytes;
use futures_util::future::join;
use http::Response;
use onbill_domain::wire::ott::{TransactionRequest, TransactionResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members, within their limits → else 400 `invalid-request`.
/// 3. The operator of the PAI is found → else 404 `pai-not-found`; it stays unknown → 503.
/// 4. Its origin records the charge → 201 or 200, or its refusal; no valid response → 503, and the
///    partner retries with the same `extTransactionID`.
/// 5. Among many operators, KV remembers whose charge it is.
pub(crate) async fn post_transaction<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let charge: TransactionRequest = parse(call.request.body())?;
    charge.check()?;
    // 3. and 4.
    let (owner, routed) = join(
        ChargeOwner::read(call, partner, &charge.ext_transaction_id),
        route_by_pai::<_, TransactionResponse>(call, partner, charge.pai),
    )
    .await;
    let Routed { operator, response } = routed?;
    // 5.
    if let Some(owner) = owner {
        owner.remember(call, &operator);
    }
    Ok(response)
}
