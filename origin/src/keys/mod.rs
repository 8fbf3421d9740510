//! What the origin's own keys protect: numbers and messages in the database, and passwords that are
//! stored in files.

pub(crate) mod password_file;
pub mod rotation;
mod token_signer;
mod vault;

pub use token_signer::TokenSigner;
pub use vault::{Resealed, Vault};
