//! The configuration file as it is written. What its types cannot check is in [`super::check`].

use super::admin_listen::AdminListen;
use super::alarms::AlarmSettings;
use super::billing::BillingSettings;
use super::charge_codes::ChargeCodeRule;
use super::console::{ConsoleSettings, console_listen_default};
use super::coupons::CouponSettings;
use super::database::Database;
use super::durations::{BillingDeadline, PinsPerHour, PriceNoticeDays, SimSwapHours};
use super::files::FileSettings;
use super::links::Links;
use super::migration::MigrationSettings;
use super::offers::Offer;
use super::partners::Partner;
use super::secure_url::mask_url;
use super::sms::SmsSettings;
use super::sources::AccountSource;
use super::spending::CurrencyLimits;
use super::telemetry::TelemetrySettings;
use super::time_zone::OperatorTimeZone;
use onbill_domain::agreement::Taxes;
use onbill_domain::ids::OperatorId;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// The configuration file as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    /// Address of the admin listener: metrics, health, version.
    #[serde(default)]
    pub admin_listen: AdminListen,
    /// Address of the console's listener. There is no console without its section.
    pub console_listen: Option<SocketAddr>,
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
    /// PIN messages in an hour, of all callers together.
    #[serde(default)]
    pub pins_per_hour: PinsPerHour,
    /// Days before a higher price holds on which the partner has to announce it.
    #[serde(default)]
    pub price_notice_days: PriceNoticeDays,
    /// Web origins that a return URL may be on. A customer without a return URL goes to the first.
    pub dashboards: Vec<String>,
    /// The page with the tag of the customer's own page, on which they can stop paying on the bill.
    pub account_url: Option<String>,
    /// Whether prices include the taxes. When absent, the customer's texts do not mention taxes.
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
    /// What holds while customers are taken over from another system.
    #[serde(default)]
    pub migration: MigrationSettings,
    /// Whether the origin starts without a charge code for each charge.
    #[serde(default)]
    pub charge_codes: ChargeCodeRule,
    /// How people learn of alarms.
    #[serde(default)]
    pub alarms: AlarmSettings,
    /// Where spans are exported to.
    #[serde(default)]
    pub telemetry: TelemetrySettings,
    /// The pages for the operator's people; there are none when absent.
    pub console: Option<ConsoleSettings>,
}

impl Config {
    /// The address of the console's listener, if there is a console.
    pub fn console_address(&self) -> Option<SocketAddr> {
        self.console.as_ref().map(|_| self.console_listen.unwrap_or_else(console_listen_default))
    }

    /// The configuration in effect, with every default, and without a password, nor what may be one in the
    /// address of the alarm webhook.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut shown = self.clone();
        shown.alarms.webhook = shown.alarms.webhook.as_deref().map(mask_url);
        toml::to_string(&shown)
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

    /// A sound configuration, for the tests of other modules. Its partner has a name.
    pub(crate) fn sample_config() -> Config {
        let mut config = Config::parse(GOOD).expect("is sound");
        config.partners[0].name = Some("Netflix".to_owned());
        config
    }

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
    fn configuration_has_a_partner() {
        let (before, _) = GOOD.split_once("[[offers]]").expect("is there");
        assert_eq!(check(&format!("{before}offers = []")), Err("offers must not be empty".to_owned()));
    }

    #[test]
    fn mistake_is_explained_in_words() {
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
            ("country =", "admin_listen = \"127.0.0.1:8788\"\ncountry =", "another address than listen"),
            ("country =", "admin_listen = \"yes\"\ncountry =", "admin_listen must be an address"),
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
            ("[[offers]]", "[migration]\nsignups = \"there\"\n[[offers]]", "there"),
            ("[[offers]]", "[links]\nhelp = \"http://acme.example\"\n[[offers]]", "links: help: http"),
            ("[[offers]]", "[links]\npay = \"https://acme.example\"\n[[offers]]", "pay"),
            ("month =", "mounth =", "mounth"),
            ("month = 10000", "month = 49", "limits in USD: smallest"),
            ("month = 10000", "supervisor_refund = 0", "supervisor_refund must be 1 to"),
            ("month = 10000", "month = 100", "limits in USD: offer netflix-standard costs 15.99 USD"),
            ("smallest = 50", "smallest = 1600", "limits in USD: offer netflix-standard costs 15.99 USD"),
            ("month = 10000", "month = 0", "positive"),
            ("month = 10000", "[[limits]]\ncurrency = \"USD\"", "limits in USD are there twice"),
        ] {
            let mistakes = check(&GOOD.replace(from, to)).expect_err(to);
            assert!(mistakes.contains(complaint), "{mistakes}");
        }
    }
}
