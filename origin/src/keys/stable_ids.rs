//! Ids by which other parties recognize repeated work: billing a charge, the partner a subscription. They
//! follow from the other party's own id, so that the same call has the same id permanently, also on a
//! database that was restored from a copy of before the call, or that lost its last seconds in a
//! failover. Billing then recognizes the charge that the database has lost.
//!
//! An id is a UUID of version 8 (RFC 9562 §5.8): 122 bits of an HMAC-SHA-256. Its key never
//! rotates, because another key would be other ids. It is derived by HKDF (RFC 5869) from the
//! oldest `numbers` key, which has to stay in the ring permanently in any case; an origin whose oldest
//! key differs from its ledger's does not start.

use hkdf::Hkdf;
use onbill_domain::ids::{ExtId, OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring, hmac_sha256};
use sha2::Sha256;
use zeroize::Zeroizing;

/// What an id names. The words are part of what is hashed, and never change.
#[derive(Clone, Copy)]
enum Named {
    Charge,
    Refund,
    Subscription,
    TermsChange,
    Coupon,
    CouponCharge,
    Dispute,
}

impl Named {
    fn label(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Refund => "refund",
            Self::Subscription => "subscription",
            Self::TermsChange => "terms-change",
            Self::Coupon => "coupon",
            Self::CouponCharge => "coupon-charge",
            Self::Dispute => "dispute",
        }
    }
}

/// Derives ids. Its key cannot be printed.
pub struct StableIds {
    key: Zeroizing<[u8; 32]>,
    operator: OperatorId,
}

impl StableIds {
    /// Derives the key from the ring's oldest `numbers` key. A ring without one is an error.
    pub fn new(keys: &Keyring, operator: &OperatorId) -> Result<Self, String> {
        let oldest = keys.keys_for_use(KeyUse::NumberSealing).next();
        let oldest = oldest.ok_or("the key ring has no key of use numbers")?;
        let secret = oldest.secret().ok_or_else(|| format!("key {} is not a secret", oldest.id))?;
        let mut key = Zeroizing::new([0; 32]);
        let derive = Hkdf::<Sha256>::new(None, secret);
        derive.expand(b"onbill stable ids v1", &mut key[..]).map_err(|error| error.to_string())?;
        Ok(Self { key, operator: operator.clone() })
    }

    /// The `transactionID` of a partner's charge.
    pub fn charge(&self, partner: &PartnerId, id: &ExtId) -> String {
        self.derive(Named::Charge, &[partner.as_str(), id.as_str()])
    }

    /// The `refundID` of a partner's refund.
    pub fn refund(&self, partner: &PartnerId, id: &ExtId) -> String {
        self.derive(Named::Refund, &[partner.as_str(), id.as_str()])
    }

    /// The `refundID` of an operator's refund of a charge: another than any of a partner's, whose name has
    /// no colon.
    pub fn operator_refund(&self, transaction_id: &str, reference: &ExtId) -> String {
        self.derive(Named::Refund, &["operator:", transaction_id, reference.as_str()])
    }

    /// The `disputeID` of an operator's dispute about a charge.
    pub fn dispute(&self, transaction_id: &str, reference: &ExtId) -> String {
        self.derive(Named::Dispute, &[transaction_id, reference.as_str()])
    }

    /// The `partnerSubscriptionID` of a partner's subscription.
    pub fn subscription(&self, partner: &PartnerId, id: &ExtId) -> String {
        self.derive(Named::Subscription, &[partner.as_str(), id.as_str()])
    }

    /// The mandate of a partner's change of plan or price.
    pub fn terms_change(&self, partner: &PartnerId, id: &ExtId) -> String {
        self.derive(Named::TermsChange, &[partner.as_str(), id.as_str()])
    }

    /// The `couponID` of an operator's coupon.
    pub fn coupon(&self, id: &ExtId) -> String {
        self.derive(Named::Coupon, &[id.as_str()])
    }

    /// The `transactionID` of a coupon's charge, after so many redemptions of it that were
    /// declined. It follows from the coupon, not from the reference of its redemption: a
    /// coupon whose redemption was lost and that is redeemed again is on the bill once.
    pub fn coupon_charge(&self, coupon: &ExtId, declined_before: u32) -> String {
        self.derive(Named::CouponCharge, &[coupon.as_str(), &declined_before.to_string()])
    }

    /// Each part is hashed with its length before it, so that no two lists of parts are the same
    /// bytes.
    fn derive(&self, named: Named, parts: &[&str]) -> String {
        let mut message = Vec::new();
        for part in [named.label(), self.operator.as_str()].iter().chain(parts) {
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hmac_sha256(&self.key[..], &message)[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid().to_string()
    }
}

/// Whether an id is spelt as those that are derived here: lower case, hyphenated, version 8.
pub fn has_form_of_ours(id: &str) -> bool {
    uuid::Uuid::try_parse(id).is_ok_and(|uuid| {
        let is_custom = uuid.get_version_num() == 8 && uuid.get_variant() == uuid::Variant::RFC4122;
        is_custom && uuid.to_string() == id
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use onbill_domain::encoding::encode_base64url;
    use serde_json::json;
    use std::collections::HashSet;

    fn ids(secrets: &[u8], operator: &str) -> StableIds {
        let entry = |byte: &u8| {
            json!({"id": format!("m{byte}"), "party": "operator:acme", "use": "numbers", "alg": "hmac-sha256",
                   "secret": encode_base64url(&[*byte; 32])})
        };
        let ring: Vec<_> = secrets.iter().map(entry).collect();
        let keys = Keyring::parse(&json!(ring).to_string()).expect("is well formed");
        StableIds::new(&keys, &OperatorId::parse(operator).expect("is a slug")).expect("has a key")
    }

    fn ext(id: &str) -> ExtId {
        ExtId::parse(id).expect("is an identifier")
    }

    fn partner(id: &str) -> PartnerId {
        PartnerId::parse(id).expect("is a slug")
    }

    #[test]
    fn id_of_charge_never_changes() {
        // The literal keeps later versions from deriving other ids: billing tells charges by them.
        let id = ids(&[1], "acme").charge(&partner("netflix"), &ext("n-1"));
        assert_eq!(id, "025e8d4f-7b0c-853e-9154-6ff3b4c6e085");
        assert_eq!(
            ids(&[1, 2], "acme").charge(&partner("netflix"), &ext("n-1")),
            id,
            "a newer key is no matter"
        );
    }

    #[test]
    fn ids_differ_by_everything_they_follow_from() {
        let acme = ids(&[1], "acme");
        let different = [
            acme.charge(&partner("netflix"), &ext("n-1")),
            acme.charge(&partner("netflix"), &ext("n-11")),
            acme.charge(&partner("netflixn"), &ext("-1")),
            acme.charge(&partner("tunes"), &ext("n-1")),
            acme.refund(&partner("netflix"), &ext("n-1")),
            acme.operator_refund("n", &ext("n-1")),
            acme.operator_refund("nn", &ext("-1")),
            acme.dispute("n", &ext("n-1")),
            acme.dispute("nn", &ext("-1")),
            acme.subscription(&partner("netflix"), &ext("n-1")),
            acme.coupon(&ext("n-1")),
            acme.coupon_charge(&ext("n-1"), 0),
            acme.coupon_charge(&ext("n-1"), 1),
            acme.coupon_charge(&ext("n-10"), 0),
            ids(&[1], "nova").charge(&partner("netflix"), &ext("n-1")),
            ids(&[2], "acme").charge(&partner("netflix"), &ext("n-1")),
        ];
        assert_eq!(different.iter().collect::<HashSet<_>>().len(), different.len(), "{different:?}");
        for id in different {
            assert!(has_form_of_ours(&id), "{id}");
            assert!(!has_form_of_ours(&id.replace('-', "")), "{id}");
        }
        for id in ["r-1", "", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", "025E8D4F-7B0C-853E-9154-6FF3B4C6E085"]
        {
            assert!(!has_form_of_ours(id), "{id}");
        }
    }
}
