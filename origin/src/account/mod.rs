//! The operator's accounts.

pub mod import;
mod lookup;
mod subscriber;

pub(crate) use lookup::Purchase;
pub use lookup::{AccountLookup, FoundAccount};
pub(crate) use subscriber::{SubscriberStatus, live_account};
