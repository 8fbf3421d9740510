//! Compact JWS with HS256 (RFC 7515, RFC 7518 §3.2), the form of our tokens.
//!
//! The key decides the algorithm, and never the token (RFC 8725 §3.1); each kind of token has its
//! own `typ` (RFC 8725 §3.11). [`crate::token`] checks the claims.

use crate::encoding::{decode_base64url, encode_base64url};
use crate::key::{Key, KeyUse, Keyring};
use crate::limits::JWS_BYTES_MAX;
use crate::wire::read_object;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The JOSE header (RFC 7515 §4).
#[derive(Serialize, Deserialize)]
struct JoseHeader {
    alg: String,
    typ: String,
    kid: String,
    /// Extensions that a verifier must understand (RFC 7515 §4.1.11). None is supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// Signs `claims`; `None` when the key is not symmetric.
pub fn sign<T: Serialize>(key: &Key, typ: &str, claims: &T) -> Option<String> {
    if !key.is_symmetric() {
        return None;
    }
    let header = JoseHeader { alg: "HS256".to_owned(), typ: typ.to_owned(), kid: key.id.clone(), crit: None };
    let signed = format!(
        "{}.{}",
        encode_base64url(&serde_json::to_vec(&header).ok()?),
        encode_base64url(&serde_json::to_vec(claims).ok()?)
    );
    let signature = key.sign(signed.as_bytes())?;
    Some(format!("{signed}.{}", encode_base64url(&signature)))
}

/// The claims of a genuine token of this `typ`, and the key that signed it. `None` for every other
/// text, so that a caller cannot learn what is wrong with it.
pub fn verify<'k, T: DeserializeOwned>(
    keys: &'k Keyring,
    key_use: KeyUse,
    typ: &str,
    token: &str,
) -> Option<(T, &'k Key)> {
    let header = read_header(token)?;
    let (signed, signature) = token.rsplit_once('.')?;
    let (_, payload) = signed.split_once('.')?;
    if header.alg != "HS256" || header.typ != typ || header.crit.is_some() {
        return None;
    }
    let key = keys.find(key_use, &header.kid).filter(|key| key.is_symmetric())?;
    if !key.verify(signed.as_bytes(), &decode_base64url(signature)?) {
        return None;
    }
    let claims = read_object(&decode_base64url(payload)?).ok()?;
    Some((claims, key))
}

/// The id of the key that a token says has signed it, by which the ring to verify it with is found.
pub fn claimed_key_id(token: &str) -> Option<String> {
    read_header(token).map(|header| header.kid)
}

fn read_header(token: &str) -> Option<JoseHeader> {
    if token.len() > JWS_BYTES_MAX {
        return None;
    }
    let (header, _) = token.split_once('.')?;
    read_object(&decode_base64url(header)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn keys() -> Keyring {
        let entry = |id: &str, key_use: &str, byte: u8| {
            json!({"id": id, "party": "operator:acme", "use": key_use, "alg": "hmac-sha256",
                   "secret": encode_base64url(&[byte; 32])})
        };
        let ring = json!([
            entry("a", "signup-token", 1),
            entry("b", "signup-token", 2),
            entry("r", "return-result", 1)
        ]);
        Keyring::parse(&ring.to_string()).expect("is well formed")
    }

    fn verified_claims(token: &str) -> Option<Value> {
        verify(&keys(), KeyUse::SignupToken, "t+jwt", token).map(|(claims, _)| claims)
    }

    #[test]
    fn hs256_agrees_with_rfc_7515_appendix_a1() {
        // The appendix's key and signing input; only the header differs from ours, so the MAC
        // itself is compared.
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mac = crate::key::hmac_sha256(&decode_base64url(key).expect("is base64url"), input.as_bytes());
        assert_eq!(encode_base64url(&mac), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn token_with_a_changed_character_is_refused() {
        let keys = keys();
        let key = keys.find(KeyUse::SignupToken, "b").expect("is there");
        let token = sign(key, "t+jwt", &json!({"sub": "x"})).expect("is symmetric");
        assert_eq!(verified_claims(&token), Some(json!({"sub": "x"})));
        for at in 0..token.len() {
            for with in ["A", "_", ".", "=", " "] {
                let mut forged = token.clone();
                forged.replace_range(at..=at, with);
                assert!(forged == token || verified_claims(&forged).is_none(), "{forged}");
            }
        }
    }

    #[test]
    fn token_of_wrong_type_use_or_algorithm_fails() {
        let keys = keys();
        let key = keys.find(KeyUse::SignupToken, "a").expect("is there");
        assert_eq!(verified_claims(&sign(key, "other+jwt", &json!({})).expect("signs")), None);
        let result_key = keys.find(KeyUse::ReturnResult, "r").expect("is there");
        assert_eq!(verified_claims(&sign(result_key, "t+jwt", &json!({})).expect("signs")), None);
        for header in [
            json!({"alg": "none", "typ": "t+jwt", "kid": "a"}),
            json!({"alg": "HS512", "typ": "t+jwt", "kid": "a"}),
            json!({"alg": "HS256", "typ": "t+jwt", "kid": "a", "crit": ["exp"]}),
            json!({"alg": "HS256", "typ": "t+jwt"}),
        ] {
            let signed =
                format!("{}.{}", encode_base64url(header.to_string().as_bytes()), encode_base64url(b"{}"));
            let mac = key.sign(signed.as_bytes()).expect("signs");
            assert_eq!(verified_claims(&format!("{signed}.{}", encode_base64url(&mac))), None, "{header}");
            assert_eq!(verified_claims(&format!("{signed}.")), None, "{header}");
        }
    }
}
