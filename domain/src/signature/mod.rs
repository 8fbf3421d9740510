//! HTTP Message Signatures (RFC 9421), in the one profile that every party here speaks:
//!
//! - label `sig1`, and no other label beside it;
//! - components `"@method" "@authority" "@path" "@query"`, and with a body `"content-digest" "content-type"`, in this
//!   order and without parameters;
//! - parameters `created`, `nonce`, `keyid` and `tag`, each once, and no others;
//! - `content-digest` with sha-256 (RFC 9530);
//! - the algorithm is the key's own: HMAC-SHA-256 between onbill and an operator, Ed25519 for the partner's calls.
//!
//! An answer is signed in the same way where somebody carries it who must not change it: its components are `"@status"
//! "content-digest" "content-type" "signature";req;key="sig1"`, the last one being the signature of the call that it answers
//! (§2.4), and its tag is `onbill-answer`.
//!
//! Not here: remembering nonces. A verified call carries its [`Nonce`]; the origin spends it in the same database
//! transaction as the call's effect.

mod base;
mod sign;
mod verify;

pub use base::{RequestComponents, ResponseComponents};
pub use sign::{SignatureHeaders, sign_components, sign_request, sign_response};
pub use verify::{
    Nonce, ReceivedSignature, SignatureError, VerifiedSignature, verify_request, verify_response,
};

/// Name of the header with the components and parameters.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Name of the header with the signature itself.
pub const SIGNATURE: &str = "signature";
/// Name of the header with the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";

const LABEL: &str = "sig1";

#[cfg(test)]
mod tests;
