//! onbill's origin: the authority beside one operator's billing system. It knows who holds which number, issues and
//! closes PAIs, mints and spends tokens, records every charge once and hands it to billing.
//!
//! Architecture invariants: no HTTP call is made inside a database transaction; nothing is answered before it is
//! durable; a number leaves [`vault`] only towards the operator's own systems.

pub mod account_events;
pub mod ambient;
pub mod app;
pub mod begun_with;
pub mod bss;
pub mod config;
pub mod coupon;
mod csv_file;
pub mod database;
pub mod erasure_file;
pub mod event_file;
pub mod fault;
pub mod files;
pub mod import;
pub mod kv_sync;
pub mod numbering;
pub mod outbox;
mod password_file;
pub mod peer;
mod pin;
pub mod reconcile;
pub mod rotation;
pub mod routes;
pub mod service;
pub mod settlement;
pub mod sms;
pub mod store;
mod tls;
pub mod vault;
