//! The whole system in one process: the real edge, origins and databases, and the simulated
//! parties, on a network of function calls with one clock for all. No ports, no sleeps.

#![cfg(test)]

mod account_comparison;
mod account_events;
mod agreements;
mod alarms;
mod api_documents;
mod bad_input;
mod booking;
mod canary;
mod care;
mod challenges;
mod charging;
mod clock_jumps;
mod compromised_edge;
mod correlation;
mod correlators;
mod coupons;
mod device;
mod eligibility;
mod endpoint_callers;
mod erasures;
mod exported_spans;
mod files;
mod journeys;
mod kv_sync;
mod later_outcomes;
mod ledger_pages;
mod limits;
mod log_fields;
mod mandates;
mod metrics;
mod notifications;
mod opaque_pais;
mod outages;
mod outbox_at_work;
mod own_page;
mod panics;
mod recorded_responses;
mod recovering;
mod refunds;
mod refusal_bodies;
mod refusals;
mod restore_simulation;
mod restores;
mod rotation;
mod seed_campaign;
mod session_assertions;
mod signature_spellings;
mod simulation;
mod subscriber_lifecycles;
mod subscriptions;
mod switching;
mod takeover_simulation;
mod visits;
