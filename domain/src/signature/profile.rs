//! The names of the profile: header fields, label and tags.

use crate::key::KeyUse;

/// The header field with the covered components and the signature parameters.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// The header field with the signature itself.
pub const SIGNATURE: &str = "signature";
/// The header field with the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";

/// The label of the one signature.
pub(super) const LABEL: &str = "sig1";

/// The tag of a response's signature, which is no request's tag.
pub(super) const RESPONSE_TAG: &str = "onbill-answer";

/// The tag of a request's signature.
pub fn request_tag(key_use: KeyUse) -> String {
    format!("onbill-{}", key_use.as_str())
}
