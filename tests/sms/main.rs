//! Text messages over the real thing: the origin's adapters against gateways that other authors have written, over TCP.
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
