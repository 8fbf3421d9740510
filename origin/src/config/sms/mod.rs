//! `[sms]` of the configuration.

mod kannel;
mod smpp;

pub use kannel::KannelSettings;
pub(crate) use smpp::SMPP_PASSWORD_CHARS_MAX;
pub use smpp::{SmppAddress, SmppSettings};

use serde::Deserialize;

/// Which gateway text messages go through, and how it is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub enum SmsSettings {
    /// The operator's CSP API.
    Csp(CspSettings),
    /// Kannel, over HTTP.
    Kannel(KannelSettings),
    /// An SMSC, over SMPP.
    Smpp(SmppSettings),
}

impl SmsSettings {
    /// Checks what the types do not. The complaint says what to change.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Csp(_) => Ok(()),
            Self::Kannel(settings) => settings.check(),
            Self::Smpp(settings) => settings.check(),
        }
    }
}

impl Default for SmsSettings {
    fn default() -> Self {
        Self::Csp(CspSettings {})
    }
}

/// The CSP API is set up for everything else already.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CspSettings {}
