//! Calls about a charge. Nothing in them says whose it is, and the store does not know: the origins are asked.
//!
//! What only reads is sent to all of them as it came. What moves money is sent to one: two operators may each have a
//! charge of that name, and each would act once.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, Party, Stop};
use crate::origin::{is_refusal, read_answer};
use crate::ott::by_owner::{Kind, route_by_owner};
use crate::ott::forward::{forward, relay};
use crate::ott::owner::sole_owner;
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::TransactionLookupRequest;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

/// The identifier in a part of the path.
pub(crate) fn ext_id(part: &str) -> Result<ExtId, Reject> {
    let decoded = percent_decode_str(part).decode_utf8().ok();
    let id = decoded.and_then(|text| ExtId::parse(&text));
    id.ok_or_else(|| {
        Reject::invalid_request("What names the charge or the refund in the path is not an identifier.")
    })
}

/// Passes a call that only reads on to every operator of the partner, all at once, and relays the one answer.
///
/// 1. One has it → 200. Two have it → 503: one operator must not answer for another's charge. So with an answer that
///    `is_about` something else.
/// 2. Nobody has it: somebody does not answer → 503; somebody refuses the call itself → that refusal; all of them say
///    so → 404 `transaction-not-found`.
pub(crate) async fn ask_all<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    is_about: impl Fn(&A) -> bool,
) -> Result<Response<Bytes>, Stop> {
    let answer_of = async |operator: &Operator| {
        let response = forward(call, operator, None).await?;
        if is_refusal(&response, ErrorCode::TransactionNotFound) {
            return Ok(None);
        }
        let relayed = relay::<A>(operator, &response)?;
        let party = Party::Operator(operator.id.clone());
        if is_about(&read_answer(&response, &party)?) {
            Ok(Some(relayed))
        } else {
            Err(Fault::Unexpected(party, "an answer about something else".to_owned()).into())
        }
    };
    let operators = call.config.operators_of(partner);
    let answers = operators.map(async |operator| (operator, answer_of(operator).await));
    let found = sole_owner("a charge or refund", answers).await?;
    Ok(found.ok_or_else(no_such_transaction)?.told)
}

/// Passes a call that acts on a charge on to its operator, as [`route_by_owner`] does.
pub(crate) async fn route_by_transaction<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    id: &ExtId,
) -> Result<Response<Bytes>, Stop> {
    let question = TransactionLookupRequest { partner: partner.id.clone(), ext_transaction_id: id.clone() };
    let kind = Kind { name: "a charge", path: "/edge/v1/transaction", absent: no_such_transaction() };
    route_by_owner::<_, A>(call, partner, &kind, &question).await
}

fn no_such_transaction() -> Reject {
    Reject::new(ErrorCode::TransactionNotFound, "There is no such transaction.")
}
