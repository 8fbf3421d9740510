//! What every test binary starts its system from: databases, origins, the edge, the sandbox's operators and partner, and
//! the clock, randomness, keys and network that they share.

#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a panic is how a test fails, wherever it comes from"
)]

pub mod billing_files;
mod clock;
pub mod customer;
mod dice;
#[path = "../../flows/world/fragile.rs"]
pub mod fragile;
pub mod keys;
mod network;
mod operator;
pub mod operator_calls;
#[path = "../../src/place.rs"]
pub mod place;
mod random;
pub mod spellings;
mod system;
mod unique;

pub use clock::SharedClock;
pub use dice::Dice;
pub use keys::Holder;
pub use network::{Crossed, Crossing, FAILED_AFTER, Mishap, Network, RawCrossing};
pub use operator::{ACCOUNTS, Process, Seat, config_of, folder};
pub use random::Counted;
pub use system::{EDGE, NETFLIX, World};
pub use unique::{process_host, unique_name, write_password_file};
