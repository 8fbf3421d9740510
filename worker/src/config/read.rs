//! Reads and checks a deployment's variables and secrets. A mistake that concerns all calls is
//! refused here, before it fails a customer's call.

use super::operators::{KnownOperator, OperatorCache, Operators};
use super::{Challenge, Config, Partner};
use http::Request;
use onbill_domain::deployment::{ALLOWED_ORIGINS, Deployment, is_this_machine};
use onbill_domain::ids::{LogoId, OfferId, OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring, Party};
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::plain_text::is_plain_text;
use onbill_domain::root_key::RootKey;
use onbill_domain::site_origin::parse_site_origin;
use onbill_domain::wire::read_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::fmt;

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
    logo: Option<LogoId>,
}

impl Config {
    /// Reads the configuration from variables and secrets by their names; `None` is one that is not
    /// set.
    ///
    /// `DEPLOYMENT` is `public` if it is not set. `OPERATORS` has all operators; if it is not set, they
    /// are in the store `OPERATORS_KV`. The secrets are `EDGE_ROOT_KEY`, `EDGE_ROOT_KEY_NEXT` while the
    /// root key is rotated, and `PARTNER_KEYS`.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFault> {
        let deployment = match variable("DEPLOYMENT") {
            None => Deployment::Public,
            Some(word) => {
                Deployment::parse(&word).ok_or_else(|| config_fault("DEPLOYMENT must be local or public"))?
            }
        };
        let edge_urls = parse_list::<String>("EDGE_URLS", variable("EDGE_URLS"))?;
        check_distinct("EDGE_URLS", "address", edge_urls.iter().map(String::as_str))?;
        if !edge_urls.iter().all(|url| deployment.allows(url)) {
            return Err(config_fault(format!("EDGE_URLS must be a list without paths: {ALLOWED_ORIGINS}")));
        }

        let partners = parse_list::<PartnerFields>("PARTNERS", variable("PARTNERS"))?;
        let partners = partners.into_iter().map(|fields| check_partner(fields, deployment));
        let partners = partners.collect::<Result<Vec<_>, _>>()?;
        check_distinct("PARTNERS", "id", partners.iter().map(|partner| partner.id.as_str()))?;
        let offers = partners.iter().flat_map(|partner| &partner.offers);
        check_distinct("PARTNERS", "offer", offers.map(OfferId::as_str))?;

        let (root, roots) = read_roots(variable("EDGE_ROOT_KEY"), variable("EDGE_ROOT_KEY_NEXT"))?;
        let partner_keys = read_partner_keys(variable("PARTNER_KEYS"), &partners)?;
        let operators = Operators::Stored(OperatorCache::default());
        let config =
            Self { deployment, edge_urls, operators, partners, partner_keys, root, roots, challenge: None };
        match variable("OPERATORS") {
            None => Ok(config),
            Some(list) => Ok(Self { operators: Operators::Listed(config.read_operators(&list)?), ..config }),
        }
    }

    /// Reads the variable `OPERATORS`. Only what is no list is a mistake of the whole.
    fn read_operators(&self, list: &str) -> Result<Vec<KnownOperator>, ConfigFault> {
        let entries: Vec<&RawValue> = serde_json::from_slice(list.as_bytes())
            .map_err(|complaint| config_fault(format!("OPERATORS: {complaint}")))?;
        if entries.is_empty() {
            return Err(config_fault("OPERATORS: the list is empty"));
        }
        // The variable is of this version, as all that it names: what is unknown is a mistake.
        let read = |entry: &RawValue| match self.read_operator(entry.get())? {
            (operator, None) => Ok(operator),
            (_, Some(unknown)) => Err(unknown),
        };
        let mut listed: Vec<KnownOperator> = entries.into_iter().map(read).collect();
        // It cannot be known which of two entries is meant.
        let ids: Vec<OperatorId> = listed.iter().filter_map(id_of).cloned().collect();
        for known in &mut listed {
            let id = id_of(known).cloned();
            if let Some(id) = id.filter(|id| ids.iter().filter(|other| *other == id).count() > 1) {
                *known = Err(EntryFault::of(&id, "the id is there twice"));
            }
        }
        Ok(listed)
    }

    /// Why this deployment must not serve the call: an edge for a developer's machine was put where
    /// others reach it.
    pub(crate) fn find_misplacement<T>(&self, request: &Request<T>) -> Option<ConfigFault> {
        let host = request.uri().host().or_else(|| {
            let authority = request.headers().get(http::header::HOST)?.to_str().ok()?;
            Some(match authority.rsplit_once(':') {
                Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
                _ => authority,
            })
        });
        let is_misplaced =
            self.deployment == Deployment::Local && host.is_some_and(|host| !is_this_machine(host));
        is_misplaced.then(|| config_fault("DEPLOYMENT is local, and the call came to another host"))
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
}

fn id_of(known: &KnownOperator) -> Option<&OperatorId> {
    match known {
        Ok(operator) => Some(&operator.id),
        Err(fault) => fault.operator.as_ref(),
    }
}

/// The root key, and all of them: the next one is there too while operators move from one to the other.
fn read_roots(current: Option<String>, next: Option<String>) -> Result<(RootKey, Vec<RootKey>), ConfigFault> {
    let current = current.ok_or_else(|| config_fault("the secret EDGE_ROOT_KEY is missing"))?;
    let parse = |name: &str, text: &str| {
        let complaint = || config_fault(format!("{name} must be an id, a dot and 32 bytes in base64url"));
        RootKey::parse(text).ok_or_else(complaint)
    };
    let current = parse("EDGE_ROOT_KEY", &current)?;
    let mut roots = vec![current.clone()];
    if let Some(next) = next {
        roots.push(parse("EDGE_ROOT_KEY_NEXT", &next)?);
    }
    check_distinct("EDGE_ROOT_KEY and EDGE_ROOT_KEY_NEXT", "id", roots.iter().map(RootKey::id))?;
    Ok((current, roots))
}

/// The keys with partners. Every partner has those that its calls need, and the edge cannot sign as
/// one.
fn read_partner_keys(ring: Option<String>, partners: &[Partner]) -> Result<Keyring, ConfigFault> {
    let ring = ring.ok_or_else(|| config_fault("the secret PARTNER_KEYS is missing"))?;
    let keys =
        Keyring::parse(&ring).map_err(|complaint| config_fault(format!("PARTNER_KEYS: {complaint}")))?;
    let check_key = |key_use: KeyUse, party: Party| match keys.signing_key(key_use, &party) {
        Some(_) => Ok(()),
        None => Err(config_fault(format!("PARTNER_KEYS: there is no {} key of {party}", key_use.as_str()))),
    };
    for partner in partners {
        check_key(KeyUse::PartnerCall, partner.key_party())?;
        check_key(KeyUse::EdgeToPartner, partner.key_party())?;
    }
    // An edge that can sign as the partner could mint charges: it may hold the public half only.
    if let Some(key) = keys.keys_for_use(KeyUse::PartnerCall).find(|key| key.sign(b"").is_some()) {
        return Err(config_fault(format!("PARTNER_KEYS: key {} must be the public half only", key.id)));
    }
    Ok(keys)
}

fn parse_list<T: DeserializeOwned>(name: &str, text: Option<String>) -> Result<Vec<T>, ConfigFault> {
    let text = text.ok_or_else(|| config_fault(format!("the variable {name} is missing")))?;
    let entries: Vec<T> =
        read_json(text.as_bytes()).map_err(|complaint| config_fault(format!("{name}: {complaint}")))?;
    if entries.is_empty() { Err(config_fault(format!("{name}: the list is empty"))) } else { Ok(entries) }
}

fn check_partner(fields: PartnerFields, deployment: Deployment) -> Result<Partner, ConfigFault> {
    let at = |what: &str| config_fault(format!("PARTNERS: {}: {what}", fields.id));
    if !is_display_name(&fields.name) {
        return Err(at("name must be 1 to 60 printable characters"));
    }
    let site_origin = parse_site_origin(&fields.url).filter(|origin| deployment.allows(origin));
    let site_origin = site_origin.ok_or_else(|| at(&format!("url is not allowed: {ALLOWED_ORIGINS}")))?;
    if fields.url.contains(['?', '#']) || fields.url.ends_with('/') {
        return Err(at("url must have no query, no fragment and no slash at its end"));
    }
    if fields.offers.is_empty() {
        return Err(at("offers is empty"));
    }
    if !fields.ui_origins.iter().all(|origin| deployment.allows(origin)) {
        return Err(at(&format!("ui_origins must be a list without paths: {ALLOWED_ORIGINS}")));
    }
    let mut ui_site_origins = fields.ui_origins;
    ui_site_origins.push(site_origin);
    let PartnerFields { id, name, url, offers, logo, .. } = fields;
    Ok(Partner { id, name, url, offers, ui_site_origins, logo })
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
