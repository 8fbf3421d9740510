//! The origin's configuration: one TOML file, checked when it is read ([`reading`]). Secrets are not in it but in
//! the key ring that it names.
//!
//! Architecture invariant: this is a leaf. It contains the operator's settings, and uses nothing of
//! the origin.

mod admin_listen;
mod alarms;
mod billing;
mod charge_codes;
mod check;
mod complaints;
mod console;
mod coupons;
mod database;
mod durations;
mod file;
mod file_columns;
mod files;
mod links;
mod load;
mod lookups;
mod migration;
mod number_plan;
mod offers;
mod partners;
mod postgres_address;
mod reading;
mod renumbering;
mod secure_url;
mod setting_path;
mod settlement;
mod sms;
mod sources;
mod spending;
mod telemetry;
mod terms;
mod time_zone;

pub use admin_listen::AdminListen;
pub use alarms::AlarmSettings;
pub use billing::{BillingCodes, BillingSettings};
pub use charge_codes::{Booking, ChargeCodeRule, ChargeCodes};
pub use console::ConsoleSettings;
pub(crate) use coupons::wrong_codes_per_hour_default;
pub use coupons::{CouponPlan, CouponSettings};
pub use database::Database;
pub use durations::{BillingDeadline, LookUpsPerHour, PinsPerHour, PriceNoticeDays, SimSwapHours};
pub use file::Config;
#[cfg(test)]
pub(crate) use file::tests::sample_config;
pub use file_columns::{FileColumn, FileColumns};
pub use files::FileSettings;
pub use links::Links;
pub use migration::{MigrationSettings, Signups};
pub use number_plan::NumberPlan;
pub use offers::Offer;
#[cfg(test)]
pub(crate) use partners::PARTNER_NAME_UNITS_MAX;
pub use partners::{ChargeNeeds, NumberCheckLimits, NumberProof, Partner, RepeatedPeriod};
pub use postgres_address::PostgresAddress;
pub(crate) use postgres_address::server_name;
pub use reading::Mistake;
pub(crate) use secure_url::{mask_url, require_https};
pub(crate) use settlement::BASIS_POINTS_WHOLE;
pub use settlement::SettlementModel;
pub(crate) use sms::SMPP_PASSWORD_CHARS_MAX;
pub use sms::{CspSettings, KannelSettings, MessageIdForm, SmppAddress, SmppSettings, SmsSettings};
pub use sources::{AccountSource, Billing};
pub use spending::CurrencyLimits;
pub use telemetry::{SampleRatio, TelemetrySettings};
pub use terms::Terms;
pub use time_zone::OperatorTimeZone;
