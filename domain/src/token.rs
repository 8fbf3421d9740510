//! The three kinds of token: the sign-up token for the partner, the dashboard's session assertion,
//! and the result on the operator's return URL. [`verify`] checks the signature, the lifetime, the
//! issuer and the audience. Whether a token was used before is known at the origin only.

use crate::ids::{OfferId, OperatorId, PartnerId};
use crate::jws;
use crate::key::{Key, KeyUse, Keyring, Party};
use crate::limits::{
    RETURN_RESULT_TTL_SECONDS, SESSION_ASSERTION_TTL_SECONDS_MAX, SIGNATURE_SKEW_SECONDS,
    SIGNUP_TOKEN_TTL_SECONDS,
};
use crate::msisdn::Msisdn;
use crate::pai::Pai;
use crate::reject::{ErrorCode, Reject};
use crate::root_key::operator_of_key;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The `iss` of our own tokens, and the `aud` of tokens for us.
pub const ISSUER: &str = "onbill";

/// The claims of the sign-up token (RFC 7519 §4). It has no number: `sub` is the PAI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignupClaims {
    /// Always `onbill`.
    pub iss: String,
    /// The partner that the token is for.
    pub aud: PartnerId,
    /// The subscriber's PAI for this partner.
    pub sub: Pai,
    /// The operator whose origin issued the token, and where it is used.
    pub op: OperatorId,
    /// The offer that is signed up for.
    pub offer: OfferId,
    /// The unique id of the token, which the origin records when the token is used.
    pub jti: String,
    /// When the token was issued, in Unix seconds.
    pub iat: i64,
    /// When the token expires, in Unix seconds.
    pub exp: i64,
}

/// The claims of the dashboard's session assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The operator whose dashboard signed it.
    pub iss: OperatorId,
    /// Always `onbill`.
    pub aud: String,
    /// The numbers of the customer who is logged in.
    pub numbers: Vec<Msisdn>,
    /// Makes the token unique: without it, two of one customer and second are the same token, and
    /// only one of them can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// When the token was issued, in Unix seconds.
    pub iat: i64,
    /// When the token expires, in Unix seconds.
    pub exp: i64,
}

crate::wire_enum! {
    /// The outcome of a sign-up at the partner.
    pub enum SignupOutcome {
        /// The subscription is on the phone bill.
        Success = "success",
        /// The partner has used the token and not reported a subscription yet.
        Pending = "pending",
        /// The customer returned before the partner used the token.
        Cancelled = "cancelled",
    }
}

/// The claims of the result on the operator's return URL. A URL is logged in many places, so it has
/// no number and no PAI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultClaims {
    /// Always `onbill`.
    pub iss: String,
    /// The operator that the result is for.
    pub aud: OperatorId,
    /// The outcome of the sign-up.
    pub outcome: SignupOutcome,
    /// The offer that was signed up for.
    pub offer: OfferId,
    /// The subscription's id at onbill, on success.
    #[serde(rename = "partnerSubscriptionID", default, skip_serializing_if = "Option::is_none")]
    pub partner_subscription_id: Option<String>,
    /// The unique id of the token.
    pub jti: String,
    /// When the token was issued, in Unix seconds.
    pub iat: i64,
    /// When the token expires, in Unix seconds.
    pub exp: i64,
}

/// The claims of one kind of token: its `typ`, its key, and its longest lifetime.
pub trait TokenClaims: Serialize + for<'de> Deserialize<'de> {
    /// The `typ` of its JOSE header.
    const TYP: &'static str;
    /// The use of the keys that sign it.
    const KEY_USE: KeyUse;
    /// The longest lifetime, in seconds. A genuine token with a longer one is refused.
    const LIFETIME_SECONDS_MAX: i64;
    /// `iat` and `exp`, in Unix seconds.
    fn issued_and_expires(&self) -> (i64, i64);
    /// Whether issuer and audience are right for `verifier`, and the key is the issuer's.
    fn matches_issuer_and_audience(&self, verifier: &str, signing_key: &Key) -> bool;
}

impl TokenClaims for SignupClaims {
    const TYP: &'static str = "onbill+jwt";
    const KEY_USE: KeyUse = KeyUse::SignupToken;
    const LIFETIME_SECONDS_MAX: i64 = SIGNUP_TOKEN_TTL_SECONDS;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The verifier is the partner. The key must be of the operator that the token names, so that
    /// the origin of one operator cannot sign for subscribers of another.
    fn matches_issuer_and_audience(&self, verifier: &str, signing_key: &Key) -> bool {
        self.iss == ISSUER && self.aud.as_str() == verifier && signing_key.party == Party::operator(&self.op)
    }
}

impl TokenClaims for SessionClaims {
    const TYP: &'static str = "onbill-session+jwt";
    const KEY_USE: KeyUse = KeyUse::SessionAssertion;
    const LIFETIME_SECONDS_MAX: i64 = SESSION_ASSERTION_TTL_SECONDS_MAX;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The verifier is the operator whose origin was called.
    fn matches_issuer_and_audience(&self, verifier: &str, signing_key: &Key) -> bool {
        self.aud == ISSUER && self.iss.as_str() == verifier && signing_key.party == Party::operator(&self.iss)
    }
}

impl TokenClaims for ResultClaims {
    const TYP: &'static str = "onbill-result+jwt";
    const KEY_USE: KeyUse = KeyUse::ReturnResult;
    const LIFETIME_SECONDS_MAX: i64 = RETURN_RESULT_TTL_SECONDS;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The verifier is the operator.
    fn matches_issuer_and_audience(&self, verifier: &str, signing_key: &Key) -> bool {
        self.iss == ISSUER && self.aud.as_str() == verifier && signing_key.party == Party::operator(&self.aud)
    }
}

/// The operator whose derived key a token says has signed it. Only its verification proves that.
pub fn claimed_operator<T: TokenClaims>(token: &str) -> Option<OperatorId> {
    operator_of_key(T::KEY_USE, &jws::claimed_key_id(token)?)
}

/// Signs claims with `key`; `None` when the key has another use.
pub fn sign<T: TokenClaims>(key: &Key, claims: &T) -> Option<String> {
    if key.key_use == T::KEY_USE { jws::sign(key, T::TYP, claims) } else { None }
}

/// The claims of a genuine token for `verifier` that has not expired. `token-expired` for a genuine
/// one that has, and `token-invalid` for every other text.
pub fn verify<T: TokenClaims>(
    keys: &Keyring,
    verifier: &str,
    now: Timestamp,
    token: &str,
) -> Result<T, Reject> {
    let invalid = || Reject::new(ErrorCode::TokenInvalid, "The token is not valid here.");
    let (claims, signing_key) = jws::verify::<T>(keys, T::KEY_USE, T::TYP, token).ok_or_else(invalid)?;
    let (issued, expires) = claims.issued_and_expires();
    let lifetime = expires.checked_sub(issued).ok_or_else(invalid)?;
    let is_from_the_future = issued > now.plus_seconds(SIGNATURE_SKEW_SECONDS).unix_seconds();
    if !claims.matches_issuer_and_audience(verifier, signing_key)
        || !(1..=T::LIFETIME_SECONDS_MAX).contains(&lifetime)
        || is_from_the_future
    {
        return Err(invalid());
    }
    if now.unix_seconds() >= expires {
        return Err(Reject::new(ErrorCode::TokenExpired, "The token has expired."));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::encode_base64url;
    use serde_json::json;

    const NOW: i64 = 1_795_000_000;

    fn keys() -> Keyring {
        let entry = |operator: &str, byte: u8| {
            json!({"id": format!("{operator}-t"), "party": format!("operator:{operator}"), "use": "signup-token",
                   "alg": "hmac-sha256", "secret": encode_base64url(&[byte; 32])})
        };
        Keyring::parse(&json!([entry("acme", 1), entry("nova", 2)]).to_string()).expect("is well formed")
    }

    fn claims() -> SignupClaims {
        SignupClaims {
            iss: ISSUER.to_owned(),
            aud: PartnerId::parse("netflix").expect("is a slug"),
            sub: Pai::from_random([5; 16]),
            op: OperatorId::parse("acme").expect("is a slug"),
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            jti: "j".to_owned(),
            iat: NOW,
            exp: NOW + 300,
        }
    }

    fn verify_changed(
        signer: &str,
        change: impl FnOnce(&mut SignupClaims),
        now: i64,
    ) -> Result<(), &'static str> {
        let keys = keys();
        let mut claims = claims();
        change(&mut claims);
        let token = sign(keys.find(KeyUse::SignupToken, signer).expect("is there"), &claims).expect("signs");
        verify::<SignupClaims>(&keys, "netflix", Timestamp::from_unix_seconds(now), &token)
            .map(|_| ())
            .map_err(|reject| reject.code.as_str())
    }

    #[test]
    fn token_is_valid_for_its_audience_and_lifetime() {
        assert_eq!(verify_changed("acme-t", |_| {}, NOW), Ok(()));
        assert_eq!(verify_changed("acme-t", |_| {}, NOW + 299), Ok(()));
        assert_eq!(verify_changed("acme-t", |_| {}, NOW + 300), Err("token-expired"));
        assert_eq!(verify_changed("acme-t", |_| {}, NOW - 301), Err("token-invalid"));
        assert_eq!(
            verify_changed("acme-t", |c| c.aud = PartnerId::parse("other").expect("slug"), NOW),
            Err("token-invalid")
        );
        assert_eq!(verify_changed("acme-t", |c| c.exp = NOW + 301, NOW), Err("token-invalid"));
        assert_eq!(verify_changed("acme-t", |c| c.exp = i64::MAX, NOW), Err("token-invalid"));
        assert_eq!(verify_changed("acme-t", |c| c.iat = i64::MIN, NOW), Err("token-invalid"));
        assert_eq!(verify_changed("acme-t", |c| c.iss = "else".to_owned(), NOW), Err("token-invalid"));
    }

    #[test]
    fn session_and_result_are_for_their_operator() {
        let entry = |operator: &str, key_use: &str, byte: u8| {
            json!({"id": format!("{operator}-{key_use}"), "party": format!("operator:{operator}"), "use": key_use,
                   "alg": "hmac-sha256", "secret": encode_base64url(&[byte; 32])})
        };
        let ring = json!([
            entry("acme", "session-assertion", 1),
            entry("nova", "session-assertion", 2),
            entry("acme", "return-result", 3),
            entry("nova", "return-result", 4)
        ]);
        let keys = Keyring::parse(&ring.to_string()).expect("is well formed");
        let slug = |name: &str| OperatorId::parse(name).expect("is a slug");
        let now = Timestamp::from_unix_seconds(NOW);
        let session = |signer: &str, iss: &str, aud: &str, reader: &str| {
            let key =
                keys.signing_key(KeyUse::SessionAssertion, format!("operator:{signer}")).expect("is there");
            let claims = SessionClaims {
                iss: slug(iss),
                aud: aud.to_owned(),
                numbers: vec![],
                jti: None,
                iat: NOW,
                exp: NOW + 900,
            };
            verify::<SessionClaims>(&keys, reader, now, &sign(key, &claims).expect("signs")).is_ok()
        };
        let result = |signer: &str, iss: &str, aud: &str, reader: &str| {
            let key = keys.signing_key(KeyUse::ReturnResult, format!("operator:{signer}")).expect("is there");
            let claims = ResultClaims {
                iss: iss.to_owned(),
                aud: slug(aud),
                outcome: SignupOutcome::Success,
                offer: OfferId::parse("netflix-standard").expect("is a slug"),
                partner_subscription_id: None,
                jti: "j".to_owned(),
                iat: NOW,
                exp: NOW + 600,
            };
            verify::<ResultClaims>(&keys, reader, now, &sign(key, &claims).expect("signs")).is_ok()
        };
        assert!(session("acme", "acme", ISSUER, "acme"));
        assert!(!session("nova", "acme", ISSUER, "acme"), "another's key");
        assert!(!session("nova", "nova", ISSUER, "acme"), "another's session");
        assert!(!session("acme", "acme", "else", "acme"), "for another audience");
        assert!(result("acme", ISSUER, "acme", "acme"));
        assert!(!result("nova", ISSUER, "acme", "acme"), "another's key");
        assert!(!result("nova", ISSUER, "nova", "acme"), "another's result");
        assert!(!result("acme", "else", "acme", "acme"), "by another issuer");
    }

    #[test]
    fn operator_cannot_sign_for_another() {
        assert_eq!(verify_changed("nova-t", |_| {}, NOW), Err("token-invalid"));
        assert_eq!(
            verify_changed("nova-t", |c| c.op = OperatorId::parse("nova").expect("slug"), NOW),
            Ok(())
        );
    }
}
