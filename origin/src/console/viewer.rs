//! The person who looks at a page: who they are, at which desks they work, and what they may do.

use super::csrf::CsrfToken;
use crate::care::{Act, Role, permits};
use crate::store::{AuditStamp, Hash};
use maud::{Markup, html};
use onbill_domain::ids::ExtId;

/// What the audit names instead of the key of a signed call.
pub(super) const CONSOLE_KEY: &str = "console";

/// A person who has signed in.
#[derive(Clone)]
pub struct Viewer {
    pub(super) operator_name: String,
    /// The identity provider's id of the person, which is in the audit.
    pub actor: ExtId,
    /// What the identity provider calls them. It is shown to themselves only.
    pub(super) display_name: String,
    /// Their desks.
    pub roles: Vec<Role>,
    pub(super) csrf: CsrfToken,
    pub(super) session: Hash,
}

impl Viewer {
    /// Whether one of their roles may do it.
    pub fn permits(&self, act: Act) -> bool {
        self.roles_for(act).next().is_some()
    }

    /// The roles in which they may do it.
    pub fn roles_for(&self, act: Act) -> impl Iterator<Item = Role> {
        self.roles.iter().copied().filter(move |role| permits(*role, act))
    }

    /// What the audit says of them in this role.
    pub fn stamp(&self, role: Role, reference: Option<ExtId>) -> AuditStamp {
        AuditStamp { key: CONSOLE_KEY.to_owned(), actor: self.actor.clone(), role, reference }
    }

    /// The field that every form has to have.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf.as_str()); }
    }
}
