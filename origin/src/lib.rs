//! onbill's origin: the service beside one operator's billing system, and the authority for its
//! subscribers. It knows which subscriber has which number, issues and closes PAIs, mints and
//! spends tokens, records every charge once and submits it to billing.
//!
//! The modules form layers: `app` and `cli` assemble the parts; `routes` receives the calls, and `console` the people; the
//! use cases decide (`audit`, `care`, `charge`, `flow`, `pin`, `ceiling`, `correlation`, `coupon`, `cut_over`, `lifecycle`, `migration_files`,
//! `reconciliation`, `settlement`); `delivery` carries out the jobs that they put into the queue, over `account`,
//! `sms`, `http` and `keys`; `store` keeps the ledger, and `config` holds the operator's settings. A module uses only the layers beneath
//! it, and no two files use each other.
//!
//! Architecture invariants: no HTTP call is made inside a database transaction; no response is sent
//! before its state is durable; a number leaves [`keys::Vault`] only towards the operator's own
//! systems.

pub mod account;
pub mod alarm_watch;
pub mod ambient;
pub mod app;
pub mod audit;
pub mod build_info;
mod call_outcome;
pub mod call_trace;
pub mod care;
mod ceiling;
pub mod charge;
pub mod config;
pub mod console;
mod contradictory_lines;
pub mod correlation;
pub mod coupon;
mod csv_file;
pub mod cut_over;
pub mod daily_counts;
pub mod delivery;
pub mod fault;
pub mod flow;
mod histogram;
pub mod http;
pub mod instruments;
pub mod keys;
pub mod last_answer;
pub mod lifecycle;
pub mod line_problem;
pub mod mandate;
mod metrics_page;
pub mod migration_files;
pub mod pin;
pub mod readiness;
pub mod reconciliation;
pub mod routes;
mod server;
pub mod settlement;
pub mod sms;
pub mod store;
pub mod telemetry;
mod tls;
