//! Calls about a PAI. The store remembers whose it is; the origins know.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, Party, Stop};
use crate::mapping::{Others, recall, remember};
use crate::origin::is_refusal;
use crate::ott::forward::{forward, relay};
use crate::ott::owner::{Found, ask, sole_owner};
use crate::platform::Platform;
use bytes::Bytes;
use futures_util::future::join;
use http::Response;
use onbill_domain::pai::Pai;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::edge::PaiLookupRequest;
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
        if !is_refusal(&response, ErrorCode::PaiNotFound) {
            return relay::<A>(operator, &response);
        }
        call.warn("an operator does not have a PAI that the store says is its own");
        asked = Some(operator);
    }
    // 2.
    let question = PaiLookupRequest { partner: partner.id.clone(), pai };
    let others = call.config.operators_of(partner).filter(|other| asked.is_none_or(|it| it.id != other.id));
    let found = sole_owner(
        "a PAI",
        others.map(async |operator| (operator, look_up(call, operator, &question).await)),
    );
    let no_such_pai = || Reject::new(ErrorCode::PaiNotFound, "There is no such PAI.");
    let Found { owner, told: mapping, unheard } = found.await?.ok_or_else(no_such_pai)?;
    // 3.
    let learn = async {
        if unheard.is_none() {
            remember(call, pai, &mapping, Others::Disown).await;
        }
    };
    let ((), response) = join(learn, forward(call, owner, Some(&mapping.subscriber))).await;
    relay::<A>(owner, &response?)
}

/// Asks one origin: the mapping when the PAI is its own, `None` when it says that it is not.
async fn look_up<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    question: &PaiLookupRequest,
) -> Result<Option<PaiMapping>, Stop> {
    match ask::<_, PaiMapping>(call, operator, "/edge/v1/pai", question, ErrorCode::PaiNotFound).await? {
        Some(mapping) if mapping.operator != operator.id => {
            let party = Party::Operator(operator.id.clone());
            Err(Fault::Unexpected(party, "a PAI as another operator's".to_owned()).into())
        }
        mapping => Ok(mapping),
    }
}
