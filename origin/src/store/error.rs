//! Why a use case did not take place.

/// Why a use case did not take place. Nothing of it was written.
#[derive(Debug)]
pub enum StoreError {
    /// The call's nonce was spent before: the caller must sign anew.
    NonceSpent,
    /// The database failed, or is too busy to take more.
    Failed(String),
}
