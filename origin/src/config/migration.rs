//! What holds while customers are taken over from another system.

use serde::{Deserialize, Serialize};

/// Settings of a switch.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationSettings {
    /// Where new customers sign up.
    #[serde(default)]
    pub signups: Signups,
}

/// Where new customers sign up. Those who pay already are served whatever it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signups {
    /// In onbill.
    #[default]
    Here,
    /// Not in onbill: the other system takes them until it is switched off.
    Closed,
}
