//! onbill's origin: the authority beside one operator's billing system. It knows who holds which number, issues and
//! closes PAIs, mints and spends tokens, records every charge once and submits it to billing.
//!
//! The modules are floors: `app` and `cli` put the parts together, `routes` takes the calls, the use cases decide
//! (`coupon`, `pin`, `lifecycle`, `reconciliation`, `settlement`), `delivery` carries out what they put into the
//! queue, over `sms`, `http` and `keys`; `store` keeps the ledger, and `config` is what the operator has set. A module
//! uses those beneath it only, and no two files use each other.
//!
//! Architecture invariants: no HTTP call is made inside a database transaction; nothing is answered before it is
//! durable; a number leaves [`keys::Vault`] only towards the operator's own systems.

pub mod account;
pub mod ambient;
pub mod app;
pub mod charge;
pub mod config;
pub mod coupon;
mod csv_file;
pub mod delivery;
pub mod fault;
pub mod flow;
pub mod http;
pub mod keys;
pub mod lifecycle;
pub mod pin;
pub mod reconciliation;
pub mod routes;
pub mod settlement;
pub mod sms;
pub mod store;
mod tls;
