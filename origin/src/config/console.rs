//! `[console]` of the configuration: where people sign in, and at which desks their groups put them.

use super::complaints::Complaints;
use super::durations::LookUpsPerHour;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use onbill_domain::plain_text::is_plain_text;
use onbill_domain::site_origin::parse_site_origin;
use onbill_domain::wire::audit::ActorRole;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Beside the port of the admin listener. It is registered for nothing that a server has.
const PORT_DEFAULT: u16 = 9465;

/// The console's people.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSettings {
    /// The address that browsers know the console by, without a path.
    pub url: String,
    /// The `OpenID` Connect issuer, as its discovery document and its ID tokens write it.
    pub issuer: String,
    /// The console's name at the issuer.
    pub client_id: String,
    /// A file with the secret that the issuer has given for it.
    pub client_secret_file: PathBuf,
    /// Which claim of an ID token the audit names a person by.
    #[serde(default = "actor_claim_default")]
    pub actor_claim: String,
    /// Where an ID token lists the groups of a person.
    #[serde(default = "groups_claim_default")]
    pub groups_claim: String,
    /// More of the scopes that the issuer needs to list groups.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How many numbers a person may look up in an hour.
    #[serde(default)]
    pub look_ups_per_hour: LookUpsPerHour,
    /// The desk of each group.
    pub groups: BTreeMap<String, ActorRole>,
}

fn actor_claim_default() -> String {
    "sub".to_owned()
}

fn groups_claim_default() -> String {
    "groups".to_owned()
}

/// Where the console listens when no address is named: on this machine, for the proxy with its
/// certificate.
pub(super) fn console_listen_default() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT)
}

impl ConsoleSettings {
    /// Checks what the types cannot.
    pub(super) fn check(&self, complaints: &mut Complaints) {
        let at = |key| SettingPath::of("console").key(key);
        let is_secure = require_https(&self.url, "console: url");
        if is_secure.is_ok() && parse_site_origin(&self.url).as_deref() != Some(&self.url) {
            complaints
                .add(at("url"), "console: url must be a bare origin, such as https://console.acme.example");
        } else {
            complaints.take(at("url"), is_secure);
        }
        complaints.take(at("issuer"), require_https(&self.issuer, "console: issuer"));
        if self.issuer.contains(['?', '#']) {
            complaints.add(at("issuer"), "console: issuer must have neither a query nor a fragment");
        }
        for (key, text) in [
            ("client_id", &self.client_id),
            ("actor_claim", &self.actor_claim),
            ("groups_claim", &self.groups_claim),
        ] {
            if !is_plain_text(text) {
                complaints.add(at(key), format!("console: {key} must be text without control characters"));
            }
        }
        let is_scope =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.scopes.iter().all(is_scope) {
            complaints.add(at("scopes"), "console: scopes must be words of ASCII characters");
        }
        if self.groups.is_empty() {
            complaints
                .add(at("groups"), "console: groups must name one group at least: no person could sign in");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::file::tests::GOOD;

    const CONSOLE: &str = r#"
        [console]
        url = "https://console.acme.example"
        issuer = "https://login.acme.example/realms/staff"
        client_id = "onbill"
        client_secret_file = "/etc/onbill/console.secret"
        groups = { onbill-care = "care", onbill-lead = "supervisor" }
    "#;

    fn check(console: &str) -> Result<(), String> {
        toml_config(console)?.check()
    }

    fn toml_config(console: &str) -> Result<Config, String> {
        Config::parse(&format!("{GOOD}{console}"))
    }

    #[test]
    fn console_is_of_this_machine_by_default() {
        let config = toml_config(CONSOLE).expect("is sound");
        assert_eq!(config.check(), Ok(()));
        assert!(config.console_address().is_some_and(|address| address.ip().is_loopback()));
        let without = Config::parse(GOOD).expect("is sound");
        assert_eq!(without.console_address(), None, "there is none unless it is configured");
    }

    #[test]
    fn mistake_is_reported_in_words() {
        for (from, to, complaint) in [
            ("https://console", "http://console", "must be https"),
            ("acme.example\"\n        issuer", "acme.example/x\"\n        issuer", "bare origin"),
            ("https://login", "http://login", "must be https"),
            ("/realms/staff", "?realm=staff", "query"),
            ("\"care\"", "\"owner\"", "owner"),
            ("{ onbill-care = \"care\", onbill-lead = \"supervisor\" }", "{}", "groups must name"),
            ("client_id = \"onbill\"", "client_id = \"\"", "client_id must be text"),
            ("client_id = \"onbill\"", "client_id = \"onbill\"\nactor_claim = \"\"", "actor_claim must be"),
            ("client_id = \"onbill\"", "client_id = \"onbill\"\nscopes = [\"a b\"]", "scopes must be"),
            ("client_secret_file", "client_secret", "client_secret"),
            ("client_id = \"onbill\"", "client_id = \"onbill\"\nlook_ups_per_hour = 0", "must be at least 1"),
        ] {
            let refusal = check(&CONSOLE.replace(from, to)).expect_err(to);
            assert!(refusal.contains(complaint), "{refusal}");
        }
        let without = GOOD.replace("country =", "console_listen = \"127.0.0.1:9465\"\ncountry =");
        let refusal = Config::parse(&without).expect("reads").check().expect_err("needs the section");
        assert!(refusal.contains("needs [console]"), "{refusal}");
        let taken = GOOD.replace("country =", "console_listen = \"127.0.0.1:8788\"\ncountry =");
        let refusal =
            Config::parse(&format!("{taken}{CONSOLE}")).expect("reads").check().expect_err("is taken");
        assert!(refusal.contains("another address than"), "{refusal}");
    }
}
