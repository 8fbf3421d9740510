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
pub mod environment;
pub mod keys;
pub mod log_capture;
mod network;
mod nonce;
mod operator;
pub mod operator_calls;
pub mod origin_process;
pub mod other_system;
pub mod plain_get;
mod random;
pub mod spellings;
mod system;
pub mod tcp;
mod unique;
pub mod wait;

pub use clock::ManualClock;
pub use dice::Dice;
pub use keys::KeyHolder;
pub use network::{FAILED_AFTER, NetworkFault, RawCall, RecordedCall, StoredCall, TestNetwork};
pub use nonce::verified_nonce;
pub use operator::{
    ACME_ACCOUNTS, GATEWAY_PASSWORD, NOVA_ACCOUNTS, TestOperator, TestOrigin, build_app, db_folder,
    import_account_file, operator_config, origin_config_with,
};
pub use random::SequenceRandom;
pub use system::{EDGE, NETFLIX, TestSystem, edge_config};
pub use unique::{process_host, unique_name, write_password_file};
