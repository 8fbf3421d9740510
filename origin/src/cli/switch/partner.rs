//! The partner that a command names.

use onbill_domain::ids::PartnerId;
use onbill_origin::config::Config;

/// A misspelt partner has no PAIs, and there would be nothing wrong with none.
pub(super) fn check_partner(config: &Config, partner: &PartnerId) -> anyhow::Result<()> {
    let partners = config.partner_ids();
    if partners.contains(&partner) {
        return Ok(());
    }
    // There is one: a configuration without an offer is refused.
    let names: Vec<&str> = partners.into_iter().map(PartnerId::as_str).collect();
    anyhow::bail!("{partner} is no partner of this operator, which has {}", names.join(", "))
}
