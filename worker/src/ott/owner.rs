//! Finds the one operator that has a PAI, a charge or a subscription. Every operator of the partner
//! is asked, all at once; it is absent only when every one of them has confirmed that it has none.
//!
//! Not here: what is then done with it. PAIs are in `by_pai.rs`, charges and subscriptions in
//! `by_owner.rs`.

use crate::call::Call;
use crate::config::Operator;
use crate::fault::{Fault, HandlerError, Party};
use crate::platform::Platform;
use crate::upstream::{OK_OR_CREATED, post_to_origin};
use futures_util::future::join_all;
use onbill_domain::ids::OperatorId;
use onbill_domain::reject::Reject;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
pub(crate) type Lookup<'c, T> = (&'c Operator, Result<Option<T>, HandlerError>);

/// The one operator that has the thing.
pub(crate) struct Owner<'c, T> {
    pub(crate) operator: &'c Operator,
    pub(crate) record: T,
    /// Why another operator may have it too; `None` when all the others have confirmed that they do
    /// not.
    pub(crate) uncertainty: Option<HandlerError>,
}

/// Asks `operators` for a resource by its lookup `request`.
///
/// 1. [`sole_owner`] decides whose it is.
/// 2. None has it → the resource's own refusal.
pub(crate) async fn find_owner<'c, P: Platform, T: DeserializeOwned>(
    call: &Call<'_, P>,
    operators: impl Iterator<Item = &'c Operator>,
    resource: &Resource,
    request: &impl Serialize,
    operator_of: fn(&T) -> &OperatorId,
) -> Result<Owner<'c, T>, HandlerError> {
    let lookups = operators
        .map(async |operator| (operator, look_up(call, operator, resource, request, operator_of).await));
    sole_owner(resource.name, lookups).await?.ok_or_else(|| resource.absent.clone().into())
}

/// 1. One operator has it → that one. Whether another may have it too is for the caller to judge.
/// 2. Two have it → a fault: they cannot both be right, and nothing shows which one is. `name` is
///    for the log.
/// 3. None has it: one does not respond → that fault; one refuses the call → that refusal; all
///    confirm it → `None`.
pub(crate) async fn sole_owner<'c, T>(
    name: &str,
    lookups: impl IntoIterator<Item = impl Future<Output = Lookup<'c, T>>>,
) -> Result<Option<Owner<'c, T>>, HandlerError> {
    let mut owners = Vec::new();
    let (mut fault, mut refusal) = (None, None);
    for (operator, result) in join_all(lookups).await {
        match result {
            Ok(Some(record)) => owners.push((operator, record)),
            Ok(None) => {}
            Err(HandlerError::Fault(why)) => fault = fault.or(Some(why)),
            Err(HandlerError::Reject(why)) => refusal = refusal.or(Some(why)),
        }
    }
    let uncertainty = fault.map(HandlerError::from).or(refusal.map(HandlerError::from));
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
