//! Sessions of the console in SQL.

use super::{ConsoleSession, KEPT_SECONDS, NewConsoleSession, SessionRow, read_roles, write_roles};
use crate::store::number::Hash;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::ids::ExtId;
use onbill_domain::timestamp::Timestamp;

pub(super) async fn begin_console_session(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewConsoleSession,
    earlier: Option<Hash>,
) -> Result<bool, TxError> {
    let inserted = tx
        .execute(
            "INSERT INTO console_sessions
                 (session_hash, sign_in_hash, actor, display_name, roles, created_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
            &[
                &new.session.as_slice(),
                &new.sign_in.as_slice(),
                &new.actor.as_str(),
                &new.display_name,
                &write_roles(&new.roles),
                &now.unix_seconds(),
            ],
        )
        .await?;
    if inserted == 0 {
        return Ok(false);
    }
    if let Some(earlier) = earlier {
        end_console_session(tx, now, earlier).await?;
    }
    Ok(true)
}

pub(super) async fn find_console_session(
    db: &PgConnection<'_>,
    session: Hash,
) -> Result<Option<SessionRow>, TxError> {
    let row = db
        .query_optional(
            "SELECT actor, display_name, roles, created_at, last_seen_at, ended_at IS NOT NULL AS has_ended
             FROM console_sessions WHERE session_hash = $1",
            &[&session.as_slice()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let roles: String = row.try_get("roles")?;
    Ok(Some(SessionRow {
        session: ConsoleSession {
            actor: parse_column(&row, "console_sessions.actor", ExtId::parse)?,
            display_name: row.try_get("display_name")?,
            roles: read_roles(&roles)?,
        },
        created_at: read_time(&row, "console_sessions.created_at")?,
        last_seen_at: read_time(&row, "console_sessions.last_seen_at")?,
        has_ended: row.try_get("has_ended")?,
    }))
}

/// A clock that is behind takes nothing back.
pub(super) async fn note_console_session(
    tx: &PgConnection<'_>,
    now: Timestamp,
    session: Hash,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE console_sessions SET last_seen_at = greatest(last_seen_at, $2) WHERE session_hash = $1",
        &[&session.as_slice(), &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

pub(super) async fn end_console_session(
    tx: &PgConnection<'_>,
    now: Timestamp,
    session: Hash,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE console_sessions SET ended_at = $2 WHERE session_hash = $1 AND ended_at IS NULL",
        &[&session.as_slice(), &now.unix_seconds()],
    )
    .await?;
    Ok(())
}

pub(in crate::store) async fn delete_old_sessions(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM console_sessions WHERE session_hash IN
             (SELECT session_hash FROM console_sessions WHERE created_at < $1 LIMIT $2)",
        &[&now.plus_seconds(-KEPT_SECONDS).unix_seconds(), &limit],
    )
    .await
}
