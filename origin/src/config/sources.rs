//! How the operator's own systems are reached: one call at a time over its CSP API, or by table and
//! file.

use serde::{Deserialize, Serialize};

/// Source of account status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountSource {
    /// The embedded table, filled by `import-accounts`.
    #[default]
    Table,
    /// The operator's CSP API.
    Csp,
}

/// How charges and refunds reach the operator's billing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Billing {
    /// One at a time, over the operator's CSP API.
    #[default]
    Csp,
    /// Many in one file.
    Files,
}
