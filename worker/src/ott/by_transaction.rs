//! Calls about a charge. Nothing in them says whose it is, and KV does not know: the origins are
//! asked.
//!
//! What only reads is sent to all of them as it came. What moves money is sent to one: two
//! operators may each have a charge of that name, and each would act once.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::HandlerError;
use crate::ott::by_owner::route_by_owner;
use crate::ott::forward::{forward, relay_expected};
use crate::ott::owner::{Resource, sole_owner};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::TransactionLookupRequest;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

/// The identifier in a part of the path.
pub(crate) fn parse_ext_id(part: &str) -> Result<ExtId, Reject> {
    let decoded = percent_decode_str(part).decode_utf8().ok();
    let id = decoded.and_then(|text| ExtId::parse(&text));
    id.ok_or_else(|| {
        Reject::invalid_request("What names the charge or the refund in the path is not an identifier.")
    })
}

/// Passes a call that only reads on to every operator of the partner, all at once, and relays the
/// one response.
///
/// 1. One has it → 200. Two have it → 503: one operator must not answer for another's charge. The
///    same holds for a response that `is_about` something else.
/// 2. None has it: one does not respond → 503; one refuses the call itself → that refusal; all say
///    that they do not have it → 404 `transaction-not-found`.
pub(crate) async fn query_all_operators<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    is_about: impl Fn(&T) -> bool,
) -> Result<Response<Bytes>, HandlerError> {
    let query = async |operator: &Operator| {
        let response = forward(call, operator, None).await?;
        match relay_expected(&response, &is_about, "a response about something else") {
            Err(HandlerError::Reject(Reject { code: ErrorCode::TransactionNotFound, .. })) => Ok(None),
            relayed => relayed.map(Some),
        }
    };
    let operators = call.config.operators_of(partner);
    let lookups = operators.map(async |operator| (operator, query(operator).await));
    let owner = sole_owner("a charge or refund", lookups).await?;
    Ok(owner.ok_or_else(no_such_transaction)?.record)
}

/// Passes a call that acts on a charge on to its operator, as [`route_by_owner`] does.
pub(crate) async fn route_by_transaction<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    id: &ExtId,
) -> Result<Response<Bytes>, HandlerError> {
    let lookup = TransactionLookupRequest { partner: partner.id.clone(), ext_transaction_id: id.clone() };
    let resource = Resource { name: "a charge", path: "/edge/v1/transaction", absent: no_such_transaction() };
    route_by_owner::<_, T>(call, partner, &resource, &lookup).await
}

fn no_such_transaction() -> Reject {
    Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.")
}
