//! The ID token: what the issuer says of a person who has just signed in (`OpenID` Connect Core §2).

use super::keys::IssuerKeys;
use onbill_domain::encoding::decode_base64url;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::read_object;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Largest token, in bytes: some hundred groups by their UUIDs.
const TOKEN_BYTES_MAX: usize = 32 * 1024;
/// By how many seconds the clocks of issuer and origin may differ.
const CLOCKS_SECONDS: i64 = 60;
/// How old a token may be, in seconds. It comes straight from the issuer, in answer to the code.
const AGE_SECONDS_MAX: i64 = 600;
/// Groups that are looked at: more than a person has in any directory.
const GROUPS_MAX: usize = 2_000;

/// What a token has to say to be the one that is expected.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// Which claim the audit names the person by.
    pub(super) actor_claim: &'a str,
    pub(super) groups_claim: &'a str,
    pub(super) now: Timestamp,
}

/// What is wrong with a token. It is for the log: the person reads that the sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenFault {
    Malformed,
    /// Signed by none of the issuer's keys, or not by its algorithm.
    NotGenuine,
    OtherIssuer,
    OtherAudience,
    Expired,
    /// Issued in the future, or long ago.
    NotFresh,
    /// Of another sign-in.
    OtherNonce,
}

/// The JOSE header (RFC 7515 §4).
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that a verifier must understand. None is.
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: f64,
    iat: f64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A person, as the issuer knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// What the audit names them by, if the token has it: `sub`, which identifies them at the issuer and never
    /// another (`OpenID` Connect Core §5.7), or what the operator has chosen.
    pub(super) actor: Option<String>,
    /// What people call them, if the issuer says so.
    pub(super) name: Option<String>,
    pub(super) groups: Vec<String>,
}

/// The key that a token says has signed it; the outer `None` if it is malformed.
#[expect(clippy::option_option, reason = "a token is malformed, names no key, or one")]
pub(super) fn claimed_key_id(token: &str) -> Option<Option<String>> {
    read_header(token).map(|header| header.kid)
}

/// Verifies a token (`OpenID` Connect Core §3.1.3.7): 1. its signature, by the key's own algorithm; 2. issuer,
/// audience and authorized party; 3. its times; 4. the nonce of this sign-in.
pub(super) fn verify(keys: &IssuerKeys, token: &str, expected: &Expected<'_>) -> Result<Person, TokenFault> {
    // 1.
    let header = read_header(token).ok_or(TokenFault::Malformed)?;
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (_, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
    let signature = decode_base64url(signature).ok_or(TokenFault::Malformed)?;
    if header.crit.is_some()
        || !keys.verify(header.kid.as_deref(), &header.alg, signed.as_bytes(), &signature)
    {
        return Err(TokenFault::NotGenuine);
    }
    let payload = decode_base64url(payload).ok_or(TokenFault::Malformed)?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenFault::Malformed)?;
    // 2.
    if claims.iss != expected.issuer {
        return Err(TokenFault::OtherIssuer);
    }
    check_audience(&claims, expected.client_id)?;
    // 3.
    check_times(&claims, expected.now)?;
    // 4.
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(TokenFault::OtherNonce);
    }
    Ok(claims.into_person(expected))
}

fn read_header(token: &str) -> Option<Header> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    let (header, _) = token.split_once('.')?;
    read_object(&decode_base64url(header)?).ok()
}

/// A token for several parties says for which of them it was made.
fn check_audience(claims: &Claims, client_id: &str) -> Result<(), TokenFault> {
    let (is_ours, is_shared) = match &claims.aud {
        Audience::One(aud) => (aud == client_id, false),
        Audience::Several(all) => (all.iter().any(|aud| aud == client_id), all.len() > 1),
    };
    let is_party = match claims.azp.as_deref() {
        Some(azp) => azp == client_id,
        None => !is_shared,
    };
    if is_ours && is_party { Ok(()) } else { Err(TokenFault::OtherAudience) }
}

#[expect(clippy::cast_precision_loss, reason = "seconds are exact in a double for millions of years")]
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenFault> {
    let now = now.unix_seconds() as f64;
    let (leeway, age_max) = (CLOCKS_SECONDS as f64, AGE_SECONDS_MAX as f64);
    if claims.exp <= now - leeway {
        return Err(TokenFault::Expired);
    }
    let is_fresh = claims.iat <= now + leeway && claims.iat >= now - age_max - leeway;
    if is_fresh { Ok(()) } else { Err(TokenFault::NotFresh) }
}

impl Claims {
    fn into_person(self, expected: &Expected<'_>) -> Person {
        let text = |claim: &str| self.others.get(claim).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").or_else(|| text("preferred_username"));
        let groups = match self.others.get(expected.groups_claim) {
            Some(Value::String(group)) => vec![group.clone()],
            Some(Value::Array(groups)) => {
                groups.iter().take(GROUPS_MAX).filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        };
        let actor = match expected.actor_claim {
            "sub" => Some(self.sub),
            other => text(other),
        };
        Person { actor, name, groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::encoding::encode_base64url;
    use onbill_domain::key::hmac_sha256;
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    use serde_json::json;

    const NOW: i64 = 1_795_000_000;

    fn key() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("is a seed")
    }

    fn keys() -> IssuerKeys {
        let x = encode_base64url(key().public_key().as_ref());
        let set = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x}]});
        IssuerKeys::parse(set.to_string().as_bytes()).expect("is a set")
    }

    fn claims() -> Value {
        json!({"iss": "https://login.example", "sub": "robin", "aud": "onbill", "exp": NOW + 300, "iat": NOW,
               "nonce": "n", "name": "Robin", "groups": ["care", "lead"]})
    }

    fn join(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| encode_base64url(value.to_string().as_bytes());
        format!("{}.{}", part(header), part(claims))
    }

    fn sign(header: &Value, claims: &Value) -> String {
        let signed = join(header, claims);
        let signature = encode_base64url(key().sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }

    fn check(token: &str) -> Result<Person, TokenFault> {
        verify(&keys(), token, &expected("sub"))
    }

    fn expected(actor_claim: &str) -> Expected<'_> {
        Expected {
            issuer: "https://login.example",
            client_id: "onbill",
            nonce: "n",
            actor_claim,
            groups_claim: "groups",
            now: Timestamp::from_unix_seconds(NOW),
        }
    }

    fn header() -> Value {
        json!({"alg": "EdDSA", "kid": "k"})
    }

    #[test]
    fn genuine_token_names_a_person() {
        let person = check(&sign(&header(), &claims())).expect("is genuine");
        let groups = vec!["care".to_owned(), "lead".to_owned()];
        assert_eq!(person, Person { actor: Some("robin".into()), name: Some("Robin".into()), groups });
        let mut shared = claims();
        (shared["aud"], shared["azp"]) = (json!(["other", "onbill"]), json!("onbill"));
        assert!(check(&sign(&header(), &shared)).is_ok());
    }

    #[test]
    fn audit_names_a_person_by_the_claim_that_is_configured() {
        let mut named = claims();
        named["preferred_username"] = json!("r.hood");
        let actor_by = |claim| {
            let person = verify(&keys(), &sign(&header(), &named), &expected(claim));
            person.expect("is genuine").actor
        };
        assert_eq!(actor_by("preferred_username").as_deref(), Some("r.hood"));
        assert_eq!(actor_by("sub").as_deref(), Some("robin"));
        assert_eq!((actor_by("upn"), actor_by("groups")), (None, None), "never by another claim instead");
    }

    #[test]
    fn token_that_says_something_else_is_refused() {
        for (claim, value, fault) in [
            ("iss", json!("https://login.example/"), TokenFault::OtherIssuer),
            ("aud", json!("other"), TokenFault::OtherAudience),
            ("aud", json!(["onbill", "other"]), TokenFault::OtherAudience),
            ("azp", json!("other"), TokenFault::OtherAudience),
            ("exp", json!(NOW - 60), TokenFault::Expired),
            ("iat", json!(NOW + 61), TokenFault::NotFresh),
            ("iat", json!(NOW - 661), TokenFault::NotFresh),
            ("nonce", json!("m"), TokenFault::OtherNonce),
            ("nonce", Value::Null, TokenFault::OtherNonce),
            ("sub", json!(7), TokenFault::Malformed),
            ("exp", json!("tomorrow"), TokenFault::Malformed),
        ] {
            let mut claims = claims();
            claims[claim] = value;
            assert_eq!(check(&sign(&header(), &claims)), Err(fault), "{claims}");
        }
    }

    #[test]
    fn token_that_the_issuer_has_not_signed_is_refused() {
        let unsigned = |header: Value| format!("{}.", join(&header, &claims()));
        assert_eq!(check(&unsigned(json!({"alg": "none"}))), Err(TokenFault::NotGenuine));
        assert_eq!(check(&unsigned(json!({"alg": "none", "kid": "k"}))), Err(TokenFault::NotGenuine));
        // The public key as a shared secret (RFC 8725 §2.1).
        let signed = join(&json!({"alg": "HS256", "kid": "k"}), &claims());
        let mac = hmac_sha256(key().public_key().as_ref(), signed.as_bytes());
        assert_eq!(check(&format!("{signed}.{}", encode_base64url(&mac))), Err(TokenFault::NotGenuine));
        for header in [
            json!({"alg": "EdDSA", "kid": "other"}),
            json!({"alg": "ES256", "kid": "k"}),
            json!({"alg": "EdDSA", "kid": "k", "crit": ["exp"]}),
        ] {
            assert_eq!(check(&sign(&header, &claims())), Err(TokenFault::NotGenuine), "{header}");
        }
        let token = sign(&header(), &claims());
        let (signed, signature) = token.rsplit_once('.').expect("has one");
        let mut changed = claims();
        changed["groups"] = json!(["admin"]);
        assert_eq!(check(&format!("{}.{signature}", join(&header(), &changed))), Err(TokenFault::NotGenuine));
        for malformed in ["", "a.b", "a.b.c", signed, &"a".repeat(TOKEN_BYTES_MAX + 1)] {
            assert!(check(malformed).is_err(), "{malformed}");
        }
    }
}
