//! `/operator/v1`: calls from the operator's own systems.

pub(super) mod account_events;
pub(super) mod alarms;
pub(super) mod coupons;
pub(super) mod disputes;
pub(super) mod erasures;
pub(super) mod link_close;
pub(super) mod mandates;
pub(super) mod queue;
pub(super) mod refunds;
pub(super) mod sms_resend;
pub(super) mod subscriber_search;
pub(super) mod summary;
pub(super) mod transactions;

use crate::care::Role;
use crate::fault::Fault;
use crate::routes::authentic::OperatorCall;
use crate::store::AuditStamp;
use onbill_domain::ids::ExtId;

/// Who acts by a call that need not say so: without it, the system that signs, as an admin.
fn stamp_call(
    call: &OperatorCall,
    actor: Option<ExtId>,
    role: Option<Role>,
    reference: Option<ExtId>,
) -> Result<AuditStamp, Fault> {
    // A key's id may have blanks, which no actor has.
    let key_id = || ExtId::parse(&call.key.replace(' ', "-"));
    let actor = actor.or_else(key_id).ok_or(Fault::Broken("the id of a key is none"))?;
    Ok(AuditStamp { key: call.key.clone(), actor, role: role.unwrap_or(Role::Admin), reference })
}
