//! The three kinds of token: the sign-up token for the partner, the dashboard's session assertion, and the result on
//! the operator's return URL. [`verify`] says whether it is genuine, in time and meant for the reader; whether
//! it was spent before is known at the origin only.

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
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// Issuer of our own tokens.
pub const ISSUER: &str = "onbill";

/// Claims of the sign-up token. It has no number in it: `sub` is the PAI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignupClaims {
    /// Always `onbill`.
    pub iss: String,
    /// The partner it is for.
    pub aud: PartnerId,
    /// The subscriber, as this partner knows them.
    pub sub: Pai,
    /// The operator whose origin minted it and will spend it.
    pub op: OperatorId,
    /// What is being signed up for.
    pub offer: OfferId,
    /// Unique; what the origin spends.
    pub jti: String,
    /// Issued, in Unix seconds.
    pub iat: i64,
    /// Over, in Unix seconds.
    pub exp: i64,
}

/// Claims of the dashboard's session assertion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The operator whose dashboard signed it.
    pub iss: OperatorId,
    /// Always `onbill`.
    pub aud: String,
    /// The numbers of the person who is logged in.
    pub numbers: Vec<Msisdn>,
    /// Issued, in Unix seconds.
    pub iat: i64,
    /// Over, in Unix seconds.
    pub exp: i64,
}

/// How a customer's visit to the partner ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignupOutcome {
    /// A subscription on the phone bill exists.
    Success,
    /// The partner spent the token and has not reported a subscription (yet).
    Pending,
    /// The visit ended without the partner taking up the token.
    Cancelled,
}

/// Claims of the result on the operator's return URL. No number and no PAI: a URL is no place for either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultClaims {
    /// Always `onbill`.
    pub iss: String,
    /// The operator.
    pub aud: OperatorId,
    /// How it ended.
    pub outcome: SignupOutcome,
    /// What was being signed up for.
    pub offer: OfferId,
    /// Our name for the subscription, on success.
    #[serde(rename = "partnerSubscriptionID", default, skip_serializing_if = "Option::is_none")]
    pub partner_subscription_id: Option<String>,
    /// Unique.
    pub jti: String,
    /// Issued, in Unix seconds.
    pub iat: i64,
    /// Over, in Unix seconds.
    pub exp: i64,
}

/// A kind of token: its `typ`, its key, and how long it may live.
pub trait TokenClaims: Serialize + for<'de> Deserialize<'de> {
    /// The JWS `typ`.
    const TYP: &'static str;
    /// The keys that sign it.
    const KEY_USE: KeyUse;
    /// Longest life, in seconds; a longer one is refused even when genuine.
    const LIFETIME_SECONDS_MAX: i64;
    /// `iat` and `exp`.
    fn issued_and_expires(&self) -> (i64, i64);
    /// Whether issuer, signer and audience are who they must be for `reader`.
    fn is_meant_for(&self, reader: &str, signer: &Key) -> bool;
}

impl TokenClaims for SignupClaims {
    const TYP: &'static str = "onbill+jwt";
    const KEY_USE: KeyUse = KeyUse::SignupToken;
    const LIFETIME_SECONDS_MAX: i64 = SIGNUP_TOKEN_TTL_SECONDS;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The reader is the partner; the key must be the one of the operator that the token names, so that one
    /// operator's origin cannot speak for another's subscribers.
    fn is_meant_for(&self, reader: &str, signer: &Key) -> bool {
        self.iss == ISSUER && self.aud.as_str() == reader && signer.party == Party::operator(&self.op)
    }
}

impl TokenClaims for SessionClaims {
    const TYP: &'static str = "onbill-session+jwt";
    const KEY_USE: KeyUse = KeyUse::SessionAssertion;
    const LIFETIME_SECONDS_MAX: i64 = SESSION_ASSERTION_TTL_SECONDS_MAX;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The reader is the operator whose origin checks it.
    fn is_meant_for(&self, reader: &str, signer: &Key) -> bool {
        self.aud == ISSUER && self.iss.as_str() == reader && signer.party == Party::operator(&self.iss)
    }
}

impl TokenClaims for ResultClaims {
    const TYP: &'static str = "onbill-result+jwt";
    const KEY_USE: KeyUse = KeyUse::ReturnResult;
    const LIFETIME_SECONDS_MAX: i64 = RETURN_RESULT_TTL_SECONDS;

    fn issued_and_expires(&self) -> (i64, i64) {
        (self.iat, self.exp)
    }

    /// The reader is the operator.
    fn is_meant_for(&self, reader: &str, signer: &Key) -> bool {
        self.iss == ISSUER && self.aud.as_str() == reader && signer.party == Party::operator(&self.aud)
    }
}

/// Signs claims with `key`; `None` when the key is of another use.
pub fn sign<T: TokenClaims>(key: &Key, claims: &T) -> Option<String> {
    if key.key_use == T::KEY_USE { jws::sign(key, T::TYP, claims) } else { None }
}

/// Gives the claims of a token that is genuine, in time and meant for `reader`. Otherwise `token-expired` for a
/// genuine token of the past, and `token-invalid` for everything else.
pub fn verify<T: TokenClaims>(
    keys: &Keyring,
    reader: &str,
    now: Timestamp,
    token: &str,
) -> Result<T, Reject> {
    let invalid = || Reject::new(ErrorCode::TokenInvalid, "The token is not valid here.");
    let (claims, signer) = jws::verify::<T>(keys, T::KEY_USE, T::TYP, token).ok_or_else(invalid)?;
    let (issued, expires) = claims.issued_and_expires();
    let lifetime = expires.checked_sub(issued).ok_or_else(invalid)?;
    let from_the_future = issued > now.plus_seconds(SIGNATURE_SKEW_SECONDS).unix_seconds();
    if !claims.is_meant_for(reader, signer)
        || !(1..=T::LIFETIME_SECONDS_MAX).contains(&lifetime)
        || from_the_future
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

    fn verdict(signer: &str, change: impl FnOnce(&mut SignupClaims), now: i64) -> Result<(), &'static str> {
        let keys = keys();
        let mut claims = claims();
        change(&mut claims);
        let token = sign(keys.find(KeyUse::SignupToken, signer).expect("is there"), &claims).expect("signs");
        verify::<SignupClaims>(&keys, "netflix", Timestamp::from_unix_seconds(now), &token)
            .map(|_| ())
            .map_err(|reject| reject.code.as_str())
    }

    #[test]
    fn a_token_is_good_for_its_audience_and_its_time() {
        assert_eq!(verdict("acme-t", |_| {}, NOW), Ok(()));
        assert_eq!(verdict("acme-t", |_| {}, NOW + 299), Ok(()));
        assert_eq!(verdict("acme-t", |_| {}, NOW + 300), Err("token-expired"));
        assert_eq!(verdict("acme-t", |_| {}, NOW - 301), Err("token-invalid"));
        assert_eq!(
            verdict("acme-t", |c| c.aud = PartnerId::parse("other").expect("slug"), NOW),
            Err("token-invalid")
        );
        assert_eq!(verdict("acme-t", |c| c.exp = NOW + 301, NOW), Err("token-invalid"));
        assert_eq!(verdict("acme-t", |c| c.exp = i64::MAX, NOW), Err("token-invalid"));
        assert_eq!(verdict("acme-t", |c| c.iat = i64::MIN, NOW), Err("token-invalid"));
        assert_eq!(verdict("acme-t", |c| c.iss = "else".to_owned(), NOW), Err("token-invalid"));
    }

    #[test]
    fn a_session_and_a_result_are_for_their_operator() {
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
                keys.signing_key(KeyUse::SessionAssertion, &format!("operator:{signer}")).expect("is there");
            let claims = SessionClaims {
                iss: slug(iss),
                aud: aud.to_owned(),
                numbers: vec![],
                iat: NOW,
                exp: NOW + 900,
            };
            verify::<SessionClaims>(&keys, reader, now, &sign(key, &claims).expect("signs")).is_ok()
        };
        let result = |signer: &str, iss: &str, aud: &str, reader: &str| {
            let key =
                keys.signing_key(KeyUse::ReturnResult, &format!("operator:{signer}")).expect("is there");
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
        assert!(!session("acme", "acme", "else", "acme"), "for somebody else");
        assert!(result("acme", ISSUER, "acme", "acme"));
        assert!(!result("nova", ISSUER, "acme", "acme"), "another's key");
        assert!(!result("nova", ISSUER, "nova", "acme"), "another's result");
        assert!(!result("acme", "else", "acme", "acme"), "by somebody else");
    }

    #[test]
    fn one_operator_cannot_sign_for_another() {
        assert_eq!(verdict("nova-t", |_| {}, NOW), Err("token-invalid"));
        assert_eq!(verdict("nova-t", |c| c.op = OperatorId::parse("nova").expect("slug"), NOW), Ok(()));
    }
}
