//! SMS over real connections: the origin's adapters against gateways by other authors, over TCP.
//!
//! What is waited for comes soon or not at all; the deadline only ends a test that has failed.

#![cfg(test)]

mod broken_smscs;
mod coupon_system;
mod coupons;
mod faults;
mod kannel;
mod pins;
mod receipts;
mod smsc_link;
mod texts;
