//! The JSON of every interface, one file for each pair of parties. Members have the names of the
//! contract; unknown members are ignored. All of it is read by [`parse`] or [`read_object`].

pub mod account_page;
pub mod audit;
pub mod care;
pub mod coupon;
pub mod csp;
pub mod csp_answer;
pub mod device;
pub mod dispute;
pub mod edge;
pub mod kv;
pub mod ledger;
pub mod mandate;
pub mod notification;
pub mod operator;
pub mod origin;
pub mod ott;
pub mod partner;
pub mod queue;
pub mod subscription;
pub mod summary;

mod lenient;
mod member_path;
mod members;
mod parse;
mod refusal_text;
mod strict;

pub use parse::{parse, read_json, read_object};
pub use strict::strict;
