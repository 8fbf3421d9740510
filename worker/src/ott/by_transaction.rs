//! Calls about a charge. Nothing in them says whose it is, and the store does not know: the origins are asked.
//!
//! What only reads is sent to all of them as it came. What moves money is sent to one: two operators may each have a
//! charge of that name, and each would act once.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, Party, Stop};
use crate::origin::{is_refusal, read_answer};
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Found, ask, sole_owner};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::wire::edge::{OwnTransactionAnswer, OwnTransactionRequest};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

/// The identifier in a part of the path.
pub(crate) fn ext_id(part: &str) -> Result<ExtId, Reject> {
    let decoded = percent_decode_str(part).decode_utf8().ok();
    let id = decoded.and_then(|text| ExtId::parse(&text));
    id.ok_or_else(|| Reject::invalid("What names the charge or the refund in the path is not an identifier."))
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
        if is_refusal(&response, Code::TransactionNotFound) {
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

/// Passes a call that acts on to the operator of the charge, and to no other, and relays the answer.
///
/// 1. The partner has one operator → the call goes there.
/// 2. It has several → all are asked whose it is: all say that it is not theirs → 404 `transaction-not-found`; two say
///    that it is, or one does not answer → 503. Also when another has it: were the silent one's charge of the same name
///    the next to be found, the same call again would act twice.
/// 3. The one that has it gets the call.
pub(crate) async fn route_by_transaction<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    id: &ExtId,
) -> Result<Response<Bytes>, Stop> {
    let mut operators = call.config.operators_of(partner);
    let owner = match (operators.next(), operators.next()) {
        // 1.
        (Some(only), None) => only,
        // 2.
        _ => find(call, partner, id).await?,
    };
    // 3.
    let response = forward(call, owner, None).await?;
    relay::<A>(owner, &response)
}

/// The one operator that has the charge while every other says that it has not.
async fn find<'c, P: Platform>(
    call: &'c Call<'_, P>,
    partner: &'c Partner,
    id: &ExtId,
) -> Result<&'c Operator, Stop> {
    let question = OwnTransactionRequest { partner: partner.id.clone(), ext_transaction_id: id.clone() };
    let operators = call.config.operators_of(partner);
    let answers = operators.map(async |operator| (operator, look_up(call, operator, &question).await));
    match sole_owner("a charge", answers).await?.ok_or_else(no_such_transaction)? {
        Found { owner, unheard: None, .. } => Ok(owner),
        Found { unheard: Some(unheard), .. } => Err(unheard),
    }
}

/// Asks one origin whether the charge is its own.
async fn look_up<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    question: &OwnTransactionRequest,
) -> Result<Option<()>, Stop> {
    let absent = Code::TransactionNotFound;
    match ask::<_, OwnTransactionAnswer>(call, operator, "/edge/v1/transaction", question, absent).await? {
        Some(answer) if answer.operator != operator.id => {
            let party = Party::Operator(operator.id.clone());
            Err(Fault::Unexpected(party, "a charge as another operator's".to_owned()).into())
        }
        answer => Ok(answer.map(|_| ())),
    }
}

fn no_such_transaction() -> Reject {
    Reject::new(Code::TransactionNotFound, "There is no such transaction.")
}
