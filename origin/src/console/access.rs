//! Whether a viewer may do something. One who may not gets 403, and the audit has it.

use super::Console;
use super::refused::{Refused, forbidden};
use super::viewer::Viewer;
use crate::care::{Act, Role};

/// The role in which the viewer does it. 403 `forbidden` without one, once the attempt is in the audit.
pub(crate) async fn require(
    console: &Console,
    viewer: &Viewer,
    act: Act,
    subject: Option<&str>,
) -> Result<Role, Refused> {
    if let Some(role) = viewer.role_for(act) {
        return Ok(role);
    }
    // A session has a role at least; that of the entry is their first.
    if let Some(role) = viewer.roles.first() {
        let (store, now) = (&console.parts.store, console.parts.clock.now());
        let stamp = viewer.stamp(*role, None);
        store.record_refused_access(now, stamp, act.as_str(), subject.map(str::to_owned)).await?;
    }
    Err(forbidden("Your roles do not allow this. The attempt is in the audit."))
}
