//! The console of an origin, and a person of each role in front of it.
//!
//! Their sessions are put into the database as a sign-in would: the identity provider is no part of what a page costs.

use crate::clock::now;
use crate::programs::client::Client;
use crate::programs::console_ledger::Target;
use crate::programs::origin::Origin;
use crate::programs::program::find_free_address;
use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_TYPE, COOKIE, HOST};
use onbill_domain::digest::sha256;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

/// Where browsers know the console. Nothing is looked up there.
const CONSOLE_URL: &str = "https://console.acme.example";
const COOKIE_NAME: &str = "__Host-onbill-console";
/// Every role that has a page.
const ROLES: [&str; 8] = ["care", "supervisor", "billing", "finance", "fraud", "product", "auditor", "admin"];

/// Where the console listens.
pub(crate) struct Console {
    pub(crate) address: SocketAddr,
}

impl Console {
    /// Adds a console to the configuration of an origin that has not started.
    pub(crate) fn configure(origin: &Origin) -> Result<Self> {
        let address = find_free_address()?;
        let secret = origin.folder().join("console.secret");
        fs::write(&secret, "of the benchmark")?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
        let file = origin.folder().join("origin.toml");
        let config = fs::read_to_string(&file)?;
        // The benchmark's one person looks up more numbers than people do.
        let config = format!(
            "console_listen = \"{address}\"\n{config}\n[console]\nurl = \"{CONSOLE_URL}\"\n\
             issuer = \"https://login.acme.example\"\nclient_id = \"onbill\"\nclient_secret_file = \"{}\"\n\
             look_ups_per_hour = 1000000000\ngroups = {{ everyone = \"admin\" }}\n",
            secret.display()
        );
        fs::write(file, config)?;
        Ok(Self { address })
    }

    /// A session of each role, as of now.
    pub(crate) async fn sign_in(target: &mut Target) -> Result<()> {
        let now = now().unix_seconds();
        let is_postgres = matches!(target, Target::Postgres(_));
        let literal =
            |hex: &str| if is_postgres { format!("'\\x{hex}'::BYTEA") } else { format!("x'{hex}'") };
        for role in ROLES {
            let hash = hex(&sha256(session_of(role).as_bytes()));
            let sign_in = hex(&sha256(role.as_bytes()));
            let sql = format!(
                "INSERT INTO console_sessions (session_hash, sign_in_hash, actor, display_name, roles, created_at,
                     last_seen_at)
                 VALUES ({}, {}, '{role}-1', '{role}', '{role}', {now}, {now})
                 ON CONFLICT (session_hash) DO UPDATE SET created_at = {now}, last_seen_at = {now}",
                literal(&hash),
                literal(&sign_in)
            );
            match target {
                Target::Sqlite(connection) => connection.execute_batch(&sql)?,
                Target::Postgres(database) => database.run(&sql).await?,
            }
        }
        Ok(())
    }

    /// The page at this path.
    pub(crate) fn page(role: &str, path: &str) -> Result<Request<Bytes>> {
        Ok(Request::get(path).header(HOST, "console").header(COOKIE, cookie_of(role)).body(Bytes::new())?)
    }

    /// What a form posts, with the token of the session.
    pub(crate) fn form(role: &str, path: &str, token: &str, fields: &str) -> Result<Request<Bytes>> {
        let request = Request::post(path).header(HOST, "console").header(COOKIE, cookie_of(role));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        Ok(request.body(Bytes::from(format!("csrf={token}&{fields}")))?)
    }

    /// The token that the forms of a session have, from this page of it.
    pub(crate) async fn read_token(client: &mut Client, role: &str, path: &str) -> Result<String> {
        let page = client.read(Self::page(role, path)?).await?;
        let page = String::from_utf8_lossy(&page).into_owned();
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").context("the page has a form")?;
        let (token, _) = rest.split_once('"').context("the token ends")?;
        Ok(token.to_owned())
    }
}

fn session_of(role: &str) -> String {
    format!("session-of-{role}")
}

fn cookie_of(role: &str) -> String {
    format!("{COOKIE_NAME}={}", session_of(role))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
