//! `[sms]` of the configuration.

mod kannel;
mod place;
mod smpp;

pub use kannel::KannelSettings;
pub(crate) use smpp::SMPP_PASSWORD_CHARS_MAX;
pub use smpp::{MessageIdForm, SmppAddress, SmppSettings};

use super::complaints::Complaints;
use serde::{Deserialize, Serialize};

/// The SMS gateway, and how it is reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// The word by which the configuration chooses the gateway.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Csp(_) => "csp",
            Self::Kannel(_) => "kannel",
            Self::Smpp(_) => "smpp",
        }
    }

    /// Checks what the types cannot.
    pub(super) fn check(&self, complaints: &mut Complaints) {
        match self {
            Self::Csp(_) => {}
            Self::Kannel(settings) => settings.list_complaints(complaints),
            Self::Smpp(settings) => settings.list_complaints(complaints),
        }
    }
}

impl Default for SmsSettings {
    fn default() -> Self {
        Self::Csp(CspSettings {})
    }
}

/// Settings of the CSP API as a gateway. There are none, because the CSP API is configured for
/// everything else already.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CspSettings {}
