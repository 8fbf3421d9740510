//! Calls that act on something of which nothing says whose it is: a charge, a subscription. They are sent to one operator:
//! two may each have something of that name, and each would act.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, Party, Stop};
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Found, ask, sole_owner};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::reject::Reject;
use onbill_domain::wire::edge::LookupResponse;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of thing that operators have.
pub(crate) struct Kind {
    /// What it is, for the log.
    pub(crate) name: &'static str,
    /// Where an origin is asked whether one is its own.
    pub(crate) path: &'static str,
    /// What an origin says that does not have it, and the partner is told when none has.
    pub(crate) absent: Reject,
}

/// Passes a call that acts on to the operator whose it is, and to no other, and relays the answer.
///
/// 1. The partner has one operator → the call goes there.
/// 2. It has several → all are asked whose it is: all say that it is not theirs → the kind's 404; two say that it is, or
///    one does not answer → 503. Also when another has it: were the silent one's, of the same name, the next to be found,
///    the same call again would act twice.
/// 3. The one that has it gets the call.
pub(crate) async fn route_by_owner<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    kind: &Kind,
    question: &impl Serialize,
) -> Result<Response<Bytes>, Stop> {
    let mut operators = call.config.operators_of(partner);
    let owner = match (operators.next(), operators.next()) {
        // 1.
        (Some(only), None) => only,
        // 2.
        _ => find(call, partner, kind, question).await?,
    };
    // 3.
    let response = forward(call, owner, None).await?;
    relay::<A>(owner, &response)
}

/// The one operator that has it while every other says that it has not.
async fn find<'c, P: Platform>(
    call: &'c Call<'_, P>,
    partner: &'c Partner,
    kind: &Kind,
    question: &impl Serialize,
) -> Result<&'c Operator, Stop> {
    let operators = call.config.operators_of(partner);
    let answers = operators.map(async |operator| (operator, look_up(call, operator, kind, question).await));
    match sole_owner(kind.name, answers).await?.ok_or_else(|| kind.absent.clone())? {
        Found { owner, unheard: None, .. } => Ok(owner),
        Found { unheard: Some(unheard), .. } => Err(unheard),
    }
}

/// Asks one origin whether it is its own.
async fn look_up<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    kind: &Kind,
    question: &impl Serialize,
) -> Result<Option<()>, Stop> {
    match ask::<_, LookupResponse>(call, operator, kind.path, question, kind.absent.code).await? {
        Some(answer) if answer.operator != operator.id => {
            let party = Party::Operator(operator.id.clone());
            Err(Fault::Unexpected(party, format!("{} as another operator's", kind.name)).into())
        }
        answer => Ok(answer.map(|_| ())),
    }
}
