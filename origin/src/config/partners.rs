//! Settings of the partners beyond their offers.

use super::complaints::Complaints;
use super::secure_url::require_https;
use super::setting_path::SettingPath;
use super::settlement::SettlementModel;
use onbill_domain::charge_code::ChargeCode;
use onbill_domain::ids::PartnerId;
use onbill_domain::plain_text::is_plain_line;
use serde::{Deserialize, Serialize};

/// Settings of a partner beyond its offers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The id of the partner, used in URLs and keys.
    pub id: PartnerId,
    /// The display name before its messages to subscribers; the default is its `id`.
    pub name: Option<String>,
    /// Where it gets webhooks about later outcomes. Without a URL, the partner has to query them.
    pub url: Option<String>,
    /// Under which billing books charges of offers without a code of their own, and of no known
    /// offer.
    pub charge_code: Option<ChargeCode>,
    /// How the money is shared with it. Without a model, there is no settlement.
    pub settlement: Option<SettlementModel>,
    /// What proves a number that the partner's app has read to be the customer's.
    #[serde(default)]
    pub number_proof: NumberProof,
    /// What a subscriber must have done before the partner may charge them.
    #[serde(default)]
    pub charge_needs: ChargeNeeds,
    /// What a second charge for days that are charged already gets.
    #[serde(default)]
    pub repeated_period: RepeatedPeriod,
    /// How often its app may ask about numbers in an hour, whatever the response.
    #[serde(default = "number_checks_per_hour_default")]
    pub number_checks_per_hour: u32,
    /// How often in an hour it may ask about a number that has no account.
    #[serde(default = "unknown_numbers_per_hour_default")]
    pub unknown_numbers_per_hour: u32,
}

/// What a partner may ask about numbers in an hour.
#[derive(Clone, Copy, Debug)]
pub struct NumberCheckLimits {
    pub checks_per_hour: u32,
    /// Checks of numbers without an account.
    pub unknown_per_hour: u32,
}

/// Ten a second, as `DEVICE_RATE` of the edge lets through: more sign-ups than an advertisement
/// brings. The ceiling holds when the edge's counter is missing.
pub(super) fn number_checks_per_hour_default() -> u32 {
    36_000
}

/// An app asks about the SIM in its device, whose network code is the operator's. Nearly all of these
/// have an account: in a launch with a million devices in a day, one in a hundred may be too new, and
/// makes a few hundred unknown numbers in the busiest hour. Somebody who has a thousand is guessing,
/// and needs a year for the ten million numbers of a prefix.
pub(super) fn unknown_numbers_per_hour_default() -> u32 {
    1_000
}

/// What proves a number that a partner's app has read on a device to be the customer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberProof {
    /// A PIN in an SMS to the number.
    #[default]
    Pin,
    /// The partner's assertion that the app has read it from the SIM. The owner of the partner's
    /// key can then query the account status of any number.
    DeviceRead,
}

/// What a subscriber must have done before a partner may charge them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChargeNeeds {
    /// Agreed to a price: the charge is at most that, for days on which the agreement is in force.
    #[default]
    Mandate,
    /// Subscribed, at whatever price.
    Subscription,
    /// Nothing: an active PAI is enough.
    Pai,
}

/// What a charge gets for days that another charge of the subscription has charged already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedPeriod {
    /// It is declined.
    #[default]
    Decline,
    /// It is charged, with an alarm.
    Alarm,
}

/// Longest display name, in UTF-16 units: as long as an `id`, which is its default. A message
/// behind it has to fit into three SMS parts.
pub(crate) const PARTNER_NAME_UNITS_MAX: usize = 40;

/// Checks what the types cannot.
pub(super) fn check_partners(partners: &[Partner], operator: &str, complaints: &mut Complaints) {
    for (n, partner) in partners.iter().enumerate() {
        let (at, id) = (SettingPath::of("partners").entry(n), &partner.id);
        if let Some(name) = &partner.name {
            let checked = check_name(name, operator);
            complaints
                .take(at.key("name"), checked.map_err(|complaint| format!("partner {id}: {complaint}")));
        }
        if partners[..n].iter().any(|other| other.id == *id) {
            complaints.add(at.key("id"), format!("partner {id} is there twice"));
        }
        if let Some(url) = &partner.url {
            let is_secure = require_https(url, &format!("partner {id}: url"));
            if is_secure.is_ok() && (url.ends_with('/') || url.contains(['?', '#'])) {
                complaints.add(at.key("url"), format!("partner {id}: url must end before the path's last /"));
            }
            complaints.take(at.key("url"), is_secure);
        }
        if let Some(model) = &partner.settlement {
            let checked = model.check().map_err(|complaint| format!("partner {id}: {complaint}"));
            complaints.take(at.key("settlement"), checked);
        }
    }
}

/// A name that reads like the operator's, or like a PIN, would make the partner's message look like
/// one of the operator's.
fn check_name(name: &str, operator: &str) -> Result<(), String> {
    let fits = (1..=PARTNER_NAME_UNITS_MAX).contains(&name.encode_utf16().count());
    let is_plain = is_plain_line(name) && !name.contains(':') && name.starts_with(char::is_alphabetic);
    if !fits || !is_plain {
        return Err(format!(
            "name must be 1 to {PARTNER_NAME_UNITS_MAX} characters without a colon, and begin with a letter"
        ));
    }
    if name.to_lowercase() == operator.to_lowercase() {
        return Err("name must not be the operator's: subscribers have to tell them apart".to_owned());
    }
    Ok(())
}
