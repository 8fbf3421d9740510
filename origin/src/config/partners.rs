//! The partners: what is configured of each beyond its offers.

use super::secure_url::require_https;
use super::settlement::SettlementModel;
use onbill_domain::ids::PartnerId;
use serde::Deserialize;

/// A partner, beyond what its offers say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Its name in URLs and keys.
    pub id: PartnerId,
    /// Its name for people, before what it says to subscribers; without it, that is its `id`.
    pub name: Option<String>,
    /// Where it is told of later outcomes; without it, it asks.
    pub url: Option<String>,
    /// How the money is shared with it; without it, there is no settlement.
    pub settlement: Option<SettlementModel>,
    /// What makes a number that its app has read the customer's.
    #[serde(default)]
    pub number_proof: NumberProof,
}

/// What makes a number that a partner's app has read on a device the customer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberProof {
    /// A PIN from a text message to it.
    #[default]
    Pin,
    /// The partner's word that the app has read it from the SIM. Whoever has the partner's key can then ask how the
    /// account of any number stands.
    DeviceRead,
}

/// Longest name for people, in UTF-16 units: as long as an `id`, which stands in for it. A message behind it has to fit into
/// three text messages.
pub(crate) const PARTNER_NAME_UNITS_MAX: usize = 40;

/// Checks what the types do not.
pub(super) fn check_partners(partners: &[Partner], operator: &str) -> Result<(), String> {
    for (n, partner) in partners.iter().enumerate() {
        if let Some(name) = &partner.name {
            check_name(name, operator).map_err(|complaint| format!("partner {}: {complaint}", partner.id))?;
        }
        if partners[..n].iter().any(|other| other.id == partner.id) {
            return Err(format!("partner {} is there twice", partner.id));
        }
        if let Some(url) = &partner.url {
            require_https(url, &format!("partner {}: url", partner.id))?;
            if url.ends_with('/') || url.contains(['?', '#']) {
                return Err(format!("partner {}: url must end before the path's last /", partner.id));
            }
        }
        if let Some(model) = &partner.settlement {
            model.check().map_err(|complaint| format!("partner {}: {complaint}", partner.id))?;
        }
    }
    Ok(())
}

/// A name that reads as the operator's, or as a PIN, would lend the partner's words to them.
fn check_name(name: &str, operator: &str) -> Result<(), String> {
    let fits = (1..=PARTNER_NAME_UNITS_MAX).contains(&name.encode_utf16().count());
    let is_plain = name.chars().all(|c| !c.is_control() && c != ':') && name.starts_with(char::is_alphabetic);
    if !fits || !is_plain || name.ends_with(' ') {
        return Err(format!(
            "name must be 1 to {PARTNER_NAME_UNITS_MAX} characters without a colon, and begin with a letter"
        ));
    }
    if name.to_lowercase() == operator.to_lowercase() {
        return Err("name must not be the operator's: subscribers have to tell them apart".to_owned());
    }
    Ok(())
}
