//! `[sms]` for a Kannel gateway.

use crate::config::secure_url::require_https;
use http::HeaderValue;
use serde::Deserialize;
use std::path::PathBuf;

/// Characters of a token: 128 random bits in base64url.
const TOKEN_CHARS: usize = 22;

/// The gateway, and our account at it.
#[derive(Clone, Debug, Deserialize)]
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
        require_https(&self.url, "url")?;
        if self.url.contains(['?', '#', '@']) {
            return Err("url must end with its path: everything else is sent in headers".to_owned());
        }
        for (member, text) in [("username", &self.username), ("sender", &self.sender)] {
            if text.trim().is_empty() || HeaderValue::from_str(text).is_err() {
                return Err(format!("{member} must be of printable ASCII characters"));
            }
        }
        if let Some(url) = &self.receipts_url {
            require_https(url, "receipts_url")?;
            if url.ends_with('/') || url.contains(['?', '#', '%']) {
                return Err("receipts_url must end before the path's last /".to_owned());
            }
        }
        Ok(())
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
    fn mistake_is_told_in_words() {
        assert_eq!(settings("", ""), Ok(()));
        for (from, to, complaint) in [
            ("https://sms", "http://sms", "url: http://sms.acme.example:13013/cgi-bin/sendsms must be https"),
            ("cgi-bin/sendsms", "cgi-bin/sendsms?user=x", "url must end with its path"),
            ("\"Acme\"", "\"\"", "sender must be"),
            ("https://onbill", "http://onbill", "receipts_url: http://onbill.acme.example must be https"),
            ("acme.example\"", "acme.example/\"", "receipts_url must end"),
            ("sender", "password = \"hunter2\"\nsender", "unknown field"),
        ] {
            let verdict = settings(from, to).expect_err(to);
            assert!(verdict.contains(complaint), "{verdict}");
        }
    }
}
