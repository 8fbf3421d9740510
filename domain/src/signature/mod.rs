//! HTTP Message Signatures (RFC 9421), in one fixed profile:
//!
//! - one signature, with the label `sig1`, in the one spelling of RFC 9651 §4.1: a second signature,
//!   another line of a field, a parameter of the signature itself, base64 with stray bits, other
//!   spaces or a member that occurs twice are refused;
//! - covered components `"@method" "@authority" "@path" "@query"`, and with a body
//!   `"content-digest" "content-type"`, in this order and without parameters;
//! - signature parameters `created`, `nonce`, `keyid` and `tag`, each once, in any order, and no
//!   others;
//! - `content-digest` with sha-256 (RFC 9530), once; other algorithms beside it are ignored;
//! - the key decides the algorithm: HMAC-SHA-256 between onbill and an operator, Ed25519 for the
//!   partner's calls.
//!
//! A response is signed where a party in between could change it. It covers `"@status"
//! "content-digest" "content-type" "signature";req;key="sig1"`, of which the last is the signature
//! of its request (§2.4), and its tag is `onbill-answer`.
//!
//! Used nonces are not remembered here. A verified request carries its [`Nonce`], and the origin
//! uses it up in the database transaction of the request's effect.

mod authority;
mod base;
mod components;
mod input;
mod profile;
mod received;
mod sign;
mod verify;

pub use authority::possible_authorities;
pub use components::{RequestComponents, ResponseComponents};
pub use profile::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, request_tag};
pub use received::{ReceivedSignature, SignatureError};
pub use sign::{SignatureHeaders, sign_components, sign_request, sign_response};
pub use verify::{Nonce, VerifiedSignature, named_key, verify_request, verify_response};

#[cfg(test)]
mod tests;
