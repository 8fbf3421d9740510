//! What every test binary starts its system from: databases, origins, the edge, the sandbox's
//! operators and partner, and the clock, randomness, keys and network that they share.

#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a panic is how a test fails, wherever it comes from"
)]

pub mod billing_files;
mod clock;
pub mod crash_point;
pub mod customer;
pub mod database;
mod dice;
pub mod keys;
mod network;
mod operator;
pub mod operator_calls;
mod random;
pub mod spellings;
mod system;
pub mod tcp;
mod unique;

pub use clock::ManualClock;
pub use dice::Dice;
pub use keys::KeyHolder;
pub use network::{FAILED_AFTER, NetworkFault, RawCall, RecordedCall, StoredCall, TestNetwork};
pub use operator::{ACME_ACCOUNTS, NOVA_ACCOUNTS, TestOperator, TestOrigin, db_folder, origin_config_with};
pub use random::SequenceRandom;
pub use system::{EDGE, NETFLIX, TestSystem, edge_config};
pub use unique::{process_host, unique_name, write_password_file};
