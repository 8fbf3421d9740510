//! `[sms]` for a Kannel gateway.

use super::place::place_of;
use crate::config::complaints::Complaints;
use crate::config::secure_url::require_https;
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Characters of a token: 128 random bits in base64url.
const TOKEN_CHARS: usize = 22;

/// The gateway, and our account at it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KannelSettings {
    /// The URL of the gateway with its path: `https://sms.acme.example:13013/cgi-bin/sendsms`.
    pub url: String,
    /// Our user name at the gateway.
    pub username: String,
    /// A file with the password in its first line.
    pub password_file: PathBuf,
    /// The sender of messages.
    pub sender: String,
    /// The URL at which the gateway reaches this origin. Without it, there are no delivery
    /// receipts.
    pub receipts_url: Option<String>,
}

impl KannelSettings {
    /// Checks what the types cannot. The error says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut complaints = Complaints::default();
        self.list_complaints(&mut complaints);
        complaints.into_result()
    }

    pub(super) fn list_complaints(&self, complaints: &mut Complaints) {
        let is_secure = require_https(&self.url, "sms: url");
        if is_secure.is_ok() && self.url.contains(['?', '#', '@']) {
            complaints
                .add(place_of("url"), "sms: url must end with its path: everything else is sent in headers");
        }
        complaints.take(place_of("url"), is_secure);
        for (member, text) in [("username", &self.username), ("sender", &self.sender)] {
            if text.trim().is_empty() || HeaderValue::from_str(text).is_err() {
                complaints
                    .add(place_of(member), format!("sms: {member} must be of printable ASCII characters"));
            }
        }
        if let Some(url) = &self.receipts_url {
            let is_secure = require_https(url, "sms: receipts_url");
            if is_secure.is_ok() && (url.ends_with('/') || url.contains(['?', '#', '%'])) {
                complaints
                    .add(place_of("receipts_url"), "sms: receipts_url must end before the path's last /");
            }
            complaints.take(place_of("receipts_url"), is_secure);
        }
    }

    /// Whether a token could be one of ours.
    pub(crate) fn is_receipt_token(&self, token: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        self.receipts_url.is_some() && token.len() == TOKEN_CHARS && token.bytes().all(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(from: &str, to: &str) -> Result<(), String> {
        let good = r#"
            url = "https://sms.acme.example:13013/cgi-bin/sendsms"
            username = "onbill"
            password_file = "p"
            sender = "Acme"
            receipts_url = "https://onbill.acme.example"
        "#;
        let settings = toml::from_str::<KannelSettings>(&good.replace(from, to));
        settings.map_err(|error| error.message().to_owned())?.check()
    }

    #[test]
    fn mistake_is_explained_in_words() {
        assert_eq!(settings("", ""), Ok(()));
        for (from, to, complaint) in [
            ("https://sms", "http://sms", "url: http://sms.acme.example:13013/cgi-bin/sendsms must be https"),
            ("cgi-bin/sendsms", "cgi-bin/sendsms?user=x", "url must end with its path"),
            ("\"Acme\"", "\"\"", "sender must be"),
            ("https://onbill", "http://onbill", "receipts_url: http://onbill.acme.example must be https"),
            ("acme.example\"", "acme.example/\"", "receipts_url must end"),
            ("sender", "password = \"hunter2\"\nsender", "unknown field"),
        ] {
            let mistakes = settings(from, to).expect_err(to);
            assert!(mistakes.contains(complaint), "{mistakes}");
        }
    }
}
