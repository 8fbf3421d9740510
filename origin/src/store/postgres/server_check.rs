//! What a server must be like before its sessions are used.

use super::session::{ANSWER_PATIENCE, Session};
use super::session_error::SessionError;
use tokio_postgres::SimpleQueryMessage;

/// An engine that speaks PostgreSQL's protocol may not have these settings.
const CHECK: &str = "SELECT current_setting('transaction_read_only', true),
    current_setting('fsync', true), current_setting('full_page_writes', true)";

const NO_FSYNC: &str = "the server runs with fsync=off, and loses acknowledged charges when its machine stops: \
    set fsync=on in postgresql.conf";
const TORN_PAGES: &str = "the server runs with full_page_writes=off, and a page that is half written when its machine \
    stops is lost: set full_page_writes=on in postgresql.conf, or database_tears_no_pages = true here if its file \
    system never tears a page, as ZFS does";

/// Refuses a server that takes no writes, or with which an acknowledged commit can be lost.
pub(super) async fn check_server(session: &Session, tears_no_pages: bool) -> Result<(), SessionError> {
    let answer = session.ask(ANSWER_PATIENCE, session.client().simple_query(CHECK)).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let is = |column: usize, value: &str| {
        row.and_then(|row| row.try_get(column).ok().flatten()).is_some_and(|setting| setting == value)
    };
    if is(0, "on") {
        return Err(SessionError::ReadOnly);
    }
    if is(1, "off") {
        return Err(SessionError::Unsafe(NO_FSYNC));
    }
    if is(2, "off") && !tears_no_pages {
        return Err(SessionError::Unsafe(TORN_PAGES));
    }
    Ok(())
}
