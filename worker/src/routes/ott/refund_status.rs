//! `GET /ott/v1/transaction/{extTransactionID}/refund/{extRefundID}`: the status of a refund.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::by_transaction::{parse_ext_id, query_operators};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::wire::ott::RefundResponse;

/// 1. The call is a partner's → else 401, 429.
/// 2. The path has two identifiers → else 400 `invalid-request`.
/// 3. The operators of the partner are asked: one has it → 200; none has it → 404
///    `transaction-not-found`; two have it, or none and one does not respond → 503.
pub(crate) async fn get_refund<P: Platform>(
    call: &Call<'_, P>,
    ext_transaction_id: &str,
    ext_refund_id: &str,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let (charge, refund) = (parse_ext_id(ext_transaction_id)?, parse_ext_id(ext_refund_id)?);
    // 3.
    let is_about = |body: &RefundResponse| body.ext_transaction_id == charge && body.ext_refund_id == refund;
    query_operators(call, partner, &charge, is_about).await
}
