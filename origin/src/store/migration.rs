//! The migrations of both databases, and which origins may serve on the schema that they make. How
//! they are applied is in [`super::sqlite`] and [`super::postgres`].

use super::error::StoreError;
use std::borrow::Cow;

/// One step of the schema: numbered files, one for each database. Steps are only ever added, and
/// never changed once they were released (`origin/migrations/released.txt`).
#[derive(Clone, Debug)]
pub struct Migration {
    /// The statements for SQLite.
    pub sqlite: Cow<'static, str>,
    /// The statements for PostgreSQL.
    pub postgres: Cow<'static, str>,
    /// The number of the oldest schema whose origins may still serve after this step: that of the last
    /// release at most, so that an upgrade can be taken back.
    pub served_from: usize,
}

/// The number of the newest schema, in both databases.
pub const SCHEMA_VERSION: usize = 1;

/// All of them, in their order. The number of a schema is that of its last step.
pub static MIGRATIONS: [Migration; SCHEMA_VERSION] = [Migration {
    sqlite: Cow::Borrowed(include_str!("../../migrations/sqlite/0001_schema.sql")),
    postgres: Cow::Borrowed(include_str!("../../migrations/postgres/0001_schema.sql")),
    served_from: 1,
}];

/// What a database records of a step that this onbill does not have.
pub(in crate::store) struct NewerMigration {
    pub(in crate::store) served_from: usize,
    /// The version of the onbill that applied it.
    pub(in crate::store) onbill: String,
}

/// Decides whether an onbill that has `known` steps may serve on a schema of `applied` ones.
/// `newer` are those that it does not have. A step without a record is one that it may not serve on.
pub(in crate::store) fn check_served(
    applied: usize,
    known: usize,
    newer: &[NewerMigration],
) -> Result<(), StoreError> {
    let are_recorded = newer.len() == applied.saturating_sub(known);
    if are_recorded && newer.iter().all(|migration| migration.served_from <= known) {
        return Ok(());
    }
    let onbill = newer.last().map(|migration| migration.onbill.clone());
    Err(StoreError::NewerSchema { schema: applied, known, onbill })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(served_from: usize) -> NewerMigration {
        NewerMigration { served_from, onbill: "0.3.0".to_owned() }
    }

    #[test]
    fn newer_schema_is_served_only_if_every_step_allows_it() {
        for (known, newer, is_served) in [
            (3, vec![], true),
            (2, vec![step(2)], true),
            (1, vec![step(1), step(1)], true),
            (1, vec![step(1), step(2)], false),
            (2, vec![step(3)], false),
            (2, vec![], false),
            (1, vec![step(1)], false),
            (2, vec![step(1), step(1)], false),
        ] {
            let checked = check_served(3, known, &newer);
            assert_eq!(checked.is_ok(), is_served, "{known}: {checked:?}");
        }
        assert!(check_served(1, 3, &[]).is_ok(), "an older schema is brought up to date");
    }

    #[test]
    fn steps_can_be_taken_back() {
        for (n, migration) in MIGRATIONS.iter().enumerate() {
            let number = n + 1;
            let oldest = if number == 1 { 1 } else { number - 1 };
            assert!((1..=oldest).contains(&migration.served_from), "{number}");
        }
    }
}
