//! The keys of an issuer (RFC 7517), of the kinds that issuers sign ID tokens with. The key decides the
//! algorithm, and never the token (RFC 8725 §3.1): there is none for `none`, nor for a shared secret.

use onbill_domain::encoding::decode_base64url;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// First byte of an uncompressed point (SEC 1 §2.3.3).
const UNCOMPRESSED: u8 = 4;
/// Bytes of a coordinate of P-256.
const COORDINATE_BYTES: usize = 32;

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct IssuerKeys(Vec<IssuerKey>);

#[derive(Debug)]
struct IssuerKey {
    id: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl IssuerKeys {
    /// Reads a set. A key of another kind or use is passed over, as RFC 7517 §5 asks for; `None` for what
    /// is no set.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let JwkSet { keys } = serde_json::from_slice(json).ok()?;
        let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Some(Self(keys.filter_map(Jwk::into_key).collect()))
    }

    /// Whether there is a key of this id, or any if a token names none.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        self.0.iter().any(|key| key.is_named(id))
    }

    /// Whether one of the keys that the token may mean has signed the message with this algorithm.
    pub(super) fn verify(&self, id: Option<&str>, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        let mut meant = self.0.iter().filter(|key| key.is_named(id) && key.material.alg() == alg);
        meant.any(|key| key.material.verify(message, signature))
    }
}

impl IssuerKey {
    fn is_named(&self, id: Option<&str>) -> bool {
        id.is_none() || self.id.as_deref() == id
    }
}

impl Jwk {
    fn into_key(self) -> Option<IssuerKey> {
        let decode = |text: &Option<String>| text.as_deref().and_then(decode_base64url);
        let material = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Material::Rsa { n: decode(&self.n)?, e: decode(&self.e)? },
            ("EC", Some("P-256")) => {
                let (x, y) = (decode(&self.x)?, decode(&self.y)?);
                if [x.len(), y.len()] != [COORDINATE_BYTES; 2] {
                    return None;
                }
                Material::P256([&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(decode(&self.x)?),
            _ => return None,
        };
        let is_for_signatures = self.r#use.as_deref().is_none_or(|is_for| is_for == "sig")
            && self.alg.as_deref().is_none_or(|alg| alg == material.alg());
        is_for_signatures.then_some(IssuerKey { id: self.kid, material })
    }
}

impl Material {
    fn alg(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RS256",
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self {
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Ed25519(public) => UnparsedPublicKey::new(&ED25519, public).verify(message, signature),
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn signatures_of_the_standards_are_verified() {
        // RFC 7515, appendix A.2 (RS256) and A.3 (ES256); RFC 8037, appendix A.4 (EdDSA).
        let claims =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let rsa = json!({"kty": "RSA", "kid": "r", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
        let ec = json!({"kty": "EC", "kid": "e", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let okp = json!({"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let foreign = [json!({"kty": "oct", "k": "AAAA"}), json!({"kty": "EC", "crv": "P-521"}), json!(7)];
        let set = json!({"keys": [rsa, ec, okp, foreign[0], foreign[1], foreign[2]]}).to_string();
        let keys = IssuerKeys::parse(set.as_bytes()).expect("is a set");
        assert_eq!(keys.0.len(), 3, "others are passed over");
        let cases = [
            (
                "r",
                "RS256",
                format!("eyJhbGciOiJSUzI1NiJ9.{claims}"),
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                "e",
                "ES256",
                format!("eyJhbGciOiJFUzI1NiJ9.{claims}"),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                "o",
                "EdDSA",
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ];
        for (id, alg, message, signature) in cases {
            let signature = decode_base64url(signature).expect("is base64url");
            let verify = |id, alg| keys.verify(id, alg, message.as_bytes(), &signature);
            assert!(verify(Some(id), alg) && verify(None, alg), "{alg}");
            assert!(
                !verify(Some("x"), alg) && !verify(Some(id), "none") && !verify(Some(id), "HS256"),
                "{alg}"
            );
            assert!(!keys.verify(Some(id), alg, b"other", &signature), "{alg}");
        }
    }

    #[test]
    fn key_of_another_use_verifies_nothing() {
        for other in [
            json!({"use": "enc"}),
            json!({"alg": "HS256"}),
            json!({"x": "AAAA", "kty": "EC", "crv": "P-256", "y": "AAAA"}),
        ] {
            let mut key =
                json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
            key.as_object_mut().expect("is one").extend(other.as_object().expect("is one").clone());
            let keys = IssuerKeys::parse(json!({"keys": [key]}).to_string().as_bytes()).expect("is a set");
            assert!(!keys.has(None), "{key}");
        }
    }
}
