//! Reads and checks a deployment's variables `EDGE_URLS`, `OPERATORS` and `PARTNERS` and its secret
//! `KEYRING`. A mistake in them is refused here, before it fails a customer's call.

use super::{Challenge, Config, Operator, Partner};
use http::Uri;
use onbill_domain::coupon_code::CouponTag;
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::plain_text::is_plain_text;
use onbill_domain::site_origin::parse_site_origin;
use onbill_domain::wire::read_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::net::Ipv6Addr;

/// What is wrong with the configuration, in one sentence. It names members and keys, never a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault(String);

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn config_fault(text: impl Into<String>) -> ConfigFault {
    ConfigFault(text.into())
}

/// An entry of `OPERATORS`. An unknown member is a mistake: it is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OperatorFields {
    id: OperatorId,
    name: String,
    country: String,
    origin: String,
    dashboards: Vec<String>,
    partners: Option<Vec<PartnerId>>,
    coupons: Option<String>,
}

/// An entry of `PARTNERS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartnerFields {
    id: PartnerId,
    name: String,
    url: String,
    offers: Vec<OfferId>,
    #[serde(default)]
    ui_origins: Vec<String>,
}

impl Config {
    /// Reads the configuration; `None` is a variable or secret that is not set.
    pub fn read(
        edge_urls: Option<&str>,
        operators: Option<&str>,
        partners: Option<&str>,
        keyring: Option<&str>,
    ) -> Result<Self, ConfigFault> {
        let edge_urls = parse_list::<String>("EDGE_URLS", edge_urls)?;
        check_distinct("EDGE_URLS", "address", edge_urls.iter().map(String::as_str))?;
        if !edge_urls.iter().all(|url| is_site_origin(url)) {
            return Err(config_fault(
                "EDGE_URLS must be a list of https://host[:port] (http for this machine only)",
            ));
        }

        let partners = parse_list::<PartnerFields>("PARTNERS", partners)?;
        let partners = partners.into_iter().map(check_partner).collect::<Result<Vec<_>, _>>()?;
        check_distinct("PARTNERS", "id", partners.iter().map(|partner| partner.id.as_str()))?;
        let offers = partners.iter().flat_map(|partner| &partner.offers);
        check_distinct("PARTNERS", "offer", offers.map(OfferId::as_str))?;

        let operators = parse_list::<OperatorFields>("OPERATORS", operators)?;
        check_distinct("OPERATORS", "id", operators.iter().map(|operator| operator.id.as_str()))?;
        check_distinct(
            "OPERATORS",
            "coupons",
            operators.iter().filter_map(|operator| operator.coupons.as_deref()),
        )?;
        let operators = operators
            .into_iter()
            .map(|fields| check_operator(fields, &partners))
            .collect::<Result<Vec<_>, _>>()?;
        check_distinct("OPERATORS", "origin", operators.iter().map(|operator| operator.origin.as_str()))?;

        let keyring = keyring.ok_or_else(|| config_fault("the secret KEYRING is missing"))?;
        let keys =
            Keyring::parse(keyring).map_err(|complaint| config_fault(format!("KEYRING: {complaint}")))?;
        let config = Self { edge_urls, operators, partners, keys, challenge: None };
        config.check_keys()?;
        Ok(config)
    }

    /// The same configuration with a challenge, if the deployment has one: its site key and its
    /// secret go together.
    pub fn with_challenge(self, site_key: Option<&str>, secret: Option<&str>) -> Result<Self, ConfigFault> {
        let is_plain = |text: &str| {
            (1..=100).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let challenge = match (site_key, secret) {
            (None, None) => None,
            (Some(site_key), Some(secret)) if is_plain(site_key) && is_plain(secret) => {
                Some(Challenge { site_key: site_key.to_owned(), secret: secret.to_owned() })
            }
            (Some(_), Some(_)) => {
                return Err(config_fault("TURNSTILE_SITE_KEY or TURNSTILE_SECRET is not a key of Turnstile"));
            }
            (Some(_), None) | (None, Some(_)) => {
                return Err(config_fault(
                    "the variable TURNSTILE_SITE_KEY and the secret TURNSTILE_SECRET go together",
                ));
            }
        };
        Ok(Self { challenge, ..self })
    }

    /// Checks that every party has the keys that its calls need, and that the edge cannot sign as a
    /// partner.
    fn check_keys(&self) -> Result<(), ConfigFault> {
        let check_key = |key_use: KeyUse, party: Party| match self.keys.signing_key(key_use, &party) {
            Some(_) => Ok(()),
            None => Err(config_fault(format!("KEYRING: there is no {} key of {party}", key_use.as_str()))),
        };
        for operator in &self.operators {
            check_key(KeyUse::EdgeToOrigin, operator.key_party())?;
            check_key(KeyUse::OriginToEdge, operator.key_party())?;
            check_key(KeyUse::SignupToken, operator.key_party())?;
        }
        for partner in &self.partners {
            check_key(KeyUse::PartnerCall, partner.key_party())?;
            check_key(KeyUse::EdgeToPartner, partner.key_party())?;
        }
        // An edge that can sign as the partner could mint charges: it may hold the public half
        // only.
        match self.keys.keys_for_use(KeyUse::PartnerCall).find(|key| key.sign(b"").is_some()) {
            Some(key) => Err(config_fault(format!("KEYRING: key {} must be the public half only", key.id))),
            None => Ok(()),
        }
    }
}

fn parse_list<T: DeserializeOwned>(name: &str, text: Option<&str>) -> Result<Vec<T>, ConfigFault> {
    let text = text.ok_or_else(|| config_fault(format!("the variable {name} is missing")))?;
    let entries: Vec<T> =
        read_json(text.as_bytes()).map_err(|complaint| config_fault(format!("{name}: {complaint}")))?;
    if entries.is_empty() { Err(config_fault(format!("{name}: the list is empty"))) } else { Ok(entries) }
}

fn check_operator(fields: OperatorFields, partners: &[Partner]) -> Result<Operator, ConfigFault> {
    let at = |what: &str| config_fault(format!("OPERATORS: {}: {what}", fields.id));
    if !is_display_name(&fields.name) {
        return Err(at("name must be 1 to 60 printable characters"));
    }
    if fields.country.len() != 2 || !fields.country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(at("country must be two capital letters"));
    }
    if !is_site_origin(&fields.origin) {
        return Err(at("origin must be https://host[:port] (http for this machine only), without a path"));
    }
    if fields.dashboards.is_empty() || !fields.dashboards.iter().all(|dashboard| is_site_origin(dashboard)) {
        return Err(at("dashboards must be a list of https://host[:port] (http for this machine only)"));
    }
    check_distinct("OPERATORS", "dashboard", fields.dashboards.iter().map(String::as_str))?;
    let known = |id: &PartnerId| partners.iter().any(|partner| partner.id == *id);
    if !fields.partners.iter().flatten().all(known) {
        return Err(at("partners names one that is not in PARTNERS"));
    }
    let coupons = match fields.coupons.as_deref() {
        None => None,
        Some(tag) => Some(CouponTag::parse(tag).ok_or_else(|| {
            at("coupons must be two of the symbols 0 to 9 and A to Z without I, L, O and U")
        })?),
    };
    Ok(Operator {
        coupons,
        id: fields.id,
        name: fields.name,
        country: fields.country,
        origin: fields.origin,
        dashboards: fields.dashboards,
        partners: fields.partners,
    })
}

fn check_partner(fields: PartnerFields) -> Result<Partner, ConfigFault> {
    let at = |what: &str| config_fault(format!("PARTNERS: {}: {what}", fields.id));
    if !is_display_name(&fields.name) {
        return Err(at("name must be 1 to 60 printable characters"));
    }
    let site_origin = parse_site_origin(&fields.url).filter(|origin| is_site_origin(origin));
    let site_origin =
        site_origin.ok_or_else(|| at("url must be an https URL (http for this machine only)"))?;
    if fields.url.contains(['?', '#']) || fields.url.ends_with('/') {
        return Err(at("url must have no query, no fragment and no slash at its end"));
    }
    if fields.offers.is_empty() {
        return Err(at("offers is empty"));
    }
    if !fields.ui_origins.iter().all(|origin| is_site_origin(origin)) {
        return Err(at("ui_origins must be a list of https://host[:port] (http for this machine only)"));
    }
    let mut ui_site_origins = fields.ui_origins;
    ui_site_origins.push(site_origin);
    Ok(Partner { id: fields.id, name: fields.name, url: fields.url, offers: fields.offers, ui_site_origins })
}

/// Whether `text` is a site origin in the one spelling that browsers use, over TLS unless it is on
/// this machine. Its host is a plain name or address: `*`, `;` and `,` may stand in a URL, but mean
/// something else in a content security policy.
fn is_site_origin(text: &str) -> bool {
    let has_plain_host = |uri: Uri| {
        let host = uri.host().unwrap_or_default();
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let plain = match address {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
        };
        plain && (text.starts_with("https://") || ["127.0.0.1", "[::1]", "localhost"].contains(&host))
    };
    parse_site_origin(text).is_some_and(|origin| origin == text) && text.parse().is_ok_and(has_plain_host)
}

fn is_display_name(text: &str) -> bool {
    text.chars().count() <= 60 && is_plain_text(text)
}

fn check_distinct<'a>(
    list: &str,
    what: &str,
    values: impl Iterator<Item = &'a str>,
) -> Result<(), ConfigFault> {
    let mut seen = Vec::new();
    for value in values {
        if seen.contains(&value) {
            return Err(config_fault(format!("{list}: the {what} {value} is there twice")));
        }
        seen.push(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
