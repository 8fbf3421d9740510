//! Which operator has it? Every one of a partner's is asked, all at once, and nobody has it only when every one of them
//! has said so.
//!
//! Not here: what is asked for, and what is done with its owner. PAIs are in `by_pai.rs`, charges in `by_transaction.rs`.

use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, Party, Stop};
use crate::origin::{is_refusal, read_answer, read_refusal, send, unexpected};
use crate::platform::Platform;
use futures_util::future::join_all;
use onbill_domain::reject::ErrorCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What one operator said: what it has, `None` when it says that it has nothing of the kind, or no proper answer.
pub(crate) type Said<'c, T> = (&'c Operator, Result<Option<T>, Stop>);

/// The one operator that has it.
pub(crate) struct Found<'c, T> {
    pub(crate) owner: &'c Operator,
    /// What it says of it.
    pub(crate) told: T,
    /// Why one of the others cannot be said not to have it too; `None` when all of them say that they do not.
    pub(crate) unheard: Option<Stop>,
}

/// 1. One operator has it → that one. Whether a silent one may have it too is up to the caller.
/// 2. Two have it → a fault: they cannot both be right, and nothing tells which one is. `what` names it for the log.
/// 3. Nobody has it: somebody does not answer → that fault; somebody refuses to say → that refusal; all say so → `None`.
pub(crate) async fn sole_owner<'c, T>(
    what: &str,
    answers: impl IntoIterator<Item = impl Future<Output = Said<'c, T>>>,
) -> Result<Option<Found<'c, T>>, Stop> {
    let mut owners = Vec::new();
    let (mut silent, mut refused) = (None, None);
    for (operator, said) in join_all(answers).await {
        match said {
            Ok(Some(told)) => owners.push((operator, told)),
            Ok(None) => {}
            Err(Stop::Fault(fault)) => silent = silent.or(Some(fault)),
            Err(Stop::Reject(reject)) => refused = refused.or(Some(reject)),
        }
    }
    let unheard = silent.map(Stop::from).or(refused.map(Stop::from));
    match (owners.pop(), owners.is_empty(), unheard) {
        // 1.
        (Some((owner, told)), true, unheard) => Ok(Some(Found { owner, told, unheard })),
        // 2.
        (Some((operator, _)), false, _) => {
            let what = format!("{what} that another operator claims too");
            Err(Fault::Unexpected(Party::Operator(operator.id.clone()), what).into())
        }
        // 3.
        (None, _, Some(unheard)) => Err(unheard),
        (None, _, None) => Ok(None),
    }
}

/// Asks one origin a question of the edge's own: what it says, or `None` when it refuses with `absent`.
pub(crate) async fn ask<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operator: &Operator,
    path: &str,
    question: &impl Serialize,
    absent: ErrorCode,
) -> Result<Option<T>, Fault> {
    let response = send(call, operator, path, question).await?;
    if is_refusal(&response, absent) {
        return Ok(None);
    }
    let party = Party::Operator(operator.id.clone());
    if response.status().is_success() {
        return read_answer(&response, &party).map(Some);
    }
    let code = read_refusal(&response).map(|reject| reject.code);
    Err(unexpected(party, &response, code))
}
