//! The edge: serves the widget, checks every call, and passes it on to the operator that it belongs
//! to.
//!
//! It decides whether a request is well formed, whether its signature or token is genuine, whether
//! the caller is within its rate, and which operator owns a PAI. What is where:
//!
//! - [`handle`] takes one request to its response: correlator, route, log line, data point;
//! - `routes/` has the table of routes, and one file for each handler, named like its URL;
//! - `ott/` is what the partner's calls share: signature, routing by PAI, forwarding;
//! - `upstream/` sends the edge's own calls to origins and partners, and reads every response;
//! - [`Config`] is a deployment's configuration, checked once; `operators.rs` finds operators, which
//!   may be hundreds;
//! - [`platform::Platform`] is all that the edge needs of its host.
//!
//! Deliberately not here: any decision about an account, a charge or the absence of a PAI. Only an
//! operator's origin gives one; when it cannot be asked, the response is 503.
//!
//! Architecture invariants: `entry.rs`, `platform/workers.rs` and the script beside it alone know the
//! Workers platform; the rest compiles and is tested on any host. Nothing here can panic on input: an isolate that
//! traps takes its other calls with it.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable
    )
)]

mod admission;
mod call;
mod challenge;
mod config;
mod correlation;
mod fault;
mod handle;
mod html;
mod log_line;
mod mapping;
mod notes;
mod number_format;
mod operators;
mod ott;
mod page;
mod query;
mod refusal_words;
mod response;
mod router;
mod routes;
mod transaction_mapping;
mod upstream;
mod words;

#[cfg(target_arch = "wasm32")]
mod entry;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod platform;

#[cfg(test)]
mod tests;

pub use config::{Config, ConfigFault, Operator, Partner};
pub use handle::{handle, handle_unconfigured};
