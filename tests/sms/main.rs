//! SMS over real connections: the origin's adapters against gateways by other authors, over TCP.
//!
//! What is waited for comes soon or not at all; the deadline only ends a test that has failed.

#![cfg(test)]

mod coupons;
mod faults;
mod kannel;
mod market;
mod pins;
mod raw;
mod receipts;
mod scene;
mod texts;
