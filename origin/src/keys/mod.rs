//! What the origin's own keys are for: they protect numbers and messages in the database, and ids
//! follow from them. Also passwords that are stored in files.

pub(crate) mod password_file;
pub mod rotation;
mod stable_ids;
mod token_signer;
mod vault;

pub use stable_ids::{StableIds, has_form_of_ours};
pub use token_signer::TokenSigner;
pub use vault::{Resealed, Vault};
