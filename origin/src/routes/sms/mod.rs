//! What a gateway for text messages calls.

pub(super) mod receipt;
