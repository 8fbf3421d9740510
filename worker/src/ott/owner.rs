//! Which operator does a PAI belong to? The store remembers; the origins know. "Nobody's" is said only when every one
//! of them has said so.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, Party, Stop};
use crate::mapping::{Others, recall, remember};
use crate::origin::{read_answer, read_refusal, send, unexpected};
use crate::ott::forward::{disowns, forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::{join, join_all};
use http::Response;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{Code, Reject};
use onbill_domain::wire::edge::PaiRequest;
use onbill_domain::wire::kv::PaiMapping;
use serde::de::DeserializeOwned;

/// Passes the call on to the operator of `pai`, and relays the answer.
///
/// 1. The store knows the operator → the call goes there.
/// 2. The store does not, or that operator has no such PAI → the others are asked, once, all at once:
///    none has it → 404 `pai-not-found`; some do not answer and none has it → 503.
/// 3. The one that has it gets the call. The store learns of it when all others have said no: while one is silent,
///    the same is asked again next time.
pub(crate) async fn route_by_pai<P: Platform, A: DeserializeOwned>(
    call: &Call<'_, P>,
    partner: &Partner,
    pai: Pai,
) -> Result<Response<Bytes>, Stop> {
    // 1.
    let remembered = recall(call, pai).await.and_then(|mapping| {
        let operator = call.config.operator(mapping.operator.as_str())?;
        operator.serves(&partner.id).then_some((operator, mapping))
    });
    let mut asked = None;
    if let Some((operator, mapping)) = remembered {
        let response = forward(call, operator, Some(&mapping.subscriber)).await?;
        if !disowns(&response) {
            return relay::<A>(operator, &response);
        }
        call.warn("an operator does not have a PAI that the store says is its own");
        asked = Some(operator);
    }
    // 2.
    let Found { owner, mapping, unanimous } = find(call, partner, pai, asked).await?;
    // 3.
    let learn = async {
        if unanimous {
            remember(call, pai, &mapping, Others::Disown).await;
        }
    };
    let ((), response) = join(learn, forward(call, owner, Some(&mapping.subscriber))).await;
    relay::<A>(owner, &response?)
}

/// Whose a PAI is.
struct Found<'c> {
    owner: &'c Operator,
    mapping: PaiMapping,
    /// Whether every other operator says that it is not its own; else some were silent.
    unanimous: bool,
}

/// Asks every operator of the partner but the one that was asked already.
async fn find<'c, P: Platform>(
    call: &'c Call<'_, P>,
    partner: &'c Partner,
    pai: Pai,
    asked: Option<&Operator>,
) -> Result<Found<'c>, Stop> {
    let question = PaiRequest { partner: partner.id.clone(), pai };
    let others = call.config.operators_of(partner).filter(|other| asked.is_none_or(|it| it.id != other.id));
    let answers = join_all(others.map(|operator| ask(call, operator, &question))).await;

    let mut owners = Vec::new();
    let mut silent = None;
    for answer in answers {
        match answer {
            Ok(Some(owner)) => owners.push(owner),
            Ok(None) => {}
            Err(fault) => silent = silent.or(Some(fault)),
        }
    }
    match (owners.pop(), owners.is_empty(), silent) {
        (Some((owner, mapping)), true, silent) => Ok(Found { owner, mapping, unanimous: silent.is_none() }),
        // A PAI is random and made by one origin. Two that claim it cannot both be right, and the charge goes to neither.
        (Some((operator, _)), false, _) => {
            let what = "a PAI that another operator claims too".to_owned();
            Err(Fault::Unexpected(Party::Operator(operator.id.clone()), what).into())
        }
        (None, _, Some(fault)) => Err(fault.into()),
        (None, _, None) => Err(Reject::new(Code::PaiNotFound, "There is no such PAI.").into()),
    }
}

/// Asks one origin: the mapping when the PAI is its own, `None` when it says that it is not.
async fn ask<'c, P: Platform>(
    call: &Call<'_, P>,
    operator: &'c Operator,
    question: &PaiRequest,
) -> Result<Option<(&'c Operator, PaiMapping)>, Fault> {
    let party = Party::Operator(operator.id.clone());
    let response = send(call, operator, "/edge/v1/pai", question).await?;
    if disowns(&response) {
        return Ok(None);
    }
    if !response.status().is_success() {
        let code = read_refusal(&response).map(|reject| reject.code);
        return Err(unexpected(party, &response, code));
    }
    let mapping: PaiMapping = read_answer(&response, &party)?;
    if mapping.operator == operator.id {
        Ok(Some((operator, mapping)))
    } else {
        Err(Fault::Unexpected(party, "a PAI as another operator's".to_owned()))
    }
}
