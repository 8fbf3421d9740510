//! Whether the key ring has all that an origin works with.

use crate::config::Config;
use onbill_domain::key::{KeyUse, Keyring, Party};

/// Checks that the ring has a key of every use that this origin signs, seals or verifies with.
pub(super) fn check_keys(config: &Config, keys: &Keyring) -> Result<(), String> {
    list_missing_keys(config, keys).into_iter().next().map_or(Ok(()), Err)
}

/// What the key ring lacks of the keys that this origin signs, seals or verifies with.
pub(super) fn list_missing_keys(config: &Config, keys: &Keyring) -> Vec<String> {
    let own = [
        KeyUse::EdgeToOrigin,
        KeyUse::OriginToEdge,
        KeyUse::OriginToOperator,
        KeyUse::OperatorToOrigin,
        KeyUse::SignupToken,
        KeyUse::SessionAssertion,
        KeyUse::ReturnResult,
        KeyUse::NumberSealing,
    ];
    let own = own.into_iter().map(|key_use| (key_use, Party::operator(&config.operator)));
    let sold = config.offers.iter().flat_map(|offer| {
        let partner = Party::partner(&offer.partner);
        [(KeyUse::PartnerCall, partner.clone()), (KeyUse::OriginToPartner, partner)]
    });
    let notified = config.partners.iter().filter(|partner| partner.url.is_some());
    let notified = notified.map(|partner| (KeyUse::OriginToPartner, Party::partner(&partner.id)));
    let mut missing = Vec::new();
    for (key_use, party) in own.chain(sold).chain(notified) {
        let complaint = format!("the key ring has no key of use {} for {party}", key_use.as_str());
        if keys.signing_key(key_use, &party).is_none() && !missing.contains(&complaint) {
            missing.push(complaint);
        }
    }
    missing
}
