//! The address of a PostgreSQL database: a `postgres://` URL, checked. Its password is in no error
//! and in no debug output, and neither is the rest of a URL that cannot be parsed: a password with
//! an unescaped `@` could be anywhere in it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// A server that has not accepted a connection by then is down.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// A peer that confirms nothing for so long is gone: the connection is closed, and its callers get
/// an error.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// The address of a database, and how to log in.
#[derive(Clone)]
pub struct PostgresAddress {
    settings: Box<Config>,
}

impl PostgresAddress {
    /// Whether a text is meant to be a PostgreSQL URL.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Parses a URL as PostgreSQL's own programs do. Over a network it is always TLS.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let mut settings: Config =
            url.parse().map_err(|_| {
                "is not a URL of the form postgres://user@host:5432/database (special characters as %40; sslmode may be require)"
            })?;
        if settings.get_hosts().is_empty() && settings.get_hostaddrs().is_empty() {
            return Err("names no host");
        }
        if settings.get_dbname().is_none() {
            return Err("names no database");
        }
        let asked = settings.get_ssl_mode();
        match (is_local(&settings), asked) {
            (true, SslMode::Require) => {}
            (true, _) => _ = settings.ssl_mode(SslMode::Disable),
            (false, SslMode::Disable) => {
                return Err("has sslmode=disable, which is for this machine itself only");
            }
            (false, _) => _ = settings.ssl_mode(SslMode::Require),
        }
        // The server lists its connections by this name. A URL may set another, to distinguish
        // several origins on one database.
        if settings.get_application_name().is_none() {
            settings.application_name("onbill-origin");
        }
        settings.connect_timeout(CONNECT_PATIENCE);
        settings.tcp_user_timeout(SILENCE_MAX).keepalives_idle(SILENCE_MAX);
        Ok(Self { settings: Box::new(settings) })
    }

    /// Adds a password that is stored elsewhere.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.settings.password(password);
        self
    }

    /// Whether the URL itself has a password.
    pub fn has_password(&self) -> bool {
        self.settings.get_password().is_some()
    }

    pub(crate) fn settings(&self) -> &Config {
        &self.settings
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.settings.get_ssl_mode() == SslMode::Require
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://…")
    }
}

/// Whether every host that it may connect to is this machine.
fn is_local(settings: &Config) -> bool {
    let by_name = settings.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    });
    let by_address = settings.get_hostaddrs().iter().all(IpAddr::is_loopback);
    if settings.get_hostaddrs().is_empty() { by_name } else { by_address }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_network_it_is_tls_or_nothing() {
        for (url, encrypted) in [
            ("postgres://u@127.0.0.1/b", false),
            ("postgresql://u:p@localhost:5433/b", false),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/b", false),
            ("postgres://u@[::1]/b", false),
            ("postgres://u@127.0.0.1/b?sslmode=require", true),
            ("postgres://u@db.acme.example/b", true),
            ("postgres://u@db.acme.example/b?sslmode=prefer", true),
            ("postgres://u@127.0.0.1,db.acme.example/b", true),
            ("postgres://u@127.0.0.1.evil.example/b", true),
            ("postgres://u@localhost/b?hostaddr=10.0.0.1", true),
        ] {
            assert_eq!(PostgresAddress::parse(url).expect(url).is_encrypted(), encrypted, "{url}");
        }
        let refused =
            PostgresAddress::parse("postgres://u@db.acme.example/b?sslmode=disable").expect_err("is refused");
        assert!(refused.contains("this machine"), "{refused}");
    }

    #[test]
    fn application_name_comes_from_the_url() {
        for (url, name) in [
            ("postgres://u@127.0.0.1/b", "onbill-origin"),
            ("postgres://u@127.0.0.1/b?application_name=acme-2", "acme-2"),
        ] {
            let address = PostgresAddress::parse(url).expect(url);
            assert_eq!(address.settings.get_application_name(), Some(name));
        }
    }

    #[test]
    fn password_is_in_no_error_or_debug_output() {
        for url in [
            "postgres://u:hunter2@db.acme.example:x/b",
            "postgres://u:hunter2@db.acme.example/b?sslmode=hunter2",
            "postgres://u:hun@ter2",
            "postgres://u:hunter2@db.acme.example",
            "postgres://",
        ] {
            let complaint = PostgresAddress::parse(url).expect_err(url);
            assert!(!complaint.contains("ter2"), "{complaint}");
        }
        let address =
            PostgresAddress::parse("postgres://u:hunter2@db.acme.example/b").expect("is well formed");
        assert!(!format!("{address:?}").contains("hunter2"));
        assert!(address.has_password());
    }
}
