//! Where the operator's own systems are reached: one by one over its CSP API, or by table and file.

use serde::Deserialize;

/// Where account standing comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountSource {
    /// The embedded table, filled by `import-accounts`.
    #[default]
    Table,
    /// The operator's CSP API.
    Csp,
}

/// How charges and refunds reach the operator's billing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Billing {
    /// One by one, over the operator's CSP API.
    #[default]
    Csp,
    /// Many in a file.
    Files,
}
