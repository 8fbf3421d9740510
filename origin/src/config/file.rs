//! The configuration file as it is written, and the checks that its types cannot make.

use super::billing::BillingSettings;
use super::charge_codes::ChargeCodeRule;
use super::coupons::{self, CouponSettings};
use super::database::Database;
use super::durations::{BillingDeadline, PinsPerHour, PriceNoticeDays, SimSwapHours};
use super::files::FileSettings;
use super::links::Links;
use super::number_plan::NumberPlan;
use super::offers::Offer;
use super::partners::{self, Partner};
use super::secure_url::require_https;
use super::sms::SmsSettings;
use super::sources::{AccountSource, Billing};
use super::spending::CurrencyLimits;
use super::telemetry::TelemetrySettings;
use super::time_zone::OperatorTimeZone;
use onbill_domain::agreement::Taxes;
use onbill_domain::ids::OperatorId;
use onbill_domain::key::Keyring;
use onbill_domain::limits::CHARGE_MINOR_MAX;
use onbill_domain::plain_text::is_plain_text;
use onbill_domain::site_origin::parse_site_origin;
use onbill_domain::wire::strict;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The configuration file as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The operator this origin serves.
    pub operator: OperatorId,
    /// The operator's display name, used in SMS.
    pub name: String,
    /// ISO 3166 code of the country whose national number format is accepted.
    pub country: String,
    /// IANA name of the time zone in which the days of subscriptions begin and end.
    #[serde(default)]
    pub time_zone: OperatorTimeZone,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The database of the ledger: the path of a SQLite file, or a `postgres://` URL.
    pub database: Database,
    /// A file with the password of the PostgreSQL database, which then need not be in this file.
    pub database_password_file: Option<PathBuf>,
    /// How many connections to PostgreSQL this origin may have at once.
    pub database_connections: Option<usize>,
    /// Whether the file systems of the PostgreSQL servers never tear a page, as ZFS: they may then
    /// run with `full_page_writes` off.
    #[serde(default)]
    pub database_tears_no_pages: bool,
    /// Path of the key ring.
    pub keys: PathBuf,
    /// Public URL of the edge, without a path: partners sign for it, and return pages are based on
    /// it.
    pub edge_url: String,
    /// Source of account status.
    #[serde(default)]
    pub accounts: AccountSource,
    /// How charges and refunds reach billing, and what its codes mean.
    #[serde(default)]
    pub billing: BillingSettings,
    /// The exchange of billing files. It may stay when billing is by the CSP API again: no file is
    /// made any more then, and responses to files already sent are still accepted.
    pub files: Option<FileSettings>,
    /// Base URL of the operator's CSP API.
    pub bss_url: String,
    /// Seconds that billing has for a charge or a refund before the partner gets PENDING.
    #[serde(default)]
    pub hand_off_seconds: BillingDeadline,
    /// How SMS reach customers.
    #[serde(default)]
    pub sms: SmsSettings,
    /// Hours after a SIM swap in which a PIN does not prove the number for a sign-up.
    #[serde(default)]
    pub sim_swap_hours: SimSwapHours,
    /// PIN messages in an hour, whoever asks for them.
    #[serde(default)]
    pub pins_per_hour: PinsPerHour,
    /// Days before a higher price holds on which the partner has to announce it.
    #[serde(default)]
    pub price_notice_days: PriceNoticeDays,
    /// Web origins that a return URL may be on. A customer without a return URL goes to the first.
    pub dashboards: Vec<String>,
    /// The page with the tag of the customer's own page, on which they can stop paying on the bill.
    pub account_url: Option<String>,
    /// Whether prices have the taxes in them. Customers are told nothing of taxes when absent.
    pub taxes: Option<Taxes>,
    /// The operator's pages that a refused customer is shown.
    #[serde(default)]
    pub links: Links,
    pub offers: Vec<Offer>,
    /// The partners that have settings of their own.
    #[serde(default)]
    pub partners: Vec<Partner>,
    /// How much an account may be charged. A currency that is not listed has no limits.
    #[serde(default)]
    pub limits: Vec<CurrencyLimits>,
    pub coupons: Option<CouponSettings>,
    /// Whether the origin starts without a charge code for each charge.
    #[serde(default)]
    pub charge_codes: ChargeCodeRule,
    /// Where spans are exported to.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
}

impl Config {
    /// Reads and checks the file and the key ring that it names.
    pub fn load(path: &Path) -> Result<(Self, Keyring), String> {
        let read = |path: &Path| {
            std::fs::read_to_string(path)
                .map_err(|error| format!("{} cannot be read: {error}", path.display()))
        };
        let config =
            Self::parse(&read(path)?).map_err(|complaint| format!("{}: {complaint}", path.display()))?;
        config.check().map_err(|complaint| format!("{}: {complaint}", path.display()))?;
        let keys = Keyring::parse(&read(&config.keys)?)
            .map_err(|complaint| format!("{}: {complaint}", config.keys.display()))?;
        Ok((config, keys))
    }

    /// Reads the text of the file. A table is written as one, and not as an array of its values.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parsed = toml::Deserializer::parse(text).and_then(strict);
        parsed.map_err(|error| match error.message() {
            // What the parser says of `billing = "files"` beside `[billing.codes]`.
            what if what.starts_with("cannot extend value") => {
                format!(
                    "{what}: is billing there as a word and as a section? Then write [billing] by = \"files\""
                )
            }
            what => what.to_owned(),
        })
    }

    /// Checks what the types cannot. The error says what to change.
    pub fn check(&self) -> Result<(), String> {
        NumberPlan::for_country(&self.country).ok_or("country is not an ISO 3166 code such as US")?;
        self.database.check(self.database_password_file.as_deref(), self.database_connections)?;
        if !is_plain_text(&self.name) {
            return Err("name must be text that people can read, without control characters".to_owned());
        }
        require_https(&self.edge_url, "edge_url")?;
        require_https(&self.bss_url, "bss_url")?;
        match &self.files {
            None if self.billing.by == Billing::Files => {
                return Err("billing = \"files\" needs [files]".to_owned());
            }
            None => {}
            Some(files) => files.check().map_err(|complaint| format!("files: {complaint}"))?,
        }
        self.sms.check().map_err(|complaint| format!("sms: {complaint}"))?;
        self.telemetry.check().map_err(|complaint| format!("telemetry: {complaint}"))?;
        if parse_site_origin(&self.edge_url).as_deref() != Some(&self.edge_url) {
            return Err("edge_url must be a bare origin, such as https://edge.example".to_owned());
        }
        self.check_dashboards()?;
        if let Some(url) = &self.account_url {
            require_https(url, "account_url")?;
        }
        self.links.check().map_err(|complaint| format!("links: {complaint}"))?;
        self.check_offers()?;
        partners::check_partners(&self.partners, &self.name)?;
        if self.charge_codes == ChargeCodeRule::Required {
            self.list_charge_codes().check_complete(&self.partner_ids())?;
        }
        if let Some(coupons) = &self.coupons {
            coupons::check_coupons(coupons, &self.offers)?;
        }
        self.check_limits()
    }

    fn check_dashboards(&self) -> Result<(), String> {
        if self.dashboards.is_empty() {
            return Err("dashboards must name at least one web origin".to_owned());
        }
        for dashboard in &self.dashboards {
            require_https(dashboard, "dashboards")?;
            if parse_site_origin(dashboard).as_deref() != Some(dashboard) {
                return Err(format!(
                    "dashboards: {dashboard} is not a bare origin, such as https://my.acme.example"
                ));
            }
        }
        Ok(())
    }

    fn check_offers(&self) -> Result<(), String> {
        if self.offers.is_empty() {
            return Err("offers must not be empty".to_owned());
        }
        for (n, offer) in self.offers.iter().enumerate() {
            if self.offers[..n].iter().any(|other| other.id == offer.id) {
                return Err(format!("offer {} is there twice", offer.id));
            }
            if !is_plain_text(&offer.title) {
                return Err(format!("offer {}: title must be text that people can read", offer.id));
            }
            if !(1..=CHARGE_MINOR_MAX).contains(&offer.price.amount_minor) {
                return Err(format!(
                    "offer {}: price.value must be positive minor units below the limit",
                    offer.id
                ));
            }
            if let Some(ceiling) = offer.price_ceiling
                && (ceiling.currency != offer.price.currency
                    || !(offer.price.amount_minor..=CHARGE_MINOR_MAX).contains(&ceiling.amount_minor))
            {
                return Err(format!(
                    "offer {}: price_ceiling must be in the currency of the price, and not below it",
                    offer.id
                ));
            }
            offer.check_pages()?;
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), String> {
        for (n, set) in self.limits.iter().enumerate() {
            let currency = set.currency;
            if self.limits[..n].iter().any(|other| other.currency == currency) {
                return Err(format!("limits in {currency} are there twice"));
            }
            let limits = set.to_limits();
            limits.check().map_err(|complaint| format!("limits in {currency}: {complaint}"))?;
            // The charge of each month would be declined permanently.
            let in_currency = |offer: &&Offer| offer.price.currency == currency;
            let out_of_reach = |offer: &&Offer| !limits.allows(offer.price.amount_minor);
            if let Some(offer) = self.offers.iter().filter(in_currency).find(out_of_reach) {
                return Err(format!(
                    "limits in {currency}: offer {} costs {}, which they never allow; they are in minor units",
                    offer.id, offer.price
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use onbill_domain::currency::Currency;
    use onbill_domain::ids::PartnerId;
    use onbill_domain::spending::SpendingLimits;

    pub(in crate::config) const GOOD: &str = r#"
        operator = "acme"
        name = "Acme Mobile"
        country = "US"
        listen = "127.0.0.1:8788"
        database = "acme.sqlite"
        keys = "keys.json"
        edge_url = "http://127.0.0.1:8787"
        bss_url = "https://bss.acme.example/csp"
        dashboards = ["https://my.acme.example"]
        [[offers]]
        id = "netflix-standard"
        partner = "netflix"
        title = "Netflix Standard"
        plan = "standard"
        price = { value = 1599, currency = "USD" }
        [[partners]]
        id = "netflix"
        url = "https://callbacks.netflix.example/onbill"
        [[limits]]
        currency = "USD"
        smallest = 50
        month = 10000
    "#;

    fn check(text: &str) -> Result<(), String> {
        Config::parse(text)?.check()
    }

    #[test]
    fn currency_is_billed_when_an_offer_has_it() {
        let text = format!("{GOOD}[[limits]]\ncurrency = \"EUR\"");
        let config = Config::parse(&text).expect("is sound");
        let limits = |code| config.limits_in(Currency::parse(code).expect("is listed"));
        assert_eq!(limits("USD").and_then(|limits| limits.month_minor), Some(10000));
        assert_eq!(limits("EUR"), Some(SpendingLimits::default()));
        assert_eq!(limits("JPY"), None);
        let netflix = PartnerId::parse("netflix").expect("is a slug");
        assert_eq!(config.partner_url(&netflix), Some("https://callbacks.netflix.example/onbill"));
    }

    #[test]
    fn mistake_is_told_in_words() {
        assert_eq!(check(GOOD), Ok(()));
        for (from, to, complaint) in [
            ("country = \"US\"", "country = \"ZZ\"", "ISO 3166"),
            ("https://bss", "http://bss", "must be https"),
            ("https://my.acme.example", "https://my.acme.example/", "bare origin"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787/edge", "bare origin"),
            ("http://127.0.0.1:8787", "http://127.0.0.1.evil.example", "must be https"),
            ("value = 1599", "value = 0", "positive"),
            ("value = 1599", "value = 15.99", "invalid type"),
            ("{ value = 1599, currency = \"USD\" }", "[1599, \"USD\"]", "invalid type: sequence"),
            ("name =", "nmae =", "nmae"),
            ("\"Netflix Standard\"", "\"Netflix\\u202E Standard\"", "title must be text"),
            ("\"Netflix Standard\"", "\"\\u200B\"", "title must be text"),
            ("acme.sqlite", "postgres://u:hunter2@db.acme.example", "names no database"),
            ("database =", "database_connections = 8\ndatabase =", "for a postgres:// URL"),
            ("database =", "billing = \"files\"\ndatabase =", "needs [files]"),
            ("[[offers]]", "[files]\ndirectory = \"spool\"\n[[offers]]", "absolute"),
            (
                "[[offers]]",
                "[files]\ndirectory = \"/spool\"\nlines = 10001\n[[offers]]",
                "lines must be from 1",
            ),
            (
                "[[offers]]",
                "[files]\ndirectory = \"/spool\"\nevery_minutes = 0\n[[offers]]",
                "every_minutes must be",
            ),
            ("database =", "hand_off_seconds = 7\ndatabase =", "hand_off_seconds must be 1 to 6"),
            ("database =", "sim_swap_hours = -1\ndatabase =", "sim_swap_hours must be 0 to 8760"),
            ("database =", "pins_per_hour = 0\ndatabase =", "pins_per_hour must be at least 1"),
            ("database =", "time_zone = \"Mars/Olympus\"\ndatabase =", "time_zone must be an IANA name"),
            ("database =", "price_notice_days = 366\ndatabase =", "price_notice_days must be 0 to 365"),
            ("plan =", "price_ceiling = { value = 1598, currency = \"USD\" }\nplan =", "not below it"),
            (
                "plan =",
                "price_ceiling = { value = 1999, currency = \"EUR\" }\nplan =",
                "currency of the price",
            ),
            ("id = \"netflix\"", "charge_needs = \"nothing\"\nid = \"netflix\"", "mandate"),
            ("id = \"netflix\"", "repeated_period = \"ignore\"\nid = \"netflix\"", "alarm"),
            ("[[offers]]", "[sms]\nby = \"pigeon\"\n[[offers]]", "pigeon"),
            ("[[offers]]", "[sms]\nby = \"csp\"\nsender = \"x\"\n[[offers]]", "sender"),
            (
                "[[offers]]",
                "[telemetry]\notlp_endpoint = \"http://otel:4318\"\n[[offers]]",
                "telemetry: otlp",
            ),
            (
                "[[offers]]",
                "[telemetry]\notlp_endpoint = \"http://127.0.0.1:4318/?a=b\"\n[[offers]]",
                "no query",
            ),
            ("[[offers]]", "[telemetry]\nsample_ratio = 1.5\n[[offers]]", "from 0 to 1"),
            ("[[offers]]", "[telemetry]\notlp = \"http://127.0.0.1:4318\"\n[[offers]]", "otlp"),
            ("example/onbill", "example/onbill/", "partner netflix: url"),
            ("https://callbacks", "http://callbacks", "must be https"),
            ("[[offers]]", "[links]\nhelp = \"http://acme.example\"\n[[offers]]", "links: help: http"),
            ("[[offers]]", "[links]\npay = \"https://acme.example\"\n[[offers]]", "pay"),
            ("month =", "mounth =", "mounth"),
            ("month = 10000", "month = 49", "limits in USD: smallest"),
            ("month = 10000", "month = 100", "limits in USD: offer netflix-standard costs 15.99 USD"),
            ("smallest = 50", "smallest = 1600", "limits in USD: offer netflix-standard costs 15.99 USD"),
            ("month = 10000", "month = 0", "positive"),
            ("month = 10000", "[[limits]]\ncurrency = \"USD\"", "limits in USD are there twice"),
        ] {
            let verdict = check(&GOOD.replace(from, to)).expect_err(to);
            assert!(verdict.contains(complaint), "{verdict}");
        }
    }
}
