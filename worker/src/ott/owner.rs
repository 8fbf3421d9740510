//! Finds the one operator that has a PAI, a charge or a subscription. The operators of the partner are
//! asked; it is absent only when every one of them has confirmed that it has none.
//!
//! Not here: what is then done with it. PAIs are in `by_pai.rs`, charges and subscriptions in
//! `by_owner.rs` and `by_transaction.rs`.

use crate::call::Call;
use crate::config::{KnownOperator, Operator};
use crate::fault::{Fault, HandlerError, Party};
use crate::platform::Platform;
use crate::upstream::{OK_OR_CREATED, post_to_origin};
use futures_util::stream::{self, StreamExt as _};
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::Reject;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// How many origins are asked at once: as many connections as the platform opens for one call. A call
/// beyond them would wait there, and its time would run out meanwhile.
pub(crate) const ASKED_AT_ONCE_MAX: usize = 6;

/// No origin is asked later than this many seconds after the first. A call to an origin takes eight at
/// most: with the one that KV maps to before, the last response, and the call itself after, a partner
/// waits 28 seconds at most.
const ASKING_SECONDS_MAX: i64 = 4;

/// A kind of thing that operators have.
pub(crate) struct Resource {
    /// What it is, for the log.
    pub(crate) name: &'static str,
    /// Where an origin is asked whether one is its own.
    pub(crate) path: &'static str,
    /// The response of an origin that does not have it, and of the edge to the partner when none
    /// has.
    pub(crate) absent: Reject,
}

/// The response of one operator: its record of the thing, `None` when it has none, or why that is
/// not known.
pub(crate) type Lookup<T> = Result<Option<(Arc<Operator>, T)>, HandlerError>;

/// The one operator that has the thing.
pub(crate) struct Owner<T> {
    pub(crate) operator: Arc<Operator>,
    pub(crate) record: T,
    /// Why another operator may have it too; `None` when all the others have confirmed that they do
    /// not.
    pub(crate) uncertainty: Option<HandlerError>,
}

/// When no more operators are asked although some have not been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// One has it, and that is enough.
    UntilFound,
    /// One may have it and does not say so. Nothing can be done with the thing then.
    UntilUnclear,
}

/// Asks `operators` for a resource by its lookup `request`.
///
/// 1. [`sole_owner`] decides whose it is.
/// 2. None has it → the resource's own refusal.
pub(crate) async fn find_owner<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operators: Vec<KnownOperator>,
    asking: Asking,
    resource: &Resource,
    request: &impl Serialize,
    operator_of: fn(&T) -> &OperatorId,
) -> Result<Owner<T>, HandlerError> {
    let look_up = |operator: Arc<Operator>| async move {
        look_up(call, &operator, resource, request, operator_of).await
    };
    let lookups = start_lookups(call, operators, look_up);
    sole_owner(resource.name, asking, lookups).await?.ok_or_else(|| resource.absent.clone().into())
}

/// One lookup for each operator. It begins when it is polled first; one that begins too late asks
/// no operator. When not all can be asked at once they begin anywhere in the list, so that a repeated call
/// reaches others than the last one did.
pub(crate) fn start_lookups<P: Platform, T, F: Future<Output = Result<Option<T>, HandlerError>>>(
    call: &Call<'_, P>,
    mut operators: Vec<KnownOperator>,
    ask: impl Fn(Arc<Operator>) -> F,
) -> impl ExactSizeIterator<Item = impl Future<Output = Lookup<T>>> {
    if operators.len() > ASKED_AT_ONCE_MAX
        && let Some([high, low, ..]) = call.platform.random_bytes()
        && let Some(first) = usize::from(u16::from_be_bytes([high, low])).checked_rem(operators.len())
    {
        operators.rotate_left(first);
    }
    let last_start = call.platform.now().plus_seconds(ASKING_SECONDS_MAX);
    operators.into_iter().map(move |known| {
        let asked = known.map(|operator| (ask(Arc::clone(&operator)), operator));
        async move {
            let (asked, operator) = asked.map_err(Fault::Entry)?;
            if call.platform.now() > last_start {
                return Err(HandlerError::from(Fault::NotAsked(operator.id.clone())));
            }
            Ok(asked.await?.map(|record| (operator, record)))
        }
    })
}

/// 1. One operator has it → that one. Whether another may have it too is for the caller to judge.
/// 2. Two have it → a fault: they cannot both be right, and nothing shows which one is. `name` is
///    for the log.
/// 3. None has it: one does not respond → that fault; one refuses the call → that refusal; all
///    confirm it → `None`.
///
/// All are asked when one round is enough for them. Of more, the rest is not asked once the result is
/// clear.
pub(crate) async fn sole_owner<T>(
    name: &str,
    asking: Asking,
    lookups: impl ExactSizeIterator<Item = impl Future<Output = Lookup<T>>>,
) -> Result<Option<Owner<T>>, HandlerError> {
    let is_one_round = lookups.len() <= ASKED_AT_ONCE_MAX;
    let mut unanswered = lookups.len();
    let mut owners = Vec::new();
    let (mut fault, mut refusal) = (None, None);
    let mut lookups = stream::iter(lookups).buffer_unordered(ASKED_AT_ONCE_MAX);
    while let Some(result) = lookups.next().await {
        unanswered = unanswered.saturating_sub(1);
        match result {
            Ok(Some(owner)) => owners.push(owner),
            Ok(None) => {}
            Err(HandlerError::Fault(why)) => fault = fault.or(Some(why)),
            Err(HandlerError::Reject(why)) => refusal = refusal.or(Some(why)),
        }
        let is_clear = match asking {
            Asking::UntilFound => !owners.is_empty(),
            Asking::UntilUnclear => owners.len() > 1 || fault.is_some() || refusal.is_some(),
        };
        if is_clear && !is_one_round {
            break;
        }
    }
    let mut uncertainty = fault.map(HandlerError::from).or(refusal.map(HandlerError::from));
    if uncertainty.is_none()
        && unanswered > 0
        && let Some((operator, _)) = owners.first()
    {
        uncertainty = Some(Fault::NotAsked(operator.id.clone()).into());
    }
    match (owners.pop(), owners.is_empty(), uncertainty) {
        // 1.
        (Some((operator, record)), true, uncertainty) => Ok(Some(Owner { operator, record, uncertainty })),
        // 2.
        (Some((operator, _)), false, _) => {
            let what = format!("{name} that another operator claims too");
            Err(Fault::Unexpected(Party::Operator(operator.id.clone()), what).into())
        }
        // 3.
        (None, _, Some(uncertainty)) => Err(uncertainty),
        (None, _, None) => Ok(None),
    }
}

/// Asks one origin: its record, or `None` when it refuses as one that does not have it. An origin
/// cannot answer for another operator.
async fn look_up<P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operator: &Operator,
    resource: &Resource,
    request: &impl Serialize,
    operator_of: fn(&T) -> &OperatorId,
) -> Result<Option<T>, HandlerError> {
    let response = post_to_origin(call, operator, resource.path, request).await?;
    match response.read::<T>(&OK_OR_CREATED, |code| code == resource.absent.code) {
        Ok(record) if *operator_of(&record) == operator.id => Ok(Some(record)),
        Ok(_) => Err(response.unexpected(&format!("{} as another operator's", resource.name)).into()),
        Err(HandlerError::Reject(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}
