//! The database of the ledger: a SQLite file beside the origin, or PostgreSQL at a URL.

use super::complaints::Complaints;
use super::postgres_address::PostgresAddress;
use super::setting_path::SettingPath;
use serde::{Deserialize, Serialize, Serializer};
use std::path::{Path, PathBuf};

/// The address of the database, one string in the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Database {
    /// The path of a SQLite file.
    Sqlite(PathBuf),
    /// A `postgres://` URL.
    Postgres(PostgresAddress),
}

impl Serialize for Database {
    /// Without its password.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sqlite(path) => path.serialize(serializer),
            Self::Postgres(address) => serializer.collect_str(&address.masked()),
        }
    }
}

impl TryFrom<String> for Database {
    type Error = String;

    /// The error does not repeat the text, which may contain a password.
    fn try_from(text: String) -> Result<Self, String> {
        if PostgresAddress::is_meant_by(&text) {
            return PostgresAddress::parse(&text)
                .map(Self::Postgres)
                .map_err(|complaint| format!("database {complaint}"));
        }
        if text.is_empty() || text.contains("://") {
            return Err("database is neither the path of a SQLite file nor a postgres:// URL".to_owned());
        }
        Ok(Self::Sqlite(text.into()))
    }
}

impl Database {
    /// Checks settings that apply to one kind of database only.
    pub(super) fn check(
        &self,
        password_file: Option<&Path>,
        connections: Option<usize>,
        complaints: &mut Complaints,
    ) {
        let [database, password_at, connections_at] =
            ["database", "database_password_file", "database_connections"].map(SettingPath::of);
        if connections == Some(0) {
            complaints.add(connections_at.clone(), "database_connections must be at least 1");
        }
        match self {
            Self::Sqlite(_) if password_file.is_some() || connections.is_some() => {
                let at = if connections.is_some() { connections_at } else { password_at };
                let complaint = "database_password_file and database_connections are for a postgres:// URL";
                complaints.add_beside(at, vec![database], complaint);
            }
            Self::Postgres(address) if address.has_password() && password_file.is_some() => {
                let complaint = "the password is in database and in database_password_file: take one out";
                complaints.add_beside(password_at, vec![database], complaint);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Database, String> {
        Database::try_from(text.to_owned())
    }

    #[test]
    fn database_is_a_sqlite_path_or_postgres_url() {
        assert!(matches!(read("target/dev/acme.sqlite"), Ok(Database::Sqlite(_))));
        assert!(matches!(read("postgres://u@127.0.0.1/b"), Ok(Database::Postgres(_))));
        assert!(matches!(read("postgresql://u@db.acme.example/b"), Ok(Database::Postgres(_))));
        for text in ["", "mysql://u:hunter2@127.0.0.1/b", "postgres://u:hunter2@127.0.0.1"] {
            let complaint = read(text).expect_err("is refused");
            assert!(complaint.starts_with("database ") && !complaint.contains("hunter2"), "{complaint}");
        }
    }

    #[test]
    fn password_is_in_one_place() {
        let file = Some(Path::new("password"));
        let with = read("postgres://u:hunter2@127.0.0.1/b").expect("is well formed");
        let without = read("postgres://u@127.0.0.1/b").expect("is well formed");
        let sqlite = read("acme.sqlite").expect("is a path");
        let check = |database: &Database, file, connections| {
            let mut complaints = Complaints::default();
            database.check(file, connections, &mut complaints);
            complaints.into_result()
        };
        assert_eq!(check(&without, file, Some(8)), Ok(()));
        assert_eq!(check(&with, None, None), Ok(()));
        assert!(check(&with, file, None).is_err());
        assert!(check(&without, None, Some(0)).is_err());
        assert!(check(&sqlite, file, None).is_err() && check(&sqlite, None, Some(8)).is_err());
    }
}
