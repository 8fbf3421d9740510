//! The edge as its callers meet it: whole requests in, whole responses out, on the fake host.

mod all_calls;
mod api_documents;
mod brand;
mod challenge;
mod coupons;
mod fleet;
mod frame;
mod loader;
mod notifications;
mod numbers;
mod observations;
mod operator_store;
mod ott;
mod pai_mappings;
mod refunds;
mod return_page;
mod routing;
mod signers;
mod signup;
mod subscriptions;
pub(crate) mod test_edge;
mod widget;
mod widget_account;
