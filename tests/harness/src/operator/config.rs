//! The configurations of the two operators: of their own systems, and of their origins.

use crate::keys::{self, KeyHolder};
use crate::system::ParseAs as _;
use crate::{EDGE, NETFLIX};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_origin::config::{
    AccountSource, AdminListen, AlarmSettings, BillingDeadline, BillingSettings, ChargeCodeRule, Config,
    Database, Links, MigrationSettings, OperatorTimeZone, PinsPerHour, PriceNoticeDays, SimSwapHours,
    SmsSettings, TelemetrySettings,
};
use onbill_sandbox::account_file;
use onbill_sandbox::operator::{BrandColours, GatewayLogin, OperatorConfig};
use serde_json::json;
use std::path::PathBuf;

/// The demo accounts of the two operators.
pub const ACME_ACCOUNTS: &str = include_str!("../../../sandbox/accounts/acme.csv");
pub const NOVA_ACCOUNTS: &str = include_str!("../../../sandbox/accounts/nova.csv");

/// The password with which an origin logs in at the operator's SMS gateway.
pub const GATEWAY_PASSWORD: &str = "hunter2!";

pub(super) struct OperatorFacts {
    pub(super) name: &'static str,
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    pub(super) price: i64,
    pub(super) origin: &'static str,
    pub(super) dashboard: &'static str,
    pub(super) accounts: &'static str,
    pub(super) source: AccountSource,
    pub(super) tag: &'static str,
    /// How a number that Netflix's app has read is proved to be the customer's.
    pub(super) proof: &'static str,
    /// The partner's name in messages to subscribers.
    pub(super) partner_name: Option<&'static str>,
}

/// Acme keeps its accounts in the origin's table and trusts the partner for a number. Nova's origin
/// asks the operator's CSP API, and for a PIN.
pub(super) fn facts_of(id: &str) -> OperatorFacts {
    match id {
        "acme" => OperatorFacts {
            name: "Acme Mobile",
            country: "US",
            currency: "USD",
            price: 1599,
            origin: "127.0.0.1:8788",
            dashboard: "127.0.0.1:8790",
            accounts: ACME_ACCOUNTS,
            source: AccountSource::Table,
            tag: "AC",
            proof: "device-read",
            partner_name: Some("Netflix"),
        },
        _ => OperatorFacts {
            name: "Nova Móvil",
            country: "ES",
            currency: "EUR",
            price: 1399,
            origin: "127.0.0.1:9788",
            dashboard: "127.0.0.1:9790",
            accounts: NOVA_ACCOUNTS,
            source: AccountSource::Csp,
            tag: "NV",
            proof: "pin",
            partner_name: None,
        },
    }
}

/// The configuration of the operator's own systems, with its site at this address (host and port).
pub fn operator_config(id: &'static str, site: &str) -> OperatorConfig {
    let facts = facts_of(id);
    OperatorConfig {
        operator: id.parse_as(OperatorId::parse),
        name: facts.name.to_owned(),
        country: facts.country.to_owned(),
        currency: facts.currency.parse_as(Currency::parse),
        public_url: format!("http://{site}"),
        edge_url: format!("http://{EDGE}"),
        offer: "netflix-standard".parse_as(OfferId::parse),
        return_path: "/done".to_owned(),
        keys: keys::keyring(&KeyHolder::Operator(id)),
        accounts: account_file::parse(facts.accounts).expect("is an account file"),
        gateway: Some(GatewayLogin { user: "onbill".to_owned(), password: GATEWAY_PASSWORD.to_owned() }),
        colours: BrandColours::of(&id.parse_as(OperatorId::parse)),
        coupons: None,
        terms: None,
    }
}

/// The configuration of an operator's origin with this account source.
pub fn origin_config_with(id: &str, accounts: AccountSource) -> Config {
    Config { accounts, ..origin_config(id, &facts_of(id)) }
}

pub(super) fn origin_config(id: &str, facts: &OperatorFacts) -> Config {
    Config {
        operator: id.parse_as(OperatorId::parse),
        name: facts.name.to_owned(),
        country: facts.country.to_owned(),
        time_zone: OperatorTimeZone::default(),
        listen: facts.origin.parse().expect("is an address"),
        admin_listen: AdminListen::off(),
        // Set by the code that starts a program.
        database: Database::Sqlite(PathBuf::new()),
        database_password_file: None,
        database_connections: None,
        database_tears_no_pages: false,
        keys: PathBuf::new(),
        edge_url: format!("http://{EDGE}"),
        accounts: facts.source,
        billing: BillingSettings::default(),
        files: None,
        bss_url: format!("http://{}/csp", facts.dashboard),
        hand_off_seconds: BillingDeadline::default(),
        sms: SmsSettings::default(),
        sim_swap_hours: SimSwapHours::default(),
        pins_per_hour: PinsPerHour::default(),
        price_notice_days: PriceNoticeDays::default(),
        dashboards: vec![format!("http://{}", facts.dashboard)],
        account_url: None,
        taxes: None,
        links: Links::default(),
        offers: vec![
            serde_json::from_value(json!({
                "id": "netflix-standard", "partner": "netflix", "title": "Netflix Standard", "plan": "standard",
                "charge_code": "OTT-NFLX-STD",
                "price": {"value": facts.price, "currency": facts.currency},
            }))
            .expect("is an offer"),
        ],
        partners: vec![
            serde_json::from_value(json!({
                "id": "netflix", "name": facts.partner_name, "url": format!("http://{NETFLIX}"),
                "number_proof": facts.proof,
            }))
            .expect("is a partner"),
        ],
        limits: Vec::new(),
        coupons: Some(
            serde_json::from_value(json!({
                "tag": facts.tag, "continue_url": format!("http://{}/", facts.dashboard),
                "plans": [{"id": "6M", "months": 6, "offer": "netflix-standard"},
                          {"id": "12M", "months": 12, "offer": "netflix-standard"}],
            }))
            .expect("are coupons"),
        ),
        migration: MigrationSettings::default(),
        charge_codes: ChargeCodeRule::default(),
        alarms: AlarmSettings::default(),
        telemetry: TelemetrySettings::default(),
    }
}
