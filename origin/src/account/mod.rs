//! What the operator knows of its accounts.

pub mod import;
mod lookup;
mod subscriber;

pub use lookup::AccountLookup;
pub(crate) use subscriber::{SubscriberStatus, live_account};
