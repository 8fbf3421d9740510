//! `POST /ott/v1/transaction/{extTransactionID}/refund`: gives back all or part of a charge.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_transaction::{parse_ext_id, route_by_transaction};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::ott::{RefundRequest, RefundResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. The path has an identifier, the body the expected members, within their limits → else 400
///    `invalid-request`.
/// 3. The operator of the charge is found → else 404 `transaction-not-found`; two claim it, or it
///    stays unknown → 503.
/// 4. Its origin records the refund → 201 or 200, or its refusal; no valid response → 503, and the
///    partner retries with the same `extRefundID`.
pub(crate) async fn post_refund<P: Platform>(
    call: &Call<'_, P>,
    ext_transaction_id: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let id = parse_ext_id(ext_transaction_id)?;
    let refund: RefundRequest = parse(call.request.body())?;
    refund.check()?;
    // 3. and 4.
    route_by_transaction::<_, RefundResponse>(call, partner, &id).await
}
