//! The one door to the desks: who comes in by a role that may not do it is refused, and the audit has it.

use super::reference::refuse_number;
use super::roles::{Act, Role, permits};
use crate::ambient::Clock;
use crate::config::{Config, NumberPlan};
use crate::fault::Failure;
use crate::store::{AuditStamp, Store};
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use std::sync::Arc;

pub struct DeskGate {
    pub(crate) config: Arc<Config>,
    pub(crate) numbers: NumberPlan,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl DeskGate {
    /// Returns the stamp, for the use case, if its role may do it: 403 `forbidden` if not, after the
    /// refusal is in the audit. That spends the nonce, so that a replayed call adds no entry. Then 400
    /// `invalid-request` for a reference with a telephone number in it, which the audit never has.
    pub(crate) async fn admit(
        &self,
        nonce: Option<&Nonce>,
        mut stamp: AuditStamp,
        act: Act,
    ) -> Result<AuditStamp, Failure> {
        let refused = stamp.reference.as_ref().and_then(|named| refuse_number(self.numbers, named).err());
        if refused.is_some() {
            stamp.reference = None;
        }
        if permits(stamp.role, act) {
            return match refused {
                Some(reject) => Err(reject.into()),
                None => Ok(stamp),
            };
        }
        let role = stamp.role.as_str();
        self.store.record_refused_access(nonce.cloned(), self.clock.now(), stamp, act.as_str()).await?;
        let message = format!("The role {role} may not do this: {}.", act.as_str());
        Err(Reject::new(ErrorCode::Forbidden, message).into())
    }

    /// The most that the operator may give back of a charge by this role, for each currency: nothing in
    /// others. `None` without a ceiling.
    pub(crate) fn refund_ceilings(&self, role: Role) -> Option<Vec<Money>> {
        (role == Role::Supervisor).then(|| self.config.supervisor_refunds())
    }
}
