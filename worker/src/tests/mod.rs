//! The edge as its callers meet it: whole requests in, whole answers out, on the stand-in host.

mod back;
mod coupons;
mod device;
mod everywhere;
mod frame;
pub(crate) mod kit;
mod notifications;
mod origin;
mod ott;
mod refunds;
mod routing;
mod signup;
mod subscriptions;
mod widget;
