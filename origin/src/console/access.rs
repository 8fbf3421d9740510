//! Whether a viewer may do something. One who may not gets 403, and the audit has it.

use super::Console;
use super::refused::Refused;
use super::viewer::Viewer;
use crate::care::{Act, Role};
use crate::fault::Fault;
use crate::store::AuditStamp;
use onbill_domain::ids::ExtId;

/// The viewer in the role that may do it. 403 `forbidden` without one, once the attempt is in the audit.
pub(crate) async fn require(
    console: &Console,
    viewer: &Viewer,
    act: Act,
    reference: Option<ExtId>,
) -> Result<AuditStamp, Refused> {
    // A session has a role at least. The entry of one who may not has their first.
    let role: Option<Role> = viewer.role_for(act).or_else(|| viewer.roles.first().copied());
    let role = role.ok_or(Fault::Broken("a session has no role"))?;
    let stamp = viewer.stamp(role, reference);
    Ok(console.parts.gate.admit(None, stamp, act).await?)
}
