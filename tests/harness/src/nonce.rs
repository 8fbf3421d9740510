//! Nonces of signed calls, for tests that call a store without the calls.

use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::signature::{
    Nonce, ReceivedSignature, RequestComponents, sign_components, verify_request,
};
use onbill_domain::timestamp::Timestamp;
use serde_json::json;
use std::sync::LazyLock;

/// The nonce with this value, from a call that is really signed and verified: there is no other way
/// to get one.
///
/// # Panics
///
/// When the value is shorter than a nonce may be.
pub fn verified_nonce(value: &str, now: Timestamp) -> Nonce {
    static KEYS: LazyLock<Keyring> = LazyLock::new(|| {
        let secret = encode_base64url(&[1; 32]);
        let ring = json!([{"id": "k", "party": "operator:acme", "use": "edge-to-origin", "alg": "hmac-sha256",
                           "secret": secret}]);
        Keyring::parse(&ring.to_string()).expect("is well formed")
    });
    let key = KEYS.find(KeyUse::EdgeToOrigin, "k").expect("is there");
    let target = RequestComponents { method: "GET", authority: "a", path: "/", query: "", body: None };
    let signed = sign_components(&target, key, now, value).expect("signs");
    let received = ReceivedSignature {
        signature_input: &signed.signature_input,
        signature: &signed.signature,
        content_digest: "",
    };
    verify_request(&target, received, &KEYS, KeyUse::EdgeToOrigin, now).expect("is genuine").nonce
}
