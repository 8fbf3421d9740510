//! A fleet of operators on one edge: the edge as it is deployed, on the real runtime (`workerd`),
//! with five hundred operators in its store.
//!
//! The origins are one server in this process, which answers for all of them by the host that they
//! are called at. `cargo xtask test` builds the edge first; by hand it is `cargo xtask edge`.

#![cfg(test)]

mod caller;
mod fleet_system;
mod many_operators;
mod origins;
mod store;
mod workerd;
