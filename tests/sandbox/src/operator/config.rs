//! The configuration of an operator, and its JSON form.

use crate::account_file::{self, Subscriber};
use crate::settings::{base_url, loopback, read, read_json, read_keys};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, OfferId, OperatorId};
use onbill_domain::key::{KeyUse, Keyring, Party};
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct OperatorConfig {
    pub operator: OperatorId,
    /// Its name on pages.
    pub name: String,
    /// ISO 3166-1 country.
    pub country: String,
    /// Currency of its bills.
    pub currency: Currency,
    /// Its own address, as others call it: also the authority that callers sign for.
    pub public_url: String,
    /// The edge's address, as browsers reach it.
    pub edge_url: String,
    /// The offer of the widget on the dashboard.
    pub offer: OfferId,
    /// The return page, to which the widget sends customers: a path here.
    pub return_path: String,
    pub keys: Keyring,
    pub accounts: Vec<Subscriber>,
    pub colours: BrandColours,
    /// Its SMS gateway, if clients may send through it.
    pub gateway: Option<GatewayLogin>,
    /// The coupons that it sells, if any.
    pub coupons: Option<CouponsOnSale>,
    /// The text of its terms, if it has any.
    pub terms: Option<String>,
    /// The program that its own people sign in for, if there is one.
    pub staff: Option<StaffClient>,
}

/// The console, as the operator's identity provider has it registered.
#[derive(Clone)]
pub struct StaffClient {
    pub client_id: String,
    pub client_secret: String,
    /// Where browsers go back to, to the letter.
    pub redirect_uri: String,
}

impl fmt::Debug for StaffClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaffClient({})", self.client_id)
    }
}

/// The account for sending SMS, by SMPP or by HTTP.
#[derive(Clone)]
pub struct GatewayLogin {
    pub user: String,
    /// At most eight characters, as SMPP has no room for more.
    pub password: String,
}

impl fmt::Debug for GatewayLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gateway(***)")
    }
}

/// The prepaid plans.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CouponsOnSale {
    /// The origin that issues and sends them.
    pub origin_url: String,
    /// Where customers enter their codes.
    pub redeem_url: String,
    /// In the order of the page.
    pub plans: Vec<PrepaidPlan>,
}

/// A prepaid plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepaidPlan {
    /// Its id, as the origin knows it.
    pub plan: ExtId,
    pub months: u8,
    /// In minor units of the operator's currency.
    pub price: i64,
}

impl CouponsOnSale {
    fn check(self) -> Result<Self, String> {
        let origin_url = base_url("coupons.origin_url", &self.origin_url)?;
        if self.plans.iter().any(|plan| plan.months < 1 || plan.price < 1) {
            return Err("coupons.plans: months and price must be positive".to_owned());
        }
        Ok(Self { origin_url, ..self })
    }
}

/// The brand colour on light and on dark background, `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BrandColours {
    /// Dark enough for white text on it.
    pub light: String,
    /// Light enough for black text on it.
    pub dark: String,
}

impl BrandColours {
    /// One of a few pairs, selected by the operator's id, so that two side by side look different.
    pub fn of(operator: &OperatorId) -> Self {
        const PAIRS: [(&str, &str); 4] =
            [("#0f766e", "#5eead4"), ("#b4235a", "#ff9dbd"), ("#5b34d6", "#bcaaff"), ("#0a58ca", "#8fbaff")];
        let sum: usize = operator.as_str().bytes().map(usize::from).sum();
        let (light, dark) = PAIRS[sum % PAIRS.len()];
        Self { light: light.to_owned(), dark: dark.to_owned() }
    }

    fn check(self) -> Result<Self, String> {
        let plain = |colour: &str| {
            colour
                .strip_prefix('#')
                .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if plain(&self.light) && plain(&self.dark) {
            Ok(self)
        } else {
            Err("colours: light and dark must be of the form #rrggbb".to_owned())
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    operator: OperatorId,
    name: String,
    country: String,
    currency: Currency,
    listen: String,
    public_url: Option<String>,
    edge_url: String,
    keys: PathBuf,
    accounts: PathBuf,
    #[serde(default = "default_return_path")]
    return_path: String,
    #[serde(default = "default_offer")]
    offer: String,
    colours: Option<BrandColours>,
    gateway: Option<GatewayFile>,
    coupons: Option<CouponsOnSale>,
    terms: Option<PathBuf>,
    staff: Option<StaffFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StaffFile {
    client_id: String,
    client_secret_file: PathBuf,
    redirect_uri: String,
}

impl StaffFile {
    fn read(self) -> Result<StaffClient, String> {
        let client_secret = read(&self.client_secret_file)?.trim_end().to_owned();
        if client_secret.is_empty() {
            return Err("staff.client_secret_file: is empty".to_owned());
        }
        Ok(StaffClient { client_id: self.client_id, client_secret, redirect_uri: self.redirect_uri })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayFile {
    smsc_listen: String,
    user: String,
    password_file: PathBuf,
}

/// The addresses on which an operator listens.
#[derive(Clone, Copy, Debug)]
pub struct ListenAddresses {
    /// For HTTP.
    pub site: SocketAddr,
    /// For SMPP.
    pub smsc: Option<SocketAddr>,
}

fn default_return_path() -> String {
    "/done".to_owned()
}

fn default_offer() -> String {
    "netflix-standard".to_owned()
}

impl OperatorConfig {
    /// Reads the configuration file and the key and account files that it names, relative to the
    /// working directory. Also returns the addresses to listen on.
    pub fn load(path: &Path) -> Result<(ListenAddresses, Self), String> {
        let file: ConfigFile = read_json(path)?;
        let listen = loopback(&file.listen)?;
        let smsc = file.gateway.as_ref().map(|gateway| loopback(&gateway.smsc_listen)).transpose()?;
        let gateway = match file.gateway {
            Some(gateway) => {
                let password = read(&gateway.password_file)?.trim_end().to_owned();
                Some(GatewayLogin { user: gateway.user, password })
            }
            None => None,
        };
        let accounts = account_file::parse(&read(&file.accounts)?)
            .map_err(|complaint| format!("{}: {complaint}", file.accounts.display()))?;
        let config = Self {
            public_url: base_url(
                "public_url",
                &file.public_url.unwrap_or_else(|| format!("http://{listen}")),
            )?,
            edge_url: base_url("edge_url", &file.edge_url)?,
            offer: OfferId::parse(&file.offer).ok_or("offer: is not an offer name")?,
            keys: read_keys(&file.keys)?,
            colours: file.colours.unwrap_or_else(|| BrandColours::of(&file.operator)).check()?,
            operator: file.operator,
            name: file.name,
            country: file.country,
            currency: file.currency,
            return_path: file.return_path,
            coupons: file.coupons.map(CouponsOnSale::check).transpose()?,
            terms: file.terms.as_deref().map(read).transpose()?,
            staff: file.staff.map(StaffFile::read).transpose()?,
            accounts,
            gateway,
        };
        config.check()?;
        Ok((ListenAddresses { site: listen, smsc }, config))
    }

    /// Checks what the pages rely on.
    fn check(&self) -> Result<(), String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_/".contains(&b);
        if !self.return_path.starts_with('/')
            || self.return_path.len() < 2
            || !self.return_path.bytes().all(plain)
        {
            return Err("return_path: must be a path such as /done".to_owned());
        }
        let mut uses = vec![KeyUse::OriginToOperator, KeyUse::SessionAssertion, KeyUse::ReturnResult];
        uses.extend(self.coupons.is_some().then_some(KeyUse::OperatorToOrigin));
        for key_use in uses {
            if self.keys.signing_key(key_use, self.party()).is_none() {
                return Err(format!("keys: there is no {} key of {}", key_use.as_str(), self.party()));
            }
        }
        Ok(())
    }

    /// Its party name in key rings.
    pub(super) fn party(&self) -> Party {
        Party::operator(&self.operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_plain_and_differ_between_neighbours() {
        let of = |id: &str| BrandColours::of(&OperatorId::parse(id).expect("is a slug"));
        assert_ne!(of("acme"), of("nova"));
        assert!(of("acme").check().is_ok());
        let evil = BrandColours { light: "red;}".to_owned(), dark: "#000000".to_owned() };
        assert!(evil.check().is_err());
    }
}
