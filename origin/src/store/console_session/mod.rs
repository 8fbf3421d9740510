//! Sessions of the console. All origins of a ledger serve the same ones, and a session that has ended at
//! one of them has ended at all.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::number::Hash;
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::ActorRole;

/// A session without a page for so long has ended, in seconds: 15 minutes. An agent has left the desk, or
/// is on a long call and signs in again. The identity provider is asked to have them prove who they are.
pub const IDLE_SECONDS: i64 = 15 * 60;
/// The longest session, in seconds: 8 hours, a shift. What the identity provider has taken from a person
/// since then, such as a group, takes effect.
pub const SESSION_SECONDS: i64 = 8 * 3_600;
/// How often a session that continues is written, in seconds: a page need not wait for a write, and fifteen
/// minutes stay fifteen within one.
const NOTED_SECONDS: i64 = 60;
/// How long a session is kept that can no longer be used, in seconds: a day from its beginning. Longer than
/// any code or ID token is valid by which its sign-in could be repeated.
const KEPT_SECONDS: i64 = 86_400;

/// A sign-in that was completed.
#[derive(Clone, Debug)]
pub struct NewConsoleSession {
    /// SHA-256 of what the browser has.
    pub session: Hash,
    /// SHA-256 of what the identity provider has signed for this sign-in.
    pub sign_in: Hash,
    pub actor: ExtId,
    pub display_name: String,
    pub roles: Vec<ActorRole>,
}

/// A session that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSession {
    pub actor: ExtId,
    pub display_name: String,
    pub roles: Vec<ActorRole>,
}

impl Store {
    /// Begins a session, and ends the one that the same browser had. `false` if there was one of this
    /// sign-in before: it is a repetition.
    pub async fn begin_console_session(
        &self,
        now: Timestamp,
        new: NewConsoleSession,
        earlier: Option<Hash>,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, begin_console_session(now, &new, earlier))
    }

    /// The session, if it can be used: it is neither idle for [`IDLE_SECONDS`] nor older than [`SESSION_SECONDS`],
    /// and not ended. It was seen then. A database that takes no writes does not keep the page away, which may
    /// be the one that says so: the session then ends by its times.
    pub async fn use_console_session(
        &self,
        now: Timestamp,
        session: Hash,
    ) -> Result<Option<ConsoleSession>, StoreError> {
        let found = use_case!(self, look_up, find_console_session(session))?;
        let Some(row) = found.filter(|row| row.is_usable(now)) else { return Ok(None) };
        if now.unix_seconds() - row.last_seen_at.unix_seconds() >= NOTED_SECONDS
            && let Err(error) = self.note_console_session(now, session).await
        {
            tracing::warn!(fault = %error, "a console session could not be noted as used");
        }
        Ok(Some(row.session))
    }

    async fn note_console_session(&self, now: Timestamp, session: Hash) -> Result<(), StoreError> {
        use_case!(self, write, note_console_session(now, session))
    }

    /// Ends a session.
    pub async fn end_console_session(&self, now: Timestamp, session: Hash) -> Result<(), StoreError> {
        use_case!(self, write, end_console_session(now, session))
    }
}

/// A session as it is stored.
struct SessionRow {
    session: ConsoleSession,
    created_at: Timestamp,
    last_seen_at: Timestamp,
    has_ended: bool,
}

impl SessionRow {
    fn is_usable(&self, now: Timestamp) -> bool {
        let now = now.unix_seconds();
        !self.has_ended
            && now - self.last_seen_at.unix_seconds() < IDLE_SECONDS
            && now - self.created_at.unix_seconds() < SESSION_SECONDS
    }
}

fn write_roles(roles: &[ActorRole]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
}

fn read_roles(text: &str) -> Result<Vec<ActorRole>, StoreError> {
    let roles: Option<Vec<ActorRole>> = text.split(' ').map(ActorRole::parse).collect();
    roles.ok_or_else(|| inconsistent_row("console_sessions.roles"))
}
