//! The partner that a command names.

use onbill_domain::ids::PartnerId;
use onbill_origin::config::Config;

/// A misspelt partner has no PAIs, and there would be nothing wrong with none.
pub(super) fn check_partner(config: &Config, partner: &PartnerId) -> anyhow::Result<()> {
    anyhow::ensure!(config.partner_ids().contains(&partner), "{partner} is no partner of this operator");
    Ok(())
}
