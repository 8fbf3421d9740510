//! JSON Web Key Sets (RFC 7517), the form in which other parties' tools make and rotate keys. Two
//! kinds of key are ours: Ed25519 (`kty` `OKP`, RFC 8037 §2) and a shared secret (`kty` `oct`). A
//! set may have others: they are passed over, as RFC 7517 §5 recommends.
//!
//! A JWK says neither whose key it is nor its one use here. `party` and `purpose` say so, in the
//! key, in the set, or in the ring's entry that the set stands in. Where two of them say it, they must
//! agree: the set comes from the party, and must not make its keys those of another. The purpose of an
//! Ed25519 key is `partner-call`, unless another one is given.

use super::party::{KeyUse, Party};
use super::signing_key::{Key, KeyFields, Material};
use crate::encoding::encode_base64url;
use crate::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A set of keys. Members that we do not read are skipped, as in every JSON.
#[derive(Deserialize)]
pub(super) struct JwkSet {
    /// Read one by one: a key that is not ours may have members of any type.
    keys: Vec<Value>,
    party: Option<Party>,
    purpose: Option<KeyUse>,
}

/// A key of ours.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    x: Option<String>,
    d: Option<String>,
    k: Option<String>,
    /// When the key ends, in seconds since the Unix epoch, as many tools write it.
    exp: Option<i64>,
    party: Option<Party>,
    purpose: Option<KeyUse>,
}

impl JwkSet {
    /// The keys of the set that are ours; `party` and `purpose` are those of the entry around it.
    pub(super) fn into_fields(
        self,
        party: Option<&Party>,
        purpose: Option<KeyUse>,
    ) -> Result<Vec<KeyFields>, String> {
        let party = require_agreement("a JWKS", party, self.party.as_ref())?;
        let purpose = require_agreement("a JWKS", purpose, self.purpose)?;
        let ours = self.keys.into_iter().filter(is_ours);
        let fields =
            ours.map(|jwk| Jwk::read(jwk)?.into_fields(party, purpose)).collect::<Result<Vec<_>, _>>()?;
        if fields.is_empty() {
            return Err(
                "a JWKS has no key to sign with: Ed25519 (kty OKP), or a shared secret (kty oct)".into()
            );
        }
        Ok(fields)
    }
}

/// Whether it is a key for signatures, of a kind and an algorithm of ours.
fn is_ours(jwk: &Value) -> bool {
    let algs: &[&str] = match (jwk["kty"].as_str(), jwk["crv"].as_str()) {
        // RFC 9864 names the curve, and RFC 8037 the family.
        (Some("OKP"), Some("Ed25519")) => &["EdDSA", "Ed25519"],
        (Some("oct"), _) => &["HS256"],
        _ => return false,
    };
    let is_among = |member: &str, allowed: &[&str]| {
        let value = &jwk[member];
        value.is_null() || value.as_str().is_some_and(|text| allowed.contains(&text))
    };
    is_among("use", &["sig"]) && is_among("alg", algs)
}

impl Jwk {
    /// Reads a key of ours. The error does not quote it: it may be a secret.
    fn read(jwk: Value) -> Result<Self, String> {
        let named =
            jwk["kid"].as_str().map_or_else(|| "a key of a JWKS".to_owned(), |id| format!("key {id}"));
        serde_json::from_value(jwk)
            .map_err(|_| format!("{named}: a member has another type or value than it must"))
    }

    fn into_fields(self, party: Option<&Party>, purpose: Option<KeyUse>) -> Result<KeyFields, String> {
        let id = self.kid.ok_or("a key of a JWKS has no kid, by which signatures name it")?;
        let is_pair = self.kty == "OKP";
        let named = format!("key {id}");
        let party = require_agreement(&named, party, self.party.as_ref())?.cloned();
        let purpose = require_agreement(&named, purpose, self.purpose)?;
        let purpose = purpose.or(is_pair.then_some(KeyUse::PartnerCall));
        Ok(KeyFields {
            party: party.ok_or_else(|| format!("key {id}: its JWKS does not say the party"))?,
            r#use: purpose.ok_or_else(|| format!("key {id}: its JWKS does not say the purpose"))?,
            alg: if is_pair { "ed25519" } else { "hmac-sha256" }.to_owned(),
            secret: self.k,
            public: self.x,
            private: self.d,
            expires_at: self.exp.map(Timestamp::from_unix_seconds),
            id,
        })
    }
}

/// Compares what stands around a key with what the key has itself.
fn require_agreement<T: PartialEq>(
    named: &str,
    around: Option<T>,
    own: Option<T>,
) -> Result<Option<T>, String> {
    match (around, own) {
        (Some(around), Some(own)) if around != own => {
            Err(format!("{named}: what is around it says another party or purpose"))
        }
        (around, own) => Ok(around.or(own)),
    }
}

impl Key {
    /// The JWK of the key's public half. `None` for a shared secret, which has none.
    pub fn public_jwk(&self) -> Option<Value> {
        match &self.material {
            Material::Ed25519 { public, .. } => Some(self.jwk(
                "OKP",
                "EdDSA",
                &[("crv", "Ed25519"), ("x", encode_base64url(public.as_bytes()).as_str())],
            )),
            Material::HmacSha256(_) => None,
        }
    }

    /// The JWK of the whole key. It is a secret.
    pub fn secret_jwk(&self) -> Option<Value> {
        match &self.material {
            Material::Ed25519 { private, .. } => {
                let mut jwk = self.public_jwk()?;
                jwk["d"] = encode_base64url(private.as_ref()?.as_bytes()).into();
                Some(jwk)
            }
            Material::HmacSha256(secret) => {
                Some(self.jwk("oct", "HS256", &[("k", encode_base64url(secret).as_str())]))
            }
        }
    }

    fn jwk(&self, kty: &str, alg: &str, members: &[(&str, &str)]) -> Value {
        let mut jwk = Map::from_iter([("kty".to_owned(), json!(kty)), ("kid".to_owned(), json!(self.id))]);
        jwk.insert("use".to_owned(), json!("sig"));
        jwk.insert("alg".to_owned(), json!(alg));
        for (name, value) in members {
            jwk.insert((*name).to_owned(), json!(value));
        }
        jwk.insert("party".to_owned(), json!(self.party.as_str()));
        jwk.insert("purpose".to_owned(), json!(self.key_use.as_str()));
        if let Some(at) = self.expires_at {
            jwk.insert("exp".to_owned(), json!(at.unix_seconds()));
        }
        Value::Object(jwk)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Keyring;
    use super::*;

    // RFC 8037, appendices A.1 and A.2.
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn parse(json: &Value) -> Result<Keyring, String> {
        Keyring::parse(&json.to_string())
    }

    fn public(kid: &str) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": X })
    }

    #[test]
    fn partners_set_stands_in_a_ring_as_its_tool_writes_it() {
        let foreign = json!({ "kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB", "x5c": ["AA"] });
        let encryption =
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "e", "use": "enc", "x": "not a key" });
        // Other systems give their own meaning to members.
        let odd =
            json!({ "kty": "RSA", "kid": 7, "alg": ["RS256"], "party": 1, "purpose": "web", "exp": "soon" });
        let set =
            json!({ "keys": [foreign, odd, "no key", encryption, public("2027-01"), public("2027-02")] });
        let secret = encode_base64url(&[7; 32]);
        let ring = json!([
            { "party": "partner:netflix", "use": "partner-call", "jwks": set },
            { "id": "e", "party": "operator:acme", "use": "edge-to-origin", "alg": "hmac-sha256", "secret": secret },
        ]);
        let ring = parse(&ring).expect("is well formed");
        let ids: Vec<&str> = ring.keys_for_use(KeyUse::PartnerCall).map(|key| key.id.as_str()).collect();
        assert_eq!(ids, ["2027-01", "2027-02"]);
        assert!(ring.find(KeyUse::EdgeToOrigin, "e").is_some());
        let newest = ring.signing_key(KeyUse::PartnerCall, "partner:netflix").expect("is there");
        assert_eq!((newest.id.as_str(), newest.sign(b"")), ("2027-02", None));
    }

    #[test]
    fn partners_set_cannot_speak_for_another() {
        let entry = |set: Value| json!([{ "party": "partner:netflix", "use": "partner-call", "jwks": set }]);
        let with = |member: &str, value: &str| {
            let mut jwk = public("k");
            jwk[member] = json!(value);
            json!({ "keys": [jwk] })
        };
        for set in [
            with("party", "partner:tunes"),
            with("purpose", "edge-to-origin"),
            json!({ "party": "partner:tunes", "keys": [public("k")] }),
        ] {
            let refusal = parse(&entry(set)).expect_err("is refused");
            assert!(refusal.contains("another party or purpose"), "{refusal}");
        }
        assert!(parse(&entry(with("party", "partner:netflix"))).is_ok());
    }

    #[test]
    fn signers_own_set_is_a_ring() {
        let mut pair = public("mine");
        pair["d"] = json!(D);
        pair["exp"] = json!(1_830_000_000);
        let set = json!({ "party": "partner:netflix", "keys": [pair] });
        let ring = parse(&set).expect("is well formed");
        let key = ring.find(KeyUse::PartnerCall, "mine").expect("is there");
        assert_eq!(key.expires_at, Some(Timestamp::from_unix_seconds(1_830_000_000)));
        let signature = key.sign(b"text").expect("has the private half");
        let verifier = parse(&json!({ "keys": [key.public_jwk()] })).expect("is well formed");
        let verifier = verifier.find(KeyUse::PartnerCall, "mine").expect("is there");
        assert!(verifier.verify(b"text", &signature));
        assert_eq!((verifier.sign(b"text"), verifier.secret_jwk()), (None, None));
        let again = parse(&json!({ "keys": [key.secret_jwk()] })).expect("is well formed");
        assert_eq!(again.find(KeyUse::PartnerCall, "mine").expect("is there").sign(b"text"), Some(signature));
    }

    #[test]
    fn shared_secret_says_its_purpose() {
        let secret = encode_base64url(&[9; 32]);
        let jwk = json!({ "kty": "oct", "kid": "k", "k": secret, "party": "operator:acme" });
        let mut set = json!({ "keys": [jwk] });
        let refusal = parse(&set).expect_err("is refused");
        assert!(refusal.contains("purpose") && !refusal.contains(&secret), "{refusal}");
        set["purpose"] = json!("bss-to-origin");
        let ring = parse(&set).expect("is well formed");
        let key = ring.find(KeyUse::OperatorToOrigin, "k").expect("is there");
        assert_eq!(key.public_jwk(), None);
        assert_eq!(key.secret_jwk().map(|jwk| jwk["k"].clone()), Some(json!(secret)));
        // What the edge holds as well must not sign in the partner's name.
        set["purpose"] = json!("partner-call");
        assert!(parse(&set).is_err());
    }

    #[test]
    fn set_that_cannot_serve_is_refused_by_reason() {
        let with = |member: &str, value: Value| {
            let mut jwk = public("k");
            jwk[member] = value;
            json!({ "party": "partner:netflix", "keys": [jwk] })
        };
        for (set, named) in [
            (json!({ "party": "partner:netflix", "keys": [] }), "no key to sign with"),
            (with("crv", json!("Ed448")), "no key to sign with"),
            (with("alg", json!("HS256")), "no key to sign with"),
            (with("x", json!("AAAA")), "key k: public"),
            (with("x", Value::Null), "key k: public"),
            (with("kid", Value::Null), "no kid"),
            (with("exp", json!("soon")), "key k: a member"),
            (json!({ "keys": [public("k")] }), "key k: its JWKS does not say the party"),
            (json!({ "party": "partner:netflix", "keys": [public("k"), public("k")] }), "twice"),
            (json!([{ "party": "partner:netflix", "use": "partner-call" }]), "neither an id nor a JWKS"),
            (json!({ "jwks": [] }), "not the expected JSON"),
        ] {
            let refusal = parse(&set).expect_err("is refused");
            assert!(refusal.contains(named), "{set}: {refusal}");
        }
    }
}
