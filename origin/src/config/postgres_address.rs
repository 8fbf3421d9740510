//! The address of a PostgreSQL database: a `postgres://` URL, checked. Its password is in no error
//! and in no debug output, and neither is the rest of a URL that cannot be parsed: a password with
//! an unescaped `@` could be anywhere in it.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A server that has not accepted a connection by then is down.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// A peer that confirms nothing for so long is gone: the connection is closed, and its callers get
/// an error.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// `PostgreSQL`'s own.
const DEFAULT_PORT: u16 = 5432;

/// The address of a database on one server or several, and how to log in.
#[derive(Clone)]
pub struct PostgresAddress {
    settings: Box<Config>,
    tears_no_pages: bool,
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
                "is not a URL of the form postgres://user@host:5432,host:5432/database (special characters as %40; sslmode may be \
                 require, target_session_attrs read-write)"
            })?;
        if settings.get_hosts().is_empty() && settings.get_hostaddrs().is_empty() {
            return Err("names no host");
        }
        if settings.get_dbname().is_none() {
            return Err("names no database");
        }
        // libpq takes such a list, and this driver takes it for one name.
        let is_list = |host: &Host| matches!(host, Host::Tcp(name) if name.contains(','));
        if settings.get_hosts().iter().any(is_list) {
            return Err(
                "lists hosts in host=: list them before the database, as in postgres://user@a,b/database",
            );
        }
        let (hosts, addresses) = (settings.get_hosts().len(), settings.get_hostaddrs().len());
        if hosts != 0 && addresses != 0 && hosts != addresses {
            return Err("has other numbers of hosts and of hostaddr");
        }
        if !matches!(settings.get_ports().len(), 0 | 1) && settings.get_ports().len() != hosts.max(addresses)
        {
            return Err("has other numbers of hosts and of ports");
        }
        // The ledger is at a server that takes writes, whether the URL says so or not.
        if settings.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            return Err("has target_session_attrs=read-only, but the origin writes: take read-write");
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
        Ok(Self { settings: Box::new(settings), tears_no_pages: false })
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

    /// Says that the servers' file systems never leave a page half written, so that they need no
    /// `full_page_writes`.
    #[must_use]
    pub fn with_tears_no_pages(mut self, tears_no_pages: bool) -> Self {
        self.tears_no_pages = tears_no_pages;
        self
    }

    pub(crate) fn tears_no_pages(&self) -> bool {
        self.tears_no_pages
    }

    /// The settings for each server of the list.
    pub(crate) fn servers(&self) -> Vec<Config> {
        let all = &self.settings;
        let (hosts, addresses, ports) = (all.get_hosts(), all.get_hostaddrs(), all.get_ports());
        let server = |n: usize| {
            let mut one = self.settings_without_server();
            match hosts.get(n) {
                Some(Host::Tcp(name)) => _ = one.host(name.as_str()),
                Some(Host::Unix(path)) => _ = one.host_path(path),
                None => {}
            }
            if let Some(address) = addresses.get(n) {
                one.hostaddr(*address);
            }
            if let Some(port) = ports.get(n).or(ports.first()) {
                one.port(*port);
            }
            one
        };
        (0..hosts.len().max(addresses.len())).map(server).collect()
    }

    fn settings_without_server(&self) -> Config {
        let all = &self.settings;
        let mut one = Config::new();
        if let Some(user) = all.get_user() {
            one.user(user);
        }
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(dbname) = all.get_dbname() {
            one.dbname(dbname);
        }
        if let Some(options) = all.get_options() {
            one.options(options);
        }
        if let Some(name) = all.get_application_name() {
            one.application_name(name);
        }
        one.ssl_mode(all.get_ssl_mode())
            .ssl_negotiation(all.get_ssl_negotiation())
            .channel_binding(all.get_channel_binding())
            .load_balance_hosts(all.get_load_balance_hosts())
            .connect_timeout(CONNECT_PATIENCE)
            .tcp_user_timeout(SILENCE_MAX)
            .keepalives_idle(SILENCE_MAX);
        one
    }

    /// The address as it is written, with `***` for its password.
    pub(crate) fn masked(&self) -> String {
        let all = &self.settings;
        let password = if self.has_password() { ":***" } else { "" };
        let login =
            all.get_user().map(|user| format!("{}{password}@", escape_value(user))).unwrap_or_default();
        let servers: Vec<String> = self.servers().iter().map(server_name).collect();
        let name = all.get_dbname().map(escape_value).unwrap_or_default();
        let mode = if self.is_encrypted() { "require" } else { "disable" };
        format!("postgres://{login}{}/{name}?sslmode={mode}", servers.join(","))
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.settings.get_ssl_mode() == SslMode::Require
    }
}

fn escape_value(text: &str) -> String {
    percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string()
}

/// The name of a server in an error message.
pub(crate) fn server_name(server: &Config) -> String {
    let host = match (server.get_hosts().first(), server.get_hostaddrs().first()) {
        (Some(Host::Tcp(name)), _) => name.clone(),
        (Some(Host::Unix(path)), _) => path.display().to_string(),
        (None, address) => address.map_or_else(String::new, ToString::to_string),
    };
    format!("{host}:{}", server.get_ports().first().unwrap_or(&DEFAULT_PORT))
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
    fn masked_address_has_everything_but_the_password() {
        for (url, masked) in [
            ("postgres://u:hunter2@127.0.0.1/b", "postgres://u:***@127.0.0.1:5432/b?sslmode=disable"),
            (
                "postgres://o%40n@a.example:6432,b.example:6433/onbill",
                "postgres://o%40n@a.example:6432,b.example:6433/onbill?sslmode=require",
            ),
        ] {
            assert_eq!(PostgresAddress::parse(url).map(|address| address.masked()), Ok(masked.to_owned()));
        }
    }

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
    fn servers_are_those_of_the_list() {
        for (url, names) in [
            ("postgres://u@db/b", vec!["db:5432"]),
            ("postgres://u@a,b:5433,c/b?target_session_attrs=read-write", vec!["a:5432", "b:5433", "c:5432"]),
            ("postgres://u@/b?host=a&host=b&port=5440", vec!["a:5440", "b:5440"]),
            ("postgres://u@a,b/b?hostaddr=10.0.0.1,10.0.0.2", vec!["a:5432", "b:5432"]),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/b", vec!["/var/run/postgresql:5432"]),
        ] {
            let servers = PostgresAddress::parse(url).expect(url).servers();
            assert_eq!(servers.iter().map(server_name).collect::<Vec<_>>(), names, "{url}");
            for server in servers {
                assert_eq!((server.get_user(), server.get_dbname()), (Some("u"), Some("b")), "{url}");
                assert_eq!(server.get_connect_timeout(), Some(&CONNECT_PATIENCE), "{url}");
            }
        }
    }

    #[test]
    fn list_that_cannot_be_written_to_is_refused() {
        for (url, complaint) in [
            ("postgres://u@a,b/b?target_session_attrs=read-only", "read-only"),
            ("postgres://u@a,b/b?hostaddr=10.0.0.1", "hostaddr"),
            ("postgres://u@a,b,c/b?port=1,2", "ports"),
            ("postgres://u@/b?host=a,b", "before the database"),
            ("postgres://u@a/b?target_session_attrs=primary", "read-write"),
        ] {
            let refused = PostgresAddress::parse(url).expect_err(url);
            assert!(refused.contains(complaint), "{url}: {refused}");
        }
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
